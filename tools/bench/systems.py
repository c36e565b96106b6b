"""Every system at full size: beside its framework's numbers, and 100 clips of 5 s beside its framework's own loop.

    systems.py ASSAY PYTHON FOLDER ROUNDS THREADS
    systems.py loop NAME FOLDER THREADS             that loop, in a fresh process: a line of JSON

FOLDER holds what make_full_size_systems.py makes. Imported by tools/bench/run. The loops: audEERING's card, transformers'
audio-classification pipeline over waveforms that soundfile has read (files would go through ffmpeg), the notebook's
`load_audio` and `predict_emotion`, FunASR's `generate` over a wav.scp.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SYSTEMS = {  # name: goldens, what the framework is called
    "audeering-full": ("goldens-clips", "transformers"),
    "superb-full": ("goldens", "transformers, pipeline"),
    "speechbrain-full": ("goldens", "SpeechBrain"),
    "emotion2vec-base-full": ("goldens", "FunASR"),
    "emotion2vec-plus-seed-full": ("goldens", "FunASR"),
    "emotion2vec-plus-large-full": ("goldens", "FunASR"),
}


def tables(assay, python, bench, rounds, threads):
    for name in SYSTEMS:
        subprocess.run([assay, "convert", bench / name, "-o", bench / f"{name}.assay", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    parity(assay, bench, threads)
    clips(assay, python, bench, rounds, threads)
    for name in SYSTEMS:
        if name != "audeering-full":
            (bench / f"{name}.assay").unlink()


def parity(assay, bench, threads):
    print("| system | clips | outputs, relative to the largest | allowed | layers, relative | allowed | from the artifact, outputs |")
    print("|---|---|---|---|---|---|---|")
    for name, (goldens, _) in SYSTEMS.items():
        worst = []
        for model in (bench / name, bench / f"{name}.assay"):
            command = [assay, "verify", model, "--golden", bench / name / goldens, "--threads", str(threads), "--json", "--quiet"]
            done = subprocess.run(command, capture_output=True, text=True)
            cases = json.loads(done.stdout)["cases"]
            values = [value for case in cases for value in case["values"]]

            def relative(of_layers):
                chosen = [v for v in values if v["name"].startswith("layer.") == of_layers]
                return max(v["difference"] / v["limit"] * v["tolerance"]["relative"] for v in chosen if v["limit"])

            worst.append((relative(False), relative(True), done.returncode))
        (outputs, layers, code), (again, _, other) = worst
        verdict = "" if code == other == 0 else " DIFFERS"
        print(f"| {name} | {len(cases)} | {outputs:.1e}{verdict} | 1e-05 | {layers:.1e} | 2e-04 | {again:.1e} |")
    print(flush=True)


def clips(assay, python, bench, rounds, threads):
    print("100 clips of 5 s, 16 kHz WAV, one process from start to end, in turn, medians:\n")
    print("| system | | whole, s | times assay | loop alone, s | peak memory, GB |\n|---|---|---|---|---|---|")
    listed = bench / "clips/clips.scp"
    for name, (_, framework) in SYSTEMS.items():
        rows = {
            "assay, artifact": [assay, "run", bench / f"{name}.assay", "--scp", listed, "--json", "--quiet", "--threads", str(threads)],
            "assay, the files themselves": [assay, "run", bench / name, "--scp", listed, "--json", "--quiet", "--threads", str(threads)],
            framework: [python, __file__, "loop", name, bench, str(threads)],
        }  # fmt: skip
        seen = {row: [] for row in rows}
        for _ in range(rounds):
            for row, command in rows.items():
                seen[row].append(measured(command))
        reference = statistics.median(run["whole"] for run in seen["assay, artifact"])
        for row, runs in seen.items():
            whole, loop, peak = (statistics.median(run[key] for run in runs) for key in ("whole", "loop", "peak"))
            alone = f"{loop:.1f}" if row == framework else ""
            print(f"| {name} | {row} | {whole:.1f} | {whole / reference:.2f} | {alone} | {peak / 1e9:.2f} |", flush=True)
    print()


def measured(command):
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    peak, lines = 0, []
    for line in process.stdout:
        lines.append(line)
        peak = max(peak, high_water(process.pid))
    process.wait()
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}")
    whole = time.perf_counter() - start
    last = json.loads(lines[-1])
    return {"whole": whole, "loop": last.get("loop", 0.0), "peak": max(peak, last.get("peak", 0))}


def high_water(pid):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def loop(name, bench, threads):
    """Loads a model as its users do, runs the clips in their way, says how long these took."""
    import torch

    torch.set_num_threads(threads)
    paths = [line.split(" ", 1)[1].strip() for line in (bench / "clips/clips.scp").read_text().splitlines()]
    run = {"audeering": by_card, "superb": by_pipeline, "speechbrain": by_notebook}.get(name.split("-")[0], by_funasr)(bench / name)
    run(paths[:1])
    start = time.perf_counter()
    run(paths)
    print(json.dumps({"loop": time.perf_counter() - start, "peak": high_water(os.getpid())}), flush=True)


def by_card(folder):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
    import soundfile
    import torch
    from emotion_model import EmotionModel
    from transformers import Wav2Vec2FeatureExtractor

    model, extractor = EmotionModel.from_pretrained(folder).eval(), Wav2Vec2FeatureExtractor.from_pretrained(folder)

    def run(paths):
        for path in paths:
            samples, rate = soundfile.read(path, dtype="float32")
            with torch.no_grad():
                model(torch.from_numpy(extractor(samples, sampling_rate=rate)["input_values"][0].reshape(1, -1)))

    return run


def by_pipeline(folder):
    import soundfile
    from transformers import pipeline

    classify = pipeline("audio-classification", model=str(folder))

    def run(paths):
        for path in paths:
            samples, rate = soundfile.read(path, dtype="float32")
            classify({"raw": samples, "sampling_rate": rate}, top_k=5)

    return run


def by_notebook(folder):
    import soundfile
    import torch
    from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2
    from torch import nn

    encoder = Wav2Vec2(source=str(folder), save_path=str(folder.parent / "speechbrain-cache"), freeze=True).eval()
    classifier = nn.Sequential(
        nn.Linear(768, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 2))
    classifier.load_state_dict(torch.load(folder / "emotion_classifier.pth"))
    classifier.eval()

    def run(paths):
        for path in paths:
            samples, _ = soundfile.read(path, dtype="float32")  # torchaudio.load needs ffmpeg's libraries
            with torch.no_grad():
                classifier(torch.mean(encoder(torch.from_numpy(samples)[None]), dim=1))

    return run


def by_funasr(folder):
    import contextlib
    import tempfile

    import torch
    from funasr import AutoModel

    if (folder / "config.yaml").exists():
        with contextlib.redirect_stdout(sys.stderr):
            model = AutoModel(model=str(folder), device="cpu", disable_update=True, disable_pbar=True, ncpu=torch.get_num_threads())
        generate = lambda scp: model.generate(scp, granularity="utterance")
    else:  # a fairseq checkpoint has no folder that AutoModel reads: its own network, clip by clip
        return by_fairseq(folder)

    def run(paths):
        with tempfile.NamedTemporaryFile("w", suffix=".scp") as listed:
            listed.write("".join(f"clip-{i} {path}\n" for i, path in enumerate(paths)))
            listed.flush()
            with contextlib.redirect_stdout(sys.stderr):
                generate(listed.name)

    return run


def by_fairseq(folder):
    import soundfile
    import torch
    from make_full_size_systems import emotion2vec_model
    from torch.nn import functional as F

    model = emotion2vec_model(768, 12, -1)

    def run(paths):
        for path in paths:
            samples = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
            with torch.no_grad():
                model.extract_features(F.layer_norm(samples, samples.shape).view(1, -1), padding_mask=None)["x"].mean(dim=1)

    return run


if __name__ == "__main__":
    if sys.argv[1] == "loop":
        loop(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        tables(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
