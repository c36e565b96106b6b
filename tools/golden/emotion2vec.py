"""FunASR's emotion2vec: tiny folders as they are published, what it computes on the way, and mistakes one can make in it."""

import copy
import json
import types
from contextlib import ExitStack, contextmanager
from string import Template
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from funasr.models.emotion2vec import base, fairseq_modules, modules
from funasr.utils.load_utils import load_audio_text_image_video
from torch import nn

from weights import normal

# FunASR's own values where a model does not say otherwise; the keys of training that the published files have, too.
VALUES = {
    "depth": 2, "num_heads": 4, "embed_dim": 32, "mlp_ratio": "2.0", "norm_eps": "1e-05", "normalize": "true",
    "prenet_depth": 2, "num_extra_tokens": 10, "per_layer": "false", "model_depth": 2, "conv_pos_width": 95,
    "conv_pos_groups": 4, "conv_pos_depth": 5,
    "feature_encoder_spec": "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16,2,2)] + [(16,2,2)]",
}  # fmt: skip
CONFIG = Template("""\
# network architecture
model: Emotion2vec
model_conf:
    loss_beta: 0.0
    loss_scale: null
    depth: $depth
    start_drop_path_rate: 0.0
    end_drop_path_rate: 0.0
    num_heads: $num_heads
    norm_eps: $norm_eps
    norm_affine: true
    encoder_dropout: 0.1
    post_mlp_drop: 0.1
    attention_dropout: 0.1
    activation_dropout: 0.0
    dropout_input: 0.0
    layerdrop: 0.05
    embed_dim: $embed_dim
    mlp_ratio: $mlp_ratio
    layer_norm_first: false
    average_top_k_layers: 8
    end_of_block_targets: false
    clone_batch: 8
    instance_norm_target_layer: true
    ema_decay: 0.999
    extractor_mode: layer_norm
    shared_decoder: null
    mae_init: false
    seed: 1
    cls_loss: 1.0
    normalize: $normalize

    modalities:
        audio:
            type: AUDIO
            prenet_depth: $prenet_depth
            prenet_layerdrop: 0.05
            prenet_dropout: 0.1
            start_drop_path_rate: 0.0
            end_drop_path_rate: 0.0
            num_extra_tokens: $num_extra_tokens
            init_extra_token_zero: true
            mask_noise_std: 0.01
            mask_prob_min: null
            mask_prob: 0.5
            mask_length: 5
            encoder_zero_mask: true
            ema_local_encoder: false
            local_grad_mult: 1.0
            use_alibi_encoder: true
            alibi_scale: 1.0
            learned_alibi: false
            alibi_max_pos: null
            learned_alibi_scale: true
            learned_alibi_scale_per_head: true
            learned_alibi_scale_per_layer: $per_layer
            num_alibi_heads: $num_heads
            model_depth: $model_depth
            decoder:
                decoder_dim: 24
                decoder_groups: 4
                decoder_kernel: 7
                decoder_layers: 2
                input_dropout: 0.1
                add_positions_masked: false
                add_positions_all: false
                decoder_residual: true
                projection_layers: 1
                projection_ratio: 2.0
            extractor_mode: layer_norm
            feature_encoder_spec: '$feature_encoder_spec'
            conv_pos_width: $conv_pos_width
            conv_pos_groups: $conv_pos_groups
            conv_pos_depth: $conv_pos_depth
            conv_pos_pre_ln: false
""")
TOKENIZER = """
tokenizer: CharTokenizer
tokenizer_conf:
    unk_symbol: <unk>
    split_with_space: true

scope_map:
    - 'd2v_model.'
    - none
"""
AUDIO = "modality_encoders.AUDIO."
# Standard deviation of a matrix times sqrt(its inputs); the residual stream is of level one, and what is added is heard.
GAINS = {"attn.qkv": 1.3, "attn.proj": 0.4, "mlp.fc1": 1.5, "mlp.fc2": 0.5, "project_features.2": 0.5, "conv_layers": 0.4,
         "relative_positional_encoder": 1.0, "extra_tokens": 20.0, "proj.weight": 1.0}  # fmt: skip


