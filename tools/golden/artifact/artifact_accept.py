"""Files that keep to the rules where that is least obvious: name of the file to what makes it."""

import hashlib

import numpy as np

from artifact import END, MAGIC, TEXTS
from artifact_model import CLIP, SOURCE, Model, convolved, finish, prove, proven, small

ACCEPT = {}
EMPTY = hashlib.sha256(b"").hexdigest()
NFC, NFD = "\u00e9", "e\u0301"
ALL = None  # of an expected output: every number


def accept(name):
    def add(make):
        def built():
            made = make()
            made = made.file() if isinstance(made, Model) else made
            return made if hasattr(made, "seal") else made.build()

        ACCEPT[name] = built
        return make

    return add


def plain(name, **metadata):
    accept(name)(lambda: proven(**metadata))


def tune(file, rests, array=None, page=None):
    """Makes the texts as long as asked modulo 64, then all that is before the data modulo 4096; `array` is meant by
    the index's last entry."""

    def lengthen(part, *places):
        missing = (rests[TEXTS.index(part)] - len(file.text(part)[0])) % 64
        for container, key in places:
            container[key] += "x" * missing

    lengthen("index", (file.index[-1], "name"), (array or file.goldens[-1]["input"], "tensor"))
    lengthen("goldens", (file.goldens[-1], "maker"))
    lengthen("graph", (file.graph["constants"][0]["sources"][0], "tensor"))
    lengthen("metadata", (file.metadata, "tool"))
    if page is not None:
        file.metadata["tool"] += "x" * ((page - file.build().at["goldens"][1]) % 4096)
    return file.build()


def mark(m, name, content):
    m.output(name, m.constant(name, values=np.frombuffer(content, "<f4").astype(np.float64)))


def given_all(m, name, given, dtypes, expected):
    """A case that gives every input as it is."""
    arrays = {n: m.array(n, dtypes.get(n, "F32"), v) for n, v in given.items()}
    m.case(name, arrays, expected, inputs=given)
    return arrays


# The file.


@accept("magic")
def magic():
    m = small()
    mark(m, "magic", MAGIC)
    return prove(m)


plain("version", tool="assay 2, which still writes version 1")


@accept("header")
def header():
    """Nothing but an input that is the output: the shortest index, goldens, data and footer there are."""
    m = Model(sources=[])
    m.output("logits", m.input())
    return m


accept("sections-page")(lambda: tune(proven().file(), (7, 9, 11, 0), page=0))
accept("sections-next-page")(lambda: tune(proven().file(), (7, 9, 11, 1), page=1))


@accept("padding-0")
def padding_0():
    """Every tensor has 64 bytes, every text a multiple of 64."""
    m = Model()
    finish(m, convolved(m, 8), 8)
    return tune(prove(m, waveform=np.tile(CLIP, 2)).file(), (0, 0, 0, 0))


@accept("padding-63")
def padding_63():
    """Tensors of 1 and 65 bytes, texts of one more than a multiple of 64."""
    m = small()
    given = {"signal": CLIP[None]}
    for name, count in (("one", 1), ("more", 65)):
        m.input(name, "U8", [count])
        given[name] = np.arange(1, count + 1)
    arrays = given_all(m, "all", given, {"one": "U8", "more": "U8"}, {"logits": ALL})
    return tune(m.file(), (1, 1, 1, 1), arrays["more"])


@accept("end")
def end():
    """The data ends as the file does, and a tensor is full of ends."""
    m = small()
    m.case("silence", 8, {"logits": ALL})
    mark(m, "ends", END * 9)
    mark(m, "end", END)
    return m


# Texts.


@accept("json")
def json():
    odd = {"\u0000": "\u0000", "\ufeff": "\ufeff", "\uffff": "\ufffe", "\U0001f399": "\U0010ffff", NFC: NFC, NFD: NFD}
    return proven(about=dict(sorted(odd.items(), key=lambda item: item[0].encode())), labels=["", "{", "]", "\\u0041"])


@accept("canonical-escapes")
def canonical_escapes():
    every = "".join(map(chr, range(0xA1))) + "\u2028\u2029\ud7ff\ue000\ufeff\uffff\U00010000\U0010ffff"
    m = Model(about={every: '/\\/"'})
    x = m.input()
    m.output("logits", m.node("Gelu", x, name="gelu", approximate="tanh"))
    m.state(every, "gelu")
    return prove(m, every, logits=ALL)


@accept("canonical-numbers")
def canonical_numbers():
    """Any number holds where the tolerance is the largest there is."""
    numbers = [
        0.0001, 0.00009999, 1e16, 9999999999999998.0, 9007199254740992.0, 1.5e16, 12345678901234567890.0, -0.0, 0.0,
        5e-324, 2.2250738585072014e-308, 2.0**-44, 1e22, 1e23, 0.1, 1 / 3, -2.5, -1e-05, 123456.789, 100000.0, 1.0,
    ]  # fmt: skip
    m = Model(preprocessing={"sample_rate": 16000, "normalization": {"epsilon": 0.0001}})
    m.input()
    m.output("logits", m.constant("zeros", values=np.zeros((1, len(numbers)))))
    m.case("silence", 8, {"logits": ALL}, {"absolute": 1.7976931348623157e308, "relative": 0.0, "reason": "any number"})
    m.cases[0]["expected"]["logits"]["values"] = numbers
    return m


