"""The article's operators in numpy, in the type of what they get. Operators of one kind stand together."""

import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[np.float64])


# Products and normalizations.


def linear(x, weight, bias=None):
    return x @ weight.T + (0 if bias is None else bias)


def conv(x, weight, bias=None, *, stride, padding, dilation, groups):
    rows, depth, kernel = weight.shape
    x = np.pad(x, ((0, 0), tuple(padding), (0, 0)))
    count = (x.shape[1] - (kernel - 1) * dilation - 1) // stride + 1
    out = np.zeros((x.shape[0], count, rows), x.dtype)
    rows //= groups
    for group in range(groups):
        mine = slice(group * rows, (group + 1) * rows)
        for tap in range(kernel):
            seen = x[:, tap * dilation :: stride, group * depth : (group + 1) * depth][:, :count]
            out[..., mine] += seen @ weight[mine, :, tap].T
    return out + (0 if bias is None else bias)


def attention(query, key, value, counts=None, *, heads, scale, bias=None):
    out = np.zeros_like(query)
    width = query.shape[2] // heads
    rows = range(len(query))
    counts = [key.shape[1]] * len(query) if counts is None else counts
    for row, count, head in ((row, int(counts[row]), head) for row in rows for head in range(heads)):
        mine = slice(head * width, (head + 1) * width)
        scores = query.dtype.type(np.float32(scale)) * query[row][:, mine] @ key[row][:count, mine].T
        if bias is not None:
            scores = scores + bias[head][:, :count]
        out[row][:, mine] = softmax(scores, axis=-1) @ value[row][:count, mine]
    return out


def alibi_attention(query, key, value, slopes, counts=None, *, heads, scale, prefix):
    i, j = np.arange(query.shape[1])[:, None], np.arange(key.shape[1])
    distance = np.where((i < prefix) | (j < prefix), 0, abs(i - j))
    return attention(query, key, value, counts, heads=heads, scale=scale, bias=-slopes[:, None, None] * distance)


def softmax(x, *, axis):
    weights = np.exp(x - x.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)


def normalize(x, axes, epsilon):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + x.dtype.type(np.float32(epsilon)))


def scaled(x, scale, bias):
    return x * (1 if scale is None else scale) + (0 if bias is None else bias)


def layer_normalization(x, scale=None, bias=None, *, epsilon):
    return scaled(normalize(x, -1, epsilon), scale, bias)


def group_normalization(x, scale=None, bias=None, *, groups, epsilon):
    split = x.reshape(*x.shape[:2], groups, x.shape[2] // groups)
    return scaled(normalize(split, (1, 3), epsilon).reshape(x.shape), scale, bias)


# Number by number.


def gelu(x, *, approximate):
    if approximate == "tanh":
        return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + x.dtype.type(0.044715) * x**3))) / 2
    return x * (1 + erf(x / math.sqrt(2)).astype(x.dtype)) / 2


def divide(a, b):
    return np.divide(a, b) if a.dtype.kind == "f" else np.abs(a) // np.abs(b) * np.sign(a) * np.sign(b)


def power(a, b):
    if a.dtype.kind == "f":
        return np.power(a, b)
    return np.where(b < 0, np.where(np.abs(a) == 1, a ** (b & 1), 0), a ** np.abs(b))


def cast(x, *, to):
    kind = {"F32": np.float64, "I64": np.int64, "I32": np.int32, "BOOL": np.bool_}[to]
    if x.dtype.kind == "f" and to[0] == "I":
        limits = np.iinfo(kind)
        nearest = [min(max(int(v), limits.min), limits.max) if np.isfinite(v) else
                   0 if np.isnan(v) else limits.max if v > 0 else limits.min for v in x.ravel().tolist()]  # fmt: skip
        return np.array(nearest, kind).reshape(x.shape)
    return np.clip(x, -(2**31), 2**31 - 1).astype(kind) if to == "I32" and x.dtype == np.int64 else x.astype(kind)


def reduced(function, of_nothing):
    def apply(x, axes, keepdims):
        start = of_nothing
        if np.isinf(start) and x.dtype.kind != "f":
            ends = (False, True) if x.dtype == bool else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
            start = ends[start > 0]
        return function(x, axis=tuple(axes), keepdims=keepdims, initial=start).astype(x.dtype)

    return apply