def write_description(folder, weights, tokens=None, **values):
    """configuration.json, config.yaml and, of a model with a head, tokens.txt, as published."""
    metas = {"init_param": weights, "config": "config.yaml"}
    text = CONFIG.substitute(VALUES | values)
    if tokens:
        metas["tokenizer_conf"] = {"token_list": "tokens.txt"}
        text += TOKENIZER
        (folder / "tokens.txt").write_text("".join(token + "\n" for token in tokens), encoding="utf-8")
    (folder / "config.yaml").write_text(text)
    configuration = {"framework": "pytorch", "task": "emotion-recognition", "model": {"type": "funasr"},
                     "pipeline": {"type": "funasr-pipeline"}, "file_path_metas": metas}  # fmt: skip
    (folder / "configuration.json").write_text(json.dumps(configuration, indent=2) + "\n")


def new_model(seed, outputs, **values):
    """FunASR's class with weights that make every detail count."""
    from funasr.models.emotion2vec.model import Emotion2vec
    from omegaconf import OmegaConf

    conf = OmegaConf.to_container(OmegaConf.create(CONFIG.substitute(VALUES | values)))["model_conf"]
    model = Emotion2vec(model_conf=conf, vocab_size=outputs)
    norms = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.LayerNorm)}
    for name, parameter in model.named_parameters():
        values = normal(seed, name, parameter.shape)
        gain = next((gain for part, gain in GAINS.items() if part in name), 1.0)
        if name in norms:
            values = 1 + 0.3 * values
        elif "alibi_scale" in name:
            values = 1 + values
            values.flatten()[1] = -0.7  # a scale that the clamp takes away
        elif values.ndim == 1:
            values = 0.2 * gain * values
        else:
            values = gain * values / values[0].numel() ** 0.5
        parameter.data.copy_(values)
    return model.eval()


def load(folder):
    """The folder as FunASR's users load it."""
    from funasr import AutoModel

    return AutoModel(model=str(folder), device="cpu", ncpu=1, disable_update=True, disable_pbar=True, disable_log=True)


def check_decoding(path, waveform):
    """FunASR reads the file as our scripts do, to the bit."""
    theirs = load_audio_text_image_video(str(path), fs=16000, audio_fs=16000)
    if not torch.equal(theirs, waveform):
        raise SystemExit(f"FunASR reads {path} in another way")


def observe(auto, waveform, fine=False):
    """What FunASR gives for a waveform [samples], by the names of contracts.md: {name: tensor}, in order of computation."""
    model, seen, hooks = auto.model, {}, []

    def keep(name, module, change=lambda output: output):
        hooks.append(module.register_forward_hook(lambda _, __, output: seen.__setitem__(name, change(output))))

    audio = model.modality_encoders["AUDIO"]
    if fine:
        for i, layer in enumerate(audio.local_encoder.conv_layers):
            keep(f"{AUDIO}local_encoder.conv_layers.{i}", layer, lambda output: output.transpose(1, 2))
        keep(f"{AUDIO}project_features", audio.project_features)
        keep(f"{AUDIO}relative_positional_encoder", audio.relative_positional_encoder)
    blocks = [(f"{AUDIO}context_encoder.blocks.{i}", block) for i, block in enumerate(audio.context_encoder.blocks)]
    blocks += [(f"blocks.{i}", block) for i, block in enumerate(model.blocks)]
    hooks.append(blocks[0][1].register_forward_pre_hook(lambda _, arguments: seen.__setitem__("layer.0", arguments[0])))
    for i, (name, block) in enumerate(blocks):
        if fine:
            keep(f"{name}.attn.qkv", block.attn.qkv)
            keep(f"{name}.attn", block.attn)
            keep(f"{name}.mlp", block.mlp)
        keep(f"layer.{i + 1}", block, lambda output: output[0])
    if model.proj is not None:
        keep("logits", model.proj)
    with torch.no_grad():
        samples = waveform.numpy()
        frames = auto.generate(samples, granularity="frame")[0]
        utterance = auto.generate(samples, granularity="utterance")[0]
    for hook in hooks:
        hook.remove()
    seen["frames"] = torch.from_numpy(frames["feats"])[None]
    seen["utterance"] = torch.from_numpy(utterance["feats"])[None]
    if model.proj is not None:
        tokens = auto.kwargs["tokenizer"].token_list
        used = [place for place, token in enumerate(tokens) if not token.startswith("unuse")]
        assert [tokens[place] for place in used] == frames["labels"]
        # `inference` writes -infinity into the logits: what it put there is not part of them.
        seen["logits"] = seen["logits"][:, used]
        seen["scores"] = torch.tensor([frames["scores"]], dtype=seen["logits"].dtype)
    return {name: tensor.clone().contiguous() for name, tensor in seen.items()}


