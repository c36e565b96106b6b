"""Checks the files of tensors that `assay convert` writes, by torch, safetensors and Python's zipfile.

    tools/golden/check_written.py [--assay PROGRAM] [--huge]

Sources are all files of golden/formats with tensors and odd checkpoints made here. Each becomes .pt and .safetensors;
torch (`weights_only=True`, with and without `mmap=True`) and safetensors must read from it what torch, safetensors, onnx
read from the source: names, order, types, shapes, every bit; what lies in one storage there without a gap shares one here,
with the same strides and places in it, and what does not shares none. Archives: every member stored and on a multiple of 64, one
time, one system, in a pickle that `pickletools` reads, and the same bytes twice. --huge adds an archive beyond 4 GiB
with a storage beyond 4 GiB (9 GB of disk).
"""

import argparse
import hashlib
import io
import json
import os
import pickletools
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import safetensors.torch
import torch

sys.path.insert(0, str(Path(__file__).parent))
from make_formats import DTYPES, NAMES, ROOT, bits, listing, values, walk  # noqa: E402

failures = 0


def check(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAILS", what)


def convert(source, target, *options, zone="UTC"):
    command = [assay, "convert", str(source), "-o", str(target), "--json", *options]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TZ": zone})
    return run.returncode, json.loads(run.stdout) if run.returncode == 0 else run.stderr


def check_archive(path):
    raw, archive = path.read_bytes(), zipfile.ZipFile(path)
    check(archive.testzip() is None, f"{path}: a CRC")
    pickletools.dis(archive.read(archive.namelist()[0]), out=io.StringIO())
    for info in archive.infolist():
        start = info.header_offset + 30
        name, extra = raw[start - 4] | raw[start - 3] << 8, raw[start - 2] | raw[start - 1] << 8
        check((start + name + extra) % 64 == 0, f"{path}: {info.filename} is not aligned")
        what = (info.compress_type, info.date_time, info.create_system, info.external_attr, info.flag_bits & ~0x800)
        check(what == (0, (1980, 1, 1, 0, 0, 0), 0, 0, 0), f"{path}: {info.filename} {what}")


def span(tensor):
    """The bytes of the storage from the first element to the end of the last."""
    last = tensor.storage_offset() + sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.stride()))
    return tensor.storage_offset() * tensor.element_size(), (last + 1) * tensor.element_size()


def together(tensors, by_place):
    """Pairs of a type that share a storage; in a source only where no gap is between them."""
    pairs = set()
    items = [(n, t.untyped_storage().data_ptr(), t.dtype, span(t)) for n, t in tensors if t.numel()]
    for i, (a, base, dtype, mine) in enumerate(items):
        for b, other, kind, theirs in items[i + 1 :]:
            meets = max(mine[0], theirs[0]) <= min(mine[1], theirs[1])
            if base == other and (not by_place or dtype == kind and meets):
                pairs.add((a, b))
    return pairs


def closed(pairs):
    """The pairs that follow from pairs: sharing goes on from one to the next."""
    groups = []
    for pair in pairs:
        joined = set(pair).union(*[g for g in groups if g & set(pair)])
        groups = [g for g in groups if not g & joined] + [joined]
    return {(a, b) for g in groups for a in g for b in g if a != b}


def check_pt(path, expected, sharing=True):
    for mmap in (False, True):
        loaded = torch.load(path, weights_only=True, mmap=mmap)
        check(type(loaded) is OrderedDict, f"{path}: {type(loaded)}")
        check(listing(loaded.items()) == listing(expected), f"{path}: not what the source holds, mmap={mmap}")
    if sharing:
        plain = [(n, t) for n, t in expected if not t.is_conj() and not t.is_neg()]
        own = closed(together(plain, True))
        got = closed(together([(n, loaded[n]) for n, _ in plain], False))
        check(own == got, f"{path}: shared {sorted(got)} of {sorted(own)}")
        places = {n: loaded[n].storage_offset() for n, _ in plain}
        for name, tensor in plain:
            if any(name in pair for pair in own):
                check(tensor.stride() == loaded[name].stride(), f"{path}: strides of {name}")
            else:
                check(loaded[name].is_contiguous(), f"{path}: {name} alone is not in rows")
        for a, b in own:
            mine, theirs = dict(plain)[a], dict(plain)[b]
            if mine.dtype == theirs.dtype:
                apart = mine.storage_offset() - theirs.storage_offset()
                check(apart == places[a] - places[b], f"{path}: {a} and {b} moved")
    check_archive(path)


def check_safetensors(path, expected):
    loaded = safetensors.torch.load_file(path)
    got = {row["name"]: row for row in listing(loaded.items())}
    check(got == {row["name"]: row for row in listing(expected)}, f"{path}: not what the source holds")
    with safetensors.safe_open(path, "pt") as file:
        check(file.metadata().get("format") == "pt", f"{path}: {file.metadata()}")


