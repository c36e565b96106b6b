"""Files in whose texts a member, an entry or a tensor is not what the article says."""

from artifact import File
from artifact_model import Model, finish, frames, small
from artifact_reject import DROP, edited, mark, reject, tiny, tree


def silent():
    """Two cases without arrays, no tensors."""
    m = Model()
    m.output("logits", m.node("Relu", m.input(), name="relu"))
    for name, samples in (("first", 4), ("second", 2)):
        m.case(name, samples, {"logits": None})
    return m


def in_panels():
    m = Model()
    return finish(m, m.node("Linear", frames(m), m.constant("weight", [2, 1], groups=1), name="wide"))


def built(name, what):
    """A file that is made by hand, marks and all."""

    def add(make):
        @reject(name, what)
        def made():
            file = make().build()
            return file.data, file.span()

    return add


def nested(depth):
    return [nested(depth - 1)] if depth > 1 else []


# Texts.

for name, what, edits in (
    ("missing", "The metadata has no `tool`.", {"metadata/tool": DROP}),
    ("more", "The metadata has a member of another name.", {"metadata/created": "2026-01-01"}),
    ("null", "`labels` is no list.", {"metadata/labels": None}),
    ("license", "The license has no `from`.", {"metadata/license": {"id": "MIT"}}),
    ("edited-twice", "A change is named twice.", {"metadata/edited": ["labels", "labels"]}),
    ("edited-unsorted", "The changes are not sorted.", {"metadata/edited": ["license", "labels"]}),
    ("edited-unknown", "What cannot be edited is named as changed.", {"metadata/edited": ["recipe"]}),
    ("depth-64", "A list of lists, 64 deep with the document, is no list of strings.", {"metadata/labels": nested(63)}),
):
    tree(f"fields-{name}", what, edits, tiny)
tree("fields-node-more", "A node has a member of another name.", {"graph/nodes/0/doc": ""}, silent)
tree("fields-index-missing", "An entry of the index has no `encoding`.", {"index/1/encoding": DROP}, small)
tree("fields-case-missing", "A case has no `maker`.", {"goldens/1/maker": DROP}, silent)


@built("fields-groups-more", "A row-major tensor has `groups`.")
def groups_more():
    file = small().file()
    end = {key: file.index[1].pop(key) for key in ("offset", "bytes")}
    file.index[1] |= {"groups": 1} | end
    return mark(file, "index/1")


@built("fields-groups-missing", "A tensor in panels has no `groups`.")
def groups_missing():
    return edited(in_panels().file(), {"index/0/groups": DROP})


tree("limits-depth", "Lists are nested 65 deep.", {"metadata/labels": nested(64)}, tiny)
tree("limits-name-empty", "A node's name is empty.", {"graph/nodes/0/name": "", "graph/outputs/0/value": ""}, silent)
tree("limits-output-empty", "An output's name is empty.", {"graph/outputs/+": {"name": "", "value": "relu"}}, silent)
LONG = {"name": "\u00e9" * 2048 + "e", "value": "relu"}
tree("limits-name-long", "A name has 4,097 bytes, and half as many characters.", {"graph/states/+": LONG}, silent)


@built("limits-axes", "A tensor has 17 axes.")
def axes():
    m = silent()
    m.output("other", m.constant("deep", [1] * 17))
    return mark(m.file(), "index/0")


for name, what, value in (
    ("rate-0", "The sample rate is 0.", {"sample_rate": 0, "normalization": None}),
    ("rate-high", "The sample rate is 1,000,001.", {"sample_rate": 1000001, "normalization": None}),
    ("padding", "There is no such padding.", {"sample_rate": 16000, "normalization": None, "padding": "none"}),
    ("epsilon", "Epsilon is below 0.", {"sample_rate": 16000, "normalization": {"epsilon": -5e-324}}),
):
    tree(f"preprocessing-{name}", what, {"metadata/preprocessing": value}, tiny)
SOURCE = {"name": "a", "bytes": 1, "sha256": "0a" * 32}
for name, what, sources in (
    ("sha256-upper-case", "A digest is upper-case.", [SOURCE | {"sha256": "0A" * 32}]),
    ("name-twice", "Two sources have one name.", [SOURCE, SOURCE | {"bytes": 2}]),
):
    tree(f"sources-{name}", what, {"metadata/sources": sources}, tiny)
tree("license-empty", "The license's name is empty.", {"metadata/license": {"id": "", "from": "--license"}}, tiny)
for name, what, recipe in (
    ("step", "No such step is known.", {"step": "quantize", "dtype": "I8"}),
    ("cast", "Weights are not cast to F64.", {"step": "cast", "dtype": "F64"}),
    ("keep-nothing", "No layer is kept.", {"step": "prune", "layers": 4, "keep": []}),
    ("keep-falling", "The layers do not rise.", {"step": "prune", "layers": 4, "keep": [0, 3, 2]}),
    ("keep-beyond", "There is no layer 4 of four.", {"step": "prune", "layers": 4, "keep": [0, 4]}),
):
    tree(f"recipe-{name}", what, {"metadata/recipe": [recipe]}, tiny)