@contextmanager
def in_doubles():
    """FunASR computes attention and norms of features in float32 whatever the model's type: not in here."""
    doubles = types.SimpleNamespace(**vars(torch) | {"float32": torch.float64, "float": torch.float64})
    with ExitStack() as stack:
        for module in (base, modules):
            stack.enter_context(mock.patch.object(module, "torch", doubles))
        stack.enter_context(mock.patch.object(fairseq_modules.Fp32LayerNorm, "forward", nn.LayerNorm.forward))
        yield


def precise(auto):
    twin = copy.copy(auto)
    twin.model = copy.deepcopy(auto.model).double()
    twin.model.alibi_biases.clear()

    def run(waveform, fine):
        with in_doubles():
            return observe(twin, waveform.double(), fine)

    return run


# Mistakes. A golden is worth something if each of them shows.


def swap_query_and_key(block):
    for parameter in (block.attn.qkv.weight, block.attn.qkv.bias):
        q, k, v = parameter.data.chunk(3)
        parameter.data = torch.cat([k, q, v])


def norm_after_prenet(model):
    encoder = model.modality_encoders["AUDIO"].context_encoder
    norm, encoder.norm = encoder.norm, None
    encoder.register_forward_hook(lambda _, __, output: norm(output))


def norm_after_each_prenet_block_only(model):
    model.modality_encoders["AUDIO"].context_encoder.norm = None


def without_residual(model):
    audio = model.modality_encoders["AUDIO"]
    audio.relative_positional_encoder.register_forward_hook(lambda _, arguments, output: output - arguments[0])


def first_frame_dropped(model):
    for layer in model.modality_encoders["AUDIO"].relative_positional_encoder[1:-1]:
        layer[1].forward = lambda x: x[:, :, 1:]


def tanh_gelu(module):
    for part in module.modules():
        if isinstance(part, nn.GELU):
            part.approximate = "tanh"


def epsilon(module, value, affine):
    for part in module.modules():
        if isinstance(part, nn.LayerNorm) and part.elementwise_affine == affine:
            part.eps = value


def exchange(blocks, i, j):
    blocks[i], blocks[j] = blocks[j], blocks[i]


def scales_unclamped():
    return mock.patch.object(torch.Tensor, "clamp_min", lambda tensor, _: tensor)


def biased_extra_tokens():
    """Distances of the extra tokens, too."""

    def pad(x, amounts, **options):
        if x.ndim != 4:
            return F.pad(x, amounts, **options)
        extra, length = amounts[0], x.shape[-1] + amounts[0]
        places = torch.arange(length)
        return x[..., :1, 1:2] * (places[:, None] - places[None]).abs()

    functional = types.SimpleNamespace(**vars(F) | {"pad": pad})
    return mock.patch.object(base, "F", functional)


def pooled_extra_tokens(model):
    """The mean over all positions, those of the extra tokens as well."""
    right = model.extract_features
    return mock.patch.object(model, "extract_features", lambda source, padding_mask: right(source, padding_mask=padding_mask, remove_extra_tokens=False))


