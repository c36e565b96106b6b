"""Cutting transformer layers in PyTorch, and what a cut model computes: what pruning has to give, by the real frameworks."""

import copy
import hashlib
import re

import torch
from torch import nn

from observe import encoder_of

PRENET = "modality_encoders.AUDIO.context_encoder.blocks."
DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}


def is_emotion2vec(model):
    return hasattr(model, "modality_encoders")


def layers_of(model):
    """The blocks in the order they are counted in: emotion2vec's prenet first."""
    if is_emotion2vec(model):
        return [*model.modality_encoders["AUDIO"].context_encoder.blocks, *model.blocks]
    return list(encoder_of(model).encoder.layers)


def prenet_depth(model):
    return len(model.modality_encoders["AUDIO"].context_encoder.blocks) if is_emotion2vec(model) else 0


def with_layers(model, indices, entries=None):
    """A copy that has these layers in this order; `entries` of its layer_weights, where it has any and others than the
    encoder's input and these layers' outputs are wanted."""
    cut = copy.deepcopy(model)
    layers, prenet = layers_of(cut), prenet_depth(cut)
    if is_emotion2vec(cut):
        encoder = cut.modality_encoders["AUDIO"]
        first = [i for i in indices if i < prenet]
        encoder.context_encoder.blocks = nn.ModuleList(layers[i] for i in first)
        encoder.modality_cfg.prenet_depth = len(first)
        cut.blocks = nn.ModuleList(layers[i] for i in indices if i >= prenet)
        return cut
    encoder_of(cut).encoder.layers = nn.ModuleList(layers[i] for i in indices)
    cut.config.num_hidden_layers = len(indices)
    if hasattr(cut, "layer_weights"):
        entries = [0] + [i + 1 for i in indices] if entries is None else entries
        cut.layer_weights = nn.Parameter(cut.layer_weights.detach()[entries].clone())
    return cut


def source_name(name, kept, prenet=0):
    """What a tensor of the pruned model was called before, by transformers', fairseq's and emotion2vec's names."""
    found = re.fullmatch(r"((?:.*\.)?encoder\.layers\.)(\d+)(\..+)", name)
    if found:
        return f"{found[1]}{kept[int(found[2])]}{found[3]}"
    found = re.fullmatch(rf"((?:.*\.)?{re.escape(PRENET)})(\d+)(\..+)", name)
    if found:
        return f"{found[1]}{kept[int(found[2])]}{found[3]}"
    found = re.fullmatch(r"((?:.*\.)?(?<!encoder\.)blocks\.)(\d+)(\..+)", name)
    if found and "modality_encoders" not in name:
        kept_before = sum(i < prenet for i in kept)
        return f"{found[1]}{kept[kept_before + int(found[2])] - prenet}{found[3]}"
    return name


def digest(tensor):
    # As bytes: numpy has no bfloat16.
    return hashlib.sha256(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def expected_tensors(source, cut, kept, prenet=0):
    """{name: dtype, shape, digest, source's name} of a cut model's state dict; each value is compared with its source."""
    entries = {}
    for name, tensor in cut.items():
        before = source_name(name, kept, prenet)
        entry = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "sha256": digest(tensor), "from": before}
        original = source[before]
        if name.endswith("layer_weights"):
            entry["entries"] = [0] + [i + 1 for i in kept]
            original = original[entry["entries"]]
        if not torch.equal(tensor, original):
            raise SystemExit(f"{name} is not {before}")
        entries[name] = entry
    return entries


def without_dropped(source, kept, total, prenet=0):
    """A state dict in its own order with the kept layers' tensors under their new names."""
    numbers = {old: new for new, old in enumerate(kept)}
    before = sum(i < prenet for i in kept)
    result = {}
    for name, tensor in source.items():
        for pattern, offset, shift in (
            (r"((?:.*\.)?encoder\.layers\.)(\d+)(\..+)", 0, 0),
            (rf"((?:.*\.)?{re.escape(PRENET)})(\d+)(\..+)", 0, 0),
            (r"((?:(?!modality_encoders).)*\bblocks\.)(\d+)(\..+)", prenet, before),
        ):
            found = re.fullmatch(pattern, name)
            if found:
                number = numbers.get(int(found[2]) + offset)
                name = None if number is None else f"{found[1]}{number - shift}{found[3]}"
                break
        if name is not None:
            result[name] = tensor[[0] + [i + 1 for i in kept]].clone() if name.endswith("layer_weights") else tensor
    return result


def observe_layers(model, compute):
    """{layer.0 ... layer.N and what `compute(model)` returns}, of a copy: FunASR's networks keep their position biases."""
    model = copy.deepcopy(model)
    layers, seen, hooks = layers_of(model), {}, []
    hooks.append(layers[0].register_forward_pre_hook(lambda _, arguments: seen.__setitem__("layer.0", arguments[0])))
    for i, layer in enumerate(layers):

        def keep(_, __, output, i=i):
            seen[f"layer.{i + 1}"] = output[0] if isinstance(output, tuple) else output

        hooks.append(layer.register_forward_hook(keep))
    with torch.no_grad():
        outputs = compute(model)
    for hook in hooks:
        hook.remove()
    return {name: tensor.clone().contiguous() for name, tensor in (seen | outputs).items()}
