"""Checks what `assay prune` writes, with the frameworks that have to accept it.

    tools/golden/check_pruned.py [--assay PROGRAM] [--kinds folder,bin,pt,safetensors,onnx,assay] [NAME...]

Prunes every source of golden/pruned (or those named; `shared`, `refusals` and `roads` name the last three) by every cut to every kind of file, and prints a line for each:
- checkpoints: torch.load(weights_only=True), also mapped; tensors, order, types and digests as tensors-CUT.json says; storages
  stored and aligned to 64 bytes; shared storages and views stay what they were;
- folders: config.json the same but for the layers, byte for byte, all else copied; transformers' from_pretrained with the class
  of `architectures` and with Wav2Vec2Model, FunASR's AutoModel: nothing missing, nothing unexpected, outputs within the
  goldens' tolerance of the same surgery in PyTorch;
- ONNX: onnx.checker, nothing dead, kept initializers bit for bit, onnxruntime at two lengths;
- .assay: `verify` with the goldens;
- the manifest's map and digests; the same bytes a second time;
- shared storages, of which nothing that was dropped is left; lists to refuse; the same outputs whichever way pruned and converted.
PROGRAM may be a Python script. tools/golden/prune_in_torch.py is such a one (without --kinds assay, and no ONNX from checkpoints:
--no-export); with `--wrong HOW` among --options it must fail here.
"""

import argparse
import io
import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file

import pruned_graphs
import pruned_networks as networks
from emotion_model import EmotionModel
from surgery import DTYPES, digest

root = Path(__file__).resolve().parents[2]
golden = root / "golden/pruned"
manifest = json.loads((golden / "manifest.json").read_text())
RUNNABLE = {"emotion2vec", "wav2vec2", "wav2vec2-regression", "wav2vec2-classification"}  # systems that the program builds graphs of
LISTS = {"drop-last": ("--drop", "23")}  # the others by --keep
SETTINGS = {"config.json", "config.yaml", "prune.json"}
failures = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--assay", default=root / ".build/fast/release/assay", metavar="PROGRAM")
    parser.add_argument("--kinds", default="folder,bin,pt,safetensors,onnx,assay")
    parser.add_argument("--no-export", action="store_true", help="no .onnx and .assay from checkpoints")
    parser.add_argument("--options", default="", help="more for `prune`, separated by blanks")
    options = parser.parse_args()
    global program, more
    program, more = str(options.assay), options.options.split()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    kinds = options.kinds.split(",")
    once = {"shared": lambda work: check_shared(work, kinds), "refusals": check_refusals, "roads": check_roads}
    unknown = set(options.names) - set(manifest["models"]) - set(once)
    if unknown:
        sys.exit(f"nothing is called {', '.join(sorted(unknown))}; there are {', '.join([*manifest['models'], *once])}")
    for name, entry in manifest["models"].items():
        if not options.names or name in options.names:
            for cut in entry["cuts"]:
                check_source(name, entry, cut, kinds, options.no_export)
    for name, check in once.items():
        if name in options.names or not options.names and (name != "roads" or "assay" in kinds):
            with tempfile.TemporaryDirectory() as work:
                check(Path(work))
    print(f"{failures} checks fail" if failures else "everything holds")
    sys.exit(1 if failures else 0)


def report(what, problems, shown=""):
    """One line a check; each problem under it."""
    global failures
    failures += bool(problems)
    print("FAILS" if problems else "holds", what, shown, flush=True)
    for problem in problems[:5]:
        print("     ", problem)
    if len(problems) > 5:
        print(f"      and {len(problems) - 5} more")


def run(*arguments):
    command = [sys.executable] if program.endswith(".py") else []
    extra = more if arguments[0] == "prune" else []
    return subprocess.run([*command, program, *map(str, arguments), *extra], capture_output=True, text=True)


def must(*arguments):
    done = run(*arguments)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-400:]
        raise RuntimeError(f"assay {' '.join(map(str, arguments))}: exit code {done.returncode}: {said}")
    return done.stdout


# One source, one cut, every kind.


def source_of(name):
    folder = golden / name
    return next((folder / file for file in ("checkpoint.pt", "model.onnx") if (folder / file).exists()), folder)


def kinds_of(name, entry, no_export):
    source = source_of(name)
    if source.suffix == ".onnx":
        return ["onnx"] if no_export else ["onnx", "assay"]
    if source.suffix == ".pt":
        return ["pt", "safetensors"]
    graphs = ["onnx", "assay"] if entry["system"] in RUNNABLE and not no_export else []
    return ["folder", "bin", "pt", "safetensors", *graphs]


