"""Exports by PyTorch's two exporters, as files that hold nothing of the machine they were made on."""

import collections
import logging
import re
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import onnx
import torch

LENGTH_OF_TRACE = 16000


def export(model, path, *, exporter, opset, inputs, outputs, axes=("time",), output_axes=(), external=False):
    """Writes and returns `path` (and its .data where `external`) of the opset asked for. `axes` names the axes of the
    input that are left open: the last, or both."""
    # The dynamo exporter takes an axis of length 1 for closed; FunASR traces with one clip.
    example = torch.randn(
        2 if exporter == "dynamo" and len(axes) == 2 else 1,
        LENGTH_OF_TRACE,
        generator=torch.Generator().manual_seed(0),
    )
    axes = {2 - len(axes) + position: name for position, name in enumerate(axes)}
    options = {"opset_version": opset, "input_names": list(inputs), "output_names": list(outputs)}
    if exporter == "torchscript":
        named = {inputs[0]: axes} | {name: dict(enumerate(output_axes)) for name in outputs if output_axes}
        options |= {"dynamo": False, "dynamic_axes": named}
    else:
        options |= {"dynamo": True, "dynamic_shapes": (axes,), "external_data": external, "verbose": False}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        written = Path(temporary) / "model.onnx"
        torch.onnx.export(model, (example,), written, **options)
        made = onnx.load(written, load_external_data=False)
        without_paths(made)
        path.write_bytes(made.SerializeToString(deterministic=True))
        data = Path(str(written) + ".data")
        if data.exists():
            shutil.copyfile(data, str(path) + ".data")
        if data.exists() != external:
            raise SystemExit(f"{path}: {'no ' if external else ''}external data")
    onnx.checker.check_model(str(path))
    found = [(entry.domain, entry.version) for entry in made.opset_import]
    if found != [("", opset)]:
        raise SystemExit(f"{path}: asked for opset {opset}, got {found}")
    return made


def without_paths(model):
    """The dynamo exporter notes where each node stands in the Python sources, and functions by their address; keeps
    that without the folders before, and without addresses."""
    libraries = {Path(torch.__file__).parents[1], Path(logging.__file__).parents[1], Path(__file__).parents[2]}
    prefixes = re.compile("|".join(re.escape(f"{folder}/") for folder in sorted(libraries, key=lambda f: -len(str(f)))))
    for node in model.graph.node:
        for entry in node.metadata_props:
            entry.value = re.sub(r" at 0x[0-9a-f]+>", ">", prefixes.sub("", entry.value))
    everything = model.SerializeToString()
    for folder in libraries | {Path.home(), Path(sys.prefix), Path(sys.base_prefix)}:
        if f"{folder}/".encode() in everything:
            raise SystemExit(f"a path of this machine stays in the file: {folder}")


def number_names(model):
    """Names as PyTorch gave them before 1.13: nodes OPERATOR_COUNT, values a number; parameters keep theirs."""
    graph = model.graph
    kept = {value.name for value in [*graph.input, *graph.output]}
    kept |= {tensor.name for tensor in graph.initializer if not tensor.name.startswith("onnx::")}
    names = {name: name for name in kept}

    def number(name):
        return names.setdefault(name, str(100 + len(names))) if name else name

    for count, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{count}"
        node.input[:] = [number(name) for name in node.input]
        node.output[:] = [number(name) for name in node.output]
    for entry in [*graph.initializer, *graph.value_info]:
        entry.name = number(entry.name)
    return model


def node_counts(model):
    return dict(collections.Counter(node.op_type for node in model.graph.node).most_common())
