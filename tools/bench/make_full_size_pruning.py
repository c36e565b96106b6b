"""Makes full-size sources to prune, with random weights, and goldens for what their first twelve layers compute.

    $(tools/golden/setup --core) tools/bench/make_full_size_pruning.py [FOLDER]

FOLDER is $ASSAY_BENCH, or ~/.cache/assay/bench: 3.9 GB, about two minutes, 6 GB of memory. What exists is kept.
    robust-full/          large-robust's architecture as pretraining leaves it: 24 layers, pytorch_model.bin of 1.27 GB
    emotion24-full/       audEERING's kind with 24 layers: pytorch_model.bin
    emotion24-full-onnx/  model.onnx of it: TorchScript exporter, opset 17, `signal` [1, time]
Each has goldens-0-11/: layers taken out in PyTorch, then transformers' own forward; of the ONNX file with the graph's input.
"""

import copy
import gc
import json
import os
import sys
import zlib
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

import numpy as np
import onnx
import torch
import transformers
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForPreTraining

from cases import CaseFolder, maker, versions
from emotion_model import CONFIG, PREPROCESSOR, EmotionModel
from made import make
from observe import encoder_of
from surgery import observe_layers, with_layers
from weights import fill, with_old_names

SEED = 317390592
PARAMETERS = 317_390_592
EMOTION24 = CONFIG | {"num_hidden_layers": 24}
ROBUST = {
    key: value
    for key, value in (EMOTION24 | {"_name_or_path": "facebook/wav2vec2-large-robust", "architectures": ["Wav2Vec2ForPreTraining"]}).items()
    if key not in ("finetuning_task", "id2label", "label2id", "pooling_mode", "problem_type", "hidden_dropout_prob", "vocab_size")
} | {"vocab_size": 32}
# As in make_full_size.py: a small last norm, logits of about one, attention that does not blow up the last bits.
GAINS = {"q_proj": 1.0, "k_proj": 1.0, "encoder.layer_norm": 0.2, "classifier.dense": 4.0, "classifier.out_proj": 0.8}
README = "---\nlicense: {}\n---\n\nRandom weights, made by `tools/bench/make_full_size_pruning.py`. They know nothing.\n"
TOLERANCE = {
    "absolute": 1e-5,
    "relative": 0,
    "reason": "the design's parity at full size; float32 is within 5e-6 of float64 (single frames; pooled within 3e-6)",
}
LAYER_TOLERANCE = {
    "absolute": 0,
    "relative": 2e-4,
    "reason": "errors of twelve blocks add up, and the largest of a million values counts",
}
CASES = {"noise-1s": 16000, "noise-5s": 80000}
KEPT = list(range(12))


def describe(folder, config, licence):
    for name, value in (("config.json", config), ("preprocessor_config.json", PREPROCESSOR)):
        make(folder / name, lambda path, value=value: path.write_text(json.dumps(value, indent=2) + "\n"))
    make(folder / "README.md", lambda path: path.write_text(README.format(licence)))


def save_pytorch(model, path):
    # Through a file object torch calls the zip's root `archive`, as it always did when the real file was written.
    with open(path, "wb") as file:
        torch.save(with_old_names(model.state_dict()), file)


def export(model, path):
    torch.onnx.export(
        model,
        (torch.randn(1, 16000),),
        path,
        opset_version=17,
        input_names=["signal"],
        output_names=["hidden_states", "logits"],
        dynamo=False,
        dynamic_axes={"signal": {1: "time"}},
    )
    found = [entry.version for entry in onnx.load(path, load_external_data=False).opset_import]
    if found != [17]:
        raise SystemExit(f"{path}: asked for opset 17, got {found}")


def waveform(name):
    random = np.random.RandomState(zlib.crc32(f"{SEED} {name}".encode()))
    return (0.05 * random.standard_normal(CASES[name]) + 0.01).astype(np.float32)


