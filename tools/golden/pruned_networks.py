"""The networks of make_pruned.py: tiny, but as deep as the real ones, so that every layer has to be the right one."""

import copy
import json
from argparse import Namespace
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining

from emotion_model import CONFIG, PREPROCESSOR, EmotionModel
from onnx_networks import LogitsOnly
from weights import fill, fill_norms, with_old_names

SEED = 20262
TINY = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 4,
    "conv_dim": [8] * 7,
    "output_hidden_size": 16,
    "codevector_dim": 16,
    "proj_codevector_dim": 16,
    "num_codevectors_per_group": 8,
}
# The last norm is small, as in the real models, so that 1e-5 is a fair tolerance.
GAINS = {"encoder.layer_norm": 0.3}


def config_of(changes):
    """A configuration as transformers 4 wrote it: sorted keys, numbers in Python's spelling; and as people leave it: the
    number of layers further up, what was added by hand at the end."""
    made = {key: value for key, value in sorted((CONFIG | TINY | changes).items()) if value is not ...}
    layers, architectures = made.pop("num_hidden_layers"), made.pop("architectures")
    result = {}
    for key, value in made.items():
        result[key] = value
        if key == "model_type":
            result["num_hidden_layers"] = layers
    return result | {"architectures": architectures, "note": "un mod\u00e8le minuscule / tiny"}


PRETRAINING = config_of(
    {
        "_name_or_path": "facebook/wav2vec2-large-robust",
        "architectures": ["Wav2Vec2ForPreTraining"],
        "num_hidden_layers": 24,
        "transformers_version": "4.10.0.dev0",
        "vocab_size": 32,
        **dict.fromkeys(("finetuning_task", "hidden_dropout_prob", "id2label", "label2id", "pooling_mode", "problem_type"), ...),
    }
)
EMOTION = config_of({"num_hidden_layers": 24})
SUPERB = config_of(
    {
        "_name_or_path": "wav2vec2-base-s3prl-er",
        "architectures": ["Wav2Vec2ForSequenceClassification"],
        "classifier_proj_size": 12,
        "conv_bias": False,
        "do_stable_layer_norm": False,
        "feat_extract_norm": "group",
        "id2label": {"0": "neu", "1": "hap", "2": "ang", "3": "sad"},
        "label2id": {"ang": 2, "hap": 1, "neu": 0, "sad": 3},
        "num_hidden_layers": 6,
        "use_weighted_layer_sum": True,
        "vocab_size": 32,
        **dict.fromkeys(("finetuning_task", "hidden_dropout_prob", "pooling_mode", "problem_type"), ...),
    }
)
PREPROCESSORS = {"superb": PREPROCESSOR | {"do_normalize": False}}


def configuration(values, attention="eager"):
    return Wav2Vec2Config.from_dict(values | {"attn_implementation": attention})


def pretraining():
    return fill(Wav2Vec2ForPreTraining(configuration(PRETRAINING)), SEED, GAINS)


def emotion(attention="eager"):
    return fill(EmotionModel(configuration(EMOTION, attention)), SEED, GAINS)


def superb(attention="eager"):
    """Logits only; the class that the configuration names returns them with the hidden states."""
    return fill(LogitsOnly(configuration(SUPERB, attention)), SEED, {"layer_weights": 5.0})


FAIRSEQ = (
    ("wav2vec2.masked_spec_embed", "mask_emb"),
    (".conv.", ".0."),
    ("encoder.pos_conv_embed.0.", "encoder.pos_conv.0."),
    ("feature_projection.layer_norm", "layer_norm"),
    ("feature_projection.projection", "post_extract_proj"),
    (".attention.", ".self_attn."),
    (".feed_forward.intermediate_dense", ".fc1"),
    (".feed_forward.output_dense", ".fc2"),
    ("quantizer.codevectors", "quantizer.vars"),
    ("project_hid", "final_proj"),
    ("wav2vec2.", ""),
)
FAIRSEQ_ORDER = ("mask_emb", "feature_extractor", "post_extract_proj", "quantizer", "project_q", "encoder", "layer_norm", "final_proj")


def fairseq_name(name):
    """transformers' (old) name in fairseq's spelling; only of models with a norm after every convolution."""
    if "conv_layers" in name:
        name = name.replace(".layer_norm.", ".2.1.")
    elif "encoder.layers" in name:
        name = name.replace(".layer_norm.", ".self_attn_layer_norm.")
    for theirs, ours in FAIRSEQ:
        name = name.replace(theirs, ours)
    return name


def fairseq_state(state):
    """A pretraining model's state dict as fairseq orders and names it."""
    renamed = {fairseq_name(name): tensor for name, tensor in with_old_names(state).items()}
    if len(renamed) != len(state):
        raise SystemExit("two tensors of one name in fairseq's spelling")
    place = {part: i for i, part in enumerate(FAIRSEQ_ORDER)}

    def order(entry):
        return place[entry[0].split(".")[0]], entry[0].startswith("encoder.layer_norm")

    return OrderedDict(sorted(renamed.items(), key=order))


