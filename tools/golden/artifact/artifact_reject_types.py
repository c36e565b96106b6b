"""Files that are whole, but whose graph has a node with an input that does not fit: only rule 20 is broken."""

import numpy as np

from artifact_model import Model, convolved
from artifact_reject import mark
from artifact_reject_entries import built

CONV = {"stride": 1, "padding": [0, 0], "dilation": 1, "groups": 1}


def types(name, what):
    """What the function puts last into the model does not fit. `x` is [batch, time, 4]."""

    def add(make):
        @built(f"types-{name}", what)
        def made():
            m = Model()
            m.output("logits", make(m, convolved(m, 4)))
            return mark(m.file(), f"graph/nodes/{len(m.nodes) - 1}")

    return add


def plain(name, what, op, *shapes, **attributes):
    """The other inputs are constants of these shapes."""

    def make(m, x):
        return m.node(op, x, *(shape and m.constant(str(i), shape) for i, shape in enumerate(shapes)), **attributes)

    types(name, what)(make)


plain("linear-width", "Rows of 3 do not meet a weight of rows of 4.", "Linear", [2, 3])
plain("linear-bias", "A bias has one number for two rows.", "Linear", [2, 4], [1])
plain("conv-channels", "Two groups of two channels do not meet four channels in one.", "Conv", [2, 2, 1], **CONV)
plain("conv-groups", "Three rows do not fall into two groups.", "Conv", [3, 2, 1], **CONV | {"groups": 2})
plain("layer-scale", "A scale has five numbers for four columns.", "LayerNormalization", [5], epsilon=0.1)
plain("group-groups", "Four channels do not fall into three groups.", "GroupNormalization", groups=3, epsilon=0.1)
plain("broadcast", "Lengths of 4 and 2 cannot be broadcast.", "Add", [2])
plain("slice-axis", "There is no axis 3.", "Slice", axis=3, drop=[0, 0])
plain("slice-drop", "Five of four elements are left out.", "Slice", axis=2, drop=[2, 3])
plain("reshape-axis", "There is no axis 3.", "Reshape", shape=["axis 0", "axis 1", 2, "axis 3"])
plain("reshape-count", "Four columns do not become five.", "Reshape", shape=["axis 0", "axis 1", 5])


@types("conv-axes", "A value of four axes is convolved.")
def conv_axes(m, x):
    split = m.node("Reshape", x, shape=["axis 0", "axis 1", 2, 2])
    return m.node("Conv", split, m.constant("weight", [2, 2, 1]), **CONV)


@types("attention-heads", "Four columns do not fall into three heads.")
def attention_heads(m, x):
    return m.node("Attention", x, x, x, heads=3, scale=1.0)


@types("attention-width", "Keys are narrower than queries.")
def attention_width(m, x):
    key = m.node("Slice", x, axis=2, drop=[1, 1])
    return m.node("Attention", x, key, x, heads=1, scale=1.0)


@types("attention-counts-floats", "Keys are counted in floats.")
def attention_counts_floats(m, x):
    return m.node("Attention", x, x, x, m.constant("counts", [1]), heads=1, scale=1.0)


@types("attention-counts-axes", "A count for each row and each head.")
def attention_counts_axes(m, x):
    m.input("counts", "I64", ["batch", 2])
    return m.node("Attention", x, x, x, "counts", heads=2, scale=1.0)


@types("alibi-slopes", "Two heads, and one slope.")
def alibi_slopes(m, x):
    return m.node("AlibiAttention", x, x, x, m.constant("slopes", [1]), heads=2, scale=1.0, prefix=0)


@types("input-dtype", "The logistic function of integers is no integer.")
def input_dtype(m, x):
    m.input("other", "I32", ["batch", "samples"])
    m.state("x", x)
    return m.node("Sigmoid", "other")


@types("constant-dtype", "A constant of 64-bit floats is computed with.")
def constant_dtype(m, x):
    return m.node("Mul", x, m.constant("other", values=np.ones(4), dtype="F64"))
