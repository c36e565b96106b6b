"""The networks of make_onnx_models.py: tiny, of the real architectures, and the checkpoints they can also be read from."""

import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification, Wav2Vec2Model

from emotion_model import CONFIG, PREPROCESSOR, EmotionModel
from weights import fill

SEED = 20261
TINY = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_conv_pos_embedding_groups": 4,
    "conv_dim": [16] * 7,
    "output_hidden_size": 32,
}
AUDEERING = CONFIG | TINY
SUPERB = TINY | {
    "architectures": ["Wav2Vec2ForSequenceClassification"],
    "use_weighted_layer_sum": True,
    "classifier_proj_size": 24,
    "id2label": {"0": "neu", "1": "hap", "2": "ang", "3": "sad"},
    "label2id": {"neu": 0, "hap": 1, "ang": 2, "sad": 3},
}
# What enters these graphs is normalised already, so nothing may do it again.
AS_IT_IS = PREPROCESSOR | {"do_normalize": False}


def audeering(attention):
    return fill(EmotionModel(Wav2Vec2Config.from_dict(AUDEERING | {"attn_implementation": attention})), SEED)


class LogitsOnly(Wav2Vec2ForSequenceClassification):
    """A weighted layer sum makes transformers return every hidden state too; exports of this model have one output."""

    def forward(self, input_values):
        return super().forward(input_values).logits


def superb(attention):
    model = LogitsOnly(Wav2Vec2Config.from_dict(SUPERB | {"attn_implementation": attention}))
    return fill(model, SEED, {"layer_weights": 5.0})


class OldAttention(nn.Module):
    """Attention as transformers 4.1x computed it: queries scaled before the product, heads folded into the batch,
    shapes asked of the tensors on the way."""

    def __init__(self, modern):
        super().__init__()
        self.heads, self.width = modern.num_heads, modern.head_dim
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            setattr(self, name, getattr(modern, name))

    def forward(self, hidden_states, attention_mask=None, **options):
        batch, frames, channels = hidden_states.size()

        def by_head(projected, length):
            split = projected.view(batch, length, self.heads, self.width).transpose(1, 2).contiguous()
            return split.view(batch * self.heads, -1, self.width)

        query = self.q_proj(hidden_states) * self.width**-0.5
        key = by_head(self.k_proj(hidden_states), -1)
        value = by_head(self.v_proj(hidden_states), -1)
        weights = torch.bmm(by_head(query, frames), key.transpose(1, 2)).softmax(dim=-1)
        mixed = torch.bmm(weights, value).view(batch, self.heads, frames, self.width)
        return self.out_proj(mixed.transpose(1, 2).reshape(batch, frames, channels)), None


def old_audeering():
    model = audeering("eager")
    for layer in model.wav2vec2.encoder.layers:
        layer.attention = OldAttention(layer.attention)
    return model.eval()


class SpeechBrainLike(nn.Module):
    """SpeechBrain's Wav2Vec2 lobe in evaluation (layer norm over the clip, then transformers), and a classifier on the
    mean over time."""

    def __init__(self):
        super().__init__()
        self.model = fill(Wav2Vec2Model(Wav2Vec2Config.from_dict(TINY)), SEED)
        sizes = [(TINY["hidden_size"], 24), (24, 16), (16, 2)]
        linears = [nn.Linear(*size) for size in sizes]
        self.classifier = nn.Sequential(
            linears[0], nn.ReLU(), nn.Dropout(0.3), linears[1], nn.ReLU(), nn.Dropout(0.3), linears[2]
        )
        random = torch.Generator().manual_seed(SEED)
        for linear in linears:
            linear.weight.data = torch.randn(linear.weight.shape, generator=random) * (2 / linear.in_features) ** 0.5
            linear.bias.data = 0.3 * torch.randn(linear.bias.shape, generator=random)
        self.eval()

    def forward(self, signal):
        normalised = nn.functional.layer_norm(signal, signal.shape[1:])
        pooled = self.model(normalised).last_hidden_state.mean(dim=1)
        return pooled, self.classifier(pooled)


