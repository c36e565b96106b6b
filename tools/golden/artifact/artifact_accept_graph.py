"""Files that keep to the rules of the graph where that is least obvious."""

import numpy as np

from artifact_accept_operators import i64
from artifact_accept import ALL, EMPTY, NFC, NFD, accept, given_all
from artifact_model import CLIP, SOURCE, Model, convolved, finish, frames, prove, proven



@accept("inputs")
def inputs():
    """Two lengths of one name; lengths of 0 and 2 to the 40; a scalar; a name that is a number."""
    m = Model()
    x = frames(m)
    m.input("mask", "BOOL", ["batch", "samples"])
    m.input("most", "I64", [1 << 40, 0, "0"])
    m.input("gain", "F32", [])
    m.output("logits", m.node("Mul", x, "gain"))
    gain, silent = np.array(0.5), np.zeros((1 << 40, 0, 3))
    given = {"signal": CLIP[None], "mask": CLIP[None] > 0, "most": silent, "gain": gain}
    given_all(m, "all", given, {"mask": "BOOL", "most": "I64"}, {"logits": ALL})
    return m


@accept("constants")
def constants():
    """One is used twice, one by no node but as an output, one only as a state, one by a node and as an output."""
    m = Model()
    x = convolved(m)
    added = m.node("Add", m.constant("z", [2]), x)
    again = m.node("Mul", m.node("Add", added, m.constant("a", [2])), "z")
    m.state("s", m.constant("0", [3]))
    finish(m, again)
    m.output("shared", "a")
    m.output("o", m.constant("9", [3]))
    m.state("o", "9")
    return prove(m, s=ALL, o=ALL)


@accept("provenance")
def provenance():
    """A weight made of two tensors, one tensor that became two constants, steps of any text."""
    names = [SOURCE, NFC, NFD]
    m = Model(sources=[{"name": name, "bytes": 8, "sha256": EMPTY} for name in names])
    parts = [{"file": NFC, "tensor": "g"}, {"file": NFD, "tensor": "g"}]
    conv = convolved(m, sources=parts, steps=["weight norm: g * v / |v|", "", NFD])
    twice = [{"file": SOURCE, "tensor": ""}]
    halves = [m.constant(name, [2], sources=twice, steps=[f"rows of {name}"]) for name in ("q", "k")]
    return prove(finish(m, m.node("Add", m.node("Mul", conv, halves[0]), halves[1])))


@accept("values")
def values():
    """A null before an input that is given, one value as both inputs, names that look like something else."""
    m = Model()
    x = m.node("GroupNormalization", convolved(m), None, m.constant("null", [2]), name="axis 0", groups=1, epsilon=1e-5)
    x = m.node("LayerNormalization", x, None, m.constant("Add", [2]), name="logits.", epsilon=1e-5)
    x = m.node("Linear", m.node("Mul", x, x, name=" "), m.constant("SIGNAL", [2, 2]), name="hidden_states ")
    return prove(finish(m, x), **{" ": ALL, "logits": ALL})


@accept("operators-conv")
def operators_conv():
    m = Model()
    x = m.node("Conv", frames(m), m.constant("a", [4, 1, 3]), m.constant("b", [4]), name="wide",
               stride=1, padding=[2, 1], dilation=2, groups=1)  # fmt: skip
    x = m.node("Conv", x, m.constant("c", [6, 2, 2]), name="grouped", stride=2, padding=[0, 3], dilation=3, groups=2)
    x = m.node("Conv", x, m.constant("d", [6, 1, 1]), m.constant("e", [6]), name="each",
               stride=3, padding=[0, 0], dilation=1048576, groups=6)  # fmt: skip
    return prove(finish(m, x, 6), wide=ALL, grouped=ALL, each=ALL, logits=ALL)


@accept("operators-attention")
def operators_attention():
    """Fewer keys than queries."""
    m = Model()
    x = convolved(m, 6)
    query, key, value = (m.node("Linear", x, m.constant(name, [6, 6]), name=name + ".proj") for name in "qkv")
    key, value = (m.node("Slice", v, axis=1, drop=[1, 0]) for v in (key, value))
    x = m.node("Attention", query, key, value, name="attention", heads=3, scale=0.70710678)
    return prove(finish(m, x, 6), attention=ALL, logits=ALL)