def check_source(name, entry, cut, kinds, no_export):
    source, kept = source_of(name), entry["cuts"][cut]
    chosen = LISTS.get(cut, ("--keep", cut if re.fullmatch(r"[\d,-]+", cut) else ",".join(map(str, kept))))
    for kind in kinds_of(name, entry, no_export):
        if kind not in kinds:
            continue
        with tempfile.TemporaryDirectory() as work:
            outputs = [Path(work) / turn / ("pruned" if kind == "folder" else f"pruned.{kind}") for turn in "ab"]
            what = f"{name} {cut} -> {kind}:"
            try:
                for output in outputs:
                    output.parent.mkdir()
                    must("prune", source, *chosen, "-o", output, "--quiet")
                problems = same_files(*(output.parent for output in outputs))
                found, shown = examine(kind, outputs[0], name, entry, cut)
                problems += found + check_manifest(outputs[0], entry, cut, kind)
                report(what, problems, shown)
            except Exception as error:
                report(what, [f"{type(error).__name__}: {str(error)[:600]}"])


def examine(kind, output, name, entry, cut):
    goldens = golden / entry["goldens"] / f"goldens-{cut}"
    if kind == "folder":
        return check_folder(output, name, entry, cut, goldens)
    if kind == "onnx":
        source = source_of(name)
        return pruned_graphs.check(output, goldens, source if source.suffix == ".onnx" else None)
    if kind == "assay":
        done = run("verify", output, "--golden", goldens, "--quiet")
        return ([] if done.returncode == 0 else [done.stdout + done.stderr]), "verify holds"
    return check_weights(output, name, entry, cut)


def same_files(first, second):
    names = [sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()) for top in (first, second)]
    if names[0] != names[1]:
        return [f"a second time other files: {names}"]
    return [f"{name}: a second time other bytes" for name in names[0] if (first / name).read_bytes() != (second / name).read_bytes()]


# Weights.


def joined(tree, prefix=""):
    """{joined name: tensor} of a checkpoint."""
    if isinstance(tree, torch.Tensor):
        return {prefix: tensor_of(tree)}
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, (list, tuple)) else ()
    return {name: value for key, entry in entries for name, value in joined(entry, f"{prefix}.{key}" if prefix else str(key)).items()}


def tensor_of(tensor):
    return tensor.detach()


def read_weights(path):
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        return load_file(path), [] if metadata == {"format": "pt"} else [f"metadata {metadata}, which transformers refuses"]
    problems = []
    tree = torch.load(path, weights_only=True)
    mapped = joined(torch.load(path, weights_only=True, mmap=True))
    tensors = joined(tree)
    problems += [f"{name} is another when mapped" for name in tensors if not torch.equal(tensors[name], mapped[name])]
    return tensors, problems + check_zip(path)


def check_zip(path):
    problems = []
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                problems.append(f"{entry.filename} is compressed")
            file.seek(entry.header_offset + 26)
            name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
            if "/data/" in entry.filename and (entry.header_offset + 30 + name + extra) % 64:
                problems.append(f"{entry.filename} is not aligned")
        broken = archive.testzip()
    return problems + ([f"{broken} is damaged"] if broken else [])


def check_weights(path, name, entry, cut):
    tensors, problems = read_weights(path)
    wanted = json.loads((golden / entry["tensors"] / f"tensors-{cut}.json").read_text())["tensors"]
    problems += [f"{key} is missing" for key in wanted if key not in tensors]
    problems += [f"{key} does not belong there" for key in tensors if key not in wanted]
    for key in tensors.keys() & wanted.keys():
        tensor, expected = tensors[key], wanted[key]
        found = (DTYPES[tensor.dtype], list(tensor.shape), digest(tensor))
        if found != (expected["dtype"], expected["shape"], expected["sha256"]):
            problems.append(f"{key}: {found[:2]} and other bytes than {expected['from']} {expected['dtype']} {expected['shape']}")
    # safetensors' own writer sorts; of other sources the order is kept.
    if path.suffix != ".safetensors" and list(tensors) != list(wanted) and name != "pretraining-safetensors":
        problems.append("not in the source's order")
    source = source_of(name)
    if path.suffix != ".safetensors" and source.suffix == ".pt":
        cfg = torch.load(path, weights_only=True).get("cfg")
        if cfg is not None and cfg["model"]["encoder_layers"] != len(entry["cuts"][cut]):
            problems.append("cfg.model.encoder_layers is still the source's")
    return problems, f"{len(tensors)} tensors"


