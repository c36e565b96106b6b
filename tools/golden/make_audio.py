"""Makes golden/audio: one sentence of speech in six containers, what each decodes to, and torchaudio's resampler.

Needs espeak-ng and sox on the path (sox writes OGG and float WAV without random serials and time stamps).
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from audio import MODEL_RATE, decode, resample
from cases import save_arrays

SENTENCE = "The assay of this metal begins at noon."
RESAMPLED_RATES = (8000, 11025, 22050, 24000, 32000, 44100, 48000, 96000)
LOSSY = (".mp3", ".ogg")

folder = Path(__file__).resolve().parents[2] / "golden" / "audio"


def speak(path):
    """The sentence at espeak-ng's own 22.05 kHz, 16 bit, mono."""
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "160", "-w", str(path), SENTENCE], check=True)


def make_clips():
    with tempfile.TemporaryDirectory() as temporary:
        wav = Path(temporary) / "speech.wav"
        speak(wav)
        speech, rate = soundfile.read(wav, dtype="float32")
        soundfile.write(folder / "speech.flac", speech, rate, subtype="PCM_16")

        # About a second of it for the other containers; the count is no multiple of anything.
        second = torch.from_numpy(speech[rate // 4 :][: rate + 13])
        at = {to: resample(second, rate, to).clamp(-0.99, 0.99).numpy() for to in (8000, 16000, 44100)}

        # The channels differ by a delay of 1 ms, a gain and an offset, so that taking one channel, or their sum, shows.
        right = 0.5 * np.roll(at[44100], 44) + 0.01
        soundfile.write(folder / "stereo-44k1.flac", np.stack([at[44100], right], axis=1), 44100, subtype="PCM_16")
        soundfile.write(folder / "pcm24-16k.wav", at[16000], 16000, subtype="PCM_24")
        soundfile.write(folder / "speech-22k05.mp3", second.numpy(), rate, format="MP3")

        def sox(source, rate, *arguments):
            path = Path(temporary) / "source.wav"
            soundfile.write(path, source, rate, subtype="PCM_24")
            subprocess.run(["sox", "-R", "-D", str(path), *arguments], check=True)

        sox(at[16000], 16000, "-e", "floating-point", "-b", "32", str(folder / "float32-16k.wav"))
        sox(at[8000], 8000, "-C", "5", str(folder / "speech-8k.ogg"))


def make_decoded():
    clips = sorted(path for path in folder.iterdir() if path.suffix in (".flac", ".wav", *LOSSY))
    decoded = {path.name: decode(path).contiguous() for path in clips}
    save_arrays(decoded, folder / "decoded.safetensors")
    exact = {"absolute": 1e-6, "relative": 0, "reason": "decoding is exact; sums of the resampler may be ordered otherwise (5e-7)"}
    lossy = {"absolute": 1e-4, "relative": 0, "reason": "a lossy decoder's arithmetic differs by version and machine"}
    return {
        path.name: {"samples": len(decoded[path.name]), "tolerance": lossy if path.suffix in LOSSY else exact}
        for path in clips
    }


def make_resampler():
    """For each rate torchaudio's own taps [phases, taps], an input and its output."""
    tensors = {}
    for rate in RESAMPLED_RATES:
        transform = torchaudio.transforms.Resample(rate, MODEL_RATE)
        random = np.random.RandomState(rate)
        count = rate // 10 + 7  # no multiple of anything
        time = np.arange(count) / rate
        sweep = 0.5 * np.sin(2 * np.pi * (100 * time + 0.5 * rate / 2 * time**2 / time[-1]))  # up to half of Nyquist
        wave = torch.from_numpy((sweep + 0.2 * random.standard_normal(count)).astype(np.float32))
        tensors[f"taps.{rate}"] = transform.kernel.squeeze(1).contiguous()
        tensors[f"input.{rate}"] = wave
        tensors[f"output.{rate}"] = transform(wave).contiguous()
    save_arrays(tensors, folder / "resample.safetensors")
    return {
        "rates": RESAMPLED_RATES,
        "to": MODEL_RATE,
        "taps": "bit-equal",
        "tolerance": {"absolute": 1e-6, "relative": 0, "reason": "f32 sums of up to 475 products, ordered otherwise (5e-7)"},
    }


def version(*command):
    return re.search(r"\d[\d.]+", subprocess.run(command, check=True, capture_output=True, text=True).stdout).group()


def main():
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    make_clips()
    manifest = {
        "command": "$(tools/golden/setup) tools/golden/make_audio.py",
        "sentence": SENTENCE,
        "versions": {
            "torchaudio": torchaudio.__version__,
            "soundfile": soundfile.__version__,
            "libsndfile": soundfile.__libsndfile_version__,
            "espeak-ng": version("espeak-ng", "--version"),
            "sox": version("sox", "--version"),
            "python": sys.version.split()[0],
        },
        "decoded": make_decoded(),
        "resample": make_resampler(),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


main()
