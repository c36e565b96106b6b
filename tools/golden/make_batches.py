"""Makes golden/batches: clips of several lengths, and what the true frameworks make of them as one batch.

    $(tools/golden/setup) tools/golden/make_batches.py [NAME...]

Each file holds `clip.0`, `clip.1`, ... as they were recorded, and outputs and layer states of the batch. Its metadata
says which package of golden/ and which flags of its preprocessor they belong to (`package`, `flags`), and `mode`:
`batch`, the framework's own padded batch, or `masked`, its single runs, stacked. `own` is `true` where the framework
knows how long each clip is: all beyond a clip's own frames is zero then. Needs golden/models and golden/onnx.
"""

import json
import logging
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification, Wav2Vec2Model

from cases import maker, save_arrays
from emotion_model import EmotionModel

golden = Path(__file__).resolve().parents[2] / "golden"
PACKAGES = ("torch", "transformers", "safetensors")
LENGTHS = (5431, 400, 9013)  # the shortest clip in the middle, and what no stride divides


def clips(name):
    """Noise, each clip of another level and offset, so that it counts over what they are normalised."""
    made = []
    for index, samples in enumerate(LENGTHS):
        random = np.random.RandomState(zlib.crc32(f"{name} {index}".encode()))
        level, offset = (0.05, 0.3, 0.1)[index], (0.02, -0.1, 0.01)[index]
        made.append((level * random.standard_normal(samples) + offset).astype(np.float32))
    return made


def extractor(folder, flags):
    """The package's own, with other flags."""
    described = json.loads((folder / "preprocessor_config.json").read_text()) | flags
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "preprocessor_config.json").write_text(json.dumps(described))
        return Wav2Vec2FeatureExtractor.from_pretrained(temporary)


def layers(states):
    return {f"layer.{number}": state for number, state in enumerate(states)}


def regression(folder):
    model = EmotionModel.from_pretrained(folder).eval()

    def compute(input_values, attention_mask=None):  # the card passes no mask
        states = layers(model.wav2vec2(input_values, output_hidden_states=True).hidden_states)
        pooled, logits = model(input_values)
        return {"hidden_states": pooled, "logits": logits} | states

    return model.wav2vec2, compute


def classification(folder):
    model = Wav2Vec2ForSequenceClassification.from_pretrained(folder).eval()

    def compute(**inputs):
        outputs = model(**inputs, output_hidden_states=True)
        return {"logits": outputs.logits, "scores": outputs.logits.softmax(dim=-1)} | layers(outputs.hidden_states)

    return model.wav2vec2, compute


def encoder(folder):
    model = Wav2Vec2Model.from_pretrained(folder).eval()

    def compute(**inputs):
        outputs = model(**inputs, output_hidden_states=True)
        return {"last_hidden_state": outputs.last_hidden_state} | layers(outputs.hidden_states)

    return model, compute


def own_only(tensor, counts):
    """Zeros beyond each clip's own frames."""
    if tensor.ndim == 3:
        for row, count in enumerate(counts):
            tensor[row, count:] = 0
    return tensor


def stacked(singles):
    """Results of single clips as one batch."""
    longest = max(single.shape[1] for single in singles)
    if singles[0].ndim == 3:
        singles = [torch.nn.functional.pad(single, (0, 0, 0, longest - single.shape[1])) for single in singles]
    return torch.cat(singles)


def by_transformers(package, load, mode="batch", **flags):
    def make(name):
        folder, waveforms = golden / package, clips(name)
        model, compute = load(folder)
        prepare = extractor(folder, flags)

        def inputs(audio):
            return prepare(audio, sampling_rate=16000, padding=True, return_tensors="pt")

        with torch.no_grad():
            if mode == "masked":
                each = [compute(**inputs([waveform])) for waveform in waveforms]
                expected = {key: stacked([single[key] for single in each]) for key in each[0]}
            else:
                expected = compute(**inputs(waveforms))
        own = mode == "masked" or (prepare.return_attention_mask and load is not regression)
        if own:
            counts = model._get_feat_extract_output_lengths(torch.tensor(LENGTHS)).tolist()
            expected = {key: own_only(tensor, counts) for key, tensor in expected.items()}
        write(name, waveforms, expected, package, flags, mode, own, maker(*PACKAGES))

    return make