def check_source(source, expected, work, sharing=True, shared=None):
    """Both targets twice, against named tensors."""
    expected = list(expected)
    for target in ("made.pt", "made.safetensors"):
        path = work / target
        status, report = convert(source, path)
        lacks = target.endswith("safetensors") and any(t.dtype == torch.complex128 for _, t in expected)
        if lacks or not expected:
            check(status == 2 and report.count("\n") == 1 and not path.exists(), f"{source}: {report}")
            continue
        if status:
            check(False, f"{source}: {report}")
            continue
        check(report["tensors"] == report["kept"] == len(expected), f"{source}: {report}")
        (check_pt(path, expected, sharing) if target == "made.pt" else check_safetensors(path, expected))
        if shared is not None:
            check(sorted(map(sorted, report["shared"])) == sorted(map(sorted, shared)), f"{source}: {report['shared']}")
        first = path.read_bytes()
        convert(source, path, "--threads", "1", zone="America/St_Johns")
        check(first == path.read_bytes(), f"{path}: two runs differ")
        path.unlink()


def unpickled(path):
    try:
        return torch.load(path, weights_only=False)
    except Exception:  # classes that are nowhere, archives that torch does not take
        return None


def odd():
    """Checkpoints whose sharing and plain data need care, and the groups of names that share."""
    base = torch.arange(60, dtype=torch.float32).reshape(6, 10)
    tied = torch.linspace(0, 1, 12).reshape(3, 4)
    whole = torch.arange(100, dtype=torch.int64)
    yield "ties", {"a": tied, "b": tied, "c": tied.view(12)}, [["a", "b", "c"]]
    yield "neighbours", {"a": whole[:40], "b": whole[40:], "c": whole[90:]}, [["b", "c"]]
    yield "chain", {"a": whole[:40], "b": whole[30:70], "c": whole[60:]}, [["a", "b", "c"]]
    yield "columns", {"left": base[:, :5], "right": base[:, 5:], "row": base[2, 6:]}, [["right", "row"]]
    yield "gaps", {"left": base[:, :2], "tie": base[:, :2]}, [["left", "tie"]]
    yield "steps", {"even": base[::2], "odd": base[1::2], "one": base[4, 3]}, [["even", "one"]]
    yield "turned", {"t": base.t(), "w": base, "e": base[0, 0].expand(4, 4)}, [["t", "w", "e"]]
    yield "overlapped", {"windows": torch.arange(8.0).as_strided((3, 4), (2, 1)), "x": torch.ones(2)}, []
    yield "scalars", {"zero": torch.tensor(3), "empty": torch.empty(0, 4), "hollow": torch.empty(3, 0, 2)}, []
    yield "types", {n: values(n, (3, 2), 5) for n in DTYPES if n != "C128"}, []
    yield "views-of-types", {n: values(n, (4, 6), 5)[1:, ::2] for n in DTYPES if n != "C128"}, []
    yield "complex", {"z": values("C64", (3,)), "w": values("C128", (2, 2)).t()}, []
    pair = values("C64", (5,))
    yield "conjugates", {"a": pair, "b": pair.conj(), "c": pair[1:]}, None
    yield "nested", {
        "cfg": {"big": -(1 << 90), "bytes": b"\x00\xffabc", "deep": [(1, 2.5, None, "t\u00e9xt"), []]},
        "model": OrderedDict(("layers.%d.weight" % i, torch.full((2,), float(i))) for i in range(1500)),
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "groups": [{"lr": 1e-4, "params": [0]}]},
        7: [torch.ones(1), (torch.zeros(2),)],
    }, []  # fmt: skip
    parameter = torch.nn.Parameter(torch.ones(2, 3))
    yield "parameters", OrderedDict(head=parameter, tied=parameter, other=torch.nn.Parameter(torch.zeros(1))), [
        ["head", "tied"]
    ]


def check_writers(work):
    for folder, load in (("pytorch/accept", unpickled), ("safetensors/accept", safetensors.torch.load_file)):
        for path in sorted((ROOT / folder).iterdir()):
            if path.suffix == ".json":
                continue
            expected = json.loads((ROOT / folder / "expected.json").read_text())[path.name]
            # One has no end, the other runs a command when it is loaded.
            value = None if "itself" in path.name or "os-system" in path.name else load(path)
            tensors = [] if value is None else list(walk(value))
            readable = all(t.dtype in NAMES and t.layout == torch.strided and t.device.type == "cpu" for _, t in tensors)
            if readable and listing(tensors) == expected["tensors"]:
                check_source(path, tensors, work)
            else:  # torch reads it otherwise or not at all: the manifest, which torch made, says what is in it
                check_listed(path, expected["tensors"], work)
    for index in sorted((ROOT / "sharded").glob("*.index.json")):
        check_listed(index, json.loads((ROOT / "sharded/expected.json").read_text()), work)
    for path in sorted((ROOT.parent / "onnx").rglob("model.onnx"))[:6]:
        tensors = [
            (t.name, torch.from_numpy(np.array(onnx.numpy_helper.to_array(t)))) for t in onnx.load(path).graph.initializer
        ]
        check_source(path, tensors, work, sharing=False)


