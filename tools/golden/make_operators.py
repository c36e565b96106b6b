"""Makes golden/operators: inputs and outputs of every operator of the graph, from real PyTorch.

Expected values are PyTorch's results in float64 rounded once to float32, so that a difference is our own error and not
the sum of two; operators that round once per number (arithmetic, relu, square root, slices) are compared bit by bit.
What computes in integers and truth values too is in `typed_operators.py`. `manifest.json` names each case's operator,
attributes, inputs in order, tolerance and its reason; `torch float32` says how far PyTorch's own float32 is from the
expected values.
"""

import zlib
from pathlib import Path

import torch
from torch.nn import functional as F

import typed_operators
from cases import save_arrays, versions, write_json

folder = Path(__file__).resolve().parents[2] / "golden" / "operators"
ULP = 2.0**-23
EXACT = (0, 0, "each number is rounded once: the same bits")
manifest = {}


def random(name, *shape, gain=1.0):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    return gain * torch.randn(shape, generator=generator)


def case(name, op, attributes, inputs, function, tolerance):
    """`inputs` in the operator's order, None where one is left out; `function` works in whatever type it gets."""
    expected = function(*[x if x is None else x.double() for x in inputs]).float()
    single = function(*inputs)
    names = store(name, inputs, expected)
    finite = expected.isfinite() & single.isfinite()
    off = (single - expected)[finite].abs().max().item() if finite.any() else 0
    if callable(tolerance):
        tolerance = tolerance(expected)
    absolute, relative, reason = tolerance
    manifest[name] = {
        "op": op, "attributes": attributes, "inputs": names, "absolute": float(f"{absolute:.2g}"),
        "relative": float(f"{relative:.2g}"), "reason": reason, "torch float32": float(f"{off:.1g}"),
    }


def exact(name, op, attributes, inputs, function):
    """Elements that are moved, asked or computed in their own type, whatever it is."""
    names = store(name, inputs, function(*[x for x in inputs if x is not None]))
    reason = "computed in the elements' own type: the same bits"
    manifest[name] = {
        "op": op, "attributes": attributes, "inputs": names, "absolute": 0.0, "relative": 0.0, "reason": reason,
    }


def store(name, inputs, expected):
    """The names of the inputs in the file, None where one is left out."""
    assert name not in manifest, name
    names = [None if x is None else f"input.{i}" for i, x in enumerate(inputs)]
    given = {n: x.contiguous().clone() for n, x in zip(names, inputs) if n}
    path = folder / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_arrays(given | {"expected": expected.contiguous().clone()}, path)
    return names


def sums(terms, magnitude):
    """Errors of a sum of `terms` products grow like their root; `magnitude` is the sum of their absolute values."""
    bound = terms**0.5 * ULP * magnitude.abs().max().item()
    return bound, 0, f"two roundings of the sum of absolute values, times the root of {terms} terms"


def linear():
    def add(name, *shape, outputs, bias):
        x, w = random(name, *shape), random(name + "w", outputs, shape[-1])
        b = random(name + "b", outputs) if bias else None
        tolerance = sums(shape[-1], F.linear(x.abs(), w.abs(), b if b is None else b.abs()))
        case(f"linear/{name}", "Linear", {}, [x, w, b], F.linear, tolerance)

    add("vector", 5, outputs=3, bias=True)
    add("matrix", 7, 19, outputs=33, bias=True)
    add("matrix-no-bias", 7, 19, outputs=33, bias=False)
    add("batch", 2, 9, 24, outputs=17, bias=True)
    add("one-by-one", 1, 1, 1, outputs=1, bias=True)
    add("many-rows", 1, 50, 12, outputs=5, bias=True)


