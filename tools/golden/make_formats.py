"""Makes golden/formats: small files of each format, what torch, safetensors and numpy say is in them, and files that
must be refused, each with the kind of its reason (a case of FormatError.Reason). `accept` and `reject` hold the files.

    $(tools/golden/setup) tools/golden/make_formats.py

The legacy PyTorch files name storages by addresses: they differ from run to run, all others do not.
"""

import argparse
import hashlib
import io
import json
import pathlib
import pickle
import shutil
import struct
import sys
import types
import warnings
import zipfile
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import safetensors.torch
import torch

from hostile_formats import npy_rejects, os_system, python2_dict, pytorch_rejects, safetensors_rejects

ROOT = pathlib.Path(__file__).resolve().parents[2] / "golden" / "formats"
DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "I64": torch.int64, "I32": torch.int32,
    "I16": torch.int16, "I8": torch.int8, "U64": torch.uint64, "U32": torch.uint32, "U16": torch.uint16,
    "U8": torch.uint8, "BOOL": torch.bool, "C64": torch.complex64, "C128": torch.complex128,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
warnings.filterwarnings("ignore")


def bits(tensor):
    """The tensor's elements: contiguous, row-major, little-endian."""
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return plain.reshape(-1).view(torch.uint8).numpy().tobytes()


def walk(value, name=""):
    """Every tensor in nested containers, named as the contract says; other objects are opaque."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            if type(key) in (str, int):
                yield from walk(child, f"{name}.{key}" if name else str(key))


def listing(tensors):
    return [
        {"name": n, "dtype": NAMES[t.dtype], "shape": list(t.shape), "sha256": hashlib.sha256(bits(t)).hexdigest()}
        for n, t in tensors
    ]


class Stub:
    def __init__(self, *_, **__): pass
    def __call__(self, *_, **__): return Stub()
    def __setstate__(self, _): pass
    def __setitem__(self, _, __): pass
    def append(self, _): pass
    def extend(self, _): pass


class Recorder(pickle.Unpickler):
    """Notes every global in order and gives stubs for all."""

    def __init__(self, stream, seen):
        super().__init__(stream)
        self.seen = seen

    def find_class(self, module, name):
        if f"{module}.{name}" not in self.seen:
            self.seen.append(f"{module}.{name}")
        return type(name.split(".")[-1], (Stub,), {})

    def persistent_load(self, _):
        return Stub()


def globals_of(data):
    seen = []
    if data[:4] == b"PK\x03\x04":
        archive = zipfile.ZipFile(io.BytesIO(data))
        for name in archive.namelist():
            if name.count("/") == 1 and name.endswith(("/data.pkl", "/constants.pkl")):
                Recorder(io.BytesIO(archive.read(name)), seen).load()
    else:
        stream = io.BytesIO(data)
        for _ in range(5):
            Recorder(stream, seen).load()
    return seen


def values(name, shape, seed=0):
    """Elements of every bit pattern that is a number of the type."""
    random = np.random.RandomState(seed)
    dtype = DTYPES[name]
    if dtype == torch.bool:
        return torch.from_numpy(random.randint(0, 2, shape).astype(bool))
    if dtype.is_complex:
        real = torch.from_numpy(random.standard_normal((2,) + tuple(shape)))
        return torch.complex(real[0], real[1]).to(dtype)
    if dtype.is_floating_point:
        return torch.from_numpy(random.standard_normal(shape)).to(dtype)
    size = torch.empty(0, dtype=dtype).element_size()
    raw = random.randint(0, 256, tuple(shape) + (size,)).astype(np.uint8)
    return torch.from_numpy(raw).view(dtype).reshape(shape)


class Thing:
    """A class no reader knows."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Subclass(torch.Tensor):
    pass


def foreign(module, name, base=object):
    """A class of a package that is not installed here."""
    made = type(name, (base,), {"__module__": module})
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:count]), types.ModuleType(".".join(parts[:count])))
    setattr(sys.modules[module], name, made)
    return made