EMOTION2VEC = {  # the keys FunASR reads, dropouts and masks of training at rest
    "depth": 2, "embed_dim": 32, "num_heads": 4, "mlp_ratio": 2.0, "norm_eps": 1e-05, "norm_affine": True,
    "layer_norm_first": False, "normalize": True, "start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0,
    "encoder_dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "post_mlp_drop": 0.0,
    "dropout_input": 0.0, "layerdrop": 0.0, "average_top_k_layers": 2, "end_of_block_targets": False, "clone_batch": 1,
    "loss_beta": 0.0, "loss_scale": None,
    "modalities": {"audio": {
        "type": "AUDIO", "prenet_depth": 1, "prenet_layerdrop": 0.0, "prenet_dropout": 0.0, "model_depth": 2,
        "start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0, "num_extra_tokens": 10, "init_extra_token_zero": True,
        "local_grad_mult": 1.0, "use_alibi_encoder": True, "num_alibi_heads": 4, "alibi_scale": 1.0,
        "alibi_max_pos": None, "learned_alibi": False, "learned_alibi_scale": True,
        "learned_alibi_scale_per_head": True, "learned_alibi_scale_per_layer": False, "decoder": None,
        "extractor_mode": "layer_norm", "feature_encoder_spec": "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16, 2, 2)] * 2",
        "conv_pos_width": 95, "conv_pos_depth": 5, "conv_pos_groups": 4, "conv_pos_pre_ln": False,
    }},
}  # fmt: skip


def emotion2vec():
    """FunASR's own network with its own export's forward."""
    from funasr.models.emotion2vec.export_meta import export_rebuild_model
    from funasr.models.emotion2vec.model import Emotion2vec

    model = Emotion2vec(model_conf=EMOTION2VEC, vocab_size=-1)
    model.config = SimpleNamespace(do_stable_layer_norm=False, feat_extract_norm="layer", hidden_size=32)
    fill(model, SEED, {"alibi_scale": 3.0, "attn.qkv": 1.2, "attn.proj": 0.4, "mlp.fc2": 0.5})
    for module in model.modules():
        if isinstance(module, nn.LayerNorm) and module.elementwise_affine:  # `fill` knows norms by another name
            module.weight.data = 1 + 0.3 * module.weight.data / module.weight.data.std()
    model.blocks[-1].norm2.weight.data *= 0.25  # frames of about 1, so that 1e-5 is a fair tolerance
    return export_rebuild_model(model, device="cpu")


def describe(folder, config=None, preprocessor=None):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, value in (("config.json", config), ("preprocessor_config.json", preprocessor)):
        if value is not None:
            (folder / name).write_text(json.dumps(value, indent=2) + "\n")
    (folder / "README.md").write_text(
        "Random weights, made by `tools/golden/make_onnx_models.py` for tests: those of the exports of the same name.\n"
    )


def save_real(model, folder):
    """model.safetensors as transformers writes it; returns the configuration that it writes."""
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        shutil.copyfile(Path(temporary) / "model.safetensors", folder / "model.safetensors")
        return json.loads((Path(temporary) / "config.json").read_text())


def write_checkpoints(root, with_emotion2vec):
    """The folders NAME-checkpoint."""
    folder = root / "audeering-checkpoint"
    describe(folder, AUDEERING, AS_IT_IS)
    save_real(audeering("eager"), folder)

    folder = root / "superb-checkpoint"
    describe(folder, None, AS_IT_IS)
    written = save_real(superb("eager"), folder) | {"architectures": SUPERB["architectures"]}
    (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n")

    folder, model = root / "speechbrain-checkpoint", SpeechBrainLike()
    describe(folder, None, PREPROCESSOR | {"return_attention_mask": False})
    written = save_real(model.model, folder)
    (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n")
    torch.save(model.classifier.state_dict(), folder / "emotion_classifier.pth")

    if with_emotion2vec:
        import yaml

        folder = root / "emotion2vec-checkpoint"
        describe(folder)
        torch.save({"model": emotion2vec().state_dict()}, folder / "model.pt")
        configuration = {"model": "Emotion2vec", "model_conf": EMOTION2VEC}
        (folder / "config.yaml").write_text(yaml.safe_dump(configuration, sort_keys=False))
