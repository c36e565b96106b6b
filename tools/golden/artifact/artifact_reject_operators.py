"""Files with a node of the operators that compute in integers too or whose shapes other values say: an attribute that
fits no input breaks rule 19, an input that does not fit rule 20."""

import numpy as np

from artifact_accept_operators import floats, i32, i64, one, truths
from artifact_model import Model, convolved, small
from artifact_reject import mark, tree
from artifact_reject_entries import built
from artifact_reject_types import types


def attributes(name, what, op, *inputs, **attributes):
    node = {"name": "alone", "op": op, "inputs": list(inputs or ["mean"]), "attributes": attributes}
    tree(f"operators-{name}", what, {"graph/nodes/+": node}, small)


attributes("alibi-prefix", "A prefix is shorter than nothing.", "AlibiAttention", *["mean"] * 4, heads=1, scale=1.0,
           prefix=-1)  # fmt: skip
attributes("alibi-no-prefix", "A prefix is not said.", "AlibiAttention", *["mean"] * 4, heads=1, scale=1.0)
attributes("softmax-axis", "No tensor has an axis 16.", "Softmax", axis=16)
attributes("gather-axis", "Axes are counted from the first.", "Gather", "mean", "mean", axis=-1)
attributes("transpose-twice", "An axis is named twice.", "Transpose", perm=[1, 1])
attributes("transpose-gap", "Axis 1 is left out.", "Transpose", perm=[0, 2])
attributes("cast-to", "A graph does not compute in F64.", "Cast", to="F64")
attributes("allowzero", "A truth value is no number.", "ReshapeTo", "mean", "mean", allowzero=1)
attributes("reduction", "There is no such reduction.", "ScatterND", "mean", "mean", "mean", reduction="sub")
attributes("concat-count-0", "Nothing is joined.", "Concat", axis=0, count=0)
attributes("concat-count-high", "1,025 inputs are joined.", "Concat", *["mean"] * 1025, axis=0, count=1025)
attributes("concat-inputs-fewer", "Three inputs are said to be joined, and two are there.", "Concat", "mean", "mean",
           axis=0, count=3)  # fmt: skip
attributes("concat-inputs-more", "One input is said to be joined, and two are there.", "Concat", "mean", "mean",
           axis=0, count=1)  # fmt: skip
attributes("pad-mode", "There is no such mode.", "Pad", "mean", "mean", mode="symmetric")
attributes("reshape-rest-twice", "Two lengths are what is left.", "Reshape", shape=["rest", "rest"])
attributes("reshape-axis-16", "No tensor has an axis 16.", "Reshape", shape=["axis 16"])
attributes("reshape-axes", "A shape of 17 lengths.", "Reshape", shape=[1] * 17)
attributes("reshape-word", "A length is neither a number nor known.", "Reshape", shape=["axis -1"])
tree("values-null-concat", "An input is left out that is joined.", {
    "graph/nodes/+": {"name": "alone", "op": "Concat", "inputs": ["mean", None, "mean"],
                      "attributes": {"axis": 0, "count": 3}}}, small)  # fmt: skip


def plain(name, what, op, make=lambda m: [], **attributes):
    """`make` gives what follows x [batch, time, 4]."""
    types(name, what)(lambda m, x: m.node(op, x, *make(m), **attributes))


plain("mixed", "Floats and integers are added.", "Add", lambda m: [i64(m, "b", 1)])
plain("not-floats", "Floats are no truth values.", "Not")
plain("and-floats", "Floats are no truth values.", "And", lambda m: [floats(m, "b", 1)])
plain("condition-floats", "A condition is no float.", "Where", lambda m: [floats(m, "a", 1), floats(m, "b", 2)])
plain("matmul-depth", "Rows of 4 do not meet columns of 3.", "MatMul", lambda m: [m.constant("b", [3, 2])])
plain("matmul-number", "A number is no matrix.", "MatMul", lambda m: [one(m, "b", 2, "F32")])
plain("softmax-axis", "There is no axis 3.", "Softmax", axis=3)
plain("transpose-axes", "Two axes are named of three.", "Transpose", perm=[1, 0])
plain("gather-floats", "Indices are no floats.", "Gather", lambda m: [floats(m, "i", 0)], axis=0)
plain("gather-axis", "There is no axis 3.", "Gather", lambda m: [i64(m, "i", 0)], axis=3)
plain("gather-axes", "17 axes come out.", "Gather", lambda m: [i64(m, "i", *np.zeros([1] * 15))], axis=0)
plain("scatter-depth", "Indices of 4 numbers, and three axes.", "ScatterND",
      lambda m: [i64(m, "i", [0, 0, 0, 0]), m.constant("u", [1])], reduction="none")  # fmt: skip
plain("scatter-updates", "Updates are two rows, and one index.", "ScatterND",
      lambda m: [i64(m, "i", [0, 0]), m.constant("u", [2, 4])], reduction="none")  # fmt: skip
plain("scatter-mixed", "Integers are put into floats.", "ScatterND",
      lambda m: [i64(m, "i", [0, 0, 0]), i64(m, "u", 1)], reduction="none")  # fmt: skip
plain("concat-lengths", "Other lengths differ.", "Concat", lambda m: [m.constant("b", [1, 1, 3])], axis=1, count=2)
plain("concat-axes", "Three axes and two are joined.", "Concat", lambda m: [m.constant("b", [1, 4])], axis=1, count=2)
plain("reshape-to-list", "A shape is a list.", "ReshapeTo", lambda m: [i64(m, "s", [4, -1])], allowzero=False)
plain("reshape-to-negative", "-2 is no length.", "ReshapeTo", lambda m: [i64(m, "s", -2, 4)], allowzero=False)
plain("reshape-to-zero", "Zero stands for an axis that is not there.", "ReshapeTo",
      lambda m: [i64(m, "s", 1, 1, 1, 0)], allowzero=False)  # fmt: skip
