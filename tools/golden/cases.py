"""Golden cases in the shape of contracts.md: NAME.golden.json beside a safetensors file that holds the arrays."""

import json
import sys
from importlib.metadata import version

import torch
from safetensors.torch import save_file

INLINE = 16  # arrays up to this many elements stand in the JSON itself


def versions(*packages):
    return {package: version(package) for package in packages} | {"python": sys.version.split()[0]}


def maker(*packages):
    return "real " + ", ".join(f"{package} {version(package)}" for package in packages) + " on random weights"


def save_arrays(tensors, path, metadata=None):
    """A safetensors file that others may read (safetensors itself writes mode 600)."""
    save_file(tensors, path, metadata=metadata)
    path.chmod(0o644)


def write_json(value, path):
    """One entry of the top two levels a line: numbers stay beside each other, diffs stay small."""

    def text(value, depth):
        if isinstance(value, dict) and value and depth < 2:
            pad = "  " * (depth + 1)
            entries = ",\n".join(f"{pad}{json.dumps(key)}: {text(entry, depth + 1)}" for key, entry in value.items())
            return "{\n" + entries + "\n" + pad[2:] + "}"
        return json.dumps(value, ensure_ascii=False)

    path.write_text(text(value, 0) + "\n")


def f32(tensor):
    """The shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in tensor.detach().float().numpy().ravel()]


class CaseFolder:
    """Collects the cases of one folder; `write` puts them there, all arrays in one file."""

    def __init__(self, folder, system, tolerance, stage_tolerance, maker, arrays="stages.safetensors"):
        self.folder, self.system, self.maker, self.arrays = folder, system, maker, arrays
        self.tolerance, self.stage_tolerance = tolerance, stage_tolerance
        self.tensors, self.cases = {}, {}

    def reference(self, name, tensor):
        self.tensors[name] = tensor.contiguous()
        return {"file": self.arrays, "tensor": name}

    def add(self, name, input, observed, outputs):
        """`input` is a JSON input, or a waveform that is stored; what isn't of `outputs` is judged as a stage."""
        if isinstance(input, torch.Tensor):
            input = {"kind": "waveform", **self.reference(f"{name}.input", input)}
        expected = {}
        for key in sorted(observed, key=lambda key: (key not in outputs, not key.startswith("layer."))):
            tensor = observed[key]
            if tensor.numel() <= INLINE:
                expected[key] = {"shape": list(tensor.shape), "values": f32(tensor)}
            else:
                expected[key] = self.reference(f"{name}.{key}", tensor)
            if key not in outputs:
                expected[key]["tolerance"] = self.stage_tolerance
        self.cases[name] = {
            "golden": 1,
            "name": name,
            "system": self.system,
            "input": input,
            "expected": expected,
            "tolerance": self.tolerance,
            "maker": self.maker,
        }

    def write(self):
        save_arrays(self.tensors, self.folder / self.arrays)
        for name, case in self.cases.items():
            write_json(case, self.folder / f"{name}.golden.json")
