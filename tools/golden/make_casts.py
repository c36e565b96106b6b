"""Makes golden/casts: float32 and float64 numbers narrowed by PyTorch, and what that loses.

`numbers` are all boundaries: each half-width pattern's neighbours would be too many, so for a spread of patterns the
number itself, the middle to the next one, and the floats beside both; then zeros, subnormals, overflow, infinities.
"""

from pathlib import Path

import numpy as np
import torch

from cases import save_arrays, versions, write_json

folder = Path(__file__).resolve().parents[2] / "golden" / "casts"
folder.mkdir(parents=True, exist_ok=True)
tensors, lost = {}, {}


def boundaries(widened):
    """Of finite numbers in rising order: each, the middle to the next, and the float32 on both sides of these."""
    wide = widened.astype(np.float64)
    points = np.concatenate([widened, ((wide[:-1] + wide[1:]) / 2).astype(np.float32)])
    up, down = np.nextafter(points, np.float32(np.inf)), np.nextafter(points, np.float32(-np.inf))
    return np.concatenate([points, up, down])


def special():
    bits = [0x0, 0x1, 0x7FFFFF, 0x800000, 0x7F7FFFFF, 0x7F7FFFFE, 0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0x7F802000]
    return np.array(bits, dtype=np.uint32).view(np.float32)


with np.errstate(all="ignore"):
    for name, dtype in (("float16", torch.float16), ("bfloat16", torch.bfloat16)):
        # Small and large exponents, every subnormal's start, and a spread of the rest.
        patterns = np.unique(np.concatenate([np.arange(0, 40), np.arange(0x3F0, 0x410), np.arange(0, 0x7C00, 97),
                                             np.arange(0x7BF8, 0x7C00), np.arange(0x7F70, 0x7F80)]))
        patterns = patterns[patterns < (0x7C00 if dtype is torch.float16 else 0x7F80)]
        halves = torch.from_numpy(patterns.astype(np.int16)).view(dtype)
        top = [65519.996, 65520.0, 65520.004, 65536.0, 1e38] if dtype is torch.float16 else [3.3895e38, 3.39615e38, 3.3961776e38, 3.4e38]
        positive = np.concatenate([boundaries(halves.float().numpy()), np.array(top, dtype=np.float32), special()])
        numbers = torch.from_numpy(np.concatenate([positive, -positive]))
        narrow = numbers.to(dtype)
        tensors[f"{name}.numbers"], tensors[f"{name}.narrowed"] = numbers, narrow
        lost[name] = {"overflowed": int((narrow.isinf() & numbers.isfinite()).sum()),
                      "flushed": int(((narrow == 0) & (numbers != 0)).sum())}

    # Doubles: near halves of float32's and of float16's spacing, beyond both ranges.
    wide = np.array([0.0, -0.0, 1.0, 1 + 2**-11, 1 + 2**-11 + 2**-40, 1 + 2**-24, 1 + 2**-24 + 2**-50, 65520.0, 65519.99, 1e39, -1e300,
                     1e-46, -1e-60, 1e-40, 3e-8, 2.9e-8, np.inf, -np.inf, np.nan, 5e-324, 2.0**-149, 2.0**-150, 1 / 3, np.pi])
    tensors["float64.numbers"] = torch.from_numpy(wide.reshape(2, -1))
    for name, dtype in (("float32", torch.float32), ("float16", torch.float16), ("bfloat16", torch.bfloat16)):
        narrow = tensors["float64.numbers"].to(dtype)
        tensors[f"float64.{name}"] = narrow
        lost[f"float64.{name}"] = {"overflowed": int((narrow.isinf() & tensors["float64.numbers"].isfinite()).sum()),
                                   "flushed": int(((narrow == 0) & (tensors["float64.numbers"] != 0)).sum())}

save_arrays(tensors, folder / "casts.safetensors")
write_json({"command": "tools/golden/make_casts.py", "versions": versions("torch", "numpy"), "lost": lost}, folder / "casts.json")
