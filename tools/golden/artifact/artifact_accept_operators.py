"""Files with the operators that compute in integers and truth values too, or whose shapes other values say. What is not
F32 is shown as F32, so that golden cases can say what it is."""

import numpy as np

from artifact_accept import ALL, accept, given_all
from artifact_model import CLIP, Model, convolved, finish, frames, prove


def i64(m, name, *values):
    return m.constant(name, values=np.array(values, np.int64), dtype="I64")


def i32(m, name, *values):
    return m.constant(name, values=np.array(values, np.int32), dtype="I32")


def one(m, name, value, dtype="I64"):
    return m.constant(name, values=np.array(value, {"I64": np.int64, "I32": np.int32, "F32": float}[dtype]), dtype=dtype)


def truths(m, name, *values):
    return m.constant(name, values=np.array(values, bool), dtype="BOOL")


def floats(m, name, *values):
    return m.constant(name, values=np.array(values))


def shown(m, value, name=None):
    return m.node("Cast", value, name=name or f"{value} as F32", to="F32")


def done(m, x):
    """The values that `shown` has made are expected, and the usual outputs."""
    names = [node["name"] for node in m.nodes if node["name"].endswith(" as F32")]
    m.output("logits", m.node("ReduceMean", x, name="logits.", axes=[0], keepdims=False))
    return prove(m, **dict.fromkeys(names, ALL), logits=ALL)