def contents():
    """The objects saved in every container and protocol."""
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    shared = torch.arange(10, dtype=torch.int64)
    parameter = torch.nn.Parameter(torch.linspace(-1, 1, 6).reshape(2, 3))
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for index, tensor in enumerate(model.parameters()):
            tensor.copy_(torch.linspace(index, index + 1, tensor.numel()).reshape(tensor.shape))
    return {
        "views": {
            "whole": base, "transposed": base.t(), "rows": base[1:3], "columns": base[:, 2:5], "steps": base[::2, ::3],
            "last": base[3, 5], "expanded": base[:, :1].expand(4, 5), "ones": torch.ones(1).expand(3, 4),
            "permuted": torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1), "reshaped": base.reshape(2, 3, 4),
        },
        "shared": {"a": shared, "b": shared, "c": shared[3:], "d": shared.view(2, 5), "e": [shared[:4]]},
        "parameters": OrderedDict(p=parameter, q=torch.nn.Parameter(torch.zeros(2), requires_grad=False), r=parameter),
        "nested": {
            "a": {"b": {"c": torch.ones(2)}}, "list": [torch.zeros(1), [torch.ones(1)], (torch.full((2,), 2.0),)],
            3: torch.tensor(3), -1: {7: torch.tensor([7])}, "text": "no tensor", "none": None, "many": list(range(300)),
            "big": 1 << 80, "float": 1e300, "bytes": b"\x00\xff", "set": {1, 2}, "frozen": frozenset([3]),
            "array": bytearray(b"abc"), "size": torch.Size([2, 3]), "dtype": torch.float16, "long": "x" * 300,
        },
        "dtypes": {name: values(name, (3, 5)) for name in DTYPES},
        "odd": {
            "scalar": torch.tensor(1.5), "empty": torch.empty(0), "hollow": torch.empty(2, 0, 3), "flag": torch.tensor(True),
            "ünï.cødé/ ": torch.ones(1), "é": torch.zeros(1), "e\u0301": torch.ones(1), "": torch.full((1,), 5.0),
        },
        "state_dict": model.state_dict(),
        "tensor": torch.arange(5, dtype=torch.float32),
        "list": [torch.zeros(2), {"x": torch.ones(2)}],
    }  # fmt: skip


def special():
    """Objects saved once, in the new layout."""
    complex_ = values("C64", (2, 3))
    config = foreign("omegaconf.dictconfig", "DictConfig")()
    config.__dict__.update(_content={"lr": 1e-4}, _parent=None)
    config._parent = config
    meters = foreign("fairseq.meters", "AverageMeter")()
    meters.__dict__.update(avg=np.float64(0.5), val=1)
    plain = {"w": torch.ones(2, 2), "b": torch.zeros(2)}
    tagged = torch.nn.Parameter(torch.ones(2))
    tagged.note = "kept with the parameter"
    return {
        "conjugated": {"conj": complex_.conj(), "imag": complex_.clone().conj().imag, "real": complex_.clone().real,
                       "plain": complex_, "conj-t": complex_.conj().t()},
        "namespace": {"args": argparse.Namespace(lr=0.1, layers=[1, 2]), "model": plain},
        "long-keys": {"config": {"k" * 4500: []}, "model": plain},
        "custom-class": {"config": Thing(a=1, b={"c": 2}), "model": plain},
        "omegaconf-like": {"cfg": config, "model": plain},
        "fairseq-like": {
            "args": None, "cfg": config, "model": OrderedDict(plain),
            "criterion": None, "optimizer_history": [{"criterion_name": "X", "num_updates": 5}], "task_state": {},
            "extra_state": {"metrics": [(0, "train", meters, {})], "epoch": 2},
            "last_optimizer_state": {"state": {0: {"step": 5, "exp_avg": torch.full((2,), 0.25)}}},
        },
        "default-dict": defaultdict(list, a=[torch.ones(1)], b=Counter(x=1)),
        "subclass": {"s": torch.ones(3).as_subclass(Subclass), "p": tagged},
        "numpy": {"scalar": np.float32(1.5), "array": np.arange(3), "t": torch.ones(1)},
    }  # fmt: skip


