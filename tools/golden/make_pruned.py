"""Makes golden/pruned: tiny models as deep as the real ones, and what real frameworks compute after layers were cut.

    $(tools/golden/setup) tools/golden/make_pruned.py

Every cut is made in PyTorch (surgery.py): layers taken out of the ModuleList, layer_weights sliced, then transformers'
or FunASR's own forward. tensors-CUT.json names what the pruned checkpoint has to hold, goldens-CUT what it computes,
rank/ how much each layer matters. manifest.json says how far float32 is from float64, and how far mistakes move outputs.
"""

import copy
import json
import logging
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
import transformers
from transformers import Wav2Vec2FeatureExtractor

import pruned_networks as networks
from cases import CaseFolder, maker, save_arrays, versions, write_json
from emotion_model import PREPROCESSOR
from observe import encoder_of
from onnx_exports import export, node_counts
from pruned_networks import SEED
from surgery import expected_tensors, is_emotion2vec, layers_of, observe_layers, prenet_depth, with_layers
from weights import with_old_names

golden = Path(__file__).resolve().parents[2] / "golden" / "pruned"
CLIPS = {"noise": 12345, "short": 4000}  # samples
# What float32 loses at most here against float64, and a tolerance with room for that on both sides: of outputs absolute,
# of layers relative to their largest value.
LOSS, LAYER_LOSS = 3e-6, 3e-6
TOLERANCE = {
    "absolute": 1e-5,
    "relative": 0,
    "reason": f"float32 differs from float64 (FunASR's from onnxruntime) by {LOSS:g} at most here, and backends from each "
    "other by about as much",
}
LAYER_TOLERANCE = {
    "absolute": 0,
    "relative": 1e-5,
    "reason": f"float32 differs from float64 by {LAYER_LOSS:g} of the largest value at most here, and backends from each "
    "other by about as much",
}
SENSITIVITY_LIMIT = 1e-4  # ten times the tolerance
DEEP = {
    "0-11": list(range(12)),
    "even": list(range(0, 24, 2)),
    "odd-set": [1, 2, 5, 11, 12, 22, 23],
    "drop-last": list(range(23)),
}
WEIGHTED = {"0-2": [0, 1, 2], "1,4": [1, 4], "0,5": [0, 5]}
PRENET = {"0-3": [0, 1, 2, 3], "1,2,4": [1, 2, 4]}
NOTES = {
    "emotion-onnx": {"pkg.torch.onnx.name_scopes"},
    "superb-onnx": {"namespace", "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.fx_node"},
}
README = "---\nlicense: {}\n---\n\nRandom weights, made by `tools/golden/make_pruned.py` for tests. They know nothing.\n"
LICENCES = {"pretraining": "apache-2.0", "pretraining-safetensors": "apache-2.0", "superb": "apache-2.0", "fairseq": "mit"}


def clip(name):
    """Quiet, and not around zero, so that a norm's mean and epsilon count."""
    random = np.random.RandomState(zlib.crc32(f"{SEED} {name}".encode()))
    return torch.from_numpy((0.05 * random.standard_normal(CLIPS[name]) + 0.01).astype(np.float32))


def normalised(waveform):
    values = Wav2Vec2FeatureExtractor(**PREPROCESSOR)(waveform.numpy(), sampling_rate=16000, return_tensors="pt")
    return values.input_values


class Kind:
    """How a waveform becomes outputs: of which system, from which input, by which forward."""

    def __init__(self, system, prepare, compute, outputs):
        self.system, self.prepare, self.compute, self.outputs = system, prepare, compute, outputs


def regression(model, values):
    return dict(zip(("hidden_states", "logits"), model(values)))


def weighted(model, values):
    logits = model(values)
    return {"logits": logits, "scores": logits.softmax(dim=-1)}


def as_row(waveform):
    return waveform.view(1, -1)


def exported(model, values):
    model = networks.exported_emotion2vec(model)
    return {"output": model(values)}


