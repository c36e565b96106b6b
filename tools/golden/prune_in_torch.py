"""`assay prune` as one would write it in Python: the peer of tools/bench/pruning.py, and what check_pruned.py is tried on.

    prune_in_torch.py prune SOURCE (--keep LIST | --drop LIST) -o OUT [--mmap] [--no-manifest] [--wrong HOW]

SOURCE is a folder, a checkpoint or an .onnx; OUT of SOURCE's kind or what its extension says (no .assay). It keeps names,
order, types and shared storages of a checkpoint, as torch.save does, and writes what a manifest has to say. --wrong makes a
mistake, so that who checks can be checked: layer, order, renumber, config, sharing, dtype, value, state.
"""

import argparse
import json
import os
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch

WEIGHTS = ("pytorch_model.bin", "model.safetensors", "model.pt", "model.onnx")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["prune"])
    parser.add_argument("source", type=Path)
    parser.add_argument("--keep")
    parser.add_argument("--drop")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--mmap", action="store_true")
    parser.add_argument("--no-manifest", action="store_true")
    parser.add_argument("--wrong", default="")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    source = options.source
    weights = next(source / name for name in WEIGHTS if (source / name).exists()) if source.is_dir() else source
    listed = numbers(options.drop if options.keep is None else options.keep)
    if weights.suffix == ".onnx":
        prune_graph(weights, listed, options)
    else:
        prune_checkpoint(source, weights, listed, options)


def numbers(text):
    result = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not found:
            sys.exit(64)
        result += range(int(found[1]), int(found[2] or found[1]) + 1)
        if found[2] and int(found[2]) < int(found[1]):
            sys.exit(64)
    if result != sorted(set(result)):
        sys.exit(64)
    return result


def selected(listed, count, options):
    if listed[-1] >= count:
        sys.exit(2)
    kept = listed if options.keep is not None else [i for i in range(count) if i not in listed]
    if not kept:
        sys.exit(2)
    return [kept[0] + 1, *kept[1:]] if options.wrong == "layer" else kept


def prune_graph(path, listed, options):
    import onnx

    from onnx_cut import cut, layers_of

    model = onnx.load(path)
    model = cut(model, selected(listed, len(layers_of(model.graph)), options))
    onnx.save(model, options.output)
    synced(options.output)


def prune_checkpoint(source, path, listed, options):
    from safetensors.torch import load_file, save_file

    from surgery import without_dropped

    if path.suffix == ".safetensors":
        nested = load_file(path)
    else:
        nested = torch.load(path, map_location="cpu", weights_only=path.suffix != ".pt", mmap=options.mmap)
    state = nested["model"] if "model" in nested else nested
    prenet = count(state, r"(?:.*\.)?context_encoder\.blocks\.(\d+)\..*")
    main = count(state, r"(?:(?!modality_encoders).)*\bblocks\.(\d+)\..*") if prenet else count(state, r".*encoder\.layers\.(\d+)\..*")
    kept = selected(listed, prenet + main, options)
    pruned = without_dropped(state, kept, prenet + main, prenet)
    pruned = spoiled(pruned, state, kept, options.wrong)
    output = options.output
    if not output.suffix:
        output.mkdir()
        write_settings(source, output, kept, prenet, options.wrong)
        output = output / path.name
    if output.suffix == ".safetensors":
        prefix = "model." if "model" in nested else ""
        # safetensors writes no storage that two tensors share.
        storages = [tensor.untyped_storage().data_ptr() for tensor in pruned.values()]
        alone = {name: storages.count(storage) == 1 for name, storage in zip(pruned, storages)}
        whole = {prefix + name: t.contiguous() if alone[name] else t.clone().contiguous() for name, t in pruned.items()}
        save_file(whole, output, {"format": "pt"})
    else:
        # Namespace and optimizer: what weights_only refuses, and what fits the layers no more.
        plain = {"cfg": reduced(nested["cfg"], len(kept))} if "cfg" in nested else {}
        with open(output, "wb") as file:
            torch.save(plain | {"model": pruned} if "model" in nested else pruned, file)
    synced(output)
    if options.no_manifest or options.wrong == "renumber":  # which the manifest could not tell
        return
    folder = options.output
    manifest = folder / "prune.json" if folder.is_dir() else Path(f"{folder}.prune.json")
    manifest.write_text(json.dumps(manifest_of(state, pruned, kept, prenet, joined="model." if "model" in nested else "")))


def count(state, pattern):
    found = {int(match[1]) for name in state if (match := re.fullmatch(pattern, name))}
    return len(found)


def reduced(cfg, count):
    return cfg | {"model": cfg["model"] | {"encoder_layers": count}}


def manifest_of(state, pruned, kept, prenet, joined):
    from surgery import digest, source_name

    entries, changed = [], []
    for name, tensor in pruned.items():
        before = source_name(name, kept, prenet)
        whole = (changed if name.endswith("layer_weights") else entries)
        digests = {"sha256_before": digest(state[before]), "sha256_after": digest(tensor)}
        whole.append({"name": joined + name, "from": joined + before, **digests})
    return {
        "prune": 1,
        "map": [{"from": old, "to": new} for new, old in enumerate(kept)],
        "kept": entries,
        "changed": changed,
    }


def spoiled(pruned, state, kept, wrong):
    """A mistake on purpose."""
    names = list(pruned)
    if wrong == "order":
        return {name: pruned[name] for name in sorted(names)}
    if wrong == "renumber":
        return {name: tensor for name, tensor in state.items() if "layers." not in name or int(re.search(r"layers\.(\d+)", name)[1]) in kept}
    if wrong == "sharing":
        return {name: tensor.clone() for name, tensor in pruned.items()}
    if wrong == "dtype":
        return pruned | {names[1]: pruned[names[1]].half()}
    if wrong == "value":
        return pruned | {names[-1]: torch.nextafter(pruned[names[-1]], torch.tensor(9.0))}
    if wrong == "state" and "layer_weights" in pruned:
        return pruned | {"layer_weights": state["layer_weights"][: len(kept) + 1].clone()}
    return pruned


def write_settings(source, output, kept, prenet, wrong):
    for path in source.iterdir():
        if path.is_file() and path.name not in (*WEIGHTS, "config.json", "config.yaml"):
            shutil.copyfile(path, output / path.name)
    if (source / "config.json").exists():
        text = (source / "config.json").read_text()
        if wrong == "config":
            text = json.dumps(json.loads(text) | {"num_hidden_layers": len(kept)}, indent=2, sort_keys=True) + "\n"
        text = re.sub(r'("num_hidden_layers": )\d+', rf"\g<1>{len(kept)}", text)
        (output / "config.json").write_text(text)
    if (source / "config.yaml").exists():
        text, first = (source / "config.yaml").read_text(), sum(i < prenet for i in kept)
        text = re.sub(r"(\n    depth: )\d+", rf"\g<1>{len(kept) - first}", text)
        text = re.sub(r"(\n +prenet_depth: )\d+", rf"\g<1>{first}", text)
        (output / "config.yaml").write_text(text)


def synced(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())


if __name__ == "__main__":
    main()