plain("reshape-to-rest-twice", "Two lengths are what is left.", "ReshapeTo",
      lambda m: [i64(m, "s", -1, -1)], allowzero=False)  # fmt: skip
plain("reshape-to-floats", "A shape is no list of floats.", "ReshapeTo", lambda m: [floats(m, "s", 1)], allowzero=False)
plain("expand-length", "4 columns do not become 3.", "Expand", lambda m: [i64(m, "s", 3)])
plain("expand-negative", "-1 is no length.", "Expand", lambda m: [i64(m, "s", -1)])
plain("slice-step-0", "A step is 0.", "StridedSlice",
      lambda m: [i64(m, "s", 0), i64(m, "e", 1), i64(m, "a", 2), i64(m, "steps", 0)])  # fmt: skip
plain("slice-axis-twice", "An axis is listed twice, once from either end.", "StridedSlice",
      lambda m: [i64(m, "s", 0, 0), i64(m, "e", 1, 1), i64(m, "a", 2, -1)])  # fmt: skip
plain("slice-axis-3", "There is no axis 3.", "StridedSlice",
      lambda m: [i64(m, "s", 0), i64(m, "e", 1), i64(m, "a", 3)])  # fmt: skip
plain("slice-lists", "Two starts and one end.", "StridedSlice", lambda m: [i64(m, "s", 0, 0), i64(m, "e", 1)])
plain("pad-count", "Four numbers for three axes.", "Pad", lambda m: [i64(m, "p", 0, 0, 1, 1)], mode="constant")
plain("pad-reflect", "Four elements have three beside the edge.", "Pad",
      lambda m: [i64(m, "p", 0, 0, 4, 0, 0, 0)], mode="reflect")  # fmt: skip
plain("pad-away", "Five of four elements are taken away.", "Pad",
      lambda m: [i64(m, "p", 0, 0, -3, 0, 0, -2)], mode="constant")  # fmt: skip
plain("pad-least", "The lowest integer is no length.", "Pad",
      lambda m: [i64(m, "p", 0, 0, -(2**63), 0, 0, 0)], mode="edge")  # fmt: skip
plain("pad-value", "Floats are filled with an integer.", "Pad",
      lambda m: [i64(m, "p", 0, 0, 0, 0, 0, 0), one(m, "v", 1)], mode="constant")  # fmt: skip
plain("tile-count", "Two numbers for three axes.", "Tile", lambda m: [i64(m, "t", 1, 2)])
plain("tile-negative", "-1 is no number of times.", "Tile", lambda m: [i64(m, "t", 1, 1, -1)])
plain("tile-many", "An axis gets 2^41 elements.", "Tile", lambda m: [i64(m, "t", 1, 1, 1 << 39)])


@types("matmul-integers", "Products of matrices are computed in floats.")
def matmul_integers(m, x):
    m.state("x", x)
    return m.node("MatMul", i64(m, "a", [1]), i64(m, "b", [2]))


@types("mean-integers", "A mean of integers may be none.")
def mean_integers(m, x):
    m.state("x", x)
    return m.node("ReduceMean", i32(m, "a", 1, 2), axes=[0], keepdims=False)


@types("scatter-add-truths", "Truth values have no sum.")
def scatter_add(m, x):
    m.state("x", x)
    return m.node("ScatterND", truths(m, "a", 1), i64(m, "i", [0]), truths(m, "u", 1), reduction="add")


@types("range-delta-0", "A sequence that does not go on.")
def range_delta(m, x):
    m.state("x", x)
    return m.node("Range", one(m, "from", 0), one(m, "to", 4), one(m, "by", 0))


@types("range-mixed", "A sequence of both floats and integers.")
def range_mixed(m, x):
    m.state("x", x)
    return m.node("Range", one(m, "from", 0), one(m, "to", 4), one(m, "by", 1, "F32"))


@types("range-list", "A sequence starts in two places.")
def range_list(m, x):
    m.state("x", x)
    return m.node("Range", i64(m, "from", 0, 1), one(m, "to", 4), one(m, "by", 1))


@types("range-long", "A sequence of 2^32 + 1 numbers.")
def range_long(m, x):
    m.state("x", x)
    return m.node("Range", one(m, "from", -(2**31)), one(m, "to", 2**31 + 1), one(m, "by", 1))


@types("shape-reshaped", "The shape of a value whose lengths are known is known at once.")
def shape_reshaped(m, x):
    m.state("x", x)
    shape = m.node("Shape", m.constant("six", [2, 3]), name="shape")
    return m.node("ReshapeTo", m.constant("five", [5]), shape, allowzero=False)


@types("concat-long", "An axis gets more than 2^40 elements.")
def concat_long(m, x):
    m.state("x", x)
    m.input("long", "F32", [1 << 40, 0])
    return m.node("Concat", "long", "long", axis=0, count=2)


@built("types-output-dtype", "An output is no number that a graph computes with.")
def output_dtype():
    m = Model()
    convolved(m)
    m.output("logits", "conv")
    m.output("bytes", m.constant("bytes", values=np.arange(3), dtype="U8"))
    return mark(m.file(), "graph/outputs/1")


for name, what, op, given in (
    ("perm-number", "A permutation is a list.", "Transpose", {"perm": 0}),
    ("axis-text", "An axis is a number.", "Softmax", {"axis": "0"}),
    ("axis-fraction", "An axis is an integer.", "Softmax", {"axis": 0.5}),
    ("to-null", "A type is left out.", "Cast", {"to": None}),
):
    attributes(name, what, op, **given)
