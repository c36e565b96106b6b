"""Files that keep to the rules of index, goldens and digests where that is least obvious."""

import numpy as np

from artifact import SIZES
from artifact_accept import ALL, NFC, NFD, accept, given_all, plain
from artifact_model import CLIP, SOURCE, Model, convolved, finish, prove, proven, small


@accept("names")
def names():
    m = Model()
    x = convolved(m)
    for name in (NFC, NFD, "\u0000\n\u007f\u0085", "\U0001f399", " "):
        x = m.node("Add", x, m.constant(name, [2], sources=[{"file": SOURCE, "tensor": ""}]), name=f"+{name}")
    prove(finish(m, x), NFC, logits=ALL)
    m.case(NFD, (m.array(NFD, "F32", CLIP[:4]), CLIP[:4]), {"logits": ALL})
    return m


@accept("roles-no-constants")
def roles_no_constants():
    m = Model()
    m.output("logits", m.node("ReduceMean", m.node("Sigmoid", m.input()), axes=[1], keepdims=True))
    return prove(m)


@accept("dtypes")
def dtypes():
    """Golden arrays of all types, as inputs that no node uses."""
    m = small()
    given, kinds = {"signal": CLIP[None]}, {}
    for dtype, size in SIZES.items():
        m.input(dtype, dtype, ["n"])
        kinds[dtype] = dtype
        real = np.array([-1.5, 2.5, 0.5])
        numbers = {"B": [True, False, True], "C": real * (1 - 2j), "I": [-1, 2, -(1 << size * 8 - 1)]}
        numbers |= {"F": real, "U": [0, 1, (1 << size * 8 - 1)]}
        given[dtype] = np.array(numbers[dtype[0]], np.uint64 if dtype[0] == "U" else None)
    given_all(m, "all", given, kinds, {"logits": ALL})
    return m


@accept("shapes")
def shapes():
    m = small()
    given = {"signal": CLIP[None]}
    lengths = {"scalar": [], "none": [0], "wide": [0, (1 << 59) - 1], "late": [3, 5, 0], "deep": [1] * 16}
    for name, shape in lengths.items():
        m.input(name, "U8", [f"{name}.{i}" for i in range(len(shape))])
        given[name] = np.zeros(shape, np.uint8)
    given_all(m, "all", given, dict.fromkeys(lengths, "U8"), {"logits": ALL})
    return m


