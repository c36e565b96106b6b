"""Checks what `assay convert -o model.onnx` writes, by onnx's own checker and by onnxruntime.

    tools/golden/check_export.py [--assay PROGRAM] [--record] [FOLDER...]

FOLDER is a model folder with `goldens` inside or beside it; without one, all of golden/models. Each is exported as f32,
f16 and bf16, from its checkpoint and from an artifact made of it, and must
- pass onnx.checker with full_check, and hold the checkpoint's tensors by name, shape and bytes;
- compute in onnxruntime what the goldens expect: outputs, layer states, and every other value of a name;
- agree with `assay run` on other lengths, and on batches.
Without a FOLDER the ONNX files of golden/onnx and golden/audonnx are exported again, and compared with themselves, and
every case of golden/operators is exported on its own, and compared with PyTorch's result.

--record writes the digests of the exported files to golden/exported/verified.json, if everything holds: that is what
tests without Python compare with.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

root = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tools/golden/artifact"))
LIMIT = 1e-5  # the design's parity; larger expected values are allowed as much of their size
# What onnxruntime itself loses on silence, where every frame is the same, in how many times the limit. Biased convolutions
# before a group norm: InstanceNormalization divides the rounding of a mean by sqrt(1e-5); torch's own export is off by
# the same 5e-4. The mean of 1,500 equal frames: torch's own export is off by the same 1.3e-5.
KNOWN = {("mixed", "silence-1s"): 100, ("audeering-full", "silence-30s"): 2}
failures = []


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    options.add_argument("--assay", default=root / ".build/fast/release/assay", metavar="PROGRAM")
    options.add_argument("--operators", action="store_true", help="these only")
    options.add_argument("--record", action="store_true")
    options = options.parse_args()
    global assay
    assay = str(options.assay)
    onnxruntime.set_default_logger_severity(3)
    digests = {}
    with tempfile.TemporaryDirectory() as work:
        folders = options.folders or sorted(path.parent for path in (root / "golden/models").rglob("config.*"))
        folders = [] if options.operators else folders
        row("model", "weights", "MB", "nodes", "export s", "load s", "cases", "outputs", "inside", "apart from ours")
        row(*["---"] * 10)
        for folder in folders:
            for dtype in ("f32", "f16", "bf16"):
                digests |= check_model(folder, dtype, Path(work))
        if not options.folders:
            if not options.operators:
                check_again(Path(work))
            check_operators(Path(work))
    for failure in failures:
        print("FAILS", failure)
    if failures:
        sys.exit(1)
    if options.record and not options.folders:
        target = root / "golden/exported/verified.json"
        target.parent.mkdir(exist_ok=True)
        by = f"onnx {onnx.__version__} and onnxruntime {onnxruntime.__version__}"
        target.write_text(json.dumps({"by": by, "sha256": digests}, indent=2) + "\n")
    print("everything holds")


def row(*cells):
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def expect(holds, what):
    if not holds:
        failures.append(what)


def run(*arguments):
    done = subprocess.run([assay, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"assay {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def session(model, optimized=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def off(actual, expected):
    """The largest difference, and what is allowed."""
    if actual.shape != expected.shape:
        return float("inf"), 0.0
    if expected.size == 0:
        return 0.0, 0.0
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0, np.abs(actual.astype(np.float64) - expected))
    finite = expected[np.isfinite(expected)]
    return float(np.nan_to_num(apart, nan=np.inf).max()), LIMIT * max(1, float(np.abs(finite).max(initial=0)))


# Models.


def check_model(folder, dtype, work):
    name = str(folder.relative_to(root)) if folder.is_relative_to(root) else folder.name
    goldens = next(path for path in (folder / "goldens", folder.parent / "goldens") if path.is_dir())
    exported, artifact, again = work / "model.onnx", work / "model.assay", work / "again.onnx"
    started = time.perf_counter()
    cases = ["--golden", goldens] if dtype == "f32" else []
    said = stated(folder)
    run("convert", folder, "-o", exported, "--dtype", dtype, "--quiet", *cases, *said)
    seconds = time.perf_counter() - started
    run("convert", folder, "-o", artifact, "--dtype", dtype, "--quiet", *said)
    run("convert", artifact, "-o", again, "--dtype", dtype, "--quiet")
    check_file(exported, folder, dtype, name)
    a, b = (contents(path) for path in (exported, again))
    expect(a == b, f"{name} {dtype}: from an artifact comes another model than from its source")
    if dtype != "f32":
        run("convert", artifact, "-o", again, "--quiet")
        wide = [t.data_type for t in onnx.load(again).graph.initializer]
        expect(set(wide) <= {onnx.TensorProto.FLOAT, onnx.TensorProto.INT64}, f"{name} {dtype}: weights are not widened where f32 is asked for")

    started = time.perf_counter()
    loaded = session(exported)
    load = time.perf_counter() - started
    shown = check_goldens(exported, goldens, name) if dtype == "f32" else ["", "", ""]
    ours = check_ours(loaded, artifact, again if dtype != "f32" else None, name, dtype, work)
    nodes = len(onnx.load(exported, load_external_data=False).graph.node)
    row(name, dtype, f"{exported.stat().st_size / 1e6:.2f}", nodes, f"{seconds:.2f}", f"{load:.2f}", *shown, ours)
    digest = hashlib.sha256(exported.read_bytes()).hexdigest()
    return {f"{name} {dtype}": digest}


def stated(folder):
    """What a user has to say of a package: an argument a line in its file `options`, where ./ is the package."""
    path = folder / "options"
    lines = path.read_text().splitlines() if path.exists() else []
    return [str(folder / line[2:]) if line.startswith("./") else line for line in lines]


def contents(path):
    """The model without its properties; where it was read from is told there."""
    model = onnx.load(path)
    del model.metadata_props[:]
    return model.SerializeToString(deterministic=True)


def check_file(path, folder, dtype, name):
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    expect(model.ir_version == 8 and [(s.domain, s.version) for s in model.opset_import] == [("", 17)], f"{name}: versions")
    expect(model.producer_name == "assay", f"{name}: producer")
    properties = {p.key: p.value for p in model.metadata_props}
    expect({"assay.system", "assay.sample_rate", "assay.license"} <= properties.keys(), f"{name}: properties")
    expect(dimensions(model.graph.input[0])[:2] == ["batch", "samples"], f"{name}: names of the input's axes")
    expect(all(dimensions(output)[0] == "batch" for output in model.graph.output), f"{name}: outputs' batch")
    held = {t.name: t for t in model.graph.initializer}
    expect(len(held) == len(model.graph.initializer), f"{name}: an initializer twice")
    if dtype != "f32":
        return
    source = {}
    for file in folder.glob("*.safetensors"):
        source |= load_file(file)
    for key, tensor in source.items():
        # What is not under its own name was ignored by a rule, or folded: the article of the conversion says so.
        for prefix in ("", "wav2vec2."):
            twin = held.get(key.removeprefix(prefix))
            if twin is not None:
                same = twin.raw_data == tensor.tobytes() and list(twin.dims) == list(tensor.shape)
                expect(same, f"{name}: {key} has other numbers")
                break
        else:
            known = any(word in key for word in ("masked_spec", "parametrizations", "quantizer", "project_", "lm_head"))
            expect(known, f"{name}: {key} is not there")


def dimensions(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def prepared(samples, epsilon):
    x = np.asarray(samples, np.float32).reshape(1, -1)
    if epsilon is None:
        return x
    wide = x.astype(np.float64)
    return ((wide - wide.mean()) / np.sqrt(wide.var() + epsilon)).astype(np.float32)


def check_goldens(path, goldens, name):
    """Every expected value that has a name in the file; clips of one length also as a batch."""
    model = onnx.load(path)
    properties = {p.key: p.value for p in model.metadata_props}
    epsilon = float(properties["assay.normalization_epsilon"]) if "assay.normalization_epsilon" in properties else None
    states = json.loads(properties.get("assay.states", "{}"))
    outputs = [o.name for o in model.graph.output]
    made = {o for node in model.graph.node for o in node.output}
    cases = [case for case in read_cases(goldens) if case["samples"] is not None]
    wanted = {key: key if key in outputs else states.get(key, key) for case in cases for key in case["expected"]}
    inside = sorted({value for value in wanted.values() if value in made} - set(outputs))
    for value in inside:
        model.graph.output.append(onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None))
    open_graph = path.with_name("open.onnx")
    onnx.save(model, open_graph)
    opened, plain = session(open_graph), session(path)
    worst = {"out": 0.0, "in": 0.0}
    for case in cases:
        signal = prepared(case["samples"], epsilon)
        values = dict(zip(outputs + inside, opened.run(outputs + inside, {"signal": signal})))
        closed = dict(zip(outputs, plain.run(outputs, {"signal": signal})))
        # The same clip between clips of silence and of itself backwards.
        silent = prepared(np.zeros_like(case["samples"]), epsilon)
        batch = plain.run(outputs, {"signal": np.concatenate([silent, signal, signal[:, ::-1]])})
        for key, (at, expected) in case["expected"].items():
            if wanted[key] not in values:
                expect(wanted[key] not in outputs, f"{name} {case['name']}: no output {key}")
                continue
            which = "out" if key in outputs else "in"
            given = [values[wanted[key]]]
            if key in outputs:
                given += [closed[key], batch[outputs.index(key)][1:2]]
            for actual in given:
                if at is not None:
                    actual = np.array([actual[tuple(place)] for place in at], np.float32)
                apart, allowed = off(actual, expected)
                known = KNOWN.get((Path(name).name, case["name"]))
                allowed *= known or 1
                if not known:
                    worst[which] = max(worst[which], apart / max(allowed / LIMIT, 1e-30))
                expect(apart <= allowed, f"{name} {case['name']} {key}: {apart:.2e} apart, {allowed:.2e} allowed")
    return len(cases), f"{worst['out']:.1e}", f"{worst['in']:.1e} of {len(inside)}"


def read_cases(folder):
    for path in sorted(folder.glob("*.golden.json")):
        case = json.loads(path.read_text())
        source = case["input"]
        samples = None
        if source["kind"] == "zeros":
            samples = np.zeros(source["samples"], np.float32)
        elif source["kind"] == "waveform":
            samples = load_file(folder / source["file"])[source["tensor"]]
        expected = {}
        for key, value in case["expected"].items():
            if "file" in value:
                expected[key] = (None, load_file(folder / value["file"])[value["tensor"]])
            else:
                numbers = np.array(value["values"], np.float32)
                expected[key] = (value.get("at"), numbers if "at" in value else numbers.reshape(value["shape"]))
        yield {"name": case["name"], "samples": samples, "expected": expected}


def check_ours(loaded, artifact, widened, name, dtype, work):
    """Other lengths and batches, beside what the program itself computes of the artifact."""
    outputs = [o.name for o in loaded.get_outputs()]
    others = [loaded] + ([session(widened)] if widened else [])
    random = np.random.default_rng(11)
    worst = 0.0
    for batch, samples in ((1, 400), (2, 401), (3, 1999), (1, 16001), (2, 16320), (1, 52345)):
        signal = random.standard_normal((batch, samples)).astype(np.float32)
        np.save(work / "signal.npy", signal)
        saved = work / "ours.safetensors"
        run("run", artifact, "--input", f"signal={work / 'signal.npy'}", "--save", saved, "--quiet", "--json")
        ours = load_file(saved)
        for other in others:
            for output, theirs in zip(outputs, other.run(outputs, {"signal": signal})):
                apart, allowed = off(theirs, ours[output])
                worst = max(worst, apart / max(allowed / LIMIT, 1e-30))
                expect(apart <= allowed, f"{name} {dtype} [{batch}, {samples}] {output}: {apart:.2e} from ours")
    return f"{worst:.1e}"


# ONNX files.


def check_again(work):
    """Files of other exporters, written anew: the same numbers for two clips each."""
    print()
    row("ONNX file", "nodes", "nodes written", "apart")
    row(*["---"] * 4)
    random = np.random.default_rng(5)
    for source in sorted([*root.glob("golden/onnx/*/model.onnx"), *root.glob("golden/audonnx/*/model.onnx")]):
        name, target = source.parent.name, work / "again.onnx"
        done = subprocess.run([assay, "convert", source, "-o", target, "--quiet"], capture_output=True, text=True)
        if done.returncode != 0:
            # Features that are no waveform are refused on reading already.
            expect("features other than the raw waveform" in done.stderr, f"{name}: {done.stderr}")
            continue
        onnx.checker.check_model(str(target), full_check=True)
        before, after = session(source), session(target)
        outputs = [o.name for o in before.get_outputs()]
        expect([o.name for o in after.get_outputs()] == outputs, f"{name}: other outputs")
        worst = 0.0
        for samples in (8000, 16001):
            fed = {}
            for value in before.get_inputs():
                shape = [n if isinstance(n, int) else 1 for n in value.shape]
                if shape and not isinstance(value.shape[-1], int):
                    shape[-1] = samples
                fed[value.name] = random.standard_normal(shape).astype(np.float32)
            for output, mine, theirs in zip(outputs, after.run(outputs, fed), before.run(outputs, fed)):
                apart, allowed = off(mine, theirs)
                worst = max(worst, apart / max(allowed / LIMIT, 1e-30))
                expect(apart <= allowed, f"{name} {output}: {apart:.2e} apart, {allowed:.2e} allowed")
        counts = [len(onnx.load(path, load_external_data=False).graph.node) for path in (source, target)]
        row(name, *counts, f"{worst:.1e}")


# Operators.


TYPES = {"float32": "F32", "int64": "I64", "int32": "I32", "bool": "BOOL"}
# What operator set 17 does not have, told when it is written.
REFUSED = (("Pad", {"mode": "wrap"}), ("ScatterND", {"reduction": "min"}), ("ScatterND", {"reduction": "max"}))
# What onnxruntime itself computes otherwise: products, powers and sums of integers that wrap around or go by way of
# doubles, and the largest of numbers among which one is none.
OTHERWISE = {
    "binary/pow-i64", "binary/pow-i32", "reduce/prod-i64-apart", "reduce/prod-i32-apart", "reduce/sum-i64-wraps",
    "reduce/sum-i32-wraps", "reduce/prod-i64-wraps", "reduce/prod-i32-wraps", "reduce/max-nan", "reduce/min-nan",
    "range/far",
}  # fmt: skip
ELEMENTWISE = ("Add", "Sub", "Mul", "Div")
ATTENTION = ("Attention", "AlibiAttention")


def open_axes(op, attributes, inputs):
    """Axes of the inputs whose lengths need not be known, each with a name; None where all are."""
    names = [f"axis{i}" for i in range(16)]
    shape = inputs[0].shape
    fixed = [list(x.shape) for x in inputs]
    if op == "Reshape":
        copied = [int(n[5:]) for n in attributes["shape"] if isinstance(n, str) and n != "rest"]
        return [[names[i] if i in copied else n for i, n in enumerate(shape)]]
    if op in ELEMENTWISE:
        return [[names[x.ndim - i] if n != 1 else 1 for i, n in enumerate(x.shape)] for x in inputs]
    if op in ATTENTION:
        first = [["batch", time, shape[2]] for time in ("time", "keys", "keys")]
        return first + [["batch"] if x.dtype == np.int64 else list(x.shape) for x in inputs[3:]]
    last = {"Linear": 1, "Conv": 1, "LayerNormalization": 1, "GroupNormalization": 1}.get(op)
    if last is None and len(inputs) > 1:
        return None
    last = last or 0
    return [names[: len(shape) - last] + list(shape[len(shape) - last :])] + fixed[1:]


def shares_of_limit(actual, expected, absolute):
    """The largest difference as a share of what is allowed: of each number, as they may lie far apart."""
    if actual.shape != expected.shape:
        return float("inf")
    same = (actual == expected) | (actual != actual) & (expected != expected)
    if expected.dtype != np.float32 or actual.dtype != expected.dtype:
        return 0.0 if actual.dtype == expected.dtype and same.all() else float("inf")
    with np.errstate(invalid="ignore"):
        allowed = max(absolute, 1e-6) + 1e-6 * np.abs(expected.astype(np.float64))
        shares = np.where(same, 0, np.abs(actual.astype(np.float64) - expected) / allowed)
    return float(np.nan_to_num(shares, nan=np.inf).max(initial=0))


def check_operators(work):
    import artifact_model

    cases = json.loads((root / "golden/operators/manifest.json").read_text())["cases"]
    kinds = {}
    for name, case in cases.items():
        tensors = load_file(root / f"golden/operators/{name}.safetensors")
        given = {key: tensors[key] for key in case["inputs"] if key}
        for how in ("weights", "fed", "open"):
            if how == "fed" and len(given) == 1:
                continue
            model = artifact_model.Model(system="wav2vec2")
            shapes = open_axes(case["op"], case["attributes"], list(given.values())) if how == "open" else None
            if how == "open" and shapes is None:
                continue
            fed = {}
            for place, (key, value) in enumerate(given.items()):
                dtype = TYPES[str(value.dtype)]
                if place == 0 or how == "fed" or how == "open" and case["op"] in (*ELEMENTWISE, *ATTENTION):
                    model.input(key, dtype, shapes[place] if shapes else list(value.shape))
                    fed[key] = value
                else:
                    model.constant(key, values=value, dtype=dtype)
            inputs = case["inputs"][: max(i for i, key in enumerate(case["inputs"]) if key) + 1]
            model.node(case["op"], *inputs, name="node", **case["attributes"])
            model.output("result", "node")
            (work / "operator.assay").write_bytes(model.file().build().data)
            refused = any(case["op"] == op and some.items() <= case["attributes"].items() for op, some in REFUSED)
            arguments = [assay, "convert", work / "operator.assay", "-o", work / "operator.onnx", "--quiet"]
            done = subprocess.run(arguments, capture_output=True, text=True)
            expect(done.returncode == (2 if refused else 0), f"{name}, {how}: {done.stderr}")
            if done.returncode != 0:
                continue
            onnx.checker.check_model(str(work / "operator.onnx"), full_check=True)
            for optimized in (True, False):
                try:
                    result = session(work / "operator.onnx", optimized).run(["result"], fed)[0]
                except Exception as problem:
                    expect(False, f"{name}, {how}: {str(problem)[:200]}")
                    break
                shares = shares_of_limit(result, tensors["expected"], case["absolute"])
                if name in OTHERWISE:
                    expect(shares > 1, f"{name}: onnxruntime computes this as PyTorch does now")
                    continue
                count, worst = kinds.get(case["op"], (0, 0.0))
                kinds[case["op"]] = (count + 1, max(worst, shares))
                expect(shares <= 1, f"{name}, {how}: {shares:.2f} times what is allowed")
    print()
    row("operator", "runs", "from PyTorch, as a share of what is allowed")
    row(*["---"] * 3)
    for op, (count, worst) in kinds.items():
        row(op, count, f"{worst:.2f}")


main()
