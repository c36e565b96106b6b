"""Random weights that make every detail of a wav2vec 2.0 count, and the names they are stored under."""

import zlib
from collections import OrderedDict
from contextlib import contextmanager

import numpy as np
import torch

# Standard deviation of a matrix times sqrt(its inputs), by a part of its name (of norms only where it says norm; the
# first that fits). Queries and keys are large, so that
# attention is peaky; what enters the residual stream is small, so that a layer norm's epsilon counts.
GAINS = {
    "q_proj": 1.5,
    "k_proj": 1.5,
    "attention.out_proj": 0.15,
    "intermediate_dense": 1.5,
    "output_dense": 0.15,
    "feature_projection.projection": 0.1,
    "original0": 8.0,
    "conv_layers.0.conv": 0.4,
    "conv_layers": 0.2,
    "classifier.dense": 2.0,
    "classifier.out_proj": 3.0,
}

# Where no norm follows a conv layer, its gain must keep the level.
WITHOUT_NORMS = {"conv_layers": 1.5}
# In post-norm blocks the residual stream is of level one, and what is added to it has to be heard.
POST_NORM = {
    "q_proj": 1.2,
    "k_proj": 1.2,
    "attention.out_proj": 0.4,
    "output_dense": 0.5,
    "original0": 5.0,
    "conv_layers": 0.4,
}


def normal(seed, name, shape):
    """Numbers that depend on the seed, the name and the shape only (RandomState's stream is frozen)."""
    random = np.random.RandomState(zlib.crc32(f"{seed} {name}".encode()))
    return torch.from_numpy(random.standard_normal(tuple(shape)).astype(np.float32))


def fill_norms(model, seed):
    """The layer norms of a model that calls them otherwise than `fill` knows."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.LayerNorm) and module.elementwise_affine:
            module.weight.data = 1 + 0.3 * normal(seed, f"{name}.weight", module.weight.shape)


def fill(model, seed, special={}):
    """Each tensor's values depend on the seed, its own name and its shape only.
    `special` holds gains that this model has instead."""
    gains = dict(GAINS)
    if not model.config.do_stable_layer_norm:
        gains |= POST_NORM
    if model.config.feat_extract_norm == "group":
        gains |= WITHOUT_NORMS
    gains |= special
    for name, parameter in model.named_parameters():
        values = normal(seed, name, parameter.shape)
        of_norm = "norm." in name
        gain = next((gain for part, gain in gains.items() if part in name and ("norm" in part) == of_norm), 1.0)
        if name.endswith("norm.weight"):
            values = gain * (1 + 0.3 * values)
        elif name.endswith("original0"):  # the norm of each tap of the positional conv; `gain` is that of all taps
            values = gain * (1 + 0.3 * values) * (model.config.hidden_size / values.numel()) ** 0.5
        elif values.ndim == 1:
            values = 0.2 * gain * values
        else:
            values = gain * values / values[0].numel() ** 0.5
        parameter.data.copy_(values)
    return model.eval()


POSITIONAL = "encoder.pos_conv_embed.conv."
OLD_NAMES = {
    POSITIONAL + "parametrizations.weight.original0": POSITIONAL + "weight_g",
    POSITIONAL + "parametrizations.weight.original1": POSITIONAL + "weight_v",
}


def with_old_names(state):
    """The weight norm's spelling before torch 2.0, in a state dict that keeps its order and its `_metadata`."""
    renamed = OrderedDict()
    for name, tensor in state.items():
        for new, old in OLD_NAMES.items():
            name = name.replace(new, old)
        renamed[name] = tensor
    renamed._metadata = state._metadata
    return renamed


def folded(state, model):
    """The weight norm multiplied out, as after `remove_parametrizations`."""
    conv = next(module for name, module in model.named_modules() if name.endswith("pos_conv_embed.conv"))
    result = {name: tensor for name, tensor in state.items() if "parametrizations" not in name}
    bias = next(name for name in state if name.endswith(POSITIONAL + "bias"))
    result[bias.removesuffix("bias") + "weight"] = conv.weight.detach().contiguous()
    return result


@contextmanager
def reproducible_legacy_keys():
    """torch's legacy writer names storages by their address and sorts them by it; here by order of first sight."""
    keys = {}

    def key(storage):
        return keys.setdefault(storage.data_ptr(), 10_000_000 + len(keys))

    torch.UntypedStorage._cdata = property(key)
    try:
        yield
    finally:
        del torch.UntypedStorage._cdata
