"""Makes golden/formats/onnx: small ONNX files that must be read, with what the onnx package says of their tensors, and
files that must be refused, with the kind of reason.

    tools/golden/make_onnx_formats.py
"""

import hashlib
import json
import os
import pathlib
import shutil
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2] / "golden" / "formats" / "onnx"
TYPES = {
    "FLOAT": "F32", "UINT8": "U8", "INT8": "I8", "UINT16": "U16", "INT16": "I16", "INT32": "I32", "INT64": "I64",
    "BOOL": "BOOL", "FLOAT16": "F16", "DOUBLE": "F64", "UINT32": "U32", "UINT64": "U64", "COMPLEX64": "C64",
    "COMPLEX128": "C128", "BFLOAT16": "BF16", "FLOAT8E4M3FN": "F8_E4M3", "FLOAT8E5M2": "F8_E5M2",
}  # fmt: skip


def model(initializers, nodes=None, opset=17, **more):
    """A model whose graph holds these tensors; `nodes` compute y from x."""
    nodes = nodes or [helper.make_node("Identity", ["x"], ["y"], name="only")]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "tiny", [x], [y], initializers)
    opsets = [helper.make_opsetid("", opset)] + more.pop("opsets", [])
    return helper.make_model(graph, opset_imports=opsets, producer_name="assay", ir_version=10, **more)


def raw(name, dtype, shape, data):
    tensor = TensorProto(name=name, data_type=dtype, raw_data=data)
    tensor.dims.extend(shape)
    return tensor


def every_type():
    """Each type twice: raw, and in its typed field."""
    random = np.random.default_rng(7)
    tensors = []
    for word in TYPES:
        dtype = getattr(TensorProto, word)
        if word == "BOOL":
            values = np.array([True, False, True, True])
        elif word.startswith("FLOAT8") or word == "BFLOAT16":
            values = random.normal(size=4).astype(np.float32)
        elif "INT" in word:
            limits = np.iinfo(word.lower())
            values = np.array([limits.min, limits.max, 0, 1], word.lower())
        else:
            values = random.normal(size=4)
            if word.startswith("COMPLEX"):
                values = values + 1j * random.normal(size=4)
        made = helper.make_tensor(f"typed.{word}", dtype, [2, 2], values)
        tensors.append(made)
        array = numpy_helper.to_array(made)
        tensors.append(raw(f"raw.{word}", dtype, [2, 2], np.ascontiguousarray(array).tobytes()))
    return model(tensors)


def elements(tensor):
    """Little-endian elements, as the onnx package reads them."""
    return np.ascontiguousarray(numpy_helper.to_array(tensor, str(ROOT / "accept"))).tobytes()


def external(name, location, shape, **more):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.dims.extend(shape)
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def accepted():
    floats = np.arange(6, dtype=np.float32)
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=raw("", TensorProto.FLOAT, [1], floats[:1].tobytes()))], "then",
        [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [1])])  # fmt: skip
    branch = helper.make_node("If", ["x"], ["y"], name="choice", then_branch=inner, else_branch=inner)
    odd = helper.make_node("Strange", ["x", "", "w"], ["y", ""], domain="com.example", name="odd\n", alpha=1.5,
                           words=["a", "b"], numbers=[1, 2], axis=-1, text="t\u00e9xt")  # fmt: skip
    function = helper.make_function("local", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])],
                                    [helper.make_opsetid("", 17)])  # fmt: skip
    many = model([raw("w", TensorProto.FLOAT, [2, 3], floats.tobytes())], [odd],
                 opsets=[helper.make_opsetid("com.example", 3)])  # fmt: skip
    many.metadata_props.add(key="license", value="mit")
    yield "types", every_type()
    yield "attributes", many
    yield "subgraph", model([], [branch])
    yield "function", model([], [helper.make_node("Twice", ["x"], ["y"], domain="local")],
                            opsets=[helper.make_opsetid("local", 1)], functions=[function])  # fmt: skip
    yield "names", model([raw(name, TensorProto.INT8, [1], b"\1") for name in ("\u00e9", "e\u0301", "a b", "/x", "\t")])
    yield "shapes", model([raw("scalar", TensorProto.FLOAT, [], floats[:1].tobytes()),
                           raw("empty", TensorProto.FLOAT, [0, 3], b""),
                           raw("long", TensorProto.FLOAT, [1] * 16, floats[:1].tobytes())])  # fmt: skip
    yield "opset-7", model([], opset=7)
    yield "external", model([external("whole", "weights.bin", [6]),
                             external("part", "weights.bin", [2], offset=8, length=8)])  # fmt: skip
    yield "unknown-fields", model([raw("w", TensorProto.FLOAT, [6], floats.tobytes())])
    yield "types-left-out", model([helper.make_tensor("words", TensorProto.STRING, [1], [b"a"]),
                                   raw("four", TensorProto.UINT4, [2], b"\x21"),
                                   raw("w", TensorProto.FLOAT, [6], floats.tobytes())])  # fmt: skip


def field(number, wire, payload):
    return varint(number << 3 | wire) + payload


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def message(number, payload):
    return field(number, 2, varint(len(payload)) + payload)


def graph_of(tensor):
    """A model with one tensor whose message is given byte by byte."""
    return field(1, 0, varint(10)) + message(7, message(5, tensor))


def deep(levels):
    """Graphs inside attributes of nodes inside graphs."""
    graph = b""
    for _ in range(levels):
        graph = message(1, message(5, message(1, b"body") + message(6, graph) + field(20, 0, varint(5))))
    return field(1, 0, varint(10)) + message(7, graph)


