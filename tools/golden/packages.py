"""What scripts that make packages of golden/models share: the files beside the weights, the clips, the cases."""

import json
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

from audio import decode
from cases import CaseFolder, maker, versions

golden = Path(__file__).resolve().parents[2] / "golden"
models = golden / "models"
SENSITIVITY = 3  # a mistake that moves the output by fewer times the tolerance is hardly seen


def tolerance(kind, loss, allowed):
    of = {"absolute": "", "relative": " of the largest value"}[kind]
    reason = f"float32 differs from float64 by {loss:g}{of} at most here, and backends from each other by about as much"
    return {"absolute": 0, "relative": 0, kind: allowed, "reason": reason}


def empty(folder):
    """A new folder in place of an old one."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_folder(folder, config, preprocessor, licence, script):
    """What stands beside the weights."""
    folder.mkdir(exist_ok=True)
    for name, value in (("config.json", config), ("preprocessor_config.json", preprocessor)):
        (folder / name).write_text(json.dumps(value, indent=2) + "\n")
    write_readme(folder, licence, script)


def write_readme(folder, licence, script):
    (folder / "README.md").write_text(
        f"---\nlicense: {licence}\n---\n\nRandom weights, made by `tools/golden/{script}` for tests. They know nothing.\n"
    )


def receptive_field(kernels, strides):
    """Samples that make one frame: the shortest clip."""
    length = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides)):
        length = (length - 1) * stride + kernel
    return length


def noise(seed, name, samples, level=0.05, offset=0.01):
    """Quiet, and not around zero, so that the normaliser's mean and epsilon count."""
    random = np.random.RandomState(zlib.crc32(f"{seed} {name}".encode()))
    return torch.from_numpy((level * random.standard_normal(samples) + offset).astype(np.float32))


def clips(goldens, seed, shortest, files, more={}):
    """{name: (input of a case or a waveform to store, the waveform)}: silence, the shortest clip, noise, audio `files`
    ({name: file of golden/audio}, copied beside the cases), `more` waveforms, and an odd length."""
    inputs = {
        "silence-1s": ({"kind": "zeros", "samples": 16000}, torch.zeros(16000)),
        "shortest": noise(seed, "shortest", shortest),
        "noise-1s": noise(seed, "noise-1s", 16000),
    }
    for name, file in files.items():
        shutil.copyfile(golden / "audio" / file, goldens / file)
        inputs[name] = ({"kind": "audio", "file": file}, decode(goldens / file))
    inputs |= more
    inputs["stages"] = noise(seed, "stages", 5431)
    return {name: entry if isinstance(entry, tuple) else (entry, entry) for name, entry in inputs.items()}


# Speech at the model's rate, several channels at another one, another rate below it.
FILES = {"speech": "speech.flac", "stereo-44k1": "stereo-44k1.flac", "mono-8k": "speech-8k.ogg"}


def make_goldens(folder, system, outputs, run, precise, mutate, *, command, seed, shortest, packages,
                 losses, files=FILES, more={}):
    """The cases of one package, and its manifest.

    `run(waveform, fine)` gives {name: tensor} of the true framework for a waveform [samples] at the model's rate that
    is not prepared yet, with `fine` more stages; `precise` does the same in float64; `mutate(waveform)` gives
    {mistake: change of the last output}. `losses` are ((kind, loss, allowed) of outputs, the same of stages): what
    float32 loses against float64 at most, and the tolerance."""
    goldens = empty(folder / "goldens")
    cases = CaseFolder(goldens, system, *[tolerance(*loss) for loss in losses], maker(*packages))
    measured = {}
    for name, (input, waveform) in clips(goldens, seed, shortest, files, more).items():
        observed = run(waveform, name == "stages")
        cases.add(name, input, observed, outputs)
        measured[name] = lost(observed, precise(waveform, name == "stages"), outputs, losses[0][0])
        if any(loss > most for loss, (_, most, _) in zip(measured[name].values(), losses)):
            print(f"{folder.name} {name}: float32 loses more than the tolerance's reason says: {measured[name]}", file=sys.stderr)
    cases.write()

    moved = mutate(waveform)  # of `stages`, the last
    kind, _, allowed = losses[0]
    limit = SENSITIVITY * allowed * (observed[outputs[-1]].abs().max().item() if kind == "relative" else 1)
    weak = {name: change for name, change in moved.items() if change < limit}
    if weak:
        print(f"{folder.name}: hardly seen in {outputs[-1]}: {weak}", file=sys.stderr)
    manifest = {
        "command": f"$(tools/golden/setup) tools/golden/{command}",
        "seed": seed,
        "versions": versions(*packages),
        "float32 against float64": measured,
        f"change of {outputs[-1]} in `stages` when wrong": {name: float(f"{change:.1e}") for name, change in moved.items()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def lost(observed, precise, outputs, kind):
    """Largest difference of an output (absolute, or relative to its largest value), and of a stage, relative."""
    off = {name: (observed[name].double() - precise[name]).abs().max().item() for name in observed}
    relative = {name: off[name] / max(precise[name].abs().max().item(), 1e-30) for name in observed}
    output = max((relative if kind == "relative" else off)[name] for name in outputs)
    stage = max((relative[name] for name in observed if name not in outputs), default=0.0)
    return {f"outputs, {kind}": float(f"{output:.0e}"), "stages, relative": float(f"{stage:.0e}")}