def make_cases(folders, model, compute, outputs):
    """Of the first layers; `folders` is {goldens: (system, graph input or None)}, all with the same values."""
    missing = [name for name in CASES if any(not (folder / f"{name}.golden.json").exists() for folder in folders)]
    if not missing:
        return
    cut = with_layers(model, KEPT)
    precise = copy.deepcopy(cut).double()
    for name in missing:
        values = Wav2Vec2FeatureExtractor(**PREPROCESSOR)(waveform(name), sampling_rate=16000, return_tensors="pt").input_values
        observed = observe_layers(cut, lambda model: compute(model, values))
        exact = observe_layers(precise, lambda model: compute(model, values.double()))
        off = {key: (observed[key].double() - exact[key]).abs().max().item() for key in observed}
        worst = max(off[key] / exact[key].abs().max().item() for key in off if key.startswith("layer."))
        told = ", ".join(f"{key} {off[key]:.1e}" for key in outputs)
        print(f"{name}: float32 against float64: {told}, layers {worst:.1e} relative", file=sys.stderr)
        for folder, (system, input) in folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            by = "layers 0-11 of 24 kept in PyTorch: " + maker("torch", "transformers")
            case = CaseFolder(folder, system, TOLERANCE, LAYER_TOLERANCE, by, arrays=f"{name}.safetensors")
            given = torch.from_numpy(waveform(name))
            if input:
                given = {"kind": "graph", "tensors": {input: case.reference(f"{name}.{input}", values)}}
            case.add(name, given, observed, outputs)
            case.write()
            print(folder / f"{name}.golden.json", file=sys.stderr)


def done(folder, file, *goldens):
    cases = [path / f"{name}.golden.json" for path in goldens for name in CASES]
    return all(path.exists() for path in [folder / file, *cases])


def make_robust(bench):
    folder = bench / "robust-full"
    describe(folder, ROBUST, "apache-2.0")
    goldens = folder / "goldens-0-11"
    if done(folder, "pytorch_model.bin", goldens):
        return
    model = Wav2Vec2ForPreTraining(Wav2Vec2Config.from_dict(ROBUST))
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS
    fill(model, SEED, GAINS)
    make(folder / "pytorch_model.bin", partial(save_pytorch, model))

    def compute(model, values):
        return {"last_hidden_state": encoder_of(model)(values).last_hidden_state}

    make_cases({goldens: ("wav2vec2", None)}, model, compute, ("last_hidden_state",))


def make_emotion(bench):
    folder, graph = bench / "emotion24-full", bench / "emotion24-full-onnx"
    describe(folder, EMOTION24, "cc-by-nc-sa-4.0")
    goldens = folder / "goldens-0-11", graph / "goldens-0-11"
    if done(folder, "pytorch_model.bin", *goldens) and (graph / "model.onnx").exists():
        return
    # The card's model was exported when attention was written out; eager attention is that.
    model = fill(EmotionModel(Wav2Vec2Config.from_dict(EMOTION24 | {"attn_implementation": "eager"})), SEED, GAINS)
    make(folder / "pytorch_model.bin", partial(save_pytorch, model))

    def compute(model, values):
        return dict(zip(("hidden_states", "logits"), model(values)))

    systems = {goldens[0]: ("wav2vec2-regression", None), goldens[1]: ("onnx", "signal")}
    make_cases(systems, model, compute, ("hidden_states", "logits"))
    gc.collect()
    make(graph / "model.onnx", partial(export, model))


def main():
    default = os.environ.get("ASSAY_BENCH") or Path.home() / ".cache" / "assay" / "bench"
    bench = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)  # another number of threads moves the last bits
    make_robust(bench)
    gc.collect()
    make_emotion(bench)
    manifest = {
        "command": "$(tools/golden/setup --core) tools/bench/make_full_size_pruning.py",
        "seed": SEED,
        "versions": versions("torch", "transformers", "onnx"),
    }
    make(bench / "pruning.json", lambda path: path.write_text(json.dumps(manifest, indent=2) + "\n"))


main()
