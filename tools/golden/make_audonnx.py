"""Makes golden/audonnx: model folders as audonnx keeps them, with what real audonnx says of each, and folders and files
that must be refused; and golden/formats/yaml: YAML texts, with what PyYAML reads where every scalar stays a text.

    tools/golden/make_audonnx.py
"""

import contextlib
import io
import json
import pathlib
import shutil
import warnings

import audobject
import audonnx
import numpy as np
import onnx
import onnxruntime
import torch
import yaml
from cases import CaseFolder, maker
from onnx import TensorProto, helper, numpy_helper
from torch import nn

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden"
ROOT, YAML = GOLDEN / "audonnx", GOLDEN / "formats" / "yaml"
LABELS = ["arousal", "dominance", "valence"]
CLASS = f"$audonnx.core.model.Model=={audonnx.__version__}"


class Tiny(nn.Module):
    """A convolution, a mean over time, a linear layer: what a published model gives, in small."""

    def __init__(self, prepare=lambda signal: signal, heads=("hidden_states", "logits")):
        super().__init__()
        self.prepare, self.heads = prepare, heads
        self.conv, self.out = nn.Conv1d(1, 4, 10, 5), nn.Linear(4, 3)

    def forward(self, signal):
        hidden = torch.nn.functional.gelu(self.conv(self.prepare(signal).unsqueeze(1))).mean(2)
        values = {"hidden_states": hidden, "logits": self.out(hidden)}
        return tuple(values[head] for head in self.heads)


def export(path, module, opset=12, dynamo=False):
    """As audEERING's documentation exports: opset 12, `time` the only open length."""
    torch.manual_seed(5)
    module = module.eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    names = {"input_names": ["signal"], "output_names": list(module.heads), "opset_version": opset}
    signal = torch.randn(1, 400)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            shapes = {"signal": {1: torch.export.Dim("time", min=16)}}
            torch.onnx.export(module, (signal,), str(path), dynamo=True, dynamic_shapes=shapes, external_data=False, **names)
        else:
            torch.onnx.export(module, (signal,), str(path), dynamo=False, dynamic_axes={"signal": {1: "time"}}, **names)
    # What a file says of the folders it was made in, and where torch's names for values may change.
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.metadata_props[:], model.metadata_props[:], model.graph.value_info[:]
    model.doc_string = model.graph.doc_string = ""
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return module


def product(path, outputs, inputs=(("signal", [1, "time"]),), ir=7):
    """Outputs under names, with any declared shape: products of the first input's mean with a constant.

    Before IR version 4 constants are listed among the inputs."""
    nodes, constants, infos = [], [], []
    nodes.append(helper.make_node("ReduceMean", [inputs[0][0]], ["mean"], axes=[1], keepdims=1))
    for name, width, declared in outputs:
        weight = numpy_helper.from_array(np.arange(1, width + 1, dtype=np.float32)[None], f"{name}.weight")
        if declared == []:
            nodes.append(helper.make_node("Squeeze", ["mean"], [name], axes=[0, 1]))
        else:
            constants.append(weight)
            nodes.append(helper.make_node("Mul", ["mean", f"{name}.weight"], [name]))
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, declared))
    fed = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs]
    if ir < 4:
        fed += [helper.make_tensor_value_info(constant.name, TensorProto.FLOAT, constant.dims) for constant in constants]
    graph = helper.make_graph(nodes, "tiny", fed, infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=ir, producer_name="assay")
    path.write_bytes(model.SerializeToString(deterministic=True))