def check_listed(source, expected, work):
    status, report = convert(source, work / "made.pt")
    check(status == 0, f"{source}: {report}")
    if status == 0:
        got = listing(torch.load(work / "made.pt", weights_only=True).items())
        rows = {row["name"]: row for row in expected}
        check({row["name"]: row for row in got} == rows and len(got) == len(rows), f"{source}: {got}")
        check_archive(work / "made.pt")
        (work / "made.pt").unlink()


def check_options(work):
    source, target = work / "options.pt", work / "made.pt"
    half = torch.tensor([1.0, 65504.0, 7e4, 1e-9, -0.0, float("nan")])
    torch.save({"m": OrderedDict(a=half, b=half[2:], n=torch.arange(3), d=half.double())}, source)
    for dtype, kind in (("f16", torch.float16), ("bf16", torch.bfloat16), ("f32", torch.float32)):
        status, report = convert(source, target, "--dtype", dtype, "--strip", "m.")
        check(status == 0, report)
        loaded = torch.load(target, weights_only=True)
        expected = [("a", half.to(kind)), ("b", half[2:].to(kind)), ("n", torch.arange(3)), ("d", half.double().to(kind))]
        same = all(torch.equal(loaded[n].nan_to_num(5.0), t.nan_to_num(5.0)) for n, t in expected)
        check(same and [n for n, _ in expected] == list(loaded), f"{dtype}: {loaded}")
        shares = loaded["a"].untyped_storage().data_ptr() == loaded["b"].untyped_storage().data_ptr()
        check(shares, f"{dtype}: the shared storage is not shared")
        lost = {row["tensor"]: (row["overflowed"], row["flushed"]) for row in report["losses"]}
        check(lost == ({"a": (1, 1), "b": (1, 1), "d": (1, 1)} if dtype == "f16" else {}), f"{dtype}: {lost}")
    for options in (["--only", "m.[!n]"], ["--only", "m.a", "--only", "?.[b-d]"], ["--only", "*", "--only", "m.n"]):
        status, report = convert(source, target, *options)
        names = list(torch.load(target, weights_only=True))
        check(names == (["m.a", "m.b", "m.d"] if "*" not in options else ["m.a", "m.b", "m.n", "m.d"]), f"{options}: {names}")
    target.unlink()
    torch.save({"x.w": half, "w": half}, source)
    for options in (["--only", "q*"], ["--strip", "x."], ["--strip", "nothing"]):
        status, report = convert(source, target, *options)
        check(status == 2 and report.count("\n") == 1 and not target.exists(), f"{options}: {report}")
    torch.save({name: torch.zeros(1).expand(1 << 59) for name in "abcdef"}, source)
    for name in ("made.pt", "made.safetensors"):
        status, report = convert(source, work / name)
        check(status == 2 and report.count("\n") == 1 and not (work / name).exists(), f"spread: {status} {report}")
    for options in (["--only", "[a"], ["--golden", "x"], ["--system", "onnx"], ["--license", "mit"], ["--normalize"]):
        status, report = convert(source, target, *options)
        check(status == 64 and not target.exists(), f"{options}: {status} {report}")


def check_huge(work):
    """A storage beyond 4 GiB and headers beyond 4 GiB: a sparse safetensors file becomes an archive that torch maps."""
    rows = (1 << 32) + 4096
    header = {
        "big": {"dtype": "U8", "shape": [rows], "data_offsets": [0, rows]},
        "end": {"dtype": "U8", "shape": [5], "data_offsets": [rows, rows + 5]},
    }
    text = json.dumps(header).encode()
    with open(work / "huge.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.seek(rows - 7, os.SEEK_CUR)
        file.write(bytes(range(1, 13)))
    status, report = convert(work / "huge.safetensors", work / "huge.pt")
    check(status == 0, report)
    loaded = torch.load(work / "huge.pt", weights_only=True, mmap=True)
    check(loaded["big"].shape == (rows,) and bytes(loaded["big"][-7:].numpy()) == bytes(range(1, 8)), "huge: big")
    check(bytes(loaded["end"].numpy()) == bytes(range(8, 13)), "huge: end")
    check(loaded["end"].data_ptr() % 64 == 0 and loaded["big"].data_ptr() % 64 == 0, "huge: not aligned")
    with zipfile.ZipFile(work / "huge.pt") as archive:
        check(archive.read("huge/data/1") == bytes(range(8, 13)), "huge: zipfile")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--assay", default=ROOT.parents[1] / ".build/fast/release/assay", metavar="PROGRAM")
    options.add_argument("--huge", action="store_true")
    options = options.parse_args()
    global assay
    assay = str(options.assay)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        check_writers(work)
        for name, value, shared in odd():
            for legacy in (False, True):
                path = work / f"{name}.pt"
                torch.save(value, path, _use_new_zipfile_serialization=not legacy)
                check_source(path, walk(value), work, shared=shared)
        check_options(work)
        if options.huge:
            check_huge(work)
    print(f"{failures} checks fail" if failures else "every check holds")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