BARE = Kind("wav2vec2", normalised, lambda m, x: {"last_hidden_state": encoder_of(m)(x).last_hidden_state}, ("last_hidden_state",))
REGRESSION = Kind("wav2vec2-regression", normalised, regression, ("hidden_states", "logits"))
CLASSIFICATION = Kind("wav2vec2-classification", as_row, weighted, ("logits", "scores"))
FRAMES = Kind(
    "emotion2vec", lambda waveform: waveform, networks.emotion2vec_outputs, ("frames", "utterance", "logits", "scores")
)
# Graphs are fed as they are.
GRAPHS = {
    "emotion-onnx": Kind("onnx", normalised, regression, ("hidden_states", "logits")),
    "superb-onnx": Kind("onnx", as_row, lambda m, x: {"logits": m(x)}, ("logits",)),
    "emotion2vec-onnx": Kind("onnx", as_row, exported, ("output",)),
}


def compute(kind, model, name):
    return observe_layers(model, lambda model: kind.compute(model, kind.prepare(clip(name)).to(model_type(model))))


def model_type(model):
    return next(model.parameters()).dtype


def farthest(values, others, names, relative=False):
    worst = 0.0
    for name in names:
        off = (values[name].double() - others[name].double()).abs().max().item()
        worst = max(worst, off / (others[name].abs().max().item() if relative else 1))
    return float(f"{worst:.0e}")


def make_goldens(folder, name, kind, model, kept, input=None):
    """The cases of one cut; how far float32 is from float64 in it. `input` names the graph's input of ONNX files."""
    folder.mkdir(parents=True)
    packages = ("torch", "funasr" if is_emotion2vec(model) else "transformers")
    by = f"layers {','.join(map(str, kept))} kept in PyTorch: " + maker(*packages)
    cases = CaseFolder(folder, kind.system, TOLERANCE, LAYER_TOLERANCE, by)
    cut, inputs, loss = with_layers(model, kept), {}, {}
    precise = None if is_emotion2vec(model) else copy.deepcopy(cut).double()  # FunASR computes in float32
    for case in CLIPS:
        observed = compute(kind, cut, case)
        if precise is not None:
            other = compute(kind, precise, case)
            layers = [key for key in observed if key.startswith("layer.")]
            loss[case] = {
                "outputs, absolute": farthest(observed, other, kind.outputs),
                "layers, relative": farthest(observed, other, layers, relative=True),
            }
            if loss[case]["outputs, absolute"] > LOSS or loss[case]["layers, relative"] > LAYER_LOSS:
                print(f"{name} {folder.name} {case}: float32 loses more than the reason says: {loss[case]}", file=sys.stderr)
        inputs[case] = kind.prepare(clip(case)) if input else clip(case)
        at = {"file": "inputs.safetensors", "tensor": case}
        described = {"kind": "graph", "tensors": {input: at}} if input else {"kind": "waveform", **at}
        cases.add(case, described, observed, kind.outputs)
    cases.write()
    # Apart from the expected values: the same bytes in all folders of one kind.
    save_arrays({case: tensor.contiguous() for case, tensor in inputs.items()}, folder / "inputs.safetensors")
    return loss


def write_tensors(path, source, cut, kept, config, prenet=0):
    tensors = expected_tensors(source, cut, kept, prenet)
    write_json({"kept": kept, "config": config, "tensors": tensors}, path)


def describe(name, config=None):
    folder = golden / name
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(README.format(LICENCES.get(name, "cc-by-nc-sa-4.0")))
    if config is not None:
        (folder / "config.json").write_text(networks.text_of(config))
        preprocessor = networks.PREPROCESSORS.get(name, PREPROCESSOR)
        (folder / "preprocessor_config.json").write_text(networks.text_of(preprocessor))
    return folder


def save_zip(value, path):
    # Through a file object torch calls the zip's root `archive`, whatever the file is called.
    with open(path, "wb") as file:
        torch.save(value, file)