def heads_reversed():
    slopes = base.get_alibi
    return mock.patch.object(base, "get_alibi", lambda *a, **o: slopes(*a, **o).flip(0))


def used_after_softmax():
    """Scores of unused labels dropped after the softmax, where they should be before."""
    right = torch.softmax

    def softmax(x, dim):
        return right(torch.where(x == -np.inf, torch.zeros_like(x), x), dim)

    return mock.patch.object(torch, "softmax", softmax)


def scale_of_the_wrong_block(model):
    scale = model.modality_encoders["AUDIO"].alibi_scale
    scale.data = scale.data.roll(1, 0)


def mutations(auto):
    """{what is wrong: function that makes it so in a copy; it may return a context to run in}."""
    model = auto.model
    audio, last = model.modality_encoders["AUDIO"], len(model.blocks) - 1
    eps = model.cfg.norm_eps
    encoder = lambda m: m.modality_encoders["AUDIO"]
    wrong = {
        "ALiBi's scales not clamped": lambda m: scales_unclamped(),
        "ALiBi's slopes in the other order": lambda m: heads_reversed(),
        "distances of the extra tokens": lambda m: biased_extra_tokens(),
        "extra tokens pooled": pooled_extra_tokens,
        "context norm after the prenet": norm_after_prenet,
        "no context norm": norm_after_each_prenet_block_only,
        "positions instead of features and positions": without_residual,
        "q and k swapped in the last block": lambda m: swap_query_and_key(m.blocks[last]),
        "prenet blocks exchanged": lambda m: exchange(encoder(m).context_encoder.blocks, 0, 1),
        "main blocks exchanged": lambda m: exchange(m.blocks, 0, 1),
        "tanh GELU everywhere": tanh_gelu,
        "tanh GELU in the conv layers": lambda m: tanh_gelu(encoder(m).local_encoder),
        "tanh GELU in the positional convs": lambda m: tanh_gelu(encoder(m).relative_positional_encoder),
        "norms of features with epsilon 1e-4": lambda m: epsilon(encoder(m).local_encoder, 1e-4, True),
        "norms of positions with epsilon 1e-3": lambda m: epsilon(encoder(m).relative_positional_encoder, 1e-3, False),
        "norms of main blocks with 100 x epsilon": lambda m: epsilon(m.blocks, 100 * eps, True),
        "attention not scaled": lambda m: [setattr(block.attn, "scale", 1.0) for block in m.blocks],
    }  # fmt: skip
    if audio.alibi_scale.size(0) > 1:
        wrong["each block with the scale of the block before"] = scale_of_the_wrong_block
    if audio.relative_positional_encoder[1][1].remove:
        wrong["positional convs drop their first frame"] = first_frame_dropped
    if model.proj is not None and any(token.startswith("unuse") for token in auto.kwargs["tokenizer"].token_list):
        wrong["unused labels in the softmax"] = lambda m: used_after_softmax()
    norms = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.LayerNorm)}
    for name, _ in model.named_parameters():
        if "decoder" in name:
            continue
        if name.endswith("bias"):
            wrong[f"{name} zeroed"] = lambda m, name=name: m.get_parameter(name).data.zero_()
        if name in norms:
            wrong[f"{name} all ones"] = lambda m, name=name: m.get_parameter(name).data.fill_(1)
    return wrong


def sensitivities(auto, waveform, output):
    """Largest change of an output under each mutation."""
    right = observe(auto, waveform)[output]

    def change(mutate):
        mutant = copy.copy(auto)
        mutant.model = copy.deepcopy(auto.model)
        mutant.model.alibi_biases.clear()
        with ExitStack() as stack:
            context = mutate(mutant.model)
            if hasattr(context, "__enter__"):
                stack.enter_context(context)
            return (observe(mutant, waveform)[output] - right).abs().max().item()

    return {name: change(mutate) for name, mutate in mutations(auto).items()}