def check_manifest(output, entry, cut, kind):
    path = output / "prune.json" if output.is_dir() else Path(f"{output}.prune.json")
    if program.endswith(".py") and kind == "onnx":
        return []
    if not path.exists():
        return [f"no manifest {path.name}"]
    said = json.loads(path.read_text())
    kept = entry["cuts"][cut]
    problems = []
    if said["map"] != [{"from": old, "to": new} for new, old in enumerate(kept)]:
        problems.append(f"the manifest's map is {said['map']}")
    problems += [f"manifest: {t['name']} changed" for t in said["kept"] if t["sha256_before"] != t["sha256_after"]]
    if kind not in ("onnx", "assay"):
        wanted = json.loads((golden / entry["tensors"] / f"tensors-{cut}.json").read_text())["tensors"]
        after = {t["name"]: (t["from"], t["sha256_after"]) for t in said["kept"] + said.get("changed", [])}
        if after != {name: (t["from"], t["sha256"]) for name, t in wanted.items()}:
            problems.append("the manifest lists other tensors, or other digests, than the surgery")
    return problems


# Folders.


def check_folder(folder, name, entry, cut, goldens):
    source, kept, problems = golden / name, entry["cuts"][cut], []
    files = {path.name for path in source.iterdir() if path.is_file()}
    weights = files & {"pytorch_model.bin", "model.safetensors", "model.pt"}
    there = {path.name for path in folder.iterdir()}
    if there != files | {"prune.json"}:
        problems.append(f"holds {sorted(there)}, where {sorted(files)} and prune.json were expected")
    for file in files - weights - SETTINGS:
        if (folder / file).read_bytes() != (source / file).read_bytes():
            problems.append(f"{file} changed")
    found, shown = check_weights(folder / next(iter(weights)), name, entry, cut)
    problems += found
    if entry["system"] == "emotion2vec":
        return problems + check_yaml(folder, source, name, cut) + load_funasr(folder, goldens), shown
    text = (source / "config.json").read_text()
    text = re.sub(r'("num_hidden_layers": )\d+', rf"\g<1>{len(kept)}", text)
    if (folder / "config.json").read_text() != text:
        problems.append("config.json differs in more than num_hidden_layers")
    found, worst = load_transformers(folder, entry["system"], goldens)
    return problems + found, f"{shown}, outputs {worst:.1e} apart"


def check_yaml(folder, source, name, cut):
    """The two numbers changed, every other byte kept."""
    wanted = json.loads((golden / name / f"tensors-{cut}.json").read_text())["config"]
    text = (source / "config.yaml").read_text()
    text = re.sub(r"(?m)^(    depth: )\d+", rf"\g<1>{wanted['model_conf.depth']}", text)
    text = re.sub(r"(?m)^( +prenet_depth: )\d+", rf"\g<1>{wanted['model_conf.modalities.audio.prenet_depth']}", text)
    return [] if (folder / "config.yaml").read_text() == text else ["config.yaml differs in more than its depths"]


def load_transformers(folder, system, goldens):
    problems = []
    architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
    own = {"Wav2Vec2ForSpeechClassification": EmotionModel}.get(architecture) or getattr(transformers, architecture)
    for make in (own, transformers.Wav2Vec2Model):
        model, info = make.from_pretrained(folder, output_loading_info=True)
        for what, names in info.items():
            # The encoder alone does not expect the heads.
            heads = make is not own and what == "unexpected_keys"
            wrong = [n for n in names if not (heads and not n.startswith("wav2vec2.encoder"))]
            problems += [f"{make.__name__}: {what}: {sorted(map(str, wrong))[:3]}"] if wrong else []
        if make is own:
            whole = model.eval()
    bare = model.eval()

    def compute(values):
        if system == "wav2vec2":
            return {"last_hidden_state": bare(values).last_hidden_state}
        if system == "wav2vec2-regression":
            return dict(zip(("hidden_states", "logits"), whole(values))) | {"last_hidden_state": None}
        logits = whole(values).logits
        return {"logits": logits, "scores": logits.softmax(dim=-1)}

    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    worst = 0.0
    for case, samples, expected, allowed in cases(goldens):
        with torch.no_grad():
            values = compute(extractor(samples, sampling_rate=16000, return_tensors="pt").input_values)
        found, apart = compare(case, values, expected, allowed)
        problems, worst = problems + found, max(worst, apart)
    return problems, worst


