"""Makes golden/onnx: tiny models as PyTorch's own exporters write them, and what onnxruntime computes with the files.

    $(tools/golden/setup) tools/golden/make_onnx_models.py [NAME...]

Without names, all of them and the checkpoints that they were made from. emotion2vec's need FunASR, which
`tools/golden/setup --core` leaves out; without it what is there stays. Each folder's manifest.json says how far PyTorch
is from onnxruntime.
"""

import copy
import importlib.util
import json
import logging
import shutil
import sys
import zlib
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Callable

import numpy as np
import onnxruntime
import torch
import transformers

from cases import CaseFolder, save_arrays, versions
from mutations import sensitivities
from onnx_exports import export, node_counts, number_names
from onnx_networks import SEED, SpeechBrainLike, audeering, emotion2vec, old_audeering, superb, write_checkpoints

LENGTHS = (400, 719, 5431, 16000, 24321)  # the shortest clip, the longest of one frame, and what no stride divides
BATCHES = ((2, 400), (3, 5431))
AGREEMENT = 6e-6
TOLERANCE = {
    "absolute": 1e-5,
    "relative": 0,
    "reason": f"PyTorch differs from onnxruntime by less than {AGREEMENT:g} here, and other backends by about as much",
}
golden = Path(__file__).resolve().parents[2] / "golden" / "onnx"


@dataclass(frozen=True)
class Export:
    """One file: which network, by which exporter."""

    make: Callable
    exporter: str
    opset: int
    outputs: tuple = ("hidden_states", "logits")
    input: str = "signal"
    checkpoint: str = "audeering-checkpoint"
    axes: tuple = ("time",)  # what the last axes of the input are called; all but these are 1
    output_axes: tuple = ()  # names for the output's first axes, where the exporter is told
    external: bool = False
    normalises: bool = False  # the graph does, so the clips are quiet and off zero
    rename: bool = False


def listed():
    eager, sdpa = (lambda attention: lambda: audeering(attention))("eager"), lambda: audeering("sdpa")
    exports = {f"audeering-ts{opset}-eager": Export(eager, "torchscript", opset) for opset in (12, 13, 14, 17, 18, 20)}
    exports |= {f"audeering-ts{opset}-sdpa": Export(sdpa, "torchscript", opset) for opset in (14, 20)}
    exports |= {f"audeering-dynamo{opset}": Export(sdpa, "dynamo", opset) for opset in (18, 20, 23)}
    exports["audeering-dynamo20-eager"] = Export(eager, "dynamo", 20)
    exports["audeering-dynamo20-external"] = Export(sdpa, "dynamo", 20, external=True)
    exports["audeering-batch-ts17"] = Export(eager, "torchscript", 17, axes=("batch", "time"))
    exports["audeering-batch-dynamo20"] = Export(sdpa, "dynamo", 20, axes=("batch", "time"))
    exports["wav2vec2-old"] = Export(old_audeering, "torchscript", 12, rename=True)
    weighted = {"outputs": ("logits",), "checkpoint": "superb-checkpoint"}
    exports["superb-ts12"] = Export(lambda: superb("eager"), "torchscript", 12, **weighted)
    for opset in (17, 20):
        exports[f"superb-ts{opset}"] = Export(lambda: superb("sdpa"), "torchscript", opset, **weighted)
    for opset in (20, 23):
        exports[f"superb-dynamo{opset}"] = Export(lambda: superb("sdpa"), "dynamo", opset, **weighted)
    exports["speechbrain-dynamo20"] = Export(
        SpeechBrainLike, "dynamo", 20, checkpoint="speechbrain-checkpoint", normalises=True
    )
    open_axes = ("batch_size", "sequence_length")
    by_funasr = partial(
        Export,
        emotion2vec,
        outputs=("output",),
        input="input",
        checkpoint="emotion2vec-checkpoint",
        axes=open_axes,
        normalises=True,
    )
    # Names as FunASR gives them: of the input `sequence_length` counts samples, of the output frames.
    exports["emotion2vec-ts14"] = by_funasr("torchscript", 14, output_axes=open_axes)
    exports["emotion2vec-dynamo20"] = by_funasr("dynamo", 20)
    return exports


def clip(batch, samples, quiet):
    """Noise: as if normalised, or quiet and off zero, so that the mean and the epsilon of a norm inside count."""
    level, offset = (0.05, 0.01) if quiet else (1.0, 0.0)
    random = np.random.RandomState(zlib.crc32(f"{SEED} {batch} {samples}".encode()))
    return torch.from_numpy((level * random.standard_normal((batch, samples)) + offset).astype(np.float32))


def clips(entry):
    shapes = [(1, samples) for samples in LENGTHS] + (list(BATCHES) if len(entry.axes) == 2 else [])
    names = [f"samples-{samples}" if batch == 1 else f"batch-{batch}x{samples}" for batch, samples in shapes]
    return {name: clip(*shape, entry.normalises) for name, shape in zip(names, shapes)}


