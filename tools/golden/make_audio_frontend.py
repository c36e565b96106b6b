"""Makes what make_audio.py lacks: normalisation by the real feature extractor, means over channels, many small containers.

Writes golden/audio/frontend.{safetensors,json} and golden/audio/containers/.
"""

import json
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio
from safetensors.torch import save_file
from transformers import Wav2Vec2FeatureExtractor

MODEL_RATE = 16000
EXTRA_PAIRS = ((7350, 16000), (12345, 16000), (37800, 16000), (192000, 16000), (44100, 8000), (16000, 44100))
# torchaudio rounds the length to float32 before its ceiling: from the sixth pair on that takes the last sample away.
LENGTHS = ((44100, 1), (44100, 442), (22050, 9), (8000, 3), (48000, 4), (44100, 220828), (22050, 132464), (11025, 1764082),
           (12345, 742838), (48000, 3 * (2**24 + 3)), (16000, 5))
CONTAINERS = (
    # name, format, subtype, channels, rate, frames
    ("pcm8.wav", "WAV", "PCM_U8", 1, 8000, 301), ("pcm16.wav", "WAV", "PCM_16", 1, 16000, 400),
    ("pcm32.wav", "WAV", "PCM_32", 2, 48000, 301), ("double.wav", "WAV", "DOUBLE", 1, 16000, 301),
    ("a-law.wav", "WAV", "ALAW", 1, 8000, 301), ("ima.wav", "WAV", "IMA_ADPCM", 1, 16000, 1010),
    ("six.wav", "WAV", "PCM_24", 6, 48000, 301), ("one-frame.wav", "WAV", "PCM_16", 1, 16000, 1),
    ("empty.wav", "WAV", "PCM_16", 1, 16000, 0), ("big-endian.aiff", "AIFF", "PCM_16", 2, 44100, 301),
    ("mu-law.au", "AU", "ULAW", 1, 8000, 301), ("float.caf", "CAF", "FLOAT", 1, 16000, 301),
    ("wave64.w64", "W64", "PCM_16", 1, 16000, 301), ("pcm24.flac", "FLAC", "PCM_24", 3, 96000, 301),
    ("pcm16.flac", "FLAC", "PCM_16", 1, 16000, 9001), ("stereo.mp3", "MP3", "MPEG_LAYER_III", 2, 44100, 5000),
)

folder = Path(__file__).resolve().parents[2] / "golden" / "audio"


def normalisation(tensors):
    """Clips that show the epsilon, the order of the sums, and the edges; their names say what they are."""
    random = np.random.RandomState(7)
    noise = lambda count, scale=0.1, shift=0.0: (shift + scale * random.standard_normal(count)).astype(np.float32)
    clips = {f"noise-{count}": noise(count) for count in (1, 2, 7, 8, 9, 127, 128, 129, 136, 1031)}
    clips |= {
        "direct-current": noise(30011, shift=0.3),
        "quiet": noise(5003, scale=0.01),
        "faint": noise(1009, scale=1e-4),
        "loud": noise(2003, scale=3000.0, shift=20000.0),
        "silence": np.zeros(400, np.float32),
        "constant": np.full(1001, 0.1, np.float32),
    }
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True, sampling_rate=MODEL_RATE)
    for name, clip in clips.items():
        tensors[f"normalize.input.{name}"] = torch.from_numpy(clip)
        values = extractor(clip, sampling_rate=MODEL_RATE, return_tensors="np").input_values[0]
        tensors[f"normalize.zero-mean.{name}"] = torch.from_numpy(values)
        wave = torch.from_numpy(clip)
        tensors[f"normalize.layer-norm.{name}"] = torch.nn.functional.layer_norm(wave, wave.shape)
    return list(clips)


def downmix(tensors):
    random = np.random.RandomState(8)
    for channels in (1, 2, 3, 5, 6, 7, 8, 9, 16, 17):
        frames = random.standard_normal((301, channels)).astype(np.float32)
        tensors[f"downmix.input.{channels}"] = torch.from_numpy(frames)
        tensors[f"downmix.numpy.{channels}"] = torch.from_numpy(frames.mean(axis=1))
        tensors[f"downmix.torch.{channels}"] = torch.from_numpy(frames).mean(dim=1)


def resampler(tensors):
    for source, target in EXTRA_PAIRS:
        wave = torch.from_numpy(np.random.RandomState(source).standard_normal(source // 20 + 3).astype(np.float32)) * 0.3
        tensors[f"resample.input.{source}.{target}"] = wave
        # Not torchaudio.functional.resample: that computes the kernel in 32 bits (here up to 2e-5 beside the transform's).
        tensors[f"resample.output.{source}.{target}"] = torchaudio.transforms.Resample(source, target)(wave)
    return [
        {"rate": rate, "samples": count, "resampled": torchaudio.transforms.Resample(rate, MODEL_RATE)(torch.zeros(count)).shape[-1]}
        for rate, count in LENGTHS
    ]


def forget_time(path):
    """libsndfile writes the time of day into the PEAK chunk of floating-point WAV files."""
    data = bytearray(path.read_bytes())
    peak = data.find(b"PEAK")
    if path.suffix == ".wav" and 0 < peak < 100:
        data[peak + 12 : peak + 16] = bytes(4)
        path.write_bytes(data)


def containers(tensors):
    place = folder / "containers"
    place.mkdir(exist_ok=True)
    rows = []
    for name, kind, subtype, channels, rate, frames in CONTAINERS:
        time = np.arange(frames)[:, None] / rate
        tone = 0.5 * np.sin(2 * np.pi * (300 + 170 * np.arange(channels)) * time)
        noise = 0.2 * np.random.RandomState(frames).uniform(-1, 1, (frames, channels))
        soundfile.write(place / name, tone + noise, rate, format=kind, subtype=subtype)
        (place / name).chmod(0o644)
        forget_time(place / name)
        decoded, _ = soundfile.read(place / name, dtype="float32", always_2d=True)
        tensors[f"decoded.{name}"] = torch.from_numpy(decoded)
        rows.append({"file": name, "rate": rate, "channels": channels, "frames": len(decoded), "lossy": kind == "MP3"})
    return rows


def main():
    torch.set_num_threads(1)
    tensors = {}
    manifest = {"clips": normalisation(tensors)}
    downmix(tensors)
    manifest["pairs"] = EXTRA_PAIRS
    manifest["lengths"] = resampler(tensors)
    manifest["containers"] = containers(tensors)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "frontend.safetensors")
    (folder / "frontend.safetensors").chmod(0o644)
    (folder / "frontend.json").write_text(json.dumps(manifest, indent=1) + "\n")


main()