def load_funasr(folder, goldens):
    from funasr import AutoModel

    logging.disable(logging.WARNING)  # FunASR tells of every tensor
    said = io.StringIO()
    with redirect_stdout(said):
        loaded = AutoModel(model=str(folder), device="cpu", disable_update=True, disable_pbar=True)
    problems = [line for line in said.getvalue().splitlines() if "miss key" in line]
    state = joined(torch.load(folder / "model.pt", weights_only=True)["model"])
    expected = {name.removeprefix("d2v_model.") for name in state}
    if expected != set(loaded.model.state_dict()):
        problems.append(f"FunASR's network and the file differ in {sorted(expected ^ set(loaded.model.state_dict()))[:3]}")
    for case, samples, expected, allowed in cases(goldens):
        loaded.model.alibi_biases.clear()
        with torch.no_grad():
            values = networks.emotion2vec_outputs(loaded.model, torch.from_numpy(samples))
        with redirect_stdout(io.StringIO()):
            [result] = loaded.generate(samples, granularity="utterance", fs=16000)
        problems += compare(case, values, expected, allowed)[0]
        said = {"scores": torch.tensor([result["scores"]]), "utterance": torch.from_numpy(result["feats"])[None]}
        problems += compare(f"{case} by generate", said, {key: expected[key] for key in said}, allowed)[0]
    return problems


def cases(folder):
    """(name, waveform, expected outputs, what is allowed) of each case; layers are left to `assay verify`."""
    for path in sorted(folder.glob("*.golden.json")):
        case = json.loads(path.read_text())
        at = case["input"]
        samples = load_file(folder / at["file"])[at["tensor"]].numpy()
        expected = {}
        for key, value in case["expected"].items():
            if key.startswith("layer."):
                continue
            stored = "file" in value
            expected[key] = load_file(folder / value["file"])[value["tensor"]] if stored else torch.tensor(value["values"]).view(value["shape"])
        yield case["name"], samples, expected, case["tolerance"]["absolute"]


def compare(case, values, expected, allowed):
    problems, worst = [], 0.0
    for key, tensor in expected.items():
        apart = (values[key] - tensor).abs().max().item() if values[key].shape == tensor.shape else float("inf")
        worst = max(worst, apart)
        if not apart <= allowed:
            problems.append(f"{case} {key}: {apart:.1e} from the surgery in PyTorch")
    return problems, worst


# Once for all.


def check_shared(work, kinds):
    """A checkpoint with a tied tensor, views into one storage, and other types."""
    state = torch.load(golden / "pretraining/pytorch_model.bin", weights_only=True)
    prefix = "wav2vec2.encoder.layers."
    state[f"{prefix}2.layer_norm.weight"] = state[f"{prefix}0.layer_norm.weight"]
    state[f"{prefix}22.layer_norm.bias"] = state[f"{prefix}1.layer_norm.bias"]  # dropped, what it shares is kept
    both = torch.arange(48, dtype=torch.float32)
    state[f"{prefix}3.attention.q_proj.bias"], state[f"{prefix}5.attention.q_proj.bias"] = both[3:19], both[19:35]
    state[f"{prefix}4.attention.q_proj.weight"] = state[f"{prefix}4.attention.q_proj.weight"].t()
    state["project_q.weight"] = state["project_q.weight"].half()
    state["project_hid.weight"] = state["project_hid.weight"].bfloat16()
    source = work / "source"
    shutil.copytree(golden / "pretraining", source, ignore=shutil.ignore_patterns("goldens-*", "tensors-*"))
    torch.save(state, source / "pytorch_model.bin")
    kept = list(range(12))
    for kind in ("bin", "safetensors"):
        if kind not in kinds:
            continue
        try:
            must("prune", source, "--keep", "0-11", "-o", work / f"shared.{kind}", "--quiet")
            pruned, problems = read_weights(work / f"shared.{kind}")
            wanted = {n: t for n, t in state.items() if prefix not in n or int(n.removeprefix(prefix).split(".")[0]) in kept}
            problems += [f"{key}: not both have it" for key in pruned.keys() ^ wanted.keys()]
            for key in pruned.keys() & wanted.keys():
                if pruned[key].dtype != wanted[key].dtype or not torch.equal(pruned[key], wanted[key]):
                    problems.append(f"{key} is another")
            tied = {f"{prefix}{i}.layer_norm.weight" for i in (0, 2)}
            if kind == "bin" and len({pruned[key].data_ptr() for key in tied}) != 1:
                problems.append(f"{sorted(tied)} are one tensor no more")
            report(f"tied tensors and views -> {kind}:", problems, f"{len(wanted)} tensors")
            if kind != "bin":
                continue
            # A tensor alone in its storage lies in rows; those that share one keep their strides and distances.
            problems = []
            for names in (names for names in groups(wanted) if len(names) > 1):
                places = [[(state[n].stride(), state[n].storage_offset() - state[names[0]].storage_offset()) for n in names]
                          for state in (pruned, wanted)]  # fmt: skip
                if places[0] != places[1]:
                    problems.append(f"{names}: strides and distances {places[0]}, in the source {places[1]}")
            if groups(pruned) != groups(wanted):
                problems.append(f"storages are shared otherwise: {sorted(groups(pruned) ^ groups(wanted))[:3]}")
            report(f"storages of views -> {kind}:", problems, f"{len(groups(wanted))} storages")
        except Exception as error:
            report(f"shared storages -> {kind}:", [f"{type(error).__name__}: {str(error)[:600]}"])