# Graph.

for name, what, length in (("negative", "A length is below 0.", -1), ("long", "A length is over 2^40.", (1 << 40) + 1)):
    other = {"name": "other", "dtype": "F32", "shape": [length]}
    tree(f"inputs-{name}", what, {"graph/inputs/+": other}, tiny)


def reordered(file, graph, index):
    """The constants in other orders."""
    constants = file.graph["constants"]
    file.graph["constants"] = [constants[i] for i in graph]
    return File(file.metadata, file.graph, [file.tensors[i] for i in index], file.goldens)


@built("constants-first-use", "The constant that is used second comes first.")
def first_use():
    return mark(reordered(small().file(), (1, 0), (1, 0)), "graph/constants/0", "graph/constants/1", "index/1")


@built("constants-order", "The index has the constants in another order than the graph.")
def constants_order():
    return mark(reordered(small().file(), (0, 1), (1, 0)), "graph/constants/0", "index/1")


@built("constants-outputs", "A constant that is only an output comes before one that a node uses.")
def constants_outputs():
    m = small()
    m.output("other", m.constant("other", [2]))
    return mark(reordered(m.file(), (0, 2, 1), (0, 2, 1)), "graph/constants/1", "graph/constants/2", "index/2")


@built("constants-not-in-graph", "The index has a constant that the graph has not.")
def not_in_graph():
    m = small()
    m.output("other", m.constant("other", [2]))
    file = m.file()
    file.graph["constants"].pop()
    file.graph["outputs"].pop()
    return mark(file, "graph/constants/1", "index/2")


@built("constants-not-in-index", "The graph has a constant that the index has not.")
def not_in_index():
    file = small().file()
    file.graph["constants"].append(file.graph["constants"][1] | {"name": "other"})
    file.graph["outputs"].append({"name": "other", "value": "other"})
    return mark(file, "graph/constants/2", "index/1")


@built("constants-unused", "A constant is used by no node and is no output.")
def unused():
    m = small()
    m.output("other", m.constant("other", [2]))
    file = m.file()
    file.graph["outputs"].pop()
    return mark(file, "graph/constants/2", "index/2")


FROM = "graph/constants/1/sources/0/file"
tree("provenance", "A constant comes from a file that is not among the sources.", {FROM: "model"}, small)
for name, what, edits in (
    ("name-twice", "Two nodes have one name.", {"graph/nodes/4/name": "mean", "graph/outputs/0/value": "mean"}),
    ("name-of-constant", "A node is called as a constant is.",
     {"graph/nodes/4/name": "conv.weight", "graph/outputs/0/value": "conv.weight"}),
    ("forward", "A node uses one that comes later.", {"graph/nodes/2/inputs/0": "mean"}),
    ("unknown", "No value has a node's input's name.", {"graph/nodes/2/inputs/0": "Conv"}),
    ("null", "An input is left out that is not optional.", {"graph/nodes/2/inputs/0": None}),
    ("null-last", "An input that is left out is written at the end.", {"graph/nodes/4/inputs/+": None}),
):  # fmt: skip
    tree(f"values-{name}", what, edits, small)
ALONE = {"name": "alone", "op": "Add", "inputs": ["mean"], "attributes": {}}
for name, what, edits in (
    ("unknown", "No operator has this name.", {"graph/nodes/2/op": "Silu"}),
    ("attribute-missing", "An attribute is missing.", {"graph/nodes/1/attributes/groups": DROP}),
    ("attribute-more", "There is an attribute more.", {"graph/nodes/4/attributes/alpha": 1}),
    ("stride", "The stride is over 2^20.", {"graph/nodes/1/attributes/stride": (1 << 20) + 1}),
    ("approximate", "There is no such approximation.", {"graph/nodes/2/attributes/approximate": "erf"}),
    ("axes", "An axis is named twice.", {"graph/nodes/3/attributes/axes": [1, 1]}),
    ("inputs-missing", "The operator needs an input more.", {"graph/nodes/+": ALONE}),
    ("inputs-more", "The operator takes an input less.", {"graph/nodes/2/inputs/+": "frames"}),
):
    tree(f"operators-{name}", what, edits, small)
for name, what, edits in (
    ("none", "There is no output.", {"graph/outputs": []}),
    ("name-twice", "Two outputs have one name.", {"graph/outputs/1/name": "logits"}),
    ("state-twice", "Two states have one name.", {"graph/states/+": {"name": "layer.0", "value": "mean"}}),
    ("unknown", "An output is no value.", {"graph/outputs/1/value": "logits"}),
):
    tree(f"outputs-{name}", what, edits, small)
