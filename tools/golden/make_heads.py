"""Makes golden/models/superb*, speechbrain*: tiny encoders with classifiers on them, and what real transformers (with its
audio-classification pipeline) and real SpeechBrain compute with them.

Needs golden/audio (make_audio.py). A package that wants options has them in the file `options`, one argument a line;
what starts with ./ lies in the package. See make_models.py for the manifests.
"""

import copy
import json
import logging
import tempfile
import zlib

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC, Wav2Vec2ForSequenceClassification
from transformers import pipeline

from cases import save_arrays
from emotion_model import PREPROCESSOR
from mutations import epsilon, sensitivities
from observe import observe
from packages import empty, make_goldens, models, noise, receptive_field, write_folder
from weights import fill, with_old_names

logging.getLogger("speechbrain").setLevel(logging.ERROR)
from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2  # noqa: E402

SEED = 20268
TRANSFORMERS = ("torch", "transformers", "safetensors", "torchaudio", "soundfile")
SPEECHBRAIN = ("speechbrain",) + TRANSFORMERS
LOSSES = (("relative", 3e-6, 1e-5), ("relative", 3e-6, 2e-5))
BASE = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 4,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 32,
    "num_conv_pos_embedding_groups": 4,
}
STABLE = {
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
    "hidden_size": 15,
    "intermediate_size": 28,
    "num_attention_heads": 5,
    "conv_dim": [6, 8, 8, 10, 10, 12, 14],
    "num_conv_pos_embeddings": 31,
    "num_conv_pos_embedding_groups": 5,
}


def small(observed, waveform):
    """Without the layers' states of a long clip, which fill a file and show nothing new."""
    return {name: value for name, value in observed.items() if len(waveform) < 16000 or not name.startswith("layer.")}


class NormOverChannels(nn.Module):
    """What a group norm must not be taken for."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, x):
        norm = self.norm
        return F.layer_norm(x.transpose(1, 2), norm.weight.shape, norm.weight, norm.bias, norm.eps).transpose(1, 2)


def mistakes_of_features(config):
    """Mistakes beside those of mutations.py, of the model with a head."""
    if config.feat_extract_norm != "group":
        return {}

    def over_channels(model):
        layer = model.wav2vec2.feature_extractor.conv_layers[0]
        layer.layer_norm = NormOverChannels(layer.layer_norm)

    return {"group norm as layer norm": over_channels}


# transformers


class Classifier(nn.Module):
    """transformers' model, its outputs named."""

    def __init__(self, real):
        super().__init__()
        self.real, self.config = real, real.config
        self.stages = {"layer_sum": "<real.projector", "projector": "real.projector"}

    @property
    def wav2vec2(self):
        return self.real.wav2vec2

    def forward(self, values):
        return {"logits": self.real(values).logits}


def mistakes_of_sum(model):
    """Each changes what enters the projector, or what leaves it."""

    def instead(change):
        """Gives the projector change(hidden states, last hidden state, layer_weights)."""

        def mutate(m):
            seen = {}
            m.wav2vec2.register_forward_hook(lambda _, __, output: seen.update(output))
            m.real.projector.register_forward_pre_hook(
                lambda *_: (change(seen["hidden_states"], seen["last_hidden_state"], m.real.layer_weights),))

        return mutate

    def summed(states, weights):
        return sum(weight * state for weight, state in zip(weights, states, strict=True))

    wrong = {
        "weighted sum: each state with the weight of the one before it":
            instead(lambda states, _, weights: summed(states, weights.softmax(0).roll(1))),
        "weighted sum: without what enters the first layer":
            instead(lambda states, _, weights: summed(states[1:], weights[1:].softmax(0))),
        "weighted sum: weights without softmax": instead(lambda states, _, weights: summed(states, weights)),
        "weighted sum: the last state alone": instead(lambda _, last, __: last),
        "mean without the first frame": lambda m: m.real.projector.register_forward_hook(
            lambda _, __, output: output[:, 1:]),
    }
    if model.config.do_stable_layer_norm:
        wrong["weighted sum: the last state after the final norm"] = instead(
            lambda states, last, weights: summed((*states[:-1], last), weights.softmax(0)))
    return wrong | mistakes_of_features(model.config)