def rejected():
    """Name, kind of reason, bytes."""
    floats = np.arange(6, dtype=np.float32)
    good = model([raw("w", TensorProto.FLOAT, [6], floats.tobytes())])
    whole = good.SerializeToString()

    def tensor(**change):
        made = raw("w", TensorProto.FLOAT, [6], floats.tobytes())
        for key, value in change.items():
            if isinstance(value, list):
                getattr(made, key).clear() if hasattr(getattr(made, key), "clear") else None
                getattr(made, key).extend(value)
            else:
                setattr(made, key, value)
        return model([made]).SerializeToString()

    yield "empty", "missing", b""
    yield "no-graph", "missing", field(1, 0, varint(10)) + message(2, b"assay")
    yield "graph-twice", "duplicateName", whole + message(7, b"")
    yield "cut", "truncated", whole[:-3]
    yield "varint-cut", "truncated", field(1, 0, b"\x80")
    yield "varint-long", "invalid", field(1, 0, b"\xff" * 10 + b"\1") + whole
    yield "varint-65-bits", "invalid", field(1, 0, b"\xff" * 9 + b"\2") + whole
    yield "length-past-end", "truncated", field(1, 0, varint(10)) + varint(7 << 3 | 2) + varint(1 << 40)
    yield "length-2-64", "truncated", field(1, 0, varint(10)) + varint(7 << 3 | 2) + b"\xff" * 9 + b"\1"
    yield "field-zero", "invalid", field(1, 0, varint(10)) + message(7, field(0, 0, b"\1"))
    yield "group", "unsupported", field(1, 0, varint(10)) + message(7, field(9, 3, b""))
    yield "wire-7", "unsupported", field(1, 0, varint(10)) + message(7, field(9, 7, b""))
    yield "name-no-text", "invalid", graph_of(message(8, b"\xff\xfe") + field(2, 0, b"\1"))
    yield "name-a-number", "invalid", graph_of(field(8, 0, b"\1") + field(2, 0, b"\1"))
    yield "deep", "limitExceeded", deep(5000)
    yield "name-twice", "duplicateName", model([raw("w", 1, [1], floats[:1].tobytes())] * 2).SerializeToString()
    yield "dims-negative", "invalid", tensor(dims=[-6])
    yield "dims-overflow", "overflow", tensor(dims=[1 << 40, 1 << 40])
    yield "dims-many", "limitExceeded", tensor(dims=[1] * 17)
    yield "data-short", "invalid", tensor(raw_data=floats[:5].tobytes())
    yield "data-long", "invalid", tensor(raw_data=floats.tobytes() + b"\0\0\0\0")
    yield "data-missing", "invalid", tensor(raw_data=b"")
    yield "raw-and-typed", "invalid", tensor(float_data=[1.0])
    typed = TensorProto(name="w", data_type=TensorProto.INT64)
    typed.dims.extend([2])
    typed.int32_data.extend([1, 2])
    yield "typed-field", "invalid", model([typed]).SerializeToString()
    narrow = TensorProto(name="w", data_type=TensorProto.INT8)
    narrow.dims.extend([1])
    narrow.int32_data.extend([300])
    yield "typed-too-wide", "invalid", model([narrow]).SerializeToString()
    few = TensorProto(name="w", data_type=TensorProto.FLOAT)
    few.dims.extend([1 << 33])
    few.float_data.extend([1])
    yield "typed-few", "invalid", model([few]).SerializeToString()
    for name, kind, location, more in (
        ("parent", "invalid", "../accept/weights.bin", {}), ("absolute", "invalid", "/etc/passwd", {}),
        ("missing", "missing", "nothing.bin", {}), ("link", "invalid", "link.bin", {}),
        ("past-end", "truncated", "weights.bin", {"offset": 20}), ("offset-far", "truncated", "weights.bin", {"offset": 1 << 62}),
        ("offset-negative", "invalid", "weights.bin", {"offset": -4}), ("offset-text", "invalid", "weights.bin", {"offset": "x"}),
        ("length-short", "invalid", "weights.bin", {"length": 4}), ("folder", "invalid", ".", {}),
        ("unknown-key", "unsupported", "weights.bin", {"encryption": "rot13"}), ("no-location", "missing", "", {}),
    ):  # fmt: skip
        yield f"external-{name}", kind, model([external("w", location, [6], **more)]).SerializeToString()


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    for kind in ("accept", "reject"):
        (ROOT / kind).mkdir(parents=True)
        (ROOT / kind / "weights.bin").write_bytes(np.arange(6, dtype=np.float32).tobytes())
    os.symlink("../accept/weights.bin", ROOT / "reject" / "link.bin")
    expected = {}
    for name, made in accepted():
        data = made.SerializeToString()
        if name == "unknown-fields":
            data += field(99, 0, b"\1") + message(98, b"more") + field(97, 5, struct.pack("<f", 1)) + field(96, 1, b"\0" * 8)
        (ROOT / "accept" / f"{name}.onnx").write_bytes(data)
        known = {getattr(TensorProto, word): dtype for word, dtype in TYPES.items()}
        expected[f"{name}.onnx"] = {
            "tensors": [
                {"name": t.name, "dtype": known[t.data_type], "shape": list(t.dims),
                 "sha256": hashlib.sha256(elements(t)).hexdigest()}
                for t in made.graph.initializer if t.data_type in known
            ],
            "leftOut": [t.name for t in made.graph.initializer if t.data_type not in known],
            "nodes": len(made.graph.node), "opset": made.opset_import[0].version,
        }  # fmt: skip
    write(ROOT / "accept" / "expected.json", expected)
    reasons = {}
    for name, kind, data in rejected():
        (ROOT / "reject" / f"{name}.onnx").write_bytes(data)
        reasons[f"{name}.onnx"] = kind
    write(ROOT / "reject" / "expected.json", reasons)
    print(f"{len(expected)} accepted, {len(reasons)} rejected, onnx {onnx.__version__}")


def write(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