def said(folder, file="model.yaml"):
    """What audonnx says of the model, or the error it ends with."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = audonnx.load(str(folder), model_file=file)
    except Exception as error:  # whatever: it refuses
        return {"error": type(error).__name__}
    if not isinstance(model, audonnx.Model):
        return {"error": f"a {type(model).__name__}"}
    inputs = {
        name: {"shape": node.shape, "transform": node._dict()["transform"].split("(")[0] if node.transform else None}
        for name, node in model.inputs.items()
    }
    outputs = {name: {"shape": node.shape, "labels": list(node.labels)} for name, node in model.outputs.items()}
    return {"inputs": inputs, "outputs": outputs}


def mean_off(signal):
    return signal - signal.mean(-1, keepdim=True)


def text(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    return folder


def described(folder, arguments, key=CLASS, name="model.yaml"):
    """A yaml written by hand, its arguments indented under the class."""
    return text(folder, name, f"{key}:\n" + "".join(f"  {line}\n" for line in arguments.splitlines()))


def written(folder, onnx_file, **arguments):
    """A yaml that audonnx itself writes."""
    audonnx.Model(str(onnx_file), **arguments).to_yaml(str(folder / "model.yaml"))


def reverse(signal, sampling_rate):
    return signal[..., ::-1]


def folders():
    """Folders that audonnx opens; where this project refuses, `expected.json` says so."""
    for name in ("published", "normalized", "single", "auto", "shared", "subfolder/graphs", "transform", "legacy",
                 "legacy-list", "legacy-texts", "legacy-transform", "open-lengths", "two-inputs", "old"):  # fmt: skip
        (ROOT / name).mkdir(parents=True)
    export(ROOT / "published" / "model.onnx", Tiny())
    written(ROOT / "published", ROOT / "published" / "model.onnx", labels={"logits": LABELS})
    export(ROOT / "normalized" / "model.onnx", Tiny(lambda x: mean_off(x) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + 1e-7)))
    written(ROOT / "normalized" / "", ROOT / "normalized" / "model.onnx", labels={"logits": LABELS})
    export(ROOT / "single" / "model.onnx", Tiny(heads=("logits",)))
    written(ROOT / "single", ROOT / "single" / "model.onnx", labels=LABELS)
    product(ROOT / "auto" / "model.onnx", [("wide", 8, [1, 8]), ("one", 1, [1, 1]), ("bare", 1, []), ("rows", 3, [1, 3])])
    written(ROOT / "auto", ROOT / "auto" / "model.onnx")
    product(ROOT / "shared" / "model.onnx", [("average", 3, [1, 3]), ("deviation", 3, [1, 3])])
    written(ROOT / "shared", ROOT / "shared" / "model.onnx", labels={"average": LABELS, "deviation": LABELS})
    product(ROOT / "subfolder" / "graphs" / "tiny.onnx", [("logits", 3, [1, 3])])
    written(ROOT / "subfolder", ROOT / "subfolder" / "graphs" / "tiny.onnx", labels=["no", "yes", "1e-05"])
    product(ROOT / "transform" / "model.onnx", [("logits", 3, [1, 3])])
    written(ROOT / "transform", ROOT / "transform" / "model.onnx", labels=LABELS, transform=audonnx.Function(reverse))
    product(ROOT / "old" / "model.onnx", [("logits", 3, [1, 3])], ir=3)
    written(ROOT / "old", ROOT / "old" / "model.onnx", labels=LABELS)
    product(ROOT / "two-inputs" / "model.onnx", [("logits", 3, [1, 3])], [("signal", [1, "time"]), ("feature", [18, "t"])])
    written(ROOT / "two-inputs", ROOT / "two-inputs" / "model.onnx", transform={"feature": audonnx.Function(reverse)})
    product(ROOT / "open-lengths" / "model.onnx",
            [("named", 3, [1, "width"]), ("silent", 3, None), ("one", 1, [1, "w"]), ("both", 3, ["n", "w"])])  # fmt: skip
    written(ROOT / "open-lengths", ROOT / "open-lengths" / "model.onnx", labels={"named": LABELS})

    product(ROOT / "legacy" / "model.onnx", [("hidden_states", 4, [1, 4]), ("logits", 3, [1, 3])])
    text(ROOT / "legacy", "labels.yaml", "logits:\n- arousal\n- dominance\n- valence\n")
    product(ROOT / "legacy-list" / "model.onnx", [("logits", 3, [1, 3])])
    text(ROOT / "legacy-list", "labels.yaml", "[arousal, dominance, valence]\n")
    product(ROOT / "legacy-texts" / "model.onnx", [("logits", 12, [1, 12])])
    text(ROOT / "legacy-texts", "labels.yaml",
         "- no\n- yes\n- 1e-05\n- null\n- ~\n- 007\n- 2001-01-01\n- 'it''s'\n- \"a\\tb\"\n- on\n- .5\n-\n")  # fmt: skip
    text(ROOT / "legacy-texts", "model.yaml", "# another program's\nname: tiny\n")
    product(ROOT / "legacy-transform" / "model.onnx", [("logits", 3, [1, 3])])
    audonnx.Function(reverse).to_yaml(str(ROOT / "legacy-transform" / "transform.yaml"))

    # By hand, beside one graph with one output of three places.
    hand = ROOT / "hand"
    hand.mkdir()
    product(hand / "model.onnx", [("logits", 3, [1, 3])])
    path, labels = "path: model.onnx\n", "labels: [a, b, c]\n"
    described(hand, path + labels + "transform: null", "$audonnx.core.model.Model==0.3.3.dev0+g1234567", "odd-version.yaml")
    described(hand, path + labels, "$audonnx.core.model.Model", "no-version.yaml")
    described(hand, path + labels, "$audonnx:audonnx.core.model.Model==1.0.0", "package.yaml")
    described(hand, labels + "transform: ~\n" + path, name="tilde.yaml")
    described(hand, path + "labels: null\ntransform: {signal: null}", name="nulls.yaml")
    described(hand, path + "labels: []", name="empty-list.yaml")
    described(hand, path + "labels: {}", name="empty-mapping.yaml")
    described(hand, "path: ./model.onnx\n" + labels, name="dot.yaml")
    described(hand, path + "labels:\n  logits: [a, b, c]\n  gone: [d]", name="unknown-output.yaml")
    described(hand, path + labels + "device: cuda", name="device.yaml")
    described(hand, path + labels + "transform:\n  opensmile.core.smile.Smile: null", name="not-an-object.yaml")
    described(hand, path + "labels: {logits: &l [a, b, c]}\n# a comment: with *stars & more", name="anchor.yaml")


REFUSED = {  # name: kind of reason, arguments; the graph has one output of three places, and one of two in `two.onnx`
    "few-labels": ("invalid", "path: model.onnx\nlabels: [a, b]"),
    "many-labels": ("invalid", "path: model.onnx\nlabels: {logits: [a, b, c, d]}"),
    "list-for-two": ("invalid", "path: two.onnx\nlabels: [a, b, c]"),
    "labels-null-inside": ("invalid", "path: model.onnx\nlabels: {logits: null}"),
    "labels-text": ("invalid", "path: model.onnx\nlabels: abc"),
    "labels-nested": ("invalid", "path: model.onnx\nlabels: [[a], b, c]"),
    "transform-text": ("invalid", "path: model.onnx\ntransform: mfcc"),
    "transform-list": ("invalid", "path: model.onnx\ntransform: [mfcc]"),
    "transform-input-text": ("invalid", "path: model.onnx\ntransform: {signal: mfcc}"),
    "no-path": ("missing", "labels: [a, b, c]"),
    "path-null": ("invalid", "path: null"),
    "path-list": ("invalid", "path: [model.onnx]"),
    "path-empty": ("invalid", "path: ''"),
    "path-absolute": ("invalid", "path: /etc/hosts"),
    "path-above": ("invalid", "path: ../hand/model.onnx"),
    "path-hidden-above": ("invalid", "path: sub/../../hand/model.onnx"),
    "path-link": ("invalid", "path: link.onnx"),
    "path-link-folder": ("invalid", "path: linked/model.onnx"),
    "path-gone": ("missing", "path: gone.onnx"),
    "path-null-byte": ("invalid", 'path: "model.onnx\\0.wav"'),
    "path-folder": ("unsupported", "path: sub"),
    "path-no-onnx": ("invalid", "path: few-labels.yaml"),
    "unknown-argument": ("unsupported", "path: model.onnx\nresample: 16000"),
    "path-twice": ("duplicateName", "path: model.onnx\npath: two.onnx"),
    "arguments-list": ("missing", "- path: model.onnx"),
    "merge": ("unsupported", "<<: {path: model.onnx}"),
    "python-tag": ("unsupported", "path: !!python/object/apply:os.system ['touch canary-of-assay']"),
    "own-tag": ("unsupported", "path: !file model.onnx"),
    "laughs": ("limitExceeded", "path: model.onnx\nlabels:\n  a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"  {b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij"))),
    "recursive": ("invalid", "path: model.onnx\nlabels: &a [x, *a, y]"),
    "no-anchor": ("invalid", "path: model.onnx\nlabels: *nothing"),
    "deep": ("limitExceeded", "path: model.onnx\nlabels: " + "[" * 70 + "]" * 70),
}  # fmt: skip


def refused():
    """Yaml files, each with the kind of reason for which it is refused."""
    reject = ROOT / "reject"
    (reject / "sub").mkdir(parents=True)
    product(reject / "model.onnx", [("logits", 3, [1, 3])])
    product(reject / "two.onnx", [("logits", 3, [1, 3]), ("more", 3, [1, 3])])
    product(reject / "sub" / "model.onnx", [("logits", 3, [1, 3])])
    (reject / "link.onnx").symlink_to("../hand/model.onnx")
    (reject / "linked").symlink_to("../hand")
    reasons = {}
    for name, (reason, arguments) in REFUSED.items():
        described(reject, arguments, name=f"{name}.yaml")
        reasons[f"{name}.yaml"] = {"reason": reason}
    for name, reason, content in (
        ("other-class", "unsupported", "$audonnx.core.function.Function==1.0.1:\n  func: 'lambda x, sr: x'\n"),
        ("two-objects", "invalid", f"{CLASS}:\n  path: model.onnx\n$more:\n  path: two.onnx\n"),
        ("no-mapping", "invalid", "$audonnx\n"),
        ("two-documents", "invalid", f"{CLASS}:\n  path: model.onnx\n---\na: b\n"),
        ("cut", "invalid", f"{CLASS}:\n  path: [model.onnx\n"),
    ):
        text(reject, f"{name}.yaml", content)
        reasons[f"{name}.yaml"] = {"reason": reason}
    for name, entry in reasons.items():
        if name not in ("laughs.yaml", "python-tag.yaml"):
            entry["audonnx"] = said(reject, name).get("error")
    write(reject / "expected.json", reasons)


def normalizations():
    """Graphs that treat the waveform in many ways; what each is, and whether scale and offset still move its output."""
    folder = ROOT / "normalization"
    folder.mkdir()
    epsilon = 1e-7
    made = {
        "nothing": ("none", Tiny(), 12),
        "nothing-opset-18": ("none", Tiny(), 18),
        "reshaped": ("none", Tiny(lambda x: x.reshape(1, 1, 1, -1).transpose(1, 2).reshape(1, -1)), 17),
        # TorchScript makes an If of squeezing an axis of an open length.
        "conditional": ("unknown", Tiny(lambda x: x.reshape(1, 1, -1).squeeze(1)), 17),
        "variance": ("in-graph", Tiny(lambda x: mean_off(x) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + epsilon)), 12),
        "variance-opset-18": ("in-graph", Tiny(lambda x: mean_off(x) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + epsilon)), 18),
        "unbiased": ("in-graph", Tiny(lambda x: mean_off(x) / (x.std(-1, keepdim=True) + epsilon)), 14),
        "squares": ("in-graph", Tiny(lambda x: mean_off(x) / torch.sqrt(mean_off(x).pow(2).mean(-1, keepdim=True) + epsilon)), 13),
        "root-of-products": ("in-graph", Tiny(lambda x: mean_off(x) * torch.rsqrt((mean_off(x) * mean_off(x)).mean(-1, keepdim=True) + epsilon)), 17),
        "affine": ("in-graph", Tiny(lambda x: mean_off(x) / x.std(-1, keepdim=True) * 0.5 + 0.1), 17),
        "layer-norm": ("in-graph", Tiny(lambda x: nn.functional.layer_norm(x, x.shape[1:])), "dynamo"),
        "instance-norm": ("in-graph", Tiny(lambda x: nn.functional.instance_norm(x.unsqueeze(1)).squeeze(1)), 17),
        "mean-only": ("unknown", Tiny(mean_off), 17),
        "deviation-only": ("unknown", Tiny(lambda x: x / x.std(-1, keepdim=True)), 17),
        "by-variance": ("unknown", Tiny(lambda x: mean_off(x) / x.var(-1, keepdim=True)), 17),
        "peak": ("unknown", Tiny(lambda x: x / x.abs().max()), 17),
        "scaled": ("unknown", Tiny(lambda x: x * 32768), 17),
        "emphasis": ("unknown", Tiny(lambda x: x[:, 1:] - 0.97 * x[:, :-1]), 17),
        "square": ("unknown", Tiny(lambda x: mean_off(x).pow(2)), 17),
    }  # fmt: skip
    expected = {}
    signal = np.random.default_rng(3).normal(size=(1, 800)).astype(np.float32)
    for name, (kind, module, opset) in made.items():
        path = folder / f"{name}.onnx"
        export(path, module, 18 if opset == "dynamo" else opset, dynamo=opset == "dynamo")
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        first, moved = (session.run(["logits"], {"signal": x})[0] for x in (signal, 3 * signal + 0.25))
        unmoved = bool(np.abs(first - moved).max() < 1e-4)
        assert {"in-graph": unmoved, "none": not unmoved, "unknown": True}[kind], name
        expected[f"{name}.onnx"] = {"kind": kind, "unmoved": unmoved}

    def graph(name, nodes, inputs, why):
        values = [helper.make_tensor_value_info(i, t, [1, "time"]) for i, t in inputs]
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        weight = numpy_helper.from_array(np.ones((1, 1, 2), np.float32), "w")
        one = numpy_helper.from_array(np.array([1], np.int64), "one")
        model = helper.make_model(helper.make_graph(nodes, "tiny", values, [y], [weight, one]), ir_version=8,
                                  opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)])  # fmt: skip
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
        expected[f"{name}.onnx"] = {"kind": "unknown", "why": why}

    node = helper.make_node
    signal, mask = ("signal", TensorProto.FLOAT), ("mask", TensorProto.INT64)
    up = node("Unsqueeze", ["signal", "one"], ["x"])
    graph("no-conv", [node("Relu", ["signal"], ["y"])], [signal], "no Conv")
    graph("only-whole-numbers", [node("Identity", ["mask"], ["y"])], [mask], "no input holds")
    graph("two-waveforms", [up, node("Add", ["x", "other"], ["z"]), node("Conv", ["z", "w"], ["y"])],
          [signal, ("other", TensorProto.FLOAT)], "2 inputs")  # fmt: skip
    graph("another-domain", [node("Normalize", ["signal"], ["n"], domain="com.example"), node("Unsqueeze", ["n", "one"], ["x"]),
                             node("Conv", ["x", "w"], ["y"])], [signal], "com.example::Normalize")  # fmt: skip
    graph("two-ways", [up, node("Conv", ["x", "w"], ["a"]), node("LayerNormalization", ["x", "w"], ["n"]),
                       node("Conv", ["n", "w"], ["b"]), node("Add", ["a", "b"], ["y"])], [signal, mask], "several Conv")  # fmt: skip
    write(folder / "expected.json", expected)


YAMLS = {
    "scalars": "- no\n- yes\n- 1e-05\n- null\n- ~\n-\n- 0x1F\n- 1_000\n- 12:30:45\n- 2001-01-01\n- on\n- .inf\n- =\n- \u00e9e\u0301\n",
    "quotes": "- 'it''s'\n- \"a\\tb\\u00e9\\x41\"\n- \"two\n  lines\"\n- 'null'\n- \"\"\n- ''\n",
    "blocks": "a: |\n  one\n  two\nb: >-\n  folded\n  text\nc: plain\n  over lines\n",
    "flow": "{a: [1, 2, {b: c}], 'd': \"e\", f: }\n",
    "nested": "- - - deep\n  - x\n- k:\n  - 1\n  m: {}\n- []\n",
    "aliases": "a: &one [x, y]\nb: *one\nc: &two {k: *one}\nd: *two\n",
    "tags": "- !!str 12\n- !!int '3'\n- !!null ''\n- !!seq [a]\n- !!map {b: c}\n- ! 12\n",
    "comments": "# first\na: b # last\n# c: d\n'e#': f#g\n",
    "start-and-end": "%YAML 1.1\n---\na: b\n...\n",
    "empty": "",
    "only-a-comment": "# nothing\n",
    "text": "just a text\n",
    "windows": "a: b\r\nc:\r\n- d\r\n",
    "keys": "? a\n: b\n? 'c'\n: - d\n~: e\n1: f\n",
    "question": "- quoi ?\n- what?\n- a - b\n- \"a, b: c\"\n",
    "many": "".join(f"- label-{i}\n" for i in range(3000)),
}
BAD_YAMLS = {
    "tab": ("invalid", b"a:\n\t- b\n"),
    "bracket": ("invalid", b"a: [b\nc: d\n"),
    "quote": ("invalid", b"a: 'b\n"),
    "indent": ("invalid", b"a: b\n  c: d\n"),
    "control": ("invalid", b"a: b\nc: \x07\n"),
    "nul": ("invalid", b"a: b\x00\n"),
    "no-utf-8": ("invalid", b"a: \xff\xfe\n"),
    "utf-16": ("invalid", "\ufeffa: b\n".encode("utf-16")),
    "surrogate": ("invalid", b'a: "\\ud800"\n'),
    "two-documents": ("invalid", b"a\n---\nb\n"),
    "undefined-alias": ("invalid", b"a: *b\n"),
    "alias-in-itself": ("invalid", b"a: &a [*a]\n"),
    "key-twice": ("duplicateName", b"a: b\nc: d\n\"a\": e\n"),
    "key-list": ("unsupported", b"? [a]\n: b\n"),
    "key-mapping": ("unsupported", b"{{a: b}: c}\n"),
    "merge": ("unsupported", b"a: &a {b: c}\nd:\n  <<: *a\n"),
    "python-object": ("unsupported", b"!!python/object/apply:os.system ['true']\n"),
    "python-name": ("unsupported", b"a: !!python/name:os.system ''\n"),
    "local-tag": ("unsupported", b"a: !ref <x>\n"),
    "binary-tag": ("unsupported", b"a: !!binary aGk=\n"),
    "set-tag": ("unsupported", b"!!set {a, b}\n"),
    "deep-flow": ("limitExceeded", b"[" * 65 + b"a" + b"]" * 65),
    "deeper-flow": ("limitExceeded", b"[" * 20000),
    "deep-block": ("limitExceeded", b"- " * 2000 + b"a\n"),
    "laughs": ("limitExceeded", b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (b, b, b",".join([b"*%c" % a] * 10)) for a, b in zip(b"abcdefghi", b"bcdefghij"))),
    "laughs-two-by-two": ("limitExceeded", b"a: &a [x,x]\n" + b"".join(
        b"k%d: &k%d [*%s,*%s]\n" % (i, i, *[b"k%d" % (i - 1) if i else b"a"] * 2) for i in range(40))),
    "laughs-as-keys": ("limitExceeded", b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (b, b, b",".join([b"*%c" % a] * 10)) for a, b in zip(b"abcdefgh", b"bcdefghi")) + b"? *i\n: x\n"),
    "keys-in-keys": ("limitExceeded", b"? " * 900 + b"[" + b"a," * 1000 + b"]\n"),
}  # fmt: skip


def yamls():
    for kind in ("accept", "reject"):
        (YAML / kind).mkdir(parents=True)
    expected = {}
    for name, content in YAMLS.items():
        (YAML / "accept" / f"{name}.yaml").write_bytes(content.encode())
        expected[f"{name}.yaml"] = yaml.load(content, yaml.BaseLoader)
    write(YAML / "accept" / "expected.json", expected)
    for name, (_, content) in BAD_YAMLS.items():
        (YAML / "reject" / f"{name}.yaml").write_bytes(content)
    write(YAML / "reject" / "expected.json", {f"{name}.yaml": kind for name, (kind, _) in BAD_YAMLS.items()})


def cases():
    """What audonnx computes, for whoever runs these graphs; the signal has no zero mean and no unit deviation."""
    rng = np.random.default_rng(11)
    signal = (0.2 * rng.normal(size=1600) + 0.05).astype(np.float32)
    tolerance = {"absolute": 1e-5, "relative": 0, "reason": "backends differ by 3e-6"}
    for name in ("published", "normalized", "single", "legacy"):
        model = audonnx.load(str(ROOT / name))
        values = model(signal, 16000)
        values = values if isinstance(values, dict) else {next(iter(model.outputs)): values}
        folder = CaseFolder(ROOT / name, "onnx", tolerance, tolerance, maker("audonnx", "onnxruntime", "torch"),
                            arrays="cases.safetensors")  # fmt: skip
        values = {key: torch.from_numpy(value) for key, value in values.items()}
        folder.add("noise", torch.from_numpy(signal), values, outputs=set(values))
        folder.write()


def write(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    shutil.rmtree(YAML, ignore_errors=True)
    folders()
    models = [(f"{path.parent.name}", path.parent, "model.yaml") for path in sorted(ROOT.glob("*/model.onnx"))
              if path.parent.name not in ("hand", "reject", "normalization")]  # fmt: skip
    models += [("subfolder", ROOT / "subfolder", "model.yaml")]
    models += [(f"hand/{path.name}", ROOT / "hand", path.name) for path in sorted((ROOT / "hand").glob("*.yaml"))]
    write(ROOT / "expected.json", {name: said(folder, file) for name, folder, file in models})
    cases()
    refused()
    normalizations()
    yamls()
    print(f"audonnx {audonnx.__version__}, audobject {audobject.__version__}, onnx {onnx.__version__}")


if __name__ == "__main__":
    main()
