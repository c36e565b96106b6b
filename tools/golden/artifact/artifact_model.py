"""Puts small models together for `.assay` files and computes what they make of an input: the article's operators in
float64, each expected value rounded to float32 once."""

import hashlib

import numpy as np

from artifact import F32, File, Tensor, encode, shortest_float32
from artifact_operators import OPERATORS

SOURCE = "model.bin"
ARRAYS = "goldens.npz"
LIMIT = 1e-6
REASON = "float32 is within 5e-7"


def run(nodes, values, kind):
    values = {name: value.astype(kind) if value.dtype.kind == "f" else value for name, value in values.items()}
    with np.errstate(all="ignore"):
        for node in nodes:
            inputs = [None if name is None else values[name] for name in node["inputs"]]
            values[node["name"]] = np.asarray(OPERATORS[node["op"]](*inputs, **node["attributes"]))
    return values


def preprocessed(samples, normalization, kind):
    x = np.asarray(samples, np.float32).astype(kind).reshape(1, -1)
    if normalization is None or x.size == 0:
        return x
    return (x - x.mean()) / np.sqrt(x.var() + kind(normalization["epsilon"]))


# Models.


def listed(value):
    """A number of a golden case."""
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return float(shortest_float32(value))


def single(value):
    return F32(shortest_float32(value))


class Model:
    """`file` gives what was put together; constants come in the order of their first use."""

    def __init__(self, **metadata):
        digest = hashlib.sha256(b"a source").hexdigest()
        self.metadata = {
            "system": "wav2vec2-regression",
            "preprocessing": {"sample_rate": 16000, "normalization": None},
            "labels": [],
            "license": None,
            "sources": [{"name": SOURCE, "bytes": 8, "sha256": digest}],
            "recipe": [],
            "ignored": [],
            "tool": "numpy",
            "about": {},
            "edited": [],
        } | metadata
        self.inputs, self.nodes, self.outputs, self.states, self.cases = [], [], [], [], []
        self.constants, self.arrays, self.values = {}, {}, {}
        self.random = np.random.RandomState(7)

    def input(self, name="signal", dtype="F32", shape=("batch", "samples")):
        self.inputs.append({"name": name, "dtype": dtype, "shape": list(shape)})
        return name

    def constant(self, name, shape=(), values=None, dtype="F32", groups=0, sources=None, steps=()):
        """Sixteenths from -0.5 to 0.5 where nothing else is given: exact in every type."""
        values = self.random.randint(-8, 9, shape) / 16 if values is None else values
        elements = encode(dtype, values)
        shape = list(shape if isinstance(values, bytes) else np.shape(values))
        self.values[name] = np.zeros(shape) if isinstance(values, bytes) else np.asarray(values)
        sources = [{"file": SOURCE, "tensor": name}] if sources is None else sources
        about = {"name": name, "sources": sources, "steps": list(steps)}
        self.constants[name] = (about, Tensor(name, "constant", dtype, shape, elements, groups))
        return name

    def node(self, op, *inputs, name=None, **attributes):
        attributes = {k: single(v) if k in ("epsilon", "scale") else v for k, v in attributes.items()}
        name = name or f"{op.lower()}.{len(self.nodes)}"
        self.nodes.append({"name": name, "op": op, "inputs": list(inputs), "attributes": attributes})
        return name

    def output(self, name, value):
        self.outputs.append({"name": name, "value": value})

    def state(self, name, value):
        self.states.append({"name": name, "value": value})

    def array(self, tensor, dtype, values, shape=None, file=ARRAYS):
        shape = list(np.shape(values) if shape is None else shape)
        held = Tensor(f"{file}/{tensor}", "golden", dtype, shape, encode(dtype, values))
        self.arrays.setdefault(held.name, held)
        return {"file": file, "tensor": tensor}

    def expected(self, computed, name, at=None, array=None, **own):
        named = {o["name"]: o["value"] for o in self.states + self.outputs}
        value = computed[named.get(name, name)].astype(np.float32)
        if array is not None:
            return self.array(array, "F32", value) | own
        if at is not None:
            return {"shape": list(value.shape), "values": [listed(value[tuple(i)]) for i in at], "at": at} | own
        return {"shape": list(value.shape), "values": [listed(v) for v in value.ravel()]} | own

    def case(self, name, input, expected, tolerance=None, inputs=None):
        """A silence (its length), a waveform (ARRAY and samples) or all inputs; checked with the same in float32."""
        tolerance = tolerance or {"absolute": LIMIT, "relative": 0, "reason": REASON}

        def values(kind):
            if inputs is not None:
                given = inputs
            else:
                samples = np.zeros(input) if isinstance(input, int) else input[1]
                given = {"signal": preprocessed(samples, self.metadata["preprocessing"]["normalization"], kind)}
            return run(self.nodes, self.values | given, kind)

        if isinstance(input, int):
            described = {"kind": "zeros", "samples": input}
        else:
            described = {"kind": "waveform", **input[0]} if inputs is None else {"kind": "graph", "tensors": input}
        exact, rough = values(np.float64), values(np.float32)
        for key in expected:
            key = {o["name"]: o["value"] for o in self.states + self.outputs}.get(key, key)
            near = np.isclose(*(v[key].astype(np.float32) for v in (rough, exact)), 0, LIMIT / 2, equal_nan=True)
            assert near.all(), (name, key, rough[key], exact[key])
        told = {key: self.expected(exact, key, **(how or {})) for key, how in expected.items()}
        self.cases.append({
            "golden": 1, "name": name, "system": self.metadata["system"], "input": described, "expected": told,
            "tolerance": tolerance, "maker": "numpy, float64",
        })  # fmt: skip

    def file(self):
        used = [i for n in self.nodes for i in n["inputs"]] + [o["value"] for o in self.outputs + self.states]
        order = [name for name in dict.fromkeys(used) if name in self.constants]
        graph = {
            "inputs": self.inputs, "constants": [self.constants[name][0] for name in order], "nodes": self.nodes,
            "outputs": self.outputs, "states": self.states,
        }  # fmt: skip
        tensors = [self.constants[name][1] for name in order] + list(self.arrays.values())
        return File(self.metadata, graph, tensors, self.cases)


CLIP = np.array([0.5, -0.25, 0.125, 1, -1, 0.75, 0, -0.5], np.float32)


def frames(model):
    return model.node("Reshape", model.input(), name="frames", shape=["axis 0", "axis 1", 1])


def convolved(model, width=2, **weight):
    conv = model.constant("conv.weight", (width, 1, 2), **weight)
    return model.node("Conv", frames(model), conv, name="conv", stride=2, padding=[0, 1], dilation=1, groups=1)


def finish(model, x, width=2, labels=2, dtype="F32"):
    """The mean over time and what a linear layer makes of it."""
    mean = model.node("ReduceMean", x, name="mean", axes=[1], keepdims=False)
    weight = model.constant("out.weight", (labels, width), dtype=dtype)
    model.output("logits", model.node("Linear", mean, weight, name="out"))
    model.output("hidden_states", mean)
    return model


def small(**metadata):
    """The model of most files, without golden cases."""
    model = Model(**metadata)
    gelu = model.node("Gelu", convolved(model), name="gelu", approximate="none")
    model.state("layer.0", gelu)
    return finish(model, gelu)


def prove(model, name="clip", waveform=CLIP, **expected):
    if not expected:
        model.case("silence", 8, {"logits": None})
    model.case(name, (model.array(name, "F32", waveform), waveform), expected or {"logits": None})
    return model


def proven(**metadata):
    return prove(small(**metadata))
