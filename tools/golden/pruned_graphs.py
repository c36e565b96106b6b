"""What a pruned ONNX file has to be: valid, without dead parts, of the source's numbers, and right in onnxruntime."""

import hashlib
import json

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from safetensors.numpy import load_file


def check(path, goldens, source):
    """Problems, and what to show. `source` is the ONNX file it was cut from, or None where it was exported."""
    onnxruntime.set_default_logger_severity(3)
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    problems = dead_parts(model)
    if source is not None:
        problems += unlike_source(model, onnx.load(source))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs, worst = [output.name for output in session.get_outputs()], 0.0
    for name, feed, expected, allowed in cases(goldens, session.get_inputs()[0].name):
        if set(expected) - set(outputs):
            # An export from a checkpoint has no `scores` that the file does not name.
            problems.append(f"{name}: no outputs {sorted(set(expected) - set(outputs))}")
            continue
        for key, values in zip(expected, session.run(list(expected), feed)):
            apart = float(np.abs(values - expected[key]).max()) if values.shape == expected[key].shape else float("inf")
            worst = max(worst, apart)
            if not apart <= allowed:
                problems.append(f"{name} {key}: {apart:.1e} from the surgery in PyTorch")
    return problems, f"{len(model.graph.node)} nodes, outputs {worst:.1e} apart"


def dead_parts(model):
    graph = model.graph
    used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    problems = [f"the initializer {tensor.name} is used by nothing" for tensor in graph.initializer if tensor.name not in used]
    for node in graph.node:
        if not used & set(node.output):
            problems.append(f"{node.op_type} {node.name}: no result is used")
    return problems


def numbers(model):
    """Digests of weights: initializers, and constants of a node that are as large."""
    held = [*model.graph.initializer]
    return {hashlib.sha256(numpy_helper.to_array(tensor).tobytes()).hexdigest(): tensor.name for tensor in held}


def unlike_source(model, source):
    problems, before = [], numbers(source)
    # Of a weighted sum the weights are made anew: [states, 1, 1].
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        weights = array.ndim == 3 and array.shape[1:] == (1, 1) and abs(array.sum() - 1) < 1e-5
        if not weights and hashlib.sha256(array.tobytes()).hexdigest() not in before:
            problems.append(f"the initializer {tensor.name} holds other numbers than any of the source")

    def signature(values):
        return [(v.name, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]) for v in values]

    for what in ("input", "output"):
        if signature(getattr(model.graph, what)) != signature(getattr(source.graph, what)):
            problems.append(f"the graph's {what}s changed")
    if list(model.opset_import) != list(source.opset_import) or model.ir_version != source.ir_version:
        problems.append("another operator set or version")
    if len(model.graph.node) >= len(source.graph.node) or len(model.graph.initializer) >= len(source.graph.initializer):
        problems.append("not less than the source")
    return problems


def cases(folder, input):
    for path in sorted(folder.glob("*.golden.json")):
        case = json.loads(path.read_text())
        if case["input"]["kind"] == "graph":
            feed = {name: load_file(folder / at["file"])[at["tensor"]] for name, at in case["input"]["tensors"].items()}
        else:  # of a checkpoint: preprocessed as the models of these systems are
            samples = load_file(folder / case["input"]["file"])[case["input"]["tensor"]]
            if case["system"] != "wav2vec2-classification":  # superb's takes the waveform as it is
                samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
            feed = {input: samples.astype(np.float32)[None]}
        expected = {}
        for key, value in case["expected"].items():
            if not key.startswith("layer."):
                stored = "file" in value
                array = load_file(folder / value["file"])[value["tensor"]] if stored else np.array(value["values"], np.float32)
                expected[key] = array if stored else array.reshape(value["shape"])
        yield case["name"], feed, expected, case["tolerance"]["absolute"]