# Shapes and places.


def cut(x, *, axis, drop):
    return x[(slice(None),) * axis + (slice(drop[0], x.shape[axis] - drop[1]),)]


def reshape(x, *, shape):
    return x.reshape([-1 if n == "rest" else x.shape[int(n[5:])] if isinstance(n, str) else n for n in shape])


def reshape_to(x, shape, *, allowzero):
    return x.reshape([x.shape[i] if n == 0 and not allowzero else n for i, n in enumerate(shape.tolist())])


def expand(x, shape):
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape.tolist())))


def strided_slice(x, starts, ends, axes=None, steps=None):
    places = [slice(None)] * x.ndim
    axes = np.arange(len(starts)) if axes is None else axes
    steps = np.ones_like(starts) if steps is None else steps
    for first, end, axis, step in zip(*(each.tolist() for each in (starts, ends, axes, steps))):
        places[axis] = slice(first, end, step)
    return x[tuple(places)]


def scatter(x, indices, updates, *, reduction):
    out = x.copy()
    combine = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}.get(reduction, lambda a, b: b)
    for place in np.ndindex(indices.shape[:-1]):
        at = tuple(indices[place].tolist())
        out[at] = combine(out[at], updates[place])
    return out


def sequence(start, limit, delta):
    count = max(0, math.ceil((limit.item() - start.item()) / delta.item()))
    return (start + np.arange(count) * delta).astype(start.dtype).ravel()


def pad(x, pads, value=None, *, mode):
    pairs = list(zip(pads.tolist()[: x.ndim], pads.tolist()[x.ndim :]))
    if mode != "constant":
        return np.pad(x, pairs, mode)
    x = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in pairs], mode, constant_values=0 if value is None else value.item())
    return x[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, x.shape))]


OPERATORS = {
    "Linear": linear, "Conv": conv, "Attention": attention, "AlibiAttention": alibi_attention, "LayerNormalization": layer_normalization,
    "GroupNormalization": group_normalization, "Gelu": gelu, "Relu": lambda x: np.maximum(x, 0), "Sqrt": np.sqrt,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)), "Tanh": np.tanh, "Add": np.add, "Sub": np.subtract,
    "Mul": np.multiply, "Div": divide, "Slice": cut, "Reshape": reshape,
    "ReduceMean": lambda x, axes, keepdims: x.mean(tuple(axes), keepdims=keepdims),
    "ReduceL2": lambda x, axes, keepdims: np.sqrt((x * x).sum(tuple(axes), keepdims=keepdims)),
    "MatMul": np.matmul, "Softmax": softmax, "Abs": np.abs, "Ceil": np.ceil, "Cos": np.cos, "Erf": erf, "Exp": np.exp,
    "Floor": np.floor, "IsInf": np.isinf, "IsNaN": np.isnan, "Log": np.log, "Neg": np.negative,
    "Not": np.logical_not, "Round": np.rint, "Sign": np.sign, "Sin": np.sin, "Softplus": lambda x: np.logaddexp(x, 0),
    "Pow": power, "Mod": np.mod, "Remainder": np.fmod, "Min": np.minimum, "Max": np.maximum, "Equal": np.equal,
    "Less": np.less, "LessOrEqual": np.less_equal, "Greater": np.greater, "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor, "Where": np.where, "Cast": cast,
    "ReduceSum": reduced(np.sum, 0), "ReduceProd": reduced(np.prod, 1), "ReduceMax": reduced(np.max, -np.inf),
    "ReduceMin": reduced(np.min, np.inf), "Transpose": lambda x, perm: x.transpose(perm),
    "Shape": lambda x: np.array(x.shape, np.int64), "ReshapeTo": reshape_to, "Expand": expand,
    "StridedSlice": strided_slice, "Gather": lambda x, indices, axis: np.take(x, indices, axis),
    "ScatterND": scatter, "Concat": lambda *x, axis, count: np.concatenate(x, axis), "Range": sequence, "Pad": pad,
    "Tile": np.tile,
}  # fmt: skip