@accept("operators-unary")
def operators_unary():
    """Halves of both signs are rounded, and numbers below 0 have no logarithm."""
    m = Model()
    x = convolved(m)
    odd = m.node("Sub", x, floats(m, "halves", 0.5, -1.5), name="odd")
    for op in ("Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "Log", "Neg", "Round", "Sign", "Sin", "Softplus"):
        m.node(op, odd, name=op)
    m.node("Round", floats(m, "ties", -2.5, -1.5, -0.5, 0.5, 1.5, 2.5), name="ties to even")
    names = [node["name"] for node in m.nodes[3:]]
    return prove(finish(m, odd), **dict.fromkeys(names, ALL), logits=ALL)


@accept("operators-binary")
def operators_binary():
    """Floats: what is left of a division has the sign of either side."""
    m = Model()
    x = convolved(m)
    against = floats(m, "against", 0.75, -0.375)
    for op in ("Mod", "Remainder", "Min", "Max"):
        m.node(op, x, against, name=op)
    m.node("Pow", m.node("Abs", x), against, name="Pow")
    m.node("Min", floats(m, "NaN", np.nan, 1.0), against, name="Min with NaN")
    names = [node["name"] for node in m.nodes[2:]]
    return prove(finish(m, x), **dict.fromkeys(names, ALL), logits=ALL)


@accept("operators-integers")
def operators_integers():
    """Both widths, both signs, numbers that wrap around."""
    m = Model()
    for make, kind, top in ((i64, "I64", 2**63 - 1), (i32, "I32", 2**31 - 1)):
        a = make(m, f"{kind} a", 7, -7, 7, -7, 0, top)
        b = make(m, f"{kind} b", 2, 2, -2, -2, 5, 1)
        for op in ("Add", "Sub", "Mul", "Div", "Mod", "Remainder", "Pow", "Min", "Max"):
            shown(m, m.node(op, a, b, name=f"{op} of {kind}"))
        shown(m, m.node("Pow", make(m, f"{kind} base", 2, -1, -1, 1), make(m, f"{kind} powers", -1, -1, -2, -3),
                        name=f"powers below 0 of {kind}"))  # fmt: skip
        for op in ("Abs", "Neg", "Sign", "Relu"):
            shown(m, m.node(op, a, name=f"{op} of {kind}"))
        for op in ("ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"):
            shown(m, m.node(op, b, name=f"{op} of {kind}", axes=[0], keepdims=True))
    return done(m, frames(m))


@accept("operators-questions")
def operators_questions():
    m = Model()
    x = frames(m)
    odd = floats(m, "odd", -np.inf, -1, 0, 0.5, np.inf, np.nan)
    for op in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
        shown(m, m.node(op, odd, one(m, f"half for {op}", 0.5, "F32"), name=op))
        shown(m, m.node(op, i64(m, f"a for {op}", -1, 2, 3), i64(m, f"b for {op}", 2), name=f"{op} of I64"))
    for op in ("IsInf", "IsNaN"):
        shown(m, m.node(op, odd, name=op))
    a, b = truths(m, "a", 0, 0, 1, 1), truths(m, "b", 0, 1, 0, 1)
    for op in ("And", "Or", "Xor", "Equal"):
        shown(m, m.node(op, a, b, name=f"{op} of BOOL"))
    shown(m, m.node("Not", a, name="Not"))
    for op in ("ReduceMax", "ReduceMin"):
        shown(m, m.node(op, b, name=f"{op} of BOOL", axes=[0], keepdims=False))
    loud = m.node("Greater", x, one(m, "quiet", 0.25, "F32"), name="loud")
    return done(m, m.node("Where", loud, x, floats(m, "three", 1, 2, 3), name="chosen"))


@accept("operators-cast")
def operators_cast():
    """Fractions go, numbers that do not fit become the nearest that do, NaN 0."""
    m = Model()
    odd = floats(m, "odd", -np.inf, -1e30, -3000000000.0, -2.75, -0.5, 0, 0.5, 2.75, 3000000000.0, 1e30, np.inf, np.nan)
    for kind in ("F32", "I64", "I32", "BOOL"):
        shown(m, m.node("Cast", odd, name=f"floats to {kind}", to=kind))
        shown(m, m.node("Cast", i64(m, f"{kind} from", -1, 0, 3), name=f"I64 to {kind}", to=kind))
        shown(m, m.node("Cast", i32(m, f"{kind} from I32", -1, 0, 3), name=f"I32 to {kind}", to=kind))
        shown(m, m.node("Cast", truths(m, f"{kind} from BOOL", 0, 1), name=f"BOOL to {kind}", to=kind))
    shown(m, m.node("Cast", i64(m, "wide", 2**31, -(2**31) - 1, 7), name="wide to I32", to="I32"))
    return done(m, frames(m))


@accept("operators-products")
def operators_products():
    """Batches that broadcast, a row, a column, one number; a softmax along each axis."""
    m = Model()
    x = convolved(m, 4)
    weights = m.constant("weights", [3, 1, 4, 2])
    m.node("MatMul", x, weights, name="batches")
    row = m.node("MatMul", m.constant("row", [4]), weights, name="row and weights")
    m.node("MatMul", row, m.constant("column", [2]), name="row, weights and column")
    m.node("MatMul", m.constant("left", [5]), m.constant("right", [5]), name="number")
    m.node("MatMul", m.constant("empty", [2, 0]), m.constant("nothing", [0, 3]), name="of nothing")
    for axis in range(3):
        m.node("Softmax", x, name=f"softmax {axis}", axis=axis)
    names = [node["name"] for node in m.nodes[2:]]
    return prove(finish(m, x, 4), **dict.fromkeys(names, ALL), logits=ALL)


@accept("operators-reductions")
def operators_reductions():
    """Also of no elements, and with NaN among them."""
    m = Model()
    x = convolved(m)
    nothing = m.constant("nothing", [2, 0])
    numbers = floats(m, "numbers", 1, np.nan, -2)
    for op in ("ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"):
        m.node(op, x, name=f"{op} apart", axes=[0, 2], keepdims=True)
        m.node(op, nothing, name=f"{op} of nothing", axes=[1], keepdims=False)
        m.node(op, numbers, name=f"{op} with NaN", axes=[0], keepdims=False)
    names = [node["name"] for node in m.nodes[2:]]
    return prove(finish(m, x), **dict.fromkeys(names, ALL), logits=ALL)


@accept("operators-moved")
def operators_moved():
    """Elements that change their places, from either end of an axis, of every type."""
    m = Model()
    x = convolved(m)
    m.node("Transpose", x, name="transposed", perm=[2, 0, 1])
    m.node("Transpose", one(m, "a number", 0.5, "F32"), name="number", perm=[])
    m.node("Reshape", x, name="the rest", shape=["axis 2", "rest", 1])
    m.node("Gather", x, i64(m, "rows", [1, -1], [0, -2]), name="gathered", axis=1)
    m.node("Gather", x, one(m, "last", -1, "I32"), name="last column", axis=2)
    least = -(2**63)
    m.node("StridedSlice", x, i64(m, "s", -1, 1), i32(m, "e", 0, 2), i64(m, "axes", -2, 2), i64(m, "steps", -2, 1),
           name="backwards")  # fmt: skip
    m.node("StridedSlice", x, i64(m, "from the end", 2**63 - 1), i64(m, "to the start", least), i64(m, "axis", 1),
           i64(m, "back", -1), name="turned")  # fmt: skip
    m.node("StridedSlice", x, i64(m, "zeros", 0, 0, 0), i64(m, "most", 1, 2**63 - 1, 1), name="front")
    m.node("Concat", x, m.constant("between", [1, 1, 2]), x, name="joined", axis=1, count=3)
    m.node("Concat", x, name="alone", axis=2, count=1)
    m.node("Tile", x, i64(m, "times", 1, 2, 3), name="tiled")
    m.node("Tile", x, i32(m, "never", 1, 0, 1), name="tiled no times")
    for mode in ("constant", "reflect", "edge", "wrap"):
        m.node("Pad", x, i64(m, f"pads {mode}", 0, 2, 1, 0, 1, 0), name=mode, mode=mode)
    m.node("Pad", x, i64(m, "away", 1, -1, 0, 0, -2, 0), one(m, "fill", 0.5, "F32"), name="cut and filled", mode="constant")
    names = [node["name"] for node in m.nodes[2:]]
    for value in (i64(m, "I64", 1, -2, 3), i32(m, "I32", 1, -2, 3), truths(m, "BOOL", 1, 0, 1)):
        kind = value
        turned = m.node("StridedSlice", value, i64(m, f"{kind} s", -1), i64(m, f"{kind} e", least),
                        i64(m, f"{kind} a", 0), i64(m, f"{kind} b", -1), name=f"{kind} turned")  # fmt: skip
        padded = m.node("Pad", turned, i64(m, f"{kind} pads", 1, 1), name=f"{kind} padded", mode="constant")
        names.append(shown(m, m.node("Gather", padded, i64(m, f"{kind} i", 3, 0, -1), name=f"{kind} taken", axis=0)))
    return prove(finish(m, x), **dict.fromkeys(names, ALL), logits=ALL)


@accept("operators-scatter")
def operators_scatter():
    """One place is written twice: the last update stands, sums and products take both."""
    m = Model()
    x = convolved(m)
    indices = i64(m, "indices", [0, 1], [0, -1], [0, 1])
    for kind in ("none", "add", "mul", "min", "max"):
        m.node("ScatterND", x, indices, m.constant(f"updates {kind}", [3, 2]), name=f"rows {kind}", reduction=kind)
        one_number = m.constant(f"update {kind}", [1])
        m.node("ScatterND", x, i32(m, f"place {kind}", [0, 0, 1]), one_number, name=f"number {kind}", reduction=kind)
    names = [node["name"] for node in m.nodes[2:]]
    integers = m.node("ScatterND", i64(m, "I64", 5, 6, 7), i64(m, "places", [2], [2]), i64(m, "more", 10, 20),
                      name="sum", reduction="add")  # fmt: skip
    flags = m.node("ScatterND", truths(m, "BOOL", 0, 0), i64(m, "flag", [1]), truths(m, "true", 1), name="flags",
                   reduction="none")  # fmt: skip
    return prove(finish(m, x), **dict.fromkeys([*names, shown(m, integers), shown(m, flags)], ALL), logits=ALL)


@accept("types-computed-shapes")
def types_computed_shapes():
    """Lists that are known when the lengths of the signal are: lengths of it, sums and products of them."""
    m = Model()
    x = convolved(m)
    shape = m.node("Shape", x, name="shape")
    time = m.node("Gather", shape, i64(m, "1", 1), name="time", axis=0)
    half = m.node("Div", time, i64(m, "2", 2), name="half")
    m.node("ReshapeTo", x, m.node("Concat", i64(m, "0", 0), half, i64(m, "-1", -1), axis=0, count=3),
           name="reshaped", allowzero=False)  # fmt: skip
    m.node("Expand", m.constant("row", [1, 2]), m.node("Concat", half, i64(m, "two", 2), axis=0, count=2), name="expanded")
    m.node("StridedSlice", x, half, time, "1", name="second half")
    number = m.node("Reshape", time, name="as a number", shape=[])
    places = m.node("Range", one(m, "from", 0), number, one(m, "by", 1), name="places")
    kept = shown(m, m.node("Mul", places, i64(m, "three", 3), name="threefold"))
    steps = m.node("Range", *(one(m, f"range {v}", v, "F32") for v in (1.0, -0.5, -0.25)), name="steps")
    m.node("Tile", steps, half, name="tiled")
    m.node("Pad", x, m.node("Mul", i64(m, "sides", 0, 1, 0, 0, 1, 0), half), name="padded", mode="edge")
    empty = m.node("Gather", m.constant("no rows", [0, 2]), m.constant("none", values=np.zeros(0, int), dtype="I64"),
                   name="of no rows", axis=0)  # fmt: skip
    m.node("ReshapeTo", empty, i64(m, "zero", 3, 0), name="still none", allowzero=True)
    names = ["reshaped", "expanded", "second half", kept, "steps", "tiled", "padded", "still none"]
    return prove(finish(m, x), **dict.fromkeys(names, ALL), logits=ALL)


@accept("types-other-lengths")
def types_other_lengths():
    """Lengths of other names, which turn out to be equal, or 1; a known one among them."""
    m = Model()
    x = m.input()
    m.input("other", "F32", ["rows", "columns"])
    m.input("three", "F32", [3, "columns"])
    added = m.node("Add", x, "other", name="added")
    m.node("MatMul", added, m.node("Transpose", "three", perm=[1, 0]), name="product")
    m.node("Concat", x, "three", "other", name="joined", axis=0, count=3)
    m.node("Reshape", "other", name="turned", shape=["axis 1", 1])
    m.output("logits", added)
    given = {"signal": CLIP[None], "other": CLIP[None] * 2, "three": np.tile(CLIP, (3, 1))}
    given_all(m, "all", given, {}, dict.fromkeys(("logits", "product", "joined", "turned"), ALL))
    return m


@accept("types-outputs")
def types_outputs():
    """Outputs and states of every type that is computed with, and of the two that are widened."""
    m = Model()
    x = frames(m)
    m.output("logits", x)
    m.output("shape", m.node("Shape", x, name="shape of x"))
    m.output("narrow", m.node("Cast", "shape of x", name="narrow.", to="I32"))
    m.output("flags", m.node("IsNaN", x, name="flags."))
    m.state("table", i64(m, "I64", 1, 2))
    m.state("mask", truths(m, "BOOL", 1, 0))
    m.output("half", m.constant("F16", [2], dtype="F16"))
    m.state("brain", m.constant("BF16", [2], dtype="BF16"))
    return prove(m, shape=ALL, narrow=ALL, flags=ALL, table=ALL, mask=ALL, half=ALL, brain=ALL, logits=ALL)