def conv():
    def add(name, time, channels, outputs, kernel, stride=1, before=0, after=0, dilation=1, groups=1, bias=True, batch=1):
        x, w = random(name, batch, time, channels), random(name + "w", outputs, channels // groups, kernel)
        b = random(name + "b", outputs) if bias else None

        def function(x, w, b):
            y = F.conv1d(F.pad(x.transpose(1, 2), (before, after)), w, b, stride, 0, dilation, groups)
            return y.transpose(1, 2)

        tolerance = sums(kernel * channels // groups, function(x.abs(), w.abs(), b if b is None else b.abs()))
        attributes = {"stride": stride, "padding": [before, after], "dilation": dilation, "groups": groups}
        case(f"conv/{name}", "Conv", attributes, [x, w, b], function, tolerance)

    add("first-layer", 83, 1, 6, 10, stride=5)
    add("stride-two-odd", 21, 8, 5, 3, stride=2, batch=2)
    add("stride-two-even", 20, 8, 5, 2, stride=2, bias=False)
    add("remainder-dropped", 22, 3, 4, 3, stride=4)
    add("kernel-over-three-strides", 30, 4, 6, 9, stride=2)
    add("kernel-of-three-strides", 30, 4, 6, 6, stride=2)
    add("one-frame", 4, 6, 5, 4, stride=2)
    add("pointwise", 11, 6, 7, 1)
    add("padding-odd-kernel", 17, 6, 6, 5, before=2, after=2)
    add("padding-even-kernel", 17, 6, 6, 8, before=4, after=4)
    add("padding-one-sided", 9, 3, 4, 4, before=3)
    add("padding-longer-than-input", 2, 3, 4, 9, before=5, after=6)
    add("dilation", 25, 4, 3, 3, dilation=4, before=1)
    add("dilation-stride", 40, 4, 3, 3, dilation=3, stride=2)
    add("groups", 12, 8, 12, 3, groups=4, before=1, after=1, batch=2)
    add("depthwise", 14, 6, 6, 4, groups=6, stride=3, bias=False)
    add("positional", 70, 32, 32, 16, groups=16, before=8, after=8)


def attention():
    def add(name, time, keys, width, heads, gain=1.0, batch=1, counts=None, prefix=None):
        q = random(name + "q", batch, time, width, gain=gain)
        k, v = random(name + "k", batch, keys, width), random(name + "v", batch, keys, width)
        scale = float(torch.tensor((width // heads) ** -0.5))

        slopes = None if prefix is None else random(name + "s", heads).abs()
        counts = None if counts is None else torch.tensor(counts)

        def function(q, k, v, *rest):
            split = [x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (q, k, v)]
            mask = torch.zeros(batch, heads, time, keys, dtype=q.dtype)
            if slopes is not None:
                distances = (torch.arange(time)[:, None] - torch.arange(keys)).abs().to(q.dtype)
                distances[:prefix], distances[:, :prefix] = 0, 0
                mask -= rest[0][:, None, None] * distances
            for row, count in enumerate([] if counts is None else counts):
                mask[row, :, :, count:] = -torch.inf
            return F.scaled_dot_product_attention(*split, mask, scale=scale).transpose(1, 2).flatten(2)

        # A score off by d changes a weight by the factor e^d.
        depth = width // heads
        products = [x.abs().unflatten(2, (heads, depth)).transpose(1, 2) for x in (q, k)]
        score = 2 * ULP * scale * (products[0] @ products[1].transpose(2, 3)).max().item()
        bound = 2 * score + 2 * keys**0.5 * ULP
        reason = "scores off by two roundings of their terms' sum, then a sum over the keys"
        if slopes is not None:
            bound += 4 * ULP * slopes.max().item() * max(time, keys)
        op, own = ("Attention", {}) if prefix is None else ("AlibiAttention", {"prefix": prefix})
        rest = [x for x in (slopes, counts) if x is not None]
        case(f"attention/{name}", op, {"heads": heads, "scale": scale} | own, [q, k, v, *rest], function,
             (bound * v.abs().max().item(), 0, reason))

    add("one-head", 6, 6, 8, 1)
    add("four-heads", 13, 13, 32, 4, batch=2)
    add("one-frame", 1, 1, 8, 2)
    add("fewer-keys", 10, 3, 12, 3)
    add("more-keys", 3, 140, 8, 2)
    add("several-blocks", 300, 300, 8, 2)
    add("whole-blocks", 256, 40, 4, 1)
    add("peaky", 9, 21, 16, 2, gain=60)
    add("counts", 7, 7, 12, 3, batch=3, counts=[7, 1, 4])
    add("counts-blocks", 40, 1100, 8, 2, batch=2, counts=[1100, 1030])
    add("alibi", 21, 21, 12, 3, prefix=0)
    add("alibi-prefix", 37, 37, 16, 4, batch=2, prefix=10)
    add("alibi-long-prefix", 5, 9, 8, 2, prefix=12)
    add("alibi-blocks", 300, 1300, 8, 2, prefix=10)
    add("alibi-counts", 33, 33, 12, 3, batch=2, prefix=10, counts=[33, 14])


def normalization():
    def layer(name, x, epsilon, scale=True, bias=True, tolerance=None):
        width = x.shape[-1]
        w = 1 + 0.3 * random(name + "w", width) if scale else None
        b = random(name + "b", width) if bias else None
        epsilon = float(torch.tensor(epsilon))
        function = lambda x, w, b: F.layer_norm(x, (width,), w, b, epsilon)
        tolerance = tolerance or (lambda y: (8 * ULP * y.abs().max().item(), 0, "a handful of roundings of the largest value"))
        case(f"layer-normalization/{name}", "LayerNormalization", {"epsilon": epsilon}, [x, w, b], function, tolerance)

    layer("affine", random("affine", 2, 5, 48), 1e-5)
    layer("no-affine", random("no-affine", 2, 5, 48), 1e-5, scale=False, bias=False)
    layer("scale-only", random("scale-only", 4, 19), 1e-5, bias=False)
    layer("bias-only", random("bias-only", 4, 19), 1e-5, scale=False)
    layer("narrow", random("narrow", 3, 1), 1e-5)
    layer("epsilon-counts", 1e-3 * random("epsilon-counts", 4, 33), 1e-5)
    layer("epsilon-large", random("epsilon-large", 4, 33), 0.5)
    layer("epsilon-zero", random("epsilon-zero", 4, 33), 0.0)
    offset = 100.0
    shifted = offset + random("offset", 4, 64)
    layer("offset", shifted, 1e-5, tolerance=lambda y: (4 * ULP * offset / shifted.std().item(), 0, "the mean is rounded to a float near 100"))
    constant = torch.tensor([[3.7], [-0.1], [0.0], [2.5]]).expand(4, 40).contiguous()
    layer("constant-rows", constant, 1e-5, tolerance=lambda y: (4 * ULP * 1e-5**-0.5, 0, "the mean of equal numbers may be off by a rounding, and epsilon is all that divides it"))
    layer("constant-zero", torch.zeros(3, 40), 1e-5, tolerance=EXACT)

    def group(name, batch, time, channels, groups, epsilon=1e-5, scale=True, bias=True, gain=1.0):
        x = random(name, batch, time, channels, gain=gain) + gain * torch.arange(channels) / channels
        w = 1 + 0.3 * random(name + "w", channels) if scale else None
        b = random(name + "b", channels) if bias else None
        epsilon = float(torch.tensor(epsilon))
        function = lambda x, w, b: F.group_norm(x.transpose(1, 2), groups, w, b, epsilon).transpose(1, 2)
        case(f"group-normalization/{name}", "GroupNormalization", {"groups": groups, "epsilon": epsilon}, [x, w, b],
             function, lambda y: (8 * ULP * y.abs().max().item(), 0, "a handful of roundings of the largest value"))

    group("one-group", 1, 30, 12, 1)
    group("some-groups", 2, 17, 12, 3)
    group("each-channel", 2, 40, 10, 10)
    group("no-affine", 1, 25, 8, 4, scale=False, bias=False)
    group("bias-only", 1, 25, 8, 4, scale=False)
    group("one-frame", 1, 1, 8, 2)
    group("epsilon-counts", 1, 20, 6, 2, gain=1e-3)
    group("wide", 1, 6, 96, 32)


def elementwise():
    special = [0.0, -0.0, float("inf"), float("nan"), 1e-45, -1e-45, 1e-38, -1e-38, 1e-7, -1e-7, 5.9, -5.9, 6.0, -6.0,
               6.1, -6.1, 10.0, -10.0, 50.0, -50.0, 1e10, -1e10, 1e30, -1e30]
    x = torch.cat([torch.tensor(special), torch.linspace(-8, 8, 1001), random("gelu", 100, gain=0.01)])
    gelu = (4e-7, 2.5 * ULP, "the bound that Activations.swift states, absolute for negative and relative for positive numbers")
    case("gelu/none", "Gelu", {"approximate": "none"}, [x], lambda x: F.gelu(x), gelu)
    # Above 1e12 the cube overflows in float32, as it does in PyTorch.
    smaller = x[~(x.abs() > 1e12) | x.isinf()]
    case("gelu/tanh", "Gelu", {"approximate": "tanh"}, [smaller], lambda x: F.gelu(x, approximate="tanh"),
         (5e-7, 2.5 * ULP, "1 + tanh loses digits where tanh is near -1: a rounding of 1, times x"))
    minus = torch.tensor([-float("inf"), -88.0, -100.0])
    x = torch.cat([x, minus, random("unary", 300, gain=5)])
    case("unary/relu", "Relu", {}, [x], torch.relu, EXACT)
    case("unary/square-root", "Sqrt", {}, [x], torch.sqrt, EXACT)
    case("unary/tanh", "Tanh", {}, [x], torch.tanh, (0, 2 * ULP, "the C library's tanhf is within 2 ulp"))
    case("unary/sigmoid", "Sigmoid", {}, [x], torch.sigmoid,
         (1.2e-38, 3 * ULP, "expf within 1 ulp, two roundings; e^-x overflows below -88, where the value is below 1.2e-38"))

    shapes = {
        "same": ((2, 5, 7), (2, 5, 7)), "row": ((2, 5, 7), (7,)), "rows": ((2, 5, 7), (5, 7)), "scalar": ((2, 5, 7), ()),
        "scalar-axis": ((2, 5, 7), (1,)), "scalar-axes": ((2, 5, 7), (1, 1, 1)), "leading": ((2, 5, 7), (2, 1, 1)),
        "middle": ((2, 5, 7), (1, 5, 1)), "two-of-three": ((2, 5, 7), (2, 1, 7)), "left-scalar": ((), (3, 4)),
        "left-row": ((7,), (2, 5, 7)), "left-leading": ((2, 1, 1), (2, 5, 7)), "left-middle": ((5, 1), (2, 5, 7)),
        "both": ((4, 1, 3), (1, 5, 1)), "both-outer": ((6, 1), (1, 9)), "scalars": ((), ()), "taps": ((6, 4, 3), (1, 1, 3)),
        "lower-rank-same": ((1, 7), (7,)), "ones": ((1, 1), (1,)), "last-axis": ((3, 4), (3, 1)),
    }
    functions = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div}
    for index, (form, (left, right)) in enumerate(shapes.items()):
        # All four for some forms, one of those that tell left from right for the others.
        one = ("Sub", "Div")[index % 2]
        form_functions = functions if index % 4 == 0 else {one: functions[one]}
        for op, function in form_functions.items():
            name = f"{op.lower()}-{form}"
            # In float64 a result would be rounded twice.
            case(f"binary/{name}", op, {}, [random(name + "a", *left), random(name + "b", *right)],
                 lambda a, b, f=function: f(a.float(), b.float()), EXACT)
    odd = torch.tensor([0.0, -0.0, 1.0, -1.0, float("inf"), -float("inf"), float("nan"), 1e-45, 3e38])
    for op, function in functions.items():
        case(f"binary/{op.lower()}-special", op, {}, [odd[:, None].clone(), odd],
             lambda a, b, f=function: f(a.float(), b.float()), EXACT)


def reduce():
    rounding = (0, 1.01 * ULP, "summed in doubles and rounded once; another order of the sum may round the other way")

    def add(name, shape, axes, keep):
        x = random(name, *shape) + 0.5
        attributes = {"axes": axes, "keepdims": keep}
        kept = "-keeps" if keep else ""
        case(f"reduce/mean-{name}{kept}", "ReduceMean", attributes, [x], lambda x: x.mean(axes, keep), rounding)
        case(f"reduce/l2-{name}{kept}", "ReduceL2", attributes, [x],
             lambda x: torch.linalg.vector_norm(x, dim=axes, keepdim=keep), rounding)

    add("time", (2, 13, 6), [1], False)
    add("last", (3, 4, 5), [2], True)
    add("first", (3, 4, 5), [0], False)
    add("first-two", (6, 3, 8), [0, 1], True)
    add("last-two", (3, 4, 5), [1, 2], False)
    add("outer-pair", (3, 4, 5), [0, 2], False)
    add("outer-pair", (3, 4, 5), [0, 2], True)
    add("apart", (2, 3, 4, 5), [0, 2], True)
    add("three-of-four", (2, 3, 4, 5), [0, 1, 3], False)
    add("all", (3, 4, 5), [0, 1, 2], False)
    add("one-element", (1, 1), [1], True)


def layout():
    def cut(name, shape, axis, first, last):
        end = shape[axis] - last
        case(f"slice/{name}", "Slice", {"axis": axis, "drop": [first, last]}, [random(name, *shape)],
             lambda x: x.narrow(axis, first, end - first), EXACT)

    cut("last-frame", (2, 7, 5), 1, 0, 1)
    cut("first-frame", (2, 7, 5), 1, 1, 0)
    cut("both-ends", (2, 7, 5), 1, 2, 3)
    cut("channels", (2, 7, 5), 2, 1, 1)
    cut("batch", (4, 3, 2), 0, 1, 2)
    cut("nothing", (4, 3), 1, 0, 0)
    cut("vector", (9,), 0, 4, 4)

    def shape(name, shape, lengths, to):
        case(f"reshape/{name}", "Reshape", {"shape": lengths}, [random(name, *shape)], lambda x: x.reshape(to), EXACT)

    shape("add-axis", (2, 6), ["axis 0", "axis 1", 1], (2, 6, 1))
    shape("split", (2, 6), ["axis 0", 2, 3], (2, 2, 3))
    shape("merge", (2, 3, 4), [2, 12], (2, 12))
    shape("flatten", (2, 3, 4), [24], (24,))
    shape("exchange-axes-lengths", (2, 5), ["axis 1", "axis 0"], (5, 2))
    shape("scalar", (1, 1), [], ())


linear()
conv()
attention()
normalization()
elementwise()
reduce()
layout()
typed_operators.add_all(case, exact)
write_json({"command": "tools/golden/make_operators.py", "versions": versions("torch", "safetensors"), "cases": manifest},
           folder / "manifest.json")