def make_checkpoint(name, model, config, kind, cuts, rename=lambda state: state):
    """A folder of transformers with pytorch_model.bin."""
    folder = describe(name, config)
    state = rename(model.state_dict())
    save_zip(state, folder / "pytorch_model.bin")
    loss = {}
    for cut, kept in cuts.items():
        pruned = rename(with_layers(model, kept).state_dict())
        write_tensors(folder / f"tensors-{cut}.json", state, pruned, kept, {"num_hidden_layers": len(kept)})
        loss[cut] = make_goldens(folder / f"goldens-{cut}", name, kind, model, kept)
    return {
        "system": kind.system,
        "layers": len(layers_of(model)),
        "goldens": name,
        "tensors": name,
        "cuts": cuts,
        "float32 against float64": loss,
    }


def make_pretraining():
    model = networks.pretraining()
    entry = make_checkpoint("pretraining", model, networks.PRETRAINING, BARE, DEEP, with_old_names)
    state = dict(with_old_names(model.state_dict()))
    save_arrays(state, describe("pretraining-safetensors", networks.PRETRAINING) / "model.safetensors", {"format": "pt"})

    folder = describe("fairseq")
    save_zip(networks.fairseq_checkpoint(networks.fairseq_state(model.state_dict())), folder / "checkpoint.pt")
    source = joined(networks.fairseq_state(model.state_dict()))
    for cut in ("0-11", "odd-set"):
        kept = DEEP[cut]
        pruned = joined(networks.fairseq_state(with_layers(model, kept).state_dict()))
        config = {"cfg.model.encoder_layers": len(kept), "args.encoder_layers": len(kept)}
        write_tensors(folder / f"tensors-{cut}.json", source, pruned, kept, config)
    same = {key: value for key, value in entry.items() if key != "float32 against float64"}
    named = same | {"tensors": "fairseq", "cuts": {cut: DEEP[cut] for cut in ("0-11", "odd-set")}}
    return model, {"pretraining": entry, "pretraining-safetensors": same, "fairseq": named}


def joined(state):
    """The names of a checkpoint that nests its tensors under `model`."""
    return {f"model.{name}": tensor for name, tensor in state.items()}


def make_emotion2vec():
    model, entries = networks.emotion2vec(), {}
    for name, prefix in (("emotion2vec", ""), ("emotion2vec-prefixed", "d2v_model.")):
        # Fine-tuned releases call everything but the head by a prefix.
        rename = lambda state: {key if key.startswith("proj.") else prefix + key: value for key, value in state.items()}
        folder = describe(name)
        (folder / "config.yaml").write_text(networks.CONFIG_YAML)
        (folder / "configuration.json").write_text(networks.text_of(networks.CONFIGURATION))
        (folder / "tokens.txt").write_text("\n".join(networks.TOKENS) + "\n")
        source = rename(model.state_dict())
        save_zip({"model": source}, folder / "model.pt")
        prenet = prenet_depth(model)
        for cut, kept in PRENET.items():
            first = sum(i < prenet for i in kept)
            config = {"model_conf.depth": len(kept) - first, "model_conf.modalities.audio.prenet_depth": first}
            pruned = joined(rename(with_layers(model, kept).state_dict()))
            write_tensors(folder / f"tensors-{cut}.json", joined(source), pruned, kept, config, prenet)
            if not prefix:
                make_goldens(folder / f"goldens-{cut}", name, FRAMES, model, kept)
        entries[name] = {
            "system": "emotion2vec",
            "layers": 6,
            "prenet": 2,
            "goldens": "emotion2vec",
            "tensors": name,
            "cuts": PRENET,
        }
    return model, entries


