"""Conversion at full size beside `cp` and beside torch + safetensors, which writes another format and proves nothing.

Imported by tools/bench/run. As a program it is the peer: `conversion.py torch|torch-f16 CHECKPOINT TARGET`.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path


def memory(pid):
    """Bytes of a process that are no mapped file now, and the most that was resident until now, mapped files included."""
    values = {"RssAnon": 0, "VmHWM": 0}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in values:
            values[name] = int(rest.split()[0]) * 1024
    return values["RssAnon"], values["VmHWM"]


def watched(command):
    """Runs a command; seconds, and the most memory seen beside mapped files and in total, looking every two milliseconds."""
    peak, total = 0, 0
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)

    def watch():
        nonlocal peak, total
        while process.poll() is None:
            try:
                now, most = memory(process.pid)
                peak, total = max(peak, now), max(total, most)
            except OSError:
                return
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    seconds = time.perf_counter() - start
    watcher.join()
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}")
    return seconds, peak, total


def table(assay, python, source, folder, rounds):
    """Prints the table; leaves the f32 and f16 artifacts behind."""
    checkpoint, copy = source / "pytorch_model.bin", folder / "copy"
    rows = {
        "`cp`": (copy, ["cp", checkpoint, copy]),
        "`cp`, `sync`": (copy, ["bash", "-c", f"cp '{checkpoint}' '{copy}' && sync '{copy}'"]),
        "assay, f32": (folder / "audeering-full.assay", [assay, "convert", source, "-o", folder / "audeering-full.assay", "--quiet"]),
        "assay, f16": (folder / "audeering-full-f16.assay",
                       [assay, "convert", source, "-o", folder / "audeering-full-f16.assay", "--dtype", "f16", "--quiet"]),
        "torch + safetensors, f32": (copy, [python, __file__, "torch", checkpoint, copy]),
        "torch + safetensors, f16": (copy, [python, __file__, "torch-f16", checkpoint, copy]),
    }
    times, peaks = {name: [] for name in rows}, {name: [] for name in rows}
    checkpoint.read_bytes()
    # Each several times in a row, the first not counted: on a virtual machine memory that was not in use for a while
    # is slow to come, whoever asks for it first.
    for name, (target, command) in rows.items():
        for turn in range(rounds + 1):
            target.unlink(missing_ok=True)
            os.sync()
            seconds, peak, _ = watched(command)
            peaks[name].append(peak)
            if turn > 0:
                times[name].append(seconds)
    copy.unlink()
    base = statistics.median(times["`cp`, `sync`"])
    print(f"Converting the {checkpoint.stat().st_size / 1e6:.0f} MB checkpoint, warm page cache; assay hashes source and result, "
          f"syncs, and compares what it reads back:\n")
    print("| | s | times `cp`, `sync` | memory beside mapped files, MB |\n|---|---|---|---|")
    for name in rows:
        seconds = statistics.median(times[name])
        print(f"| {name} | {seconds:.2f} | {seconds / base:.2f} | {max(peaks[name]) / 1e6:.0f} |")
    print()


def peer(kind, checkpoint, target):
    import torch
    from safetensors.torch import save_file

    tensors = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    if kind == "torch-f16":
        tensors = {name: tensor.half() if tensor.ndim >= 2 else tensor for name, tensor in tensors.items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, target)
    with open(target, "rb") as file:
        os.fsync(file.fileno())


if __name__ == "__main__":
    peer(*sys.argv[1:])
