"""Makes golden/models/emotion2vec-*: tiny folders as FunASR's are, with random weights, and what real FunASR computes with
them; and golden/models/alibi.safetensors, the slopes it gives to any number of heads.

Needs golden/audio (make_audio.py). Each package gets goldens/ and a manifest.json as those of make_models.py.
"""

import logging
import sys
import types
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path

import torch

import emotion2vec
from cases import save_arrays
from packages import FILES, empty, golden, make_goldens, models, receptive_field, write_readme

from audio import decode

SEED = 20263
PACKAGES = ("torch", "funasr", "torchaudio", "soundfile")
# What float32 loses against float64 at most in these packages, and a tolerance with room for that on both sides.
LOSSES = (("relative", 3e-6, 1e-5), ("relative", 3e-6, 1e-5))
LABELS = ["生气/angry", "厌恶/disgusted", "恐惧/fearful", "开心/happy", "中立/neutral", "其他/other", "难过/sad", "吃惊/surprised", "<unk>"]


def fairseq_checkpoint(model):
    """What fairseq's trainer saves: classes that nobody else has, optimizer state of two parameters, the decoder."""
    for name in ("fairseq", "fairseq.dataclass", "fairseq.dataclass.configs"):
        package = sys.modules[name] = types.ModuleType(name)
    package.FairseqConfig = type("FairseqConfig", (), {"__module__": package.__name__})
    torch.serialization.add_safe_globals([Namespace, package.FairseqConfig])
    cfg = package.FairseqConfig()
    cfg.model = {"_name": "data2vec_multi", "depth": 2, "embed_dim": 32}
    random = torch.Generator().manual_seed(SEED)
    moments = {
        number: {"step": 100000, "exp_avg": torch.randn(shape, generator=random), "exp_avg_sq": torch.rand(shape, generator=random)}
        for number, shape in enumerate(((1, 10, 32), (16, 1, 10)))
    }
    state = OrderedDict(model.state_dict())
    state["_ema"] = {name: tensor.half() for name, tensor in state.items() if name.startswith("blocks.")}
    return {
        "args": Namespace(arch="data2vec_multi", seed=1),
        "cfg": cfg,
        "model": state,
        "criterion": None,
        "optimizer_history": [{"criterion_name": "ModelCriterion", "num_updates": 100000}],
        "task_state": {},
        "extra_state": {"epoch": 100, "val_loss": 2.5},
        "last_optimizer_state": {"state": moments, "param_groups": [{"lr": 7.5e-05, "params": [0, 1]}]},
    }


def make(name, outputs, weights, save, tokens=None, **values):
    folder = empty(models / name)
    write_readme(folder, "cc-by-nc-sa-4.0" if tokens else "mit", "make_emotion2vec.py")
    emotion2vec.write_description(folder, weights, tokens, **values)
    torch.save(save(emotion2vec.new_model(SEED, len(tokens or []) or -1, **values)), folder / weights)
    auto = emotion2vec.load(folder)
    for file in FILES.values():
        emotion2vec.check_decoding(golden / "audio" / file, decode(golden / "audio" / file))
    layers = auto.model.modality_encoders["AUDIO"].feature_enc_layers
    make_goldens(
        folder, "emotion2vec", outputs, lambda waveform, fine: emotion2vec.observe(auto, waveform, fine),
        emotion2vec.precise(auto), lambda waveform: emotion2vec.sensitivities(auto, waveform, outputs[-1]),
        command="make_emotion2vec.py", seed=SEED, packages=PACKAGES, losses=LOSSES,
        shortest=receptive_field([layer[1] for layer in layers], [layer[2] for layer in layers]),
    )  # fmt: skip


def prefixed(model):
    return {"model": OrderedDict((name if name.startswith("proj.") else f"d2v_model.{name}", tensor) for name, tensor in model.state_dict().items())}


def main():
    logging.disable(logging.INFO)
    torch.set_num_threads(1)  # another number of threads moves the last bits
    make("emotion2vec-base", ("frames", "utterance"), "emotion2vec_base.pt", fairseq_checkpoint)
    features = ("frames", "utterance", "logits", "scores")
    make("emotion2vec-finetuned", features, "model.pt", prefixed, LABELS)
    # What the first releases had - labels that are not used - and sizes that no constant would fit: heads that are no
    # power of two, even kernels, scales of its own for each block, another epsilon, a waveform as it is.
    make(
        "emotion2vec-mixed", features, "weights.pt", lambda model: {"state_dict": model.state_dict()},
        ["生气/angry", "unuse_0", "开心/happy", "中立/neutral", "unuse_1", "难过/sad", "<unk>"],
        depth=3, prenet_depth=2, model_depth=3, per_layer="true", num_heads=6, embed_dim=36, mlp_ratio="1.5", norm_eps="1e-03",
        normalize="false", num_extra_tokens=3, conv_pos_width=24, conv_pos_depth=3, conv_pos_groups=3,
        feature_encoder_spec="[(12, 4, 4)] + [(20, 4, 3), (16, 3, 2)] * 2 + [(12,2,2)]",
    )  # fmt: skip
    slopes = {str(heads): -emotion2vec.base.get_alibi(2, heads)[:, 0, 1].contiguous() for heads in range(1, 65)}
    save_arrays(slopes, models / "alibi.safetensors")


main()
