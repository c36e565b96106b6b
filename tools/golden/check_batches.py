"""How far `assay run --batch` and `--masked` are from the true frameworks' batches in golden/batches.

    $(tools/golden/setup) tools/golden/check_batches.py ASSAY [NAME...]

Prints the largest difference of each value, relative to its largest; exit code 1 where one is beyond 1e-5.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

golden = Path(__file__).resolve().parents[2] / "golden"
LIMIT = 1e-5


def apart(assay, path, folder):
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    tensors, package = load_file(path), folder / "package"
    shutil.copytree(golden / metadata["package"], package)
    if flags := json.loads(metadata["flags"]):
        place = package / "preprocessor_config.json"
        place.write_text(json.dumps(json.loads(place.read_text()) | flags))
    clips = []
    for name in sorted(name for name in tensors if name.startswith("clip.")):
        clips.append(folder / f"{name}.npy")
        np.save(clips[-1], tensors.pop(name))
    out = folder / "out.safetensors"
    made = subprocess.run(
        [assay, "run", package, f"--{metadata['mode']}", "--layers", "--quiet", "--save", out, *clips],
        capture_output=True, text=True)  # fmt: skip
    if made.returncode:
        return made.stderr.strip()
    own = load_file(out)
    if missing := tensors.keys() - own.keys():
        return f"there is no {', '.join(sorted(missing))}"
    return {name: float(abs(own[name] - value).max() / abs(value).max()) for name, value in tensors.items()}


def main():
    assay, status = Path(sys.argv[1]).resolve(), 0
    names = sys.argv[2:] or sorted(path.stem for path in (golden / "batches").glob("*.safetensors"))
    for name in names:
        with tempfile.TemporaryDirectory() as temporary:
            found = apart(assay, golden / "batches" / f"{name}.safetensors", Path(temporary))
        if isinstance(found, str):
            print(f"{name}: {found}")
            status = 1
            continue
        worst = max(found, key=found.get)
        print(f"{name}: {found[worst]:.1e} ({worst}); " + ", ".join(f"{key} {value:.1e}" for key, value in found.items()))
        status |= found[worst] > LIMIT
    return status


if __name__ == "__main__":
    sys.exit(main())