def make_classifier(name, config, labels, preprocessor, old):
    """Wav2Vec2ForSequenceClassification; `old` stores it as torch did, with the names of torch before 2.0."""
    folder = empty(models / name)
    config = Wav2Vec2Config(
        **config, use_weighted_layer_sum=True, id2label=dict(enumerate(labels)), label2id={l: i for i, l in enumerate(labels)})
    real = fill(Wav2Vec2ForSequenceClassification(config), SEED, {"layer_weights": 3, "projector": 2, "classifier": 3})
    real.save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    if old:
        (folder / "model.safetensors").unlink()
        torch.save(with_old_names(real.state_dict()), folder / "pytorch_model.bin")
    else:
        (folder / "model.safetensors").chmod(0o644)
    write_folder(folder, written, PREPROCESSOR | preprocessor, "apache-2.0", "make_heads.py")

    # What is judged is what transformers makes of these very files.
    real = Wav2Vec2ForSequenceClassification.from_pretrained(folder).eval()
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    scores = pipeline("audio-classification", model=real, feature_extractor=extractor, device="cpu", top_k=None)
    model = Classifier(real)
    double = copy.deepcopy(model).double()
    squash = torch.sigmoid if config.problem_type == "multi_label_classification" else lambda x: x.softmax(-1)

    def values(waveform):
        return extractor(waveform.numpy(), sampling_rate=16000, return_tensors="pt").input_values

    def run(waveform, fine):
        seen = small(observe(model, values(waveform), fine), waveform)
        found = {entry["label"]: entry["score"] for entry in scores({"raw": waveform.numpy(), "sampling_rate": 16000})}
        return seen | {"scores": torch.tensor([[found[label] for label in labels]])}

    def precise(waveform, fine):
        seen = small(observe(double, values(waveform).double(), fine), waveform)
        return seen | {"scores": squash(seen["logits"])}

    make_goldens(
        folder, "wav2vec2-classification", ("scores", "logits"), run, precise,
        lambda x: sensitivities(model, values(x), "logits", mistakes_of_sum(model)),
        command="make_heads.py", seed=SEED, shortest=receptive_field(config.conv_kernel, config.conv_stride),
        packages=TRANSFORMERS, losses=LOSSES)


# SpeechBrain


class Notebook(nn.Module):
    """The notebook's `predict_emotion`: SpeechBrain's encoder, the mean over time, a Sequential."""

    def __init__(self, encoder, head):
        super().__init__()
        self.encoder, self.head, self.config = encoder, head, encoder.model.config
        self.prepare = nn.Identity()
        self.stages = {f"head.{i}": f"head.{i}" for i, module in enumerate(head) if isinstance(module, nn.Linear)}

    @property
    def wav2vec2(self):
        return self.encoder.model

    def forward(self, waveform):
        embeddings = torch.mean(self.encoder(self.prepare(waveform)), dim=1)
        logits = self.head(embeddings)
        return {"hidden_states": embeddings, "scores": logits.softmax(-1), "logits": logits}


class Normalize(nn.Module):
    def forward(self, waveform):
        return F.layer_norm(waveform, waveform.shape[1:], eps=1e-7)


def other_epsilon(m):
    m.encoder.normalize_wav, m.prepare = False, Normalize()


def mistakes_of_head(model):
    def at(index, module):
        return lambda m: m.head.__setitem__(index, module)

    activations = [i for i, m in enumerate(model.head) if not isinstance(m, (nn.Linear, nn.Dropout))]
    wrong = {}
    for i in activations:
        wrong[f"head.{i} left out"] = at(i, nn.Identity())
        for name, other in (("tanh", nn.Tanh()), ("ReLU", nn.ReLU())):
            if not isinstance(model.head[i], type(other)):
                wrong[f"head.{i} {name}"] = at(i, other)
    wrong["an activation after the last layer"] = lambda m: m.head.append(copy.deepcopy(m.head[activations[0]]))
    wrong["mean without the first frame"] = lambda m: m.encoder.register_forward_hook(lambda _, __, out: out[:, 1:])
    if not model.config.do_stable_layer_norm:
        return wrong | mistakes_of_features(model.config)
    return wrong