@accept("canonical-float32")
def canonical_float32():
    numbers = [
        1e-45, 1.1754944e-38, 2.0**-96, 1e-05, 9.999e-05, 0.0001, 1 / 3, 4194304.5, 16777216, 3.4028235e38, 0
    ]  # fmt: skip
    m = Model()
    x = convolved(m)
    for epsilon in numbers:
        m.node("LayerNormalization", x, name=str(len(m.nodes)), epsilon=epsilon)
    heads = m.node("Attention", x, x, x, heads=1, scale=-0.70710678)
    return prove(finish(m, heads), logits=ALL)


@accept("canonical-empty")
def canonical_empty():
    m = Model(sources=[])
    x = m.input()
    m.input("scalar", "F32", [])
    m.output("logits", m.node("Relu", x))
    given = {"signal": np.zeros((1, 0)), "scalar": np.array(0.5)}
    given_all(m, "nothing", given, {}, {"logits": ALL})
    return m


@accept("canonical-any-order")
def canonical_any_order():
    """Only in golden cases may members stand in any order."""

    def turned(value):
        return {k: turned(value[k]) for k in reversed(value)} if isinstance(value, dict) else value

    m = proven()
    m.cases = [turned(case) for case in m.cases]
    return m


plain(
    "fields-about", about={"": "", "Name": "a\nb", "edited": "", NFD: NFC, "name": "null", "\U0001f399": "\U0001f399"},
    ignored=[{"tensor": "", "reason": ""}, {"tensor": "masked_spec_embed", "reason": "training"}],
)  # fmt: skip
plain(
    "fields-edited", labels=["a", "b"], about={"": "1", "a.b": "2", NFD: "3"},
    edited=["about.", "about.Gone", "about.a.b", f"about.{NFD}", "labels", "license"],
)  # fmt: skip


@accept("limits-names")
def limits_names():
    """Names of one byte, and of 4,096 where a file's name and a slash are counted."""
    m = small()
    m.state("+", m.node("Relu", "gelu", name="/"))
    waveform = m.array("\U0001f399" * 1022 + "rest.", "F32", CLIP, file=NFC)
    assert [len(name.encode()) for name in m.arrays] == [4096]
    m.case("", (waveform, CLIP), {"logits": ALL})
    return m


@accept("limits-axes")
def limits_axes():
    m = Model()
    x = convolved(m)
    sixteen = m.constant("sixteen", [1] * 15 + [2])
    m.state("wide", m.node("Add", x, sixteen, name="wide"))
    m.state("shaped", m.node("Reshape", x, shape=[1] * 13 + ["axis 0", "axis 1", 2]))
    return prove(finish(m, x), wide=ALL)


# Metadata.


plain("preprocessing-lowest", preprocessing={"sample_rate": 1, "normalization": None})


@accept("preprocessing-highest")
def preprocessing_highest():
    m = small(preprocessing={"sample_rate": 1000000, "normalization": {"epsilon": 0.0}})
    m.case("clip", (m.array("clip", "F32", CLIP), CLIP), {"logits": ALL, "conv": ALL})
    return m


plain("preprocessing-padding", preprocessing={"sample_rate": 16000, "normalization": None, "padding": "masked"})


@accept("preprocessing-normalized")
def preprocessing_normalized():
    m = small(preprocessing={"sample_rate": 44100, "normalization": {"epsilon": 1e-07}})
    return prove(m, waveform=CLIP[None] * 3 + 1, logits=ALL, frames={"array": "frames"})


plain("sources", sources=[
    {"name": name, "bytes": length, "sha256": EMPTY}
    for name, length in (("z", 0), (NFD, 1), (NFC, 9007199254740993), (SOURCE, 8), ("a b.bin", 1 << 40))
])  # fmt: skip
README = {"name": "README.md", "bytes": 0, "sha256": EMPTY}
plain(
    "license-of-source", license={"id": "other", "from": "README.md"},
    sources=[{"name": SOURCE, "bytes": 0, "sha256": EMPTY}, README],
)  # fmt: skip
plain("license-stated", license={"id": "Apache-2.0 WITH LLVM-exception OR MIT", "from": "--license"})


def cast(dtype, *recipe):
    m = Model(recipe=[*recipe, {"step": "cast", "dtype": dtype}])
    x = convolved(m, dtype=dtype, steps=[f"cast {dtype}"])
    return prove(finish(m, m.node("Tanh", x), dtype=dtype))


accept("recipe-prune-cast")(lambda: cast("F16", {"step": "prune", "layers": 24, "keep": [0, 1, 2, 7, 23]}))
accept("recipe-prune-one")(lambda: cast("BF16", {"step": "prune", "layers": 1, "keep": [0]}))
