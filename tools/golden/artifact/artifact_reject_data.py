"""Files whose index, data or golden cases are not as the article says."""

import zlib

import numpy as np

from artifact import File, Tensor
from artifact_model import CLIP, prove, proven, small
from artifact_reject import edited, mark, reject, tree
from artifact_reject_entries import built, in_panels, reordered, silent


def loose(shape, values=None):
    """A constant that is only an output: nothing but the index says what it is."""
    m = silent()
    m.cases.clear()
    m.output("other", m.constant("other", values=np.zeros(shape) if values is None else values))
    return m.file()


# Index.


@built("names-twice", "Two golden arrays have one name.")
def names_twice():
    file = proven().file()
    file = File(file.metadata, file.graph, [*file.tensors, file.tensors[2]], file.goldens)
    return mark(file, "index/3")


@built("names-constant-golden", "A constant and a golden array have one name.")
def names_constant_golden():
    m = small()
    m.state("other", m.constant("goldens.npz/clip", [2]))
    return mark(prove(m, logits=None).file(), "index/2", "index/3")


@built("roles-unknown", "There is no such role.")
def roles_unknown():
    file = small().file()
    other = Tensor("other", "weight", "F32", [1], bytes(4))
    return mark(File(file.metadata, file.graph, [*file.tensors, other], file.goldens), "index/2")


@built("roles-order", "A constant follows a golden array.")
def roles_order():
    return mark(reordered(proven().file(), (0, 1), (0, 2, 1)), "index/1", "index/2")


def entry(name, what, shape, edits):
    built(name, what)(lambda: edited(loose(shape), {f"index/0/{key}": value for key, value in edits.items()}))


entry("dtypes-unknown", "There is no such type.", [4], {"dtype": "TF32"})
entry("dtypes-lower-case", "A type is lower-case.", [4], {"dtype": "f32"})
entry("shapes-negative", "A length is below 0.", [0, 3], {"shape": [0, -3]})
entry("shapes-long", "The lengths that are not 0, times 16, are 2^63.", [0, 3], {"shape": [0, 1 << 59]})
entry("shapes-overflow", "The product of the lengths is 0 in 64 bits.", [0, 3], {"shape": [1 << 32, 0, 1 << 32]})
entry("encoding", "The encoding is another.", [4], {"encoding": "zstd"})
entry("order-unknown", "There is no such order.", [4], {"order": "column-major"})


def panelled(file, i, groups=1):
    """Says that a tensor is in panels; where all is 0 that is no lie about its elements."""
    end = {key: file.index[i].pop(key) for key in ("offset", "bytes")}
    file.index[i] |= {"order": "panels", "groups": groups} | end
    return mark(file, f"index/{i}")


for name, what, shape, groups in (
    ("axes", "A tensor of four axes is in panels.", [16, 1, 1, 1], 1),
    ("empty", "A tensor without elements is in panels.", [16, 0], 1),
    ("groups", "16 rows do not fall into three groups.", [16, 1], 3),
    ("groups-0", "There are no groups.", [16, 1], 0),
):
    built(f"order-{name}", what)(lambda shape=shape, groups=groups: panelled(loose(shape), 0, groups))


@built("order-dtype", "Integers are in panels.")
def order_dtype():
    file = loose([16, 1])
    zeros = Tensor("other", "constant", "I32", [16, 1], bytes(64))
    return panelled(File(file.metadata, file.graph, [zeros], []), 0)


@built("order-golden", "A golden array is in panels.")
def order_golden():
    m = small()
    m.input("other", "F32", ["a", "b"])
    given = {"signal": CLIP[None], "other": np.zeros((16, 1))}
    m.case("all", {name: m.array(name, "F32", value) for name, value in given.items()}, {"logits": None}, inputs=given)
    return panelled(m.file(), 3)


def pair(data, places):
    """Two tensors with the same 16 bytes each, and where the index says that they are: offsets and lengths."""
    m = silent()
    m.cases.clear()
    for tensor in ("first", "second"):
        m.output(tensor, m.constant(tensor, values=np.array([[0.5, -0.25], [1, 0.125]])))
    file = m.file()
    file.data = data(file.data)
    for i, (offset, length) in enumerate(places):
        file.index[i] |= {"offset": offset, "bytes": length}
        file.digests[i] = (zlib.crc32(file.data[offset : offset + length]), file.digests[i][1])
    return file


for name, what, wrong, data, *places in (
    ("late", "A tensor starts 64 bytes late.", 1, lambda d: d[:64] + bytes(64) + d[64:], (0, 16), (128, 16)),
    ("first", "The first tensor starts at 64.", 0, lambda d: bytes(64) + d, (64, 16), (128, 16)),
    ("shared", "Two tensors share their bytes.", 1, lambda d: d[:16], (0, 16), (0, 16)),
    ("unaligned", "A tensor starts at 16.", 1, lambda d: d[:16] + d[64:], (0, 16), (16, 16)),
    ("long", "A tensor has more bytes than its elements.", 0, lambda d: d, (0, 20), (64, 16)),
    ("huge", "A tensor starts 64 before 2^63.", 1, lambda d: d, (0, 16), ((1 << 63) - 64, 16)),
):
    built(f"placement-{name}", what)(
        lambda wrong=wrong, data=data, places=places: mark(pair(data, places), f"index/{wrong}")
    )
