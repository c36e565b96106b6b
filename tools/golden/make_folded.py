"""Makes golden/folded: weights under weight norm and what real PyTorch folds them into."""

from pathlib import Path

import torch
from torch.nn.utils.parametrizations import weight_norm

from cases import save_arrays

folder = Path(__file__).resolve().parents[2] / "golden" / "folded"
folder.mkdir(parents=True, exist_ok=True)
tensors = {}
torch.manual_seed(20260)
for name, (channels, kernel, groups) in {"even": (32, 16, 4), "odd": (12, 7, 3), "one-tap": (8, 1, 1)}.items():
    conv = weight_norm(torch.nn.Conv1d(channels, channels, kernel, groups=groups), name="weight", dim=2)
    with torch.no_grad():
        g, v = conv.parametrizations.weight.original0, conv.parametrizations.weight.original1
        g.mul_(1 + 0.3 * torch.randn_like(g))
        v.mul_(2)
    tensors |= {f"{name}.g": g.detach(), f"{name}.v": v.detach(), f"{name}.torch": conv.weight.detach()}
    # The same folding without float32's roundings in between.
    tensors[f"{name}.exact"] = torch._weight_norm(v.detach().double(), g.detach().double(), 2).float()
save_arrays({name: tensor.clone() for name, tensor in tensors.items()}, folder / "folded.safetensors")