def fairseq_checkpoint(state):
    """What fairseq's trainer saves around it, optimizer state of two parameters included."""
    width = PRETRAINING["hidden_size"]
    model = {"_name": "wav2vec2", "extractor_mode": "layer_norm", "encoder_layers": 24, "encoder_embed_dim": width,
             "encoder_ffn_embed_dim": 32, "encoder_attention_heads": 4, "layer_norm_first": True, "conv_bias": True,
             "conv_feature_layers": "[(8, 10, 5)] + [(8, 3, 2)] * 4 + [(8, 2, 2)] * 2", "quantize_targets": True,
             "latent_vars": 8, "latent_groups": 2, "final_dim": 16, "encoder_layerdrop": 0.0}  # fmt: skip
    random = torch.Generator().manual_seed(SEED)
    moments = {
        number: {"step": 1000, "exp_avg": torch.randn(shape, generator=random), "exp_avg_sq": torch.rand(shape, generator=random)}
        for number, shape in enumerate(((width,), (width, 8)))
    }
    groups = [{"lr": 0.0005, "betas": (0.9, 0.98), "eps": 1e-06, "weight_decay": 0.01, "params": [0, 1]}]
    return {
        "args": Namespace(arch="wav2vec2", encoder_layers=24, encoder_embed_dim=width, seed=1),
        "cfg": {
            "_name": None,
            "common": {"fp16": True, "seed": 1},
            "task": {"_name": "audio_pretraining", "sample_rate": 16000, "normalize": True},
            "model": model,
        },
        "model": state,
        "criterion": None,
        "optimizer_history": [
            {"criterion_name": "Wav2vecCriterion", "optimizer_name": "FP16Optimizer", "lr_scheduler_state": {"best": 2.5}, "num_updates": 1000}
        ],
        "task_state": {},
        "extra_state": {"epoch": 3, "train_iterator": {"epoch": 3, "iterations_in_epoch": 0}, "val_loss": 2.5},
        "last_optimizer_state": {"state": moments, "param_groups": groups},
    }


TOKENS = ["生气/angry", "厌恶/disgusted", "恐惧/fearful", "开心/happy", "中立/neutral", "其他/other", "难过/sad", "吃惊/surprised", "<unk>"]
CONFIG_YAML = """\
# The network of emotion2vec, as FunASR builds it.
# `depth` counts the blocks after those of the modality encoder.

# network architecture
model: Emotion2vec
model_conf:
    loss_beta: 0.0
    loss_scale: null
    depth: 4    # main blocks
    start_drop_path_rate: 0.0
    end_drop_path_rate: 0.0
    num_heads: 4
    norm_eps: 1e-05
    norm_affine: true
    encoder_dropout: 0.1
    post_mlp_drop: 0.1
    attention_dropout: 0.1
    activation_dropout: 0.0
    dropout_input: 0.0
    layerdrop: 0.05
    embed_dim: 16
    mlp_ratio: 2.0
    layer_norm_first: false
    average_top_k_layers: 4
    end_of_block_targets: false
    clone_batch: 8
    normalize: true
    seed: 1
    min_target_var: 0.1

    modalities:
        audio:
            type: AUDIO
            prenet_depth: 2
            prenet_layerdrop: 0.05
            prenet_dropout: 0.1
            start_drop_path_rate: 0.0
            end_drop_path_rate: 0.0
            num_extra_tokens: 10
            init_extra_token_zero: true
            mask_noise_std: 0.01
            mask_prob: 0.5
            # for learned positions
            local_grad_mult: 1.0
            use_alibi_encoder: true
            alibi_scale: 1.0
            learned_alibi: false
            alibi_max_pos: null
            learned_alibi_scale: true
            learned_alibi_scale_per_head: true
            learned_alibi_scale_per_layer: false
            num_alibi_heads: 4
            model_depth: 4
            decoder: null
            extractor_mode: layer_norm
            feature_encoder_spec: '[(8, 10, 5)] + [(8, 3, 2)] * 4 + [(8, 2, 2)] + [(8, 2, 2)]'
            conv_pos_width: 95
            conv_pos_groups: 4
            conv_pos_depth: 5
            conv_pos_pre_ln: false

tokenizer: CharTokenizer
tokenizer_conf:
    unk_symbol: <unk>
    split_with_space: true

scope_map:
    - 'd2v_model.'
    - none
"""
CONFIGURATION = {
    "framework": "pytorch",
    "task": "emotion-recognition",
    "model": {"type": "funasr"},
    "pipeline": {"type": "funasr-pipeline"},
    "model_name_in_hub": {"ms": "", "hf": ""},
    "file_path_metas": {
        "init_param": "model.pt",
        "config": "config.yaml",
        "tokenizer_conf": {"token_list": "tokens.txt"},
    },
}


def emotion2vec():
    """FunASR's own network with a head of nine labels; two blocks before and four after the modality encoder's end."""
    from funasr.models.emotion2vec.model import Emotion2vec
    from omegaconf import OmegaConf

    conf = OmegaConf.to_container(OmegaConf.create(CONFIG_YAML))["model_conf"]
    model = Emotion2vec(model_conf=conf, vocab_size=len(TOKENS))
    model.config = Namespace(do_stable_layer_norm=False, feat_extract_norm="layer", hidden_size=16)
    fill(model, SEED, {"alibi_scale": 3.0, "attn.qkv": 1.2, "attn.proj": 0.4, "mlp.fc2": 0.5})
    fill_norms(model, SEED)
    # Frames of about 1 whichever block is the last, so that 1e-5 is a fair tolerance.
    for block in model.blocks:
        block.norm2.weight.data *= 0.3
    return model.eval()


def exported_emotion2vec(model):
    """With the forward of FunASR's own export: it normalises inside, and gives frames only."""
    from funasr.models.emotion2vec.export_meta import export_rebuild_model

    return export_rebuild_model(copy.deepcopy(model), device="cpu")


def emotion2vec_outputs(model, waveform):
    """What FunASR's `inference` computes of one clip, by the names of the contract."""
    normalised = F.layer_norm(waveform, waveform.shape).view(1, -1)
    frames = model.extract_features(normalised, padding_mask=None)["x"]
    logits = model.proj(frames.mean(dim=1))
    return {"frames": frames, "utterance": frames.mean(dim=1), "logits": logits, "scores": logits.softmax(dim=-1)}


def text_of(config):
    return json.dumps(config, indent=2, ensure_ascii=True) + "\n"
