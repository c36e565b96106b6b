"""Makes a full-size package of audeering's architecture with random weights, its ONNX exports, and goldens for it.

    $(tools/golden/setup --core) tools/bench/make_full_size.py [FOLDER]

FOLDER is $ASSAY_BENCH, or ~/.cache/assay/bench: 3.4 GB, about two minutes, 6 GB of memory. What exists is kept.
    audeering-full/               pytorch_model.bin (old weight-norm names, as the real one) and goldens/
    audeering-full-safetensors/   model.safetensors
    audeering-full-onnx/          model.onnx: TorchScript exporter, opset 17, `signal` [1, time]
    audeering-full-onnx-12/       the same at opset 12, as the published file likely is
    audeering-full-onnx-dynamo20/ dynamo exporter, opset 20, scaled dot product attention
    inputs/                       the goldens' waveforms as .npy, before preprocessing
"""

import copy
import json
import os
import sys
import zlib
from functools import cache, partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

import numpy as np
import onnx
import torch
import transformers
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor

from cases import CaseFolder, maker, save_arrays, versions
from emotion_model import CONFIG, PREPROCESSOR, EmotionModel
from made import make
from observe import observe
from weights import fill, with_old_names

SEED = 165336707
PARAMETERS = 165_336_707
# The last norm is small, as in the real model, and logits are about one, so that 1e-5 is a fair tolerance; attention is
# less peaky than in the tiny models, so that twelve blocks don't blow up the last bits of float32.
GAINS = {"q_proj": 1.0, "k_proj": 1.0, "encoder.layer_norm": 0.2, "classifier.dense": 4.0, "classifier.out_proj": 0.8}
README = "---\nlicense: cc-by-nc-sa-4.0\n---\n\nRandom weights, made by `tools/bench/make_full_size.py`. They know nothing.\n"
TOLERANCE = {
    "absolute": 1e-5,
    "relative": 0,
    "reason": "the design's parity at full size; PyTorch with one thread or two moves 1.2e-6, float32 from float64 3e-6",
}
LAYER_TOLERANCE = {
    "absolute": 0,
    "relative": 2e-4,
    "reason": "errors of twelve blocks add up, and the largest of a million values counts",
}
CASES = {  # samples, silent
    "shortest": (400, False),
    "noise-1s": (16000, False),
    "noise-5s": (80000, False),
    "noise-30s": (480000, False),
    "silence-1s": (16000, True),
    "silence-30s": (480000, True),
}
EXPORTS = {
    "": {"exporter": "torchscript", "opset": 17, "attention": "eager"},
    "-12": {"exporter": "torchscript", "opset": 12, "attention": "eager"},
    "-dynamo20": {"exporter": "dynamo", "opset": 20, "attention": "sdpa"},
}
PRECISE_UP_TO = 80000  # samples; longer ones are not run again in float64


@cache
def model():
    print("making the model ...", file=sys.stderr)
    made = EmotionModel(Wav2Vec2Config.from_dict(CONFIG))
    assert sum(parameter.numel() for parameter in made.parameters()) == PARAMETERS
    return fill(made, SEED, GAINS)


@cache
def precise_model():
    return copy.deepcopy(model()).double()


def describe(folder):
    for name, value in (("config.json", CONFIG), ("preprocessor_config.json", PREPROCESSOR)):
        make(folder / name, lambda path, value=value: path.write_text(json.dumps(value, indent=2) + "\n"))
    make(folder / "README.md", lambda path: path.write_text(README))


def save_pytorch(path):
    # Through a file object torch calls the zip's root `archive`, as it always did when the real file was written.
    with open(path, "wb") as file:
        torch.save(with_old_names(model().state_dict()), file)


def export(path, exporter, opset, attention):
    exported = EmotionModel(Wav2Vec2Config.from_dict(CONFIG | {"attn_implementation": attention})).eval()
    exported.load_state_dict(model().state_dict())
    if exporter == "torchscript":
        axes = {"dynamo": False, "dynamic_axes": {"signal": {1: "time"}}}
    else:  # its default would put the weights into a second file
        axes = {"dynamo": True, "dynamic_shapes": ({1: "time"},), "external_data": False, "verbose": False}
    torch.onnx.export(
        exported,
        (torch.randn(1, 16000),),
        path,
        opset_version=opset,
        input_names=["signal"],
        output_names=["hidden_states", "logits"],
        **axes,
    )
    found = [entry.version for entry in onnx.load(path, load_external_data=False).opset_import]
    if found != [opset]:
        raise SystemExit(f"{path}: asked for opset {opset}, got {found}")


def waveform(name):
    samples, silent = CASES[name]
    if silent:
        return np.zeros(samples, np.float32)
    random = np.random.RandomState(zlib.crc32(f"{SEED} {name}".encode()))
    return (0.05 * random.standard_normal(samples) + 0.01).astype(np.float32)


def make_case(folder, name):
    """Outputs and all layer states; the marker of a finished case is its JSON, which is written last."""
    if (folder / f"{name}.golden.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    samples, silent = CASES[name]
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder.parent)
    values = extractor(waveform(name), sampling_rate=16000, return_tensors="pt").input_values
    observed = observe(model(), values)
    if samples <= PRECISE_UP_TO:
        precise = observe(precise_model(), values.double())
        off = {key: (observed[key].double() - precise[key]).abs().max().item() for key in observed}
        worst = max(off[key] / precise[key].abs().max().item() for key in off if key.startswith("layer."))
        print(
            f"{name}: float32 against float64: logits {off['logits']:.1e}, hidden_states {off['hidden_states']:.1e}, "
            f"layers {worst:.1e} relative; logits {observed['logits'].numpy()}, "
            f"layers' deviation {[round(observed[f'layer.{i}'].std().item(), 2) for i in range(13)]}",
            file=sys.stderr,
        )
    case = CaseFolder(
        folder,
        "wav2vec2-regression",
        TOLERANCE,
        LAYER_TOLERANCE,
        maker("torch", "transformers"),
        arrays=f"{name}.safetensors",
    )
    input = {"kind": "zeros", "samples": samples} if silent else torch.from_numpy(waveform(name))
    case.add(name, input, observed, ("hidden_states", "logits"))
    case.write()
    print(folder / f"{name}.golden.json", file=sys.stderr)


def main():
    default = os.environ.get("ASSAY_BENCH") or Path.home() / ".cache" / "assay" / "bench"
    bench = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)  # another number of threads moves the last bits

    full, safe = (bench / f"audeering-full{suffix}" for suffix in ("", "-safetensors"))
    for folder in (full, safe):
        describe(folder)
    make(full / "pytorch_model.bin", save_pytorch)
    make(safe / "model.safetensors", lambda path: save_arrays(model().state_dict(), path, {"format": "pt"}))
    for name in CASES:
        make(bench / "inputs" / f"{name}.npy", lambda path, name=name: np.save(open(path, "wb"), waveform(name)))
        make_case(full / "goldens", name)
    # The card's model was exported when attention was written out; eager attention is that.
    for suffix, way in EXPORTS.items():
        make(bench / f"audeering-full-onnx{suffix}" / "model.onnx", partial(export, **way))
    manifest = {
        "command": "$(tools/golden/setup --core) tools/bench/make_full_size.py",
        "seed": SEED,
        "versions": versions("torch", "transformers", "safetensors", "onnx"),
    }
    make(bench / "manifest.json", lambda path: path.write_text(json.dumps(manifest, indent=2) + "\n"))


main()