for name, what, data in (
    ("long", "64 bytes follow the last tensor in the data.", lambda d: d + bytes(64)),
    ("short", "The last tensor ends after the data.", lambda d: d[:-4]),
):

    @reject(f"placement-data-{name}", what)
    def placement_data(data=data):
        """The header has the data's length, the index the tensor's; the data's end may be named as well."""
        file = pair(data, ((0, 16), (64, 16))).build()
        return file.data, (48, file.at["data"][1])


@built("placement-fill", "Those that fill a panel are neither there nor counted.")
def placement_fill():
    file = in_panels().file()
    row_major = file.tensors[0].elements
    file.data = row_major + bytes(64 - len(row_major)) + file.data[64:]
    file.index[0]["bytes"] = len(row_major)
    file.digests[0] = (zlib.crc32(row_major), file.digests[0][1])
    return mark(file, "index/0")


# Goldens.

ZEROS = {"shape": [1, 2], "values": [0, 0]}
for name, what, edits in (
    ("version", "The case is of another version.", {"golden": 2}),
    ("name-twice", "Two cases have one name.", {"name": "first"}),
    ("samples-negative", "The silence is shorter than nothing.", {"input/samples": -1}),
    ("samples-many", "The silence is too long.", {"input/samples": 57600001}),
    ("system", "The case is for another system.", {"system": "wav2vec2"}),
    ("kind", "There is no such input.", {"input/kind": "noise"}),
    ("expected-nothing", "Nothing is expected.", {"expected": {}}),
    ("expected-input", "An input is no output, state or node.", {"expected": {"signal": ZEROS}}),
    ("values-few", "There are fewer numbers than in the shape.", {"expected/logits/values": [0]}),
    ("value-nan", "NaN is written in lower-case letters.", {"expected/logits/values": [0, "nan"]}),
    ("at-axes", "A place has too few numbers.", {"expected/logits/at": [[0, 0], [1]]}),
    ("at-beyond", "A place is beyond the shape.", {"expected/logits/at": [[0, 0], [0, 2]]}),
    ("tolerance", "A tolerance is below 0.", {"tolerance/absolute": -1e-06}),
):
    tree(f"goldens-{name}", what, {f"goldens/1/{path}": value for path, value in edits.items()}, silent)


tree("fields-at-text", "A place holds a text.", {"goldens/1/expected/logits/at": [[0, "x"], [0, 1]]}, silent)


def case(name, what, edit):
    """A model whose last case is wrong."""

    @built(name, what)
    def make():
        file = edit(proven())
        file = file if isinstance(file, File) else file.file()
        return mark(file, f"goldens/{len(file.goldens) - 1}", "index/2")


def retyped(m, name, dtype, values):
    """Another array in the place of one that is there."""
    key = f"goldens.npz/{name}"
    m.arrays.pop(key, None)
    m.array(name, dtype, values)
    return m


def expecting(m, array, name="logits"):
    m.cases[-1]["expected"][name] = array
    return m


case("goldens-waveform-dtype", "A waveform is F64.", lambda m: retyped(m, "clip", "F64", CLIP))
case("goldens-waveform-shape", "A waveform has two rows.", lambda m: retyped(m, "clip", "F32", CLIP.reshape(2, 4)))
case("goldens-expected-dtype", "Expected values are F16.",
     lambda m: expecting(m, m.array("logits", "F16", np.zeros((1, 2)))))  # fmt: skip


@built("goldens-input-unknown", "A case gives an input that the graph has not.")
def input_unknown():
    m = small()
    m.case("all", {"signal": m.array("clip", "F32", CLIP[None])}, {"logits": None}, inputs={"signal": CLIP[None]})
    m.cases[0]["input"]["tensors"]["Signal"] = m.array("clip", "F32", CLIP[None])
    return mark(m.file(), "goldens/0")


@built("goldens-input-missing", "A case leaves an input of the graph out.")
def input_missing():
    m = small()
    m.case("none", {}, {"logits": None}, inputs={"signal": CLIP[None]})
    return mark(m.file(), "goldens/0")


case("arrays-missing", "The index has no such array.",
     lambda m: expecting(m, {"file": "goldens.npz", "tensor": "logits"}))  # fmt: skip
case("arrays-left-over", "No case means a golden array.", lambda m: retyped(m, "more", "F32", CLIP))
case("arrays-constant", "An array is a constant.",
     lambda m: expecting(renamed(m), {"file": "conv", "tensor": "weight"}))  # fmt: skip


def renamed(m):
    for node in m.nodes:
        node["inputs"] = [name and name.replace("conv.weight", "conv/weight") for name in node["inputs"]]
    about, tensor = m.constants.pop("conv.weight")
    about["name"] = tensor.name = "conv/weight"
    m.constants["conv/weight"] = (about, tensor)
    return m