@accept("operators-attention-counts")
def operators_attention_counts():
    """Rows that hear some of their keys, and a bias by distance that a prefix is spared."""
    m = Model()
    x = convolved(m, 6)
    query, key, value = (m.node("Linear", x, m.constant(name, [6, 6]), name=name + ".proj") for name in "qkv")
    none = m.node("Mul", m.node("ReduceMean", "signal", axes=[1], keepdims=False), m.constant("nothing", [], 0.0))
    none = m.node("Cast", none, to="I64")
    few, all_but_one = (m.node("Add", none, i64(m, f"count.{count}", count)) for count in (1, 2))
    x = m.node("Attention", query, key, value, few, name="few", heads=3, scale=0.70710678)
    x = m.node("AlibiAttention", query, x, value, m.constant("slopes", [2]), name="far", heads=2, scale=0.5, prefix=0)
    y = m.node("AlibiAttention", query, key, value, m.constant("steep", [3]), all_but_one, name="near", heads=3,
               scale=1.0, prefix=1)  # fmt: skip
    return prove(finish(m, m.node("Add", x, y), 6), few=ALL, far=ALL, near=ALL, logits=ALL)


@accept("operators-norms")
def operators_norms():
    m = Model()
    x, y = convolved(m, 6), ["scale", "bias"]
    where = {"at": [[0, 0, 0], [0, 3, 5]]}
    for groups in (1, 2):
        both = [m.constant(f"{name}.{groups}", [6]) for name in y]
        x = m.node("GroupNormalization", x, *both, name=f"norm.{groups}", groups=groups, epsilon=1e-05)
    m.node("LayerNormalization", x, name="bare", epsilon=0.0)
    x = m.node("LayerNormalization", x, *(m.constant(name, [6]) for name in y), name="full", epsilon=0.001)
    return prove(finish(m, x, 6), **dict.fromkeys(("norm.1", "norm.2", "bare", "full"), where))


@accept("operators-elementwise")
def operators_elementwise():
    m = Model()
    x = convolved(m)
    for op in ("Relu", "Sigmoid", "Sqrt", "Tanh"):
        x = m.node(op, x, name=op)
    for op, against in (("Add", 0.25), ("Sub", 3), ("Mul", -0.5), ("Div", 0.75)):
        x = m.node(op, x, m.constant(f"with {op}", values=np.array([against, -against])), name=op)
    names = [m.node("Gelu", x, name=kind, approximate=kind) for kind in ("none", "tanh")]
    finish(m, m.node("Sub", *names))
    return prove(m, **dict.fromkeys(("Tanh", "Div", "none", "tanh"), {"at": [[0, 1, 0]]}))


@accept("operators-axes")
def operators_axes():
    m = Model()
    x = convolved(m)
    l2 = m.node("ReduceL2", x, name="l2", axes=[0, 2], keepdims=True)
    mean = m.node("ReduceMean", x, name="all", axes=[0, 1, 2], keepdims=False)
    m.node("Slice", x, name="whole", axis=2, drop=[0, 0])
    m.node("Slice", x, name="nothing", axis=2, drop=[1, 1])
    m.node("Reshape", mean, name="scalar", shape=[])
    m.node("Reshape", x, name="turned", shape=["axis 0", 2, "axis 1"])
    finish(m, m.node("Mul", x, m.node("Add", l2, mean)))
    return prove(m, l2=ALL, all=ALL, whole=ALL, nothing=ALL, scalar=ALL, turned=ALL, logits=ALL)


@accept("types-broadcast")
def types_broadcast():
    """Shapes of other lengths and numbers of axes; a linear layer and a normalization of one axis."""
    m = Model()
    x = m.node("Add", frames(m), m.constant("row", [3]))
    x = m.node("Mul", m.constant("tall", [2, 1, 1, 1]), x, name="tall and x")
    x = m.node("Div", x, m.constant("scalar", values=np.array(-0.5)))
    m.node("Add", x, m.constant("one", [1] * 5), name="five axes")
    vector = m.node("Linear", m.constant("vector", [3]), m.constant("weight", [2, 3]), name="linear of one axis")
    vector = m.node("LayerNormalization", vector, name="of one axis", epsilon=0.5)
    m.output("logits", m.node("ReduceMean", x, axes=[0, 2], keepdims=False))
    m.output("hidden_states", m.node("Reshape", vector, shape=[1, "axis 0"]))
    return prove(m, **{"five axes": ALL, "of one axis": ALL, "logits": ALL})


@accept("types-narrow")
def types_narrow():
    """Constants of two widths and of all three float types in one node."""
    m = Model()
    x = m.node("Linear", convolved(m, dtype="F16"), m.constant("weight", [3, 2], dtype="BF16"), m.constant("bias", [3]))
    x = m.node("Mul", m.constant("half", [3], dtype="F16"), m.node("Add", x, m.constant("brain", [3], dtype="BF16")))
    return prove(finish(m, x, 3))


@accept("outputs")
def outputs():
    """One value as two outputs, the input as an output, a state that is called as an output is."""
    m = proven()
    m.output("same", "out")
    m.output("signal", "signal")
    m.output("conv.weight", "conv.weight")
    m.state("hidden_states", "conv")
    return m
