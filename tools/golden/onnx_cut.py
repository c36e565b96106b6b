"""Cutting transformer layers from an ONNX file with the onnx package, by the scope names that PyTorch's exporters leave."""

import re

import numpy as np
import onnx
from onnx import numpy_helper

SCOPES = (
    # TorchScript's node names, dynamo's list of scopes.
    re.compile(r"^(?:.*/)?encoder/layers\.(\d+)(?:/|$)(.*)"),
    re.compile(r"^(?:.*\.)?encoder\.layers\.(\d+)(?:\.|$)(.*)"),
)
PRENET = re.compile(r"^/(?:.*/)?context_encoder/blocks\.(\d+)/(.*)")
MAIN = re.compile(r"^/blocks\.(\d+)/(.*)")


def scope(node):
    """(row of names, layer in it, place inside the layer) of a node, or None."""
    scopes = [entry.value for entry in node.metadata_props if entry.key == "pkg.torch.onnx.name_scopes"]
    names = [node.name]
    if scopes:
        listed = re.findall(r"'([^']*)'", scopes[0])
        names = listed[-2:-1]  # the last is the node itself
    for name in names:
        for row, pattern in enumerate((PRENET, MAIN)):
            found = pattern.match(name)
            if found:
                return row, int(found[1]), found[2]
        for pattern in SCOPES:
            found = pattern.match(name)
            if found:
                place = re.sub(r"_\d+$", "", found[2])
                return 0, int(found[1]), place
    return None


def layers_of(graph):
    """[[node] of each layer], prenet first."""
    rows = {}
    for node in graph.node:
        found = scope(node)
        if found:
            rows.setdefault(found[:2], []).append(node)
    return [rows[key] for key in sorted(rows)]


def states(graph, layers):
    """What enters the first layer, and what leaves each."""
    leaving = [next(value for value in layer[-1].output) for layer in layers]

    def uses(layer, value):
        counts = {}
        for node in layer:
            key = (node.op_type, scope(node)[2])
            counts[key] = counts.get(key, -1) + 1
            for place, name in enumerate(node.input):
                if value is None or name == value:
                    yield (*key, counts[key], place), name

    second = {key for key, _ in uses(layers[1], leaving[0])}
    entering = {name for key, name in uses(layers[0], None) if key in second}
    if len(entering) != 1:
        raise SystemExit(f"what enters the first layer is one of {sorted(entering)}")
    return [entering.pop(), *leaving]


def cut(model, kept):
    """Keeps these layers of a model in memory; what nothing needs any more is removed."""
    graph = model.graph
    layers = layers_of(graph)
    values = states(graph, layers)
    inside = {id(node) for layer in layers for node in layer}
    previous = 0
    for layer in kept:
        redirect(layers[layer], values[layer], values[previous])
        previous = layer + 1
    outside = [node for node in graph.node if id(node) not in inside]
    stays = {values[0], *(values[layer + 1] for layer in kept)}
    if not weighted_sum(graph, outside, values, stays):
        redirect(outside, values[-1], values[previous])
    for output in graph.output:
        if output.name == values[-1]:
            raise SystemExit("a layer's state is an output of the graph")
    remove_dead(graph)
    return model


def redirect(nodes, old, new):
    for node in nodes:
        for place, name in enumerate(node.input):
            if name == old:
                node.input[place] = new


def weighted_sum(graph, outside, values, stays):
    """Unsqueeze of every state, Concat, Mul by softmax(layer_weights) as a constant: keeps entries of the states that stay."""
    made = {output: node for node in graph.node for output in node.output}
    for node in outside:
        if node.op_type != "Concat" or len(node.input) != len(values):
            continue
        of = [made[name].input[0] for name in node.input]
        if of != values:
            continue
        entries = [i for i, value in enumerate(of) if value in stays]
        inputs = [node.input[i] for i in entries]
        del node.input[:]
        node.input.extend(inputs)
        product = next(user for user in graph.node if node.output[0] in user.input)
        constants = {tensor.name: tensor for tensor in graph.initializer}
        for name in product.input:
            holder = constants.get(name)
            if holder is None and name in made and made[name].op_type == "Constant":
                holder = made[name].attribute[0].t
            if holder is not None:
                weights = numpy_helper.to_array(holder)[entries]
                weights = (weights / weights.astype(np.float64).sum()).astype(np.float32)
                named = holder.name
                holder.CopyFrom(numpy_helper.from_array(weights, named))
                del graph.value_info[:]  # shapes with the number of states in them
                return True
        raise SystemExit("a weighted sum without constant weights")
    return False


def remove_dead(graph):
    """Nodes, initializers and notes on values that no output needs."""
    needed, alive = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if any(output in needed for output in node.output):
            alive.append(node)
            needed.update(node.input)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in reversed(alive)]
    del graph.node[:]
    graph.node.extend(nodes)
    for entries in (graph.initializer, graph.value_info):
        for i in reversed(range(len(entries))):
            if entries[i].name not in needed:
                del entries[i]
