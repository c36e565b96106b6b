"""Pruning at full size, 24 layers to 12, beside `cp` of what comes out and beside Python that does the same.

    pruning.py ASSAY PYTHON FOLDER [ROUNDS]

FOLDER holds what make_full_size_pruning.py makes. Imported by tools/bench/run. The Python is tools/golden/prune_in_torch.py:
torch.load, names, torch.save; the onnx package and scope names. It writes no manifest, hashes nothing and reads nothing back.
"""

import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from conversion import watched

script = Path(__file__).resolve().parents[1] / "golden/prune_in_torch.py"
KEEP = ("--keep", "0-11")


def table(assay, python, bench, rounds):
    """Prints a table for the checkpoint and one for the ONNX file; leaves nothing behind."""
    work = bench / "pruning"
    work.mkdir(exist_ok=True)
    ours = lambda source, output: [assay, "prune", source, *KEEP, "-o", output, "--quiet"]
    theirs = lambda source, output, *more: [python, script, "prune", source, *KEEP, "-o", output, "--no-manifest", *more]
    robust, graph = bench / "robust-full", bench / "emotion24-full-onnx/model.onnx"
    weights = robust / "pytorch_model.bin"
    checkpoint = {
        "assay, folder": ours(robust, work / "assay-folder"),
        "assay, .safetensors": ours(robust, work / "assay.safetensors"),
        "assay, .assay": ours(robust, work / "assay.assay"),
        "torch, .bin": theirs(weights, work / "torch.bin"),
        "torch, mapped, .bin": theirs(weights, work / "torch-mapped.bin", "--mmap"),
        "torch, mapped, + safetensors": theirs(weights, work / "torch.safetensors", "--mmap"),
    }
    graphs = {"assay, .onnx": ours(graph, work / "assay.onnx"), "onnx package": theirs(graph, work / "theirs.onnx")}
    measure(f"Pruning the {weights.stat().st_size / 1e6:.0f} MB checkpoint", weights, checkpoint, work, rounds)
    goldens = robust / "goldens-0-11"
    verified(assay, [assay, "verify", work / "assay.assay", "--golden", goldens])
    measure(f"Pruning the {graph.stat().st_size / 1e6:.0f} MB ONNX file", graph, graphs, work, rounds)
    verified(assay, [assay, "verify", work / "assay.onnx", "--golden", graph.parent / "goldens-0-11"])
    shutil.rmtree(work)


def output_of(command):
    return Path(command[command.index("-o") + 1])


def clear(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    Path(f"{path}.prune.json").unlink(missing_ok=True)
    os.sync()


def measure(title, source, rows, work, rounds):
    source.read_bytes()
    # What is copied is the first row's result, which that row makes in a turn that is not counted.
    first, copy = next(iter(rows)), work / "copy"
    clear(output_of(rows[first]))
    watched(rows[first])
    made = output_of(rows[first])
    result = work / "result"
    shutil.copyfile(made / source.name if made.is_dir() else made, result)
    rows = {"`cp` of the result, `sync`": ["bash", "-c", f"cp '{result}' '{copy}' && sync '{copy}'", "-o", copy], **rows}
    seen = {name: [] for name in rows}
    # In turn, so that a machine whose speed drifts treats all alike; the first round is not counted.
    for turn in range(rounds + 1):
        for name, command in rows.items():
            clear(output_of(command))
            measured = watched(command)
            if turn > 0 or rounds == 0:
                seen[name].append(measured)
    size = result.stat().st_size
    base = statistics.median(seconds for seconds, _, _ in next(iter(seen.values())))
    print(f"{title} to layers 0-11, {size / 1e6:.0f} MB; warm page cache, in turn, medians of {max(rounds, 1)}; assay hashes what it reads, "
          f"syncs, and compares what it reads back:\n")
    print(f"| | s | times `cp`, `sync` | memory beside mapped files, MB | in total, MB |\n|---|---|---|---|---|")
    for name, values in seen.items():
        seconds = statistics.median(value[0] for value in values)
        beside, total = (max(value[i] for value in values) / 1e6 for i in (1, 2))
        print(f"| {name} | {seconds:.2f} | {seconds / base:.2f} | {beside:.0f} | {total:.0f} |")
    print(flush=True)
    result.unlink()
    copy.unlink()


def verified(assay, command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    print(f"Against PyTorch after the same surgery, exit code {done.returncode}: {'; '.join(lines[-3:])}\n", flush=True)


if __name__ == "__main__":
    table(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 3)
