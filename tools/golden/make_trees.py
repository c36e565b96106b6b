"""Makes golden/formats/pytorch/trees.json: what torch itself loads from the files of golden/formats/pytorch, as trees of
plain data with tensors by joined name, and where something is left out that is neither.

    $(tools/golden/setup) tools/golden/make_trees.py

A value is {"dict": [[key, value], ...]} (or "ordered", with "attributes"), {"list": [...]}, {"tuple": [...]},
{"int": decimal}, {"float": its 64 bits}, {"bytes": hex}, {"text": ...}, {"tensor": name}, true, false or null.
"""

import json
import struct
from collections import Counter, OrderedDict, defaultdict

import torch

from make_formats import NAMES, ROOT, Subclass, Thing, special  # noqa: F401  files say that the classes are in __main__

FOLDER = ROOT / "pytorch"


def tree(value, name, left):
    """The value, or `left` grows by its name."""
    inner = f"{name}." if name else ""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, torch.Tensor) and value.dtype in NAMES and value.layout == torch.strided and not value.is_meta:
        return {"tensor": name}
    if type(value) is int:
        return {"int": str(value)}
    if type(value) is float:
        return {"float": struct.pack(">d", value).hex()}
    if type(value) is str:
        return {"text": value}
    if type(value) in (bytes, bytearray):
        return {"bytes": value.hex()}
    if type(value) in (list, tuple, torch.Size):
        return {"list" if type(value) is list else "tuple": [tree(v, f"{inner}{i}", left) for i, v in enumerate(value)]}
    if type(value) in (dict, OrderedDict, defaultdict, Counter):
        items = []
        for key, child in value.items():
            if not isinstance(key, (str, int)) and isinstance(child, torch.Tensor):
                left.append(name)
                continue
            mark = len(left)
            made = tree(child, f"{inner}{key}", left)
            if f"{inner}{key}" not in left[mark:]:
                items.append([tree(key, "", []), made])
        if type(value) is not OrderedDict:
            return {"dict": items}
        attributes = [[{"text": k}, tree(v, f"{inner}{k}", left)] for k, v in value.__dict__.items()]
        return {"ordered": items, "attributes": attributes}
    left.append(name)
    return None


def main():
    special()  # the classes of these files
    trees = {}
    for path in sorted((FOLDER / "accept").glob("*.pt")):
        if "itself" in path.name or "torchscript" in path.name or "os-system" in path.name:
            continue  # no tree of plain data; a file that runs a command when it is loaded
        if path.stem.endswith(("-p3", "-p4", "legacy-p5")):
            continue  # no opcode that others lack
        try:
            value = torch.load(path, weights_only=False)
        except Exception as error:
            print(path.name, "is not loaded by torch:", str(error).splitlines()[0])
            continue
        left = []
        trees[path.name] = {"root": tree(value, "", left), "left": left}
    lines = (f" {json.dumps(name)}: {json.dumps(tree, separators=(',', ':'))}" for name, tree in trees.items())
    (FOLDER / "trees.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