@accept("encoding")
def encoding():
    """Bits that arithmetic would change: signalling NaNs, negative zero, what is not normal."""
    m = proven()
    for dtype, bits in (("F32", "010080ff00000080010000000000807f"), ("F16", "017c00800100007c"), ("BF16", "81ff0080")):
        raw = bytes.fromhex(bits)
        m.output(dtype, m.constant(dtype, [len(raw) // SIZES[dtype]], raw, dtype))
    return m


@accept("order-linear")
def order_linear():
    m = Model()
    x, widest = convolved(m), None
    for rows, dtype, groups in ((33, "F32", 1), (17, "F16", 1), (16, "BF16", 1), (15, "F32", 3), (1, "F16", 1)):
        weight = m.constant(f"w{rows}", [rows, 2], dtype=dtype, groups=groups)
        widest = m.node("Linear", x, weight, name=f"{rows} rows")
    finish(m, widest, 1, 1)
    return prove(m, **{f"{rows} rows": {"at": [[0, 0, 0], [0, 3, rows - 1]]} for rows in (33, 17, 16, 15, 1)})


@accept("order-conv")
def order_conv():
    m = Model()
    x, where = convolved(m, groups=1), {}
    for rows, depth, kernel, groups, dtype in ((2, 1, 3, 2, "F32"), (18, 2, 3, 1, "F16"), (34, 1, 2, 2, "BF16")):
        weight = m.constant(f"w{rows}", [rows, depth, kernel], dtype=dtype, groups=groups)
        name = m.node("Conv", x, weight, name=f"{rows} rows", stride=1, padding=[1, 1], dilation=1, groups=groups)
        where[name] = {"at": [[0, 0, 0], [0, 2, rows // 2], [0, 2, rows - 1]]}
    return prove(finish(m, name, 34), **where, logits=ALL)


@accept("fill")
def fill():
    """Negative zeros beside the rows that fill three groups."""
    m = Model()
    weight = np.full((15, 2), -0.0)
    weight[::2, 1] = 0.5
    x = m.node("Linear", convolved(m), m.constant("weight", values=weight, dtype="F16", groups=3))
    return prove(finish(m, x, 15))


def placed(m, **shapes):
    for name, shape in shapes.items():
        m.state(name, m.constant(name, shape))
    return m


accept("placement")(lambda: placed(small(), a=[1], b=[0, 3], c=[0], d=[16], e=[15], f=[17], g=[1]))
accept("placement-empty-last")(lambda: placed(small(), a=[1], b=[2, 0], c=[0]))


@accept("placement-empty")
def placement_empty():
    m = Model()
    m.output("logits", m.node("Relu", m.input()))
    return placed(m, a=[0], b=[0, 3])


# Goldens and digests.


@accept("goldens-kinds")
def goldens_kinds():
    m = small(preprocessing={"sample_rate": 8000, "normalization": {"epsilon": 1e-05}})
    m.case("silence", 8, {"logits": ALL})
    row = CLIP[None, :5] / 4
    loose = {"absolute": 0.0001, "relative": 0.5, "reason": ""}
    m.case("row", (m.array("row", "F32", row), row), {
        "logits": {"array": "row.logits"}, "layer.0": {"at": [[0, 2, 1], [0, 0, 0], [0, 2, 1]], "tolerance": loose},
        "hidden_states": {"array": "row.mean", "tolerance": loose},
    })  # fmt: skip
    batch = np.stack([CLIP[:5], -CLIP[:5]])
    given_all(m, "graph", {"signal": batch}, {}, {"logits": ALL, "layer.0": {"at": []}, "frames": {"array": "same"}})
    return m


@accept("goldens-values")
def goldens_values():
    """A scalar, no number at all, what is not a number and what is no end."""
    m = Model()
    x = finish(m, convolved(m)).constant("numbers", values=np.array([1, -1, 0.0]))
    m.node("Sqrt", x, name="root")
    m.node("Div", x, m.constant("zero", values=np.array(0.0)), name="ends")
    m.node("ReduceMean", x, name="scalar", axes=[0], keepdims=False)
    m.node("Slice", x, name="nothing", axis=0, drop=[2, 1])
    exact = {"absolute": 0.0, "relative": 0.0, "reason": "exact"}
    ends = {"at": [[2], [1], [0]], "tolerance": exact}
    return prove(m, root=ALL, ends=ends, scalar={"at": [[]]}, nothing={"tolerance": exact}, logits=ALL)


@accept("goldens-silence")
def goldens_silence():
    """The shortest and the longest silence, of which nothing is computed."""
    m = Model()
    m.input()
    m.output("logits", m.node("Tanh", m.constant("numbers", [1, 2])))
    for samples in (0, 57600000):
        m.case(str(samples), samples, {"logits": ALL})
    return m


accept("goldens-none")(lambda: small(labels=["a", "b"]))


@accept("arrays")
def arrays():
    """One array for two cases, as a waveform and as an input; files and tensors whose names have slashes."""
    m = proven()
    clip, row = CLIP * 0.5, CLIP[None] * 0.5
    held = m.array("a/b", "F32", row, file="c/d.npy")
    m.case("waveform", (held, clip), {"logits": {"array": "a/b"}})
    m.case("graph", {"signal": held}, {"hidden_states": {"array": ""}}, inputs={"signal": row})
    m.arrays = dict(reversed(m.arrays.items()))
    return m


@accept("footer")
def footer():
    """Many tensors; the last ends one element before the footer begins."""
    return placed(small(), **{f"t{i}": [i] for i in range(8)})


plain("text-crc", about={"\U0001f399": NFC}, system="wav2vec2-regression")
plain("root", tool="")


@accept("tensor-crc")
def tensor_crc():
    """A tensor in panels that are filled, and one without bytes."""
    m = Model()
    x = m.node("Linear", convolved(m, 3, groups=3), m.constant("weight", [2, 3], dtype="BF16", groups=2))
    return prove(placed(finish(m, x), none=[0]))


@accept("tensor-sha256")
def tensor_sha256():
    """The same elements in three orders have one digest."""
    m = Model()
    x, values = convolved(m), np.arange(8).reshape(4, 2) / 8
    for groups in (0, 1, 2):
        weight = m.constant(f"weight.{groups}", values=values, groups=groups)
        x = m.node("Slice", m.node("Linear", x, weight), axis=2, drop=[1, 1])
    return prove(finish(m, x))
