"""Random weights that make every detail of a wav2vec 2.0 count, and the spellings they are stored in."""

import zlib
from collections import OrderedDict

import numpy as np
import torch

POSITIONAL = "encoder.pos_conv_embed.conv."
NEW_NAMES = {"g": POSITIONAL + "parametrizations.weight.original0", "v": POSITIONAL + "parametrizations.weight.original1"}
OLD_NAMES = {"g": POSITIONAL + "weight_g", "v": POSITIONAL + "weight_v"}

# Gain of a matrix over 1/sqrt(inputs). Queries and keys are large, so that attention is peaky; what flows through the
# residual stream is small, so that an epsilon of a layer norm counts.
GAINS = {
    "q_proj": 1.5,
    "k_proj": 1.5,
    "out_proj": 0.15,
    "output_dense": 0.15,
    "intermediate_dense": 1.5,
    "feature_projection.projection": 0.1,
    "conv_layers": 0.2,
    "classifier.dense": 2.0,
    "classifier.out_proj": 1.5,
}


def fill(model, seed, gains=GAINS):
    """Each tensor's values depend on the seed and its own name only (RandomState's stream is frozen)."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            random = np.random.RandomState(zlib.crc32(f"{seed} {name}".encode()))
            normal = random.standard_normal(tuple(parameter.shape)).astype(np.float32)
            parameter.copy_(torch.from_numpy(shaped(name, normal, gains)))
    return model.eval()


def shaped(name, normal, gains):
    """A standard normal array, scaled to what the tensor of this name does."""
    gain = next((gain for part, gain in gains.items() if part in name), 1.0)
    if "norm.weight" in name:
        return 1 + 0.3 * normal
    if name.endswith("original0"):  # one norm per tap; the sum over taps keeps the variance
        taps = normal.shape[-1]
        channels = gains["hidden"]
        return np.sqrt(np.float32(channels / taps)) * (1 + 0.3 * normal)
    if normal.ndim == 1:
        return 0.2 * normal * (1 if "norm" in name else gain)
    return gain / np.sqrt(np.float32(np.prod(normal.shape[1:]))) * normal