def fill_head(head):
    for name, parameter in head.named_parameters():
        random = np.random.RandomState(zlib.crc32(f"{SEED} head.{name}".encode()))
        values = torch.from_numpy(random.standard_normal(tuple(parameter.shape)).astype(np.float32))
        parameter.data.copy_(2 * values / values[0].numel() ** 0.5 if values.ndim == 2 else 0.5 * values)
    return head.eval()


def make_notebook(name, config, head, preprocessor, write, options=()):
    """A CTC checkpoint, and `write(folder, encoder, head)` what makes it a notebook's."""
    folder = empty(models / name)
    config = Wav2Vec2Config(**config, vocab_size=8)
    ctc = fill(Wav2Vec2ForCTC(config), SEED)
    ctc.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    written = json.loads((folder / "config.json").read_text())
    write_folder(folder, written, PREPROCESSOR | preprocessor, "apache-2.0", "make_heads.py")
    if options:
        (folder / "options").write_text("".join(option + "\n" for option in options))
    head = fill_head(head)
    with tempfile.TemporaryDirectory() as temporary:
        encoder = Wav2Vec2(source=str(folder), save_path=temporary)
    assert encoder.training and encoder.model.training  # the note that the program gives
    write(folder, ctc, head)
    model = Notebook(encoder, head).eval()
    double = copy.deepcopy(model).double()
    quiet = noise(SEED, "quiet", 2000, level=1e-4, offset=1e-4)

    def mutate(waveform):
        moved = sensitivities(model, waveform[None], "logits", mistakes_of_head(model))
        other = "waveform normalised with epsilon 1e-7, in `quiet`"
        wrong = copy.deepcopy(model)
        other_epsilon(wrong)
        return moved | {
            other: (observe(wrong, quiet[None])["logits"] - observe(model, quiet[None])["logits"]).abs().max().item()}

    make_goldens(
        folder, "speechbrain", ("hidden_states", "scores", "logits"),
        lambda x, fine: small(observe(model, x[None], fine), x),
        lambda x, fine: small(observe(double, x[None].double(), fine), x), mutate,
        command="make_heads.py", seed=SEED, shortest=receptive_field(config.conv_kernel, config.conv_stride),
        packages=SPEECHBRAIN, losses=LOSSES, more={"quiet": (quiet, quiet)})


def write_pth(folder, ctc, head):
    """The notebook's last line."""
    torch.save(head.state_dict(), folder / "emotion_classifier.pth")


def write_elsewhere(folder, ctc, head):
    """Safetensors, not beside the encoder, which has torch's older names."""
    (folder / "model.safetensors").unlink()
    torch.save(with_old_names(ctc.state_dict()), folder / "pytorch_model.bin")
    (folder / "trained").mkdir()
    save_arrays(head.state_dict(), folder / "trained" / "model.safetensors")


def main():
    torch.set_num_threads(1)  # another number of threads moves the last bits
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    make_classifier(
        "superb", BASE | {"num_hidden_layers": 3, "classifier_proj_size": 12}, ["neu", "hap", "ang", "sad"],
        {"do_normalize": False, "return_attention_mask": True}, old=True)
    make_classifier(
        "superb-stable",
        STABLE | {"num_hidden_layers": 3, "classifier_proj_size": 7, "problem_type": "multi_label_classification"},
        ["calm", "tense", "loud"], {"do_normalize": True, "return_attention_mask": True}, old=False)
    make_notebook(
        "speechbrain", BASE | {"num_hidden_layers": 3},
        nn.Sequential(
            nn.Linear(16, 12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 10), nn.ReLU(), nn.Dropout(0.3), nn.Linear(10, 2)),
        {"do_normalize": True, "return_attention_mask": False}, write_pth)
    make_notebook(
        "speechbrain-other-head", STABLE | {"num_hidden_layers": 3},
        nn.Sequential(nn.Linear(15, 9, bias=False), nn.Tanh(), nn.Linear(9, 6), nn.Linear(6, 3)),
        {"do_normalize": True, "return_attention_mask": True}, write_elsewhere,
        ["--system", "speechbrain", "--head", "./trained/model.safetensors", "--head-activation", "tanh", "--labels",
         "calm,tense,loud"])


main()