def groups(state):
    """Names by the storage they lie in."""
    found = {}
    for name, tensor in state.items():
        found.setdefault(tensor.untyped_storage().data_ptr(), []).append(name)
    return {tuple(sorted(names)) for names in found.values()}


def check_refusals(work):
    """Lists that are wrong usage (64), and such that this model has no layers for (2): before anything is written."""
    for code, *chosen in (
        (64, "--keep", ""), (64, "--keep", "3,3"), (64, "--keep", "5-2"), (64, "--keep", "4,1"), (64, "--keep", "0-3,2"),
        (64, "--keep", "a"), (64, "--keep", "1,"), (2, "--keep", "0-24"), (2, "--drop", "24"), (2, "--drop", "0-23"),
    ):  # fmt: skip
        for name in ("pretraining", "emotion-onnx-ts17"):
            output = work / ("refused" + source_of(name).suffix)
            done = run("prune", source_of(name), *chosen, "-o", output, "--quiet")
            problems = [] if done.returncode == code else [f"exit code {done.returncode}, expected {code}: {done.stderr.strip()[:200]}"]
            problems += [f"{path.name} was written" for path in work.glob("*refused*")]
            report(f"{name} {' '.join(chosen)}:", problems, "refused")


def check_roads(work):
    """Pruned then converted, converted then pruned, exported then pruned then converted: the same outputs."""
    for cut, kept in manifest["models"]["emotion"]["cuts"].items():
        listed, folder = ",".join(map(str, kept)), work / f"roads-{cut}"
        folder.mkdir()
        try:
            source = golden / "emotion"
            must("prune", source, "--keep", listed, "-o", folder / "pruned", "--quiet")
            must("convert", folder / "pruned", "-o", folder / "first.assay", "--quiet")
            must("convert", source, "-o", folder / "whole.assay", "--quiet")
            must("prune", folder / "whole.assay", "--keep", listed, "-o", folder / "second.assay", "--quiet")
            must("convert", source, "-o", folder / "whole.onnx", "--quiet")
            must("prune", folder / "whole.onnx", "--keep", listed, "-o", folder / "pruned.onnx", "--quiet")
            must("convert", folder / "pruned.onnx", "-o", folder / "third.assay", "--quiet")
            clip = golden / "rank/short.npy"
            signal = np.load(golden / "rank/short-preprocessed.npy")
            np.save(folder / "signal.npy", signal[None])
            inputs = {"first": [clip], "second": [clip], "third": ["--input", f"signal={folder / 'signal.npy'}"]}
            values = {}
            for road, given in inputs.items():
                must("run", folder / f"{road}.assay", *given, "--save", folder / f"{road}.safetensors", "--json", "--quiet")
                values[road] = load_file(folder / f"{road}.safetensors")
            problems, worst = [], 0.0
            for road in ("second", "third"):
                wanted = {key: values["first"][key] for key in ("logits", "hidden_states")}
                found, apart = compare(f"{road} road", values[road], wanted, 1e-5)
                problems, worst = problems + found, max(worst, apart)
            report(f"three roads {cut}:", problems, f"{worst:.1e} apart")
        except Exception as error:
            report(f"three roads {cut}:", [f"{type(error).__name__}: {str(error)[:600]}"])


main()