def session(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.intra_op_num_threads = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def slim(path, keys):
    """Of what the dynamo exporter notes at each node these keys only: all of it is larger than all weights."""
    model = onnx.load(path)
    for entry in [*model.graph.node, *model.graph.value_info]:
        kept = [property for property in entry.metadata_props if property.key in keys]
        del entry.metadata_props[:]
        entry.metadata_props.extend(kept)
    path.write_bytes(model.SerializeToString(deterministic=True))


def make_graphs(group, model, cuts, files, input="signal"):
    """ONNX files of one model by the exporters, and the cuts' goldens for all of them. `files` is {name: (exporter, opset,
    attention)} and `model` makes the network with an attention. What onnxruntime says of PyTorch's own export of each pruned
    network by the first of them is compared."""
    kind, entries = GRAPHS[group], {}
    options = {"inputs": (input,), "outputs": kind.outputs}
    if group == "emotion2vec-onnx":
        options |= {"axes": ("batch_size", "sequence_length"), "output_axes": ("batch_size", "sequence_length")}
    wrapped = networks.exported_emotion2vec if group == "emotion2vec-onnx" else copy.deepcopy
    for name, (exporter, opset, attention) in files.items():
        (golden / name).mkdir(parents=True)
        path = golden / name / "model.onnx"
        made = export(wrapped(model(attention)), path, exporter=exporter, opset=opset, **options)
        if exporter == "dynamo":
            slim(path, NOTES[group])
        apart = {}
        for case in CLIPS:
            expected = compute(kind, model(attention), case)
            found = session(path).run(list(kind.outputs), {input: kind.prepare(clip(case)).numpy()})
            apart[case] = farthest(dict(zip(kind.outputs, map(torch.from_numpy, found))), expected, kind.outputs)
        entries[name] = {
            "system": "onnx",
            "exporter": exporter,
            "opset": opset,
            "cuts": cuts,
            "goldens": group,
            "nodes": len(made.graph.node),
            "operators": node_counts(made),
            "PyTorch from onnxruntime, nothing cut": apart,
        }
    network = model("eager")
    for cut, kept in cuts.items():
        folder = golden / group / f"goldens-{cut}"
        loss = make_goldens(folder, group, kind, network, kept, input)
        exporter, opset, _ = next(iter(files.values()))
        path = folder / "pruned.onnx"
        export(wrapped(with_layers(network, kept)), path, exporter=exporter, opset=opset, **options)
        loaded = session(path)
        path.unlink()
        for case in CLIPS:
            expected = compute(kind, with_layers(network, kept), case)
            found = loaded.run(list(kind.outputs), {input: kind.prepare(clip(case)).numpy()})
            off = farthest(dict(zip(kind.outputs, map(torch.from_numpy, found))), expected, kind.outputs)
            loss.setdefault(case, {})["outputs, from onnxruntime"] = off
            if off > 2 * LOSS:
                print(f"{group} {cut} {case}: PyTorch is {off} from onnxruntime", file=sys.stderr)
        for entry in entries.values():
            entry.setdefault("float32 against float64", {})[cut] = loss
    return entries


def mistakes(total, kept, weighted):
    """{what is wrong: layers that are kept then, and entries of layer_weights}."""
    count = len(kept)
    wrong = {
        "layers in reverse order": kept[::-1],
        "two layers exchanged": [*kept[:-2], kept[-1], kept[-2]],
        "first layers instead": list(range(count)),
        "last layers instead": list(range(total - count, total)),
        "dropped layers instead": [i for i in range(total) if i not in kept],
        "each layer one further": [min(i + 1, total - 1) for i in kept],
        "each layer one before": [max(i - 1, 0) for i in kept],
        "without the last kept layer": kept[:-1],
        "a layer too many": sorted({*kept, next(i for i in range(total) if i not in kept)}),
        "nothing cut": list(range(total)),
    }
    wrong = {name: (layers, None) for name, layers in wrong.items() if layers != kept}
    if weighted:
        entries = {
            "layer_weights: the first entries": list(range(count + 1)),
            "layer_weights: entries of the layers' own numbers": [0, *kept],
            "layer_weights: without entry 0": [i + 1 for i in kept] + [total],
            "layer_weights: the last entries": list(range(total - count, total + 1)),
        }
        right = [0] + [i + 1 for i in kept]
        wrong |= {name: (kept, chosen) for name, chosen in entries.items() if chosen != right}
    return wrong


def mutations(name, kind, model, cuts):
    """Largest change of each output in the short clip by each mistake."""
    moved = {}
    for cut, kept in cuts.items():
        right = compute(kind, with_layers(model, kept), "short")
        wrong = mistakes(len(layers_of(model)), kept, hasattr(model, "layer_weights"))
        mutants = {mistake: with_layers(model, *chosen) for mistake, chosen in wrong.items()}
        if not is_emotion2vec(model):
            mutants["no encoder.layer_norm"] = without_norm(with_layers(model, kept))
        changes = {}
        for mistake, mutant in mutants.items():
            other = compute(kind, mutant, "short")
            changes[mistake] = {key: float(f"{(other[key] - right[key]).abs().max().item():.1e}") for key in kind.outputs}
            if changes[mistake][kind.outputs[-1]] < SENSITIVITY_LIMIT:
                print(f"{name} {cut}: {mistake} is hardly seen: {changes[mistake]}", file=sys.stderr)
        moved[cut] = changes
    return moved


def without_norm(model):
    encoder_of(model).encoder.layer_norm = torch.nn.Identity()
    return model


def cosine(a, b):
    a, b = a.double(), b.double()
    by_frame = F.cosine_similarity(a, b, dim=-1, eps=1e-30).mean().item()
    return by_frame, F.cosine_similarity(a.flatten(), b.flatten(), dim=0, eps=1e-30).item()


def make_rank(model):
    """Each layer of `emotion` on two clips: cosine of the residual stream before and after it, outputs without it."""
    folder = golden / "rank"
    folder.mkdir(parents=True)
    precise, arrays, clips = copy.deepcopy(model).double(), {}, {}
    count = len(layers_of(model))
    alone = [with_layers(model, [i for i in range(count) if i != dropped]) for dropped in range(count)]
    for name in CLIPS:
        # The checkpoint is asked with the clip, an ONNX file, which preprocesses nothing, with what its preprocessor makes.
        np.save(folder / f"{name}.npy", clip(name).numpy())
        np.save(folder / f"{name}-preprocessed.npy", normalised(clip(name))[0].numpy())
        whole, exact = (compute(REGRESSION, one, name) for one in (model, precise))
        pruned = [compute(REGRESSION, one, name) for one in alone]
        layers, off = [], 0.0
        for key in REGRESSION.outputs:
            arrays[f"{name}.{key}"] = whole[key]
            arrays[f"{name}.without.{key}"] = torch.stack([values[key] for values in pruned])
        for i in range(count):
            by_frame, flat = cosine(exact[f"layer.{i}"], exact[f"layer.{i + 1}"])
            single = cosine(whole[f"layer.{i}"], whole[f"layer.{i + 1}"])
            off = max(off, abs(by_frame - single[0]), abs(flat - single[1]))
            changes = {key: (pruned[i][key] - whole[key]).abs().max().item() for key in REGRESSION.outputs}
            layers.append({"layer": i, "cosine": {"mean of frames": by_frame, "whole": flat}, "change when dropped": changes})
        by_cosine = sorted(range(count), key=lambda i: layers[i]["cosine"]["mean of frames"])
        by_logits = sorted(range(count), key=lambda i: -layers[i]["change when dropped"]["logits"])
        clips[name] = {
            "waveform": f"{name}.npy",
            "preprocessed": f"{name}-preprocessed.npy",
            "cosines from float32, apart by at most": float(f"{off:.0e}"),
            "most changing first, by cosine": by_cosine,
            "most changing first, by logits": by_logits,
            "layers": layers,
        }
    save_arrays(arrays, folder / "outputs.safetensors")
    description = {
        "models": ["emotion", "emotion-onnx-ts12", "emotion-onnx-ts17", "emotion-onnx-dynamo20"],
        "outputs": "outputs.safetensors: CLIP.NAME of the whole model, CLIP.without.NAME [layer, 1, C] with that layer dropped",
        "cosine": "of layer.i and layer.i+1, in float64: mean over frames of the frames' cosines; of all numbers as one vector",
        "tolerance": {"cosine": 1e-5, "outputs": TOLERANCE},
        "maker": maker("torch", "transformers"),
        "versions": versions("torch", "transformers"),
    }
    lines = json.dumps(description, indent=2)[:-2]
    entries = []
    for name, entry in clips.items():
        layers = ",\n".join("        " + json.dumps(layer) for layer in entry.pop("layers"))
        head = json.dumps(entry)[:-1]
        entries.append(f'    "{name}": {head}, "layers": [\n{layers}\n    ]}}')
    (folder / "rank.json").write_text(lines + ',\n  "clips": {\n' + ",\n".join(entries) + "\n  }\n}\n")


def main():
    torch.set_num_threads(1)  # another number of threads moves the last bits
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    shutil.rmtree(golden, ignore_errors=True)
    golden.mkdir(parents=True)

    pretraining, models = make_pretraining()
    emotion, superb = networks.emotion(), networks.superb()
    models["emotion"] = make_checkpoint("emotion", emotion, networks.EMOTION, REGRESSION, DEEP, with_old_names)
    models["superb"] = make_checkpoint("superb", superb, networks.SUPERB, CLASSIFICATION, WEIGHTED)
    emotion2vec, entries = make_emotion2vec()
    logging.disable(logging.INFO)  # FunASR turns every library's notes on
    models |= entries
    make_rank(emotion)
    deep = {
        "emotion-onnx-ts17": ("torchscript", 17, "eager"),
        "emotion-onnx-dynamo20": ("dynamo", 20, "sdpa"),
        "emotion-onnx-ts12": ("torchscript", 12, "eager"),
    }
    models |= make_graphs("emotion-onnx", networks.emotion, DEEP, deep)
    weighted = {"superb-onnx-ts17": ("torchscript", 17, "sdpa"), "superb-onnx-dynamo20": ("dynamo", 20, "sdpa")}
    models |= make_graphs("superb-onnx", networks.superb, WEIGHTED, weighted)
    frames = {"emotion2vec-onnx-ts14": ("torchscript", 14, None)}
    models |= make_graphs("emotion2vec-onnx", lambda _: emotion2vec, PRENET, frames, input="input")

    moved = {
        "pretraining": mutations("pretraining", BARE, pretraining, DEEP),
        "emotion": mutations("emotion", REGRESSION, emotion, DEEP),
        "superb": mutations("superb", CLASSIFICATION, superb, WEIGHTED),
        "emotion2vec": mutations("emotion2vec", FRAMES, emotion2vec, PRENET),
    }
    manifest = {
        "command": "$(tools/golden/setup) tools/golden/make_pruned.py",
        "seed": SEED,
        "versions": versions("torch", "transformers", "safetensors", "funasr", "onnx", "onnxscript", "onnxruntime"),
        "models": models,
        "change of outputs in `short` when wrong": moved,
    }
    (golden / "manifest.json").write_text(compact(manifest))


def compact(manifest):
    """Indented down to where one model's cut begins."""

    def text(value, depth):
        if isinstance(value, dict) and value and depth < 4:
            pad = "  " * (depth + 1)
            inner = ",\n".join(f"{pad}{json.dumps(key)}: {text(entry, depth + 1)}" for key, entry in value.items())
            return "{\n" + inner + "\n" + pad[2:] + "}"
        return json.dumps(value, ensure_ascii=False)

    return text(manifest, 0) + "\n"


main()