# Files with things that are no plain tensors: what must be named as left out.
def left_out():
    loop = [torch.ones(1)]
    loop.append(loop)
    return {
        "hidden-in-object": ({"config": Thing(t=torch.ones(2)), "w": torch.zeros(1)}, ["config"]),
        "quantized": ({"q": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "w": torch.zeros(1)}, ["q"]),
        "sparse": ({"s": torch.eye(2).to_sparse(), "w": torch.zeros(1)}, ["s"]),
        "bare-storage": ({"s": torch.zeros(2).untyped_storage(), "w": torch.zeros(1)}, ["s"]),
        "meta": ({"m": torch.empty(2, device="meta"), "w": torch.zeros(1)}, ["m"]),
        "complex32": ({"c": torch.zeros(2, dtype=torch.complex32), "w": torch.zeros(1)}, ["c"]),
        "tuple-key": ({(1, 2): torch.ones(1), "w": torch.zeros(1)}, [""]),
        "contains-itself": ({"l": loop}, ["l.1"]),
    }


def save(value, legacy=False, protocol=2):
    stream = io.BytesIO()
    torch.save(value, stream, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


def rezip(data, root=None, method=zipfile.ZIP_STORED, zip64=False):
    """The same members in an archive that Python's zipfile writes."""
    source = zipfile.ZipFile(io.BytesIO(data))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            name = info.filename if root is None else root + "/" + info.filename.split("/", 1)[1]
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = method
            with target.open(member, "w", force_zip64=zip64) as stream:
                stream.write(source.read(info))
    return out.getvalue()


def script_module():
    class Tiny(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(2, 3)
            self.register_buffer("counter", torch.arange(3))
            self.steps = 5

        def forward(self, x):
            return self.linear(x) + self.counter

    module = Tiny()
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.copy_(torch.linspace(0, 1, tensor.numel()).reshape(tensor.shape))
    stream = io.BytesIO()
    # Without source lines: they hold paths of this machine.
    torch.jit.save(torch.jit.trace(module, torch.ones(1, 2)), stream)
    return module, rezip(stream.getvalue(), root="tiny")


def make_pytorch(folder):
    expected = {}

    def put(name, data, fmt, tensors, left=(), names=None):
        (folder / name).write_bytes(data)
        expected[name] = {
            "format": fmt, "tensors": tensors, "globals": globals_of(data) if names is None else names,
            "leftOut": list(left),
        }  # fmt: skip

    for name, value in contents().items():
        tensors = listing(walk(value))
        for protocol in (2, 3, 4, 5):
            put(f"{name}-zip-p{protocol}.pt", save(value, protocol=protocol), "pytorch-zip", tensors)
            put(f"{name}-legacy-p{protocol}.pt", save(value, True, protocol), "pytorch-legacy", tensors)
        if name in ("nested", "dtypes"):
            put(f"{name}-zip-p1.pt", save(value, protocol=1), "pytorch-zip", tensors)
            put(f"{name}-legacy-p1.pt", save(value, True, 1), "pytorch-legacy", tensors)
        if name in ("views", "state_dict"):
            data = save(value)
            put(f"{name}-deflated.pt", rezip(data, method=zipfile.ZIP_DEFLATED), "pytorch-zip", tensors)
            put(f"{name}-zip64.pt", rezip(data, zip64=True), "pytorch-zip", tensors)
            put(f"{name}-renamed.pt", rezip(data, root="an other röot"), "pytorch-zip", tensors)
    for name, value in special().items():
        put(f"{name}.pt", save(value), "pytorch-zip", listing(walk(value)))
        if name != "conjugated":
            put(f"{name}-legacy.pt", save(value, True), "pytorch-legacy", listing(walk(value)))
    for name, (value, left) in left_out().items():
        tensors = [("l.0", value["l"][0])] if name == "contains-itself" else [("w", value["w"])]
        put(f"left-out-{name}.pt", save(value), "pytorch-zip", listing(tensors), left)
    module, data = script_module()
    order = ["counter", "linear.weight", "linear.bias"]
    state = module.state_dict()
    put("torchscript.pt", data, "torchscript", listing((name, state[name]) for name in order))

    # Never run: if it is, a file appears and the test that looks for it fails.
    ones = listing([("w", torch.tensor([1.0, 2.0, 3.0]))])
    put("os-system.pt", os_system("touch canary-of-assay"), "pytorch-zip", ones,
        names=["posix.system", "torch._utils._rebuild_tensor_v2", "torch.FloatStorage", "collections.OrderedDict"])  # fmt: skip
    put("python2-ordered-dict.pt", python2_dict(), "pytorch-zip", ones)
    return expected


def make_safetensors(folder):
    expected = {}

    def put(name, tensors, data=None, metadata=None):
        (folder / name).write_bytes(data or safetensors.torch.save(tensors, metadata))
        expected[name] = {"tensors": listing(tensors.items()), "metadata": metadata or {}}

    put("dtypes.safetensors", {f"{n}.{i}": values(n, (3, i + 1)) for n in DTYPES if n != "C128" for i in (1, 0)},
        metadata={"format": "pt"})  # fmt: skip
    put("odd.safetensors", {"scalar": torch.tensor(1.5), "empty": torch.empty(0), "hollow": torch.empty(2, 0, 3),
                            "é": torch.zeros(1), "e\u0301": torch.ones(1), "a\"\\\n\u0001": torch.ones(1)})  # fmt: skip
    put("none.safetensors", {})
    # Legal, though no library writes it: white space, tensors in another order than their bytes, an escaped name.
    one, two = torch.tensor([1.0]), torch.tensor([2.0, 3.0])
    header = (
        b'{ "\\u0062" : {"data_offsets":[4,12],"shape":[2],"dtype":"F32"},\n'
        b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    )
    data = struct.pack("<Q", len(header)) + header + bits(one) + bits(two)
    assert safetensors.torch.load(data).keys() == {"a", "b"}
    put("by-hand.safetensors", {"a": one, "b": two}, data)
    return expected


def make_npy(folder):
    expected = {}

    def put(name, array, version=None):
        with open(folder / name, "wb") as stream:
            np.lib.format.write_array(stream, array, version=version)
        tensor = torch.from_numpy(np.ascontiguousarray(array)).reshape(array.shape)
        expected[name] = {**listing([(name, tensor)])[0], "fortran": bool(array.ndim > 1 and array.flags.f_contiguous)}

    random = np.random.RandomState(0)
    for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16"):
        put(f"{kind.replace('?', 'b1')}.npy", (random.standard_normal((2, 3)) * 3).astype(kind))
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    put("fortran.npy", np.asfortranarray(base))
    put("fortran-2d.npy", np.asfortranarray(base[0]))
    put("version-2.npy", base, (2, 0))
    put("version-3.npy", base, (3, 0))
    put("scalar.npy", np.array(1.5, dtype=np.float32))
    put("empty.npy", np.empty((0, 3), dtype=np.float32))
    put("one.npy", np.arange(5, dtype=np.float32))
    return expected


def make_sharded(folder):
    """Two shards of each kind and their indices."""
    a, b = {"x": torch.ones(2), "y": torch.zeros(3)}, {"z": torch.arange(4)}
    expected = listing([*a.items(), *b.items()])
    for stem, end, dump in (("model", "safetensors", safetensors.torch.save), ("pytorch_model", "bin", save)):
        index = {"metadata": {"total_size": 52}, "weight_map": {}}
        for number, shard in enumerate((a, b), 1):
            name = f"{stem}-{number:05}-of-00002.{end}"
            (folder / name).write_bytes(dump(shard))
            index["weight_map"].update({key: name for key in shard})
        (folder / f"{stem}.{end}.index.json").write_text(json.dumps(index, indent=2) + "\n")
    return expected


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True) + "\n")


def main():
    makers = {
        "pytorch": (make_pytorch, pytorch_rejects), "safetensors": (make_safetensors, safetensors_rejects),
        "npy": (make_npy, npy_rejects),
    }  # fmt: skip
    for name, (accept, reject) in makers.items():
        shutil.rmtree(ROOT / name, ignore_errors=True)
        for kind in ("accept", "reject"):
            (ROOT / name / kind).mkdir(parents=True)
        write_json(ROOT / name / "accept" / "expected.json", accept(ROOT / name / "accept"))
        reasons = {}
        for file, (reason, data) in sorted(reject().items()):
            (ROOT / name / "reject" / file).write_bytes(data)
            reasons[file] = reason
        write_json(ROOT / name / "reject" / "expected.json", reasons)
    shutil.rmtree(ROOT / "sharded", ignore_errors=True)
    (ROOT / "sharded").mkdir()
    write_json(ROOT / "sharded" / "expected.json", make_sharded(ROOT / "sharded"))


if __name__ == "__main__":
    main()