def session(path, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.intra_op_num_threads = level, 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compute(model, waveform):
    """What PyTorch says, of a network that was not called before (FunASR's keeps its position biases)."""
    with torch.no_grad():
        outputs = copy.deepcopy(model)(waveform)
    return [output.float() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]


def make_export(name, entry):
    logging.disable(logging.INFO)  # FunASR turns every library's notes on
    folder = golden / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "goldens").mkdir(parents=True)
    model, path = entry.make(), folder / "model.onnx"
    made = export(
        copy.deepcopy(model),
        path,
        exporter=entry.exporter,
        opset=entry.opset,
        inputs=(entry.input,),
        outputs=entry.outputs,
        axes=entry.axes,
        output_axes=entry.output_axes,
        external=entry.external,
    )
    if entry.rename:
        path.write_bytes(number_names(made).SerializeToString(deterministic=True))
    made_by = {"torchscript": "TorchScript", "dynamo": "dynamo"}[entry.exporter]
    cases = CaseFolder(
        folder / "goldens",
        "onnx",
        TOLERANCE,
        None,
        f"onnxruntime {onnxruntime.__version__} (CPU, nothing optimised) on what the {made_by} exporter of torch "
        f"{version('torch')} made at opset {entry.opset}, random weights",
        arrays="expected.safetensors",
    )
    levels = onnxruntime.GraphOptimizationLevel
    plain, optimised = session(path, levels.ORT_DISABLE_ALL), session(path, levels.ORT_ENABLE_ALL)
    precise = None if name.startswith("emotion2vec") else copy.deepcopy(model).double()  # FunASR computes in float32
    apart, waveforms = {}, clips(entry)
    for case, waveform in waveforms.items():
        feed = {entry.input: waveform.numpy()}
        expected = [torch.from_numpy(array) for array in plain.run(list(entry.outputs), feed)]
        others = {"PyTorch": compute(model, waveform)}
        if precise is not None:
            others["PyTorch in float64"] = compute(precise, waveform.double())
        others["onnxruntime, optimising"] = [torch.from_numpy(a) for a in optimised.run(list(entry.outputs), feed)]
        apart[case] = {who: farthest(values, expected) for who, values in others.items()}
        if apart[case]["PyTorch"] > AGREEMENT:
            print(f"{name} {case}: PyTorch is farther off than the tolerance's reason says: {apart[case]}", file=sys.stderr)
        input = {"kind": "graph", "tensors": {entry.input: {"file": "inputs.safetensors", "tensor": case}}}
        cases.add(case, input, dict(zip(entry.outputs, expected)), entry.outputs)
    cases.write()
    if not cases.tensors:
        (folder / "goldens" / cases.arrays).unlink()
    # Apart from the expected values: the same bytes in all folders of one kind.
    save_arrays(waveforms, folder / "goldens" / "inputs.safetensors")
    manifest = {
        "command": f"$(tools/golden/setup) tools/golden/make_onnx_models.py {name}",
        "checkpoint": entry.checkpoint,
        "exporter": made_by,
        "opset": entry.opset,
        "ir": made.ir_version,
        "producer": f"{made.producer_name} {made.producer_version}",
        "seed": SEED,
        "versions": versions("torch", "transformers", "onnx", "onnxscript", "onnxruntime"),
        "largest difference from the expected values": apart,
        "nodes": len(made.graph.node),
        "operators": node_counts(made),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    worst = max(case["PyTorch"] for case in apart.values())
    print(f"{name}: {len(made.graph.node)} nodes, {path.stat().st_size:,} bytes, PyTorch within {worst:g}")


def farthest(values, expected):
    for value, other in zip(values, expected, strict=True):
        if value.shape != other.shape:
            raise SystemExit(f"shapes {tuple(value.shape)} and {tuple(other.shape)}")
    return float(f"{max((value - other).abs().max().item() for value, other in zip(values, expected)):.0e}")


def report_sensitivities():
    """A mistake that no output shows would make these goldens worth little."""
    moved = sensitivities(audeering("eager"), clip(1, 5431, False), "logits")
    weak = {mistake: change for mistake, change in moved.items() if change < 10 * TOLERANCE["absolute"]}
    if weak:
        print(f"audeering: hardly seen in logits: {weak}", file=sys.stderr)


def main():
    torch.set_num_threads(1)  # another number of threads moves the last bits
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    exports, with_emotion2vec = listed(), importlib.util.find_spec("funasr") is not None
    unknown = set(sys.argv[1:]) - set(exports)
    if unknown:
        raise SystemExit(f"no export is called {', '.join(sorted(unknown))}; there are {', '.join(exports)}")
    if len(sys.argv) == 1:
        write_checkpoints(golden, with_emotion2vec)
        report_sensitivities()
    for name in sys.argv[1:] or exports:
        if name.startswith("emotion2vec") and not with_emotion2vec:
            print(f"{name}: skipped, FunASR is not installed", file=sys.stderr)
            continue
        make_export(name, exports[name])


main()