def by_speechbrain(name):
    """The notebook's batch: zeros behind each clip, no lengths told, the mean over all frames."""
    from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2

    package, waveforms = "onnx/speechbrain-checkpoint", clips(name)
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copytree(golden / package, temporary, dirs_exist_ok=True)
        (Path(temporary) / "emotion_classifier.pth").unlink()
        lobe = Wav2Vec2(temporary, save_path=temporary, freeze=True).eval()
    state = torch.load(golden / package / "emotion_classifier.pth")
    linears = []
    for number in (0, 3, 6):
        linear = torch.nn.Linear(*reversed(state[f"{number}.weight"].shape))
        linear.weight.data, linear.bias.data = state[f"{number}.weight"], state[f"{number}.bias"]
        linears.append(linear)
    relu = torch.nn.ReLU()
    classifier = torch.nn.Sequential(linears[0], relu, linears[1], relu, linears[2])
    rows = torch.zeros(len(waveforms), max(LENGTHS))
    for row, waveform in zip(rows, waveforms):
        row[: len(waveform)] = torch.from_numpy(waveform)
    with torch.no_grad():
        pooled = lobe(rows).mean(dim=1)
        logits = classifier(pooled)
    expected = {"hidden_states": pooled, "logits": logits, "scores": logits.softmax(dim=-1)}
    write(name, waveforms, expected, package, {}, "batch", False, maker("speechbrain", *PACKAGES))


def by_funasr(name):
    """FunASR runs clips one by one."""
    from funasr.models.emotion2vec.model import Emotion2vec

    from onnx_networks import EMOTION2VEC

    logging.disable(logging.INFO)  # FunASR turns every library's notes on
    package, waveforms = "onnx/emotion2vec-checkpoint", clips(name)
    state = torch.load(golden / package / "model.pt")["model"]
    each = []
    for waveform in waveforms:
        model = Emotion2vec(model_conf=EMOTION2VEC, vocab_size=-1).eval()  # it keeps its position biases
        own = model.state_dict()
        model.load_state_dict({key: value for key, value in state.items() if key in own})
        signal = torch.from_numpy(waveform)
        with torch.no_grad():
            signal = torch.nn.functional.layer_norm(signal, signal.shape).view(1, -1)
            frames = model.extract_features(signal, padding_mask=None)["x"]
        each.append({"frames": frames, "utterance": frames.mean(dim=1)})
    expected = {key: stacked([single[key] for single in each]) for key in each[0]}
    write(name, waveforms, expected, package, {}, "masked", True, maker("funasr", "torch", "safetensors"))


def write(name, waveforms, expected, package, flags, mode, own, by):
    tensors = {f"clip.{index}": torch.from_numpy(waveform) for index, waveform in enumerate(waveforms)}
    tensors |= {key: tensor.clone().contiguous() for key, tensor in expected.items()}
    metadata = {"package": package, "flags": json.dumps(flags), "mode": mode, "own": json.dumps(bool(own)), "maker": by}
    golden.joinpath("batches").mkdir(exist_ok=True)
    save_arrays(tensors, golden / "batches" / f"{name}.safetensors", metadata)
    print(name, {key: tuple(tensor.shape) for key, tensor in expected.items()})


BATCHES = {
    "audeering-zeros": by_transformers("models/audeering/safetensors", regression),
    "audeering-masked": by_transformers("models/audeering/safetensors", regression, "masked"),
    "export-masked": by_transformers("onnx/audeering-checkpoint", regression, "masked"),
    "superb-masked": by_transformers("onnx/superb-checkpoint", classification),
    "base-zeros": by_transformers("models/base", encoder),
    "base-row": by_transformers("models/base", encoder, do_normalize=True),
    "base-masked": by_transformers("models/base", encoder, do_normalize=True, return_attention_mask=True),
    "mixed-masked": by_transformers("models/mixed", encoder),
    "postnorm-masked": by_transformers("models/mixed-postnorm", encoder),
    "postnorm-singles": by_transformers("models/mixed-postnorm", encoder, "masked"),
    "speechbrain-row": by_speechbrain,
    "emotion2vec-masked": by_funasr,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or BATCHES:
        BATCHES[name](name)
