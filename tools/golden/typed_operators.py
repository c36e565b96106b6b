"""Cases for golden/operators of the operators that move elements, ask questions or compute in integers: floats, both
integers and truth values, negative axes, indices and steps, axes of length 0, NaN.

Expected values are PyTorch's, or NumPy's where PyTorch has no such operator (padding of any axis); what is put in places
that are written twice follows ONNX's own definition, one update after the other.
"""

import math

import numpy as np
import torch

ULP = 2.0**-23
TYPES = {"f32": torch.float32, "i64": torch.int64, "i32": torch.int32, "bool": torch.bool}
NUMBERS = ("f32", "i64", "i32")
LEAST = -(2**63)


def i64(*values):
    return torch.tensor(list(values), dtype=torch.int64)


def i32(*values):
    return torch.tensor(list(values), dtype=torch.int32)


def values(kind, *shape):
    """Different numbers of either sign; truth values without a pattern."""
    count = math.prod(shape)
    numbers = (torch.arange(count) * 37 % 101 - 50).reshape(shape)
    return numbers % 3 > 0 if kind == "bool" else (numbers / 4 if kind == "f32" else numbers).to(TYPES[kind])


def unary(case, exact):
    inf, nan = float("inf"), float("nan")
    special = torch.tensor([0.0, -0.0, inf, -inf, nan, 1e-45, -1e-45, 1e-7, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.49999997,
                            8388607.5, -8388608.0, 1e10, -1e30, 88.7, 89.0, -87.5, -100.0, -104.0])  # fmt: skip
    x = torch.cat([special, torch.linspace(-9, 9, 601)])
    for name, op, function in (
        ("abs", "Abs", torch.abs), ("ceil", "Ceil", torch.ceil), ("floor", "Floor", torch.floor),
        ("neg", "Neg", torch.neg), ("round", "Round", torch.round), ("is-nan", "IsNaN", torch.isnan),
        ("is-inf", "IsInf", torch.isinf),
    ):  # fmt: skip
        exact(f"unary/{name}", op, {}, [x], function)
    # PyTorch says 0 of NaN, others NaN; the sign of zero is nobody's.
    exact("unary/sign", "Sign", {}, [x[~x.isnan() & (x != 0)]], torch.sign)
    library = (3e-45, 2 * ULP, "the C library's function is within 2 ulp, and within 2 steps below the normal numbers")
    for name, op, function in (
        ("cos", "Cos", torch.cos), ("sin", "Sin", torch.sin), ("erf", "Erf", torch.erf), ("exp", "Exp", torch.exp),
        ("log", "Log", torch.log),
    ):  # fmt: skip
        case(f"unary/{name}", op, {}, [x], function, library)
    case("unary/softplus", "Softplus", {}, [x], lambda x: torch.logaddexp(x, torch.zeros_like(x)),
         (3e-45, 4 * ULP, "two functions of the C library and a sum"))
    exact("unary/not", "Not", {}, [values("bool", 2, 7)], torch.logical_not)
    for kind, least in (("i64", LEAST), ("i32", -(2**31))):
        whole = torch.tensor([0, 1, -1, 7, -7, least, least + 1, -least - 1], dtype=TYPES[kind])
        for name, op, function in (
            ("abs", "Abs", torch.abs), ("neg", "Neg", torch.neg), ("sign", "Sign", torch.sign), ("relu", "Relu", torch.relu),
        ):  # fmt: skip
            exact(f"unary/{name}-{kind}", op, {}, [whole], function)


def binary(case, exact):
    inf, nan = float("inf"), float("nan")
    odd = torch.tensor([0.0, 1.0, -1.0, 2.0, 0.5, -2.5, 3.0, inf, -inf, nan, 1e-45, 3e38, -7.25])
    column = odd[:, None].clone()
    power = (3e-45, 2 * ULP, "the C library's powf is within 2 ulp")
    case("binary/pow", "Pow", {}, [column, odd], torch.pow, power)
    case("binary/pow-two", "Pow", {}, [odd, torch.tensor(2.0)], torch.pow, power)
    for name, op, function in (
        ("mod", "Mod", torch.remainder), ("remainder", "Remainder", torch.fmod), ("min", "Min", torch.minimum),
        ("max", "Max", torch.maximum), ("equal", "Equal", torch.eq), ("less", "Less", torch.lt),
        ("less-or-equal", "LessOrEqual", torch.le), ("greater", "Greater", torch.gt),
        ("greater-or-equal", "GreaterOrEqual", torch.ge),
    ):  # fmt: skip
        exact(f"binary/{name}", op, {}, [column, odd], function)
        exact(f"binary/{name}-broadcast", op, {}, [values("f32", 4, 1, 3), values("f32", 1, 5, 1)], function)
    functions = {
        "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": lambda a, b: torch.div(a, b, rounding_mode="trunc"),
        "Mod": torch.remainder, "Remainder": torch.fmod, "Pow": torch.pow, "Min": torch.minimum, "Max": torch.maximum,
        "Equal": torch.eq, "Less": torch.lt, "LessOrEqual": torch.le, "Greater": torch.gt, "GreaterOrEqual": torch.ge,
    }  # fmt: skip
    for kind, top in (("i64", 2**63 - 1), ("i32", 2**31 - 1)):
        whole = torch.tensor([7, -7, 8, -8, 1, -1, 2, 63, top, -top], dtype=TYPES[kind])
        for op, function in functions.items():
            exact(f"binary/{op.lower()}-{kind}", op, {}, [whole[:, None].clone(), whole], function)
    exact("binary/div-i64-leading", "Div", {}, [values("i64", 3, 1, 2), i64(3, -4)[:, None].clone()], functions["Div"])
    exact("binary/sub-i64-scalar", "Sub", {}, [torch.tensor(5), values("i64", 2, 3)], torch.sub)
    exact("binary/add-i32-empty", "Add", {}, [values("i32", 0, 3), values("i32", 3)], torch.add)
    exact("binary/add-empty", "Add", {}, [values("f32", 2, 1), values("f32", 2, 0)], torch.add)
    a, b = torch.tensor([[False], [True]]), torch.tensor([False, True])
    for op, function in (
        ("And", torch.logical_and), ("Or", torch.logical_or), ("Xor", torch.logical_xor), ("Equal", torch.eq),
    ):  # fmt: skip
        exact(f"binary/{op.lower()}-bool", op, {}, [a, b], function)


def where_and_cast(case, exact):
    for kind in TYPES:
        a, b = values(kind, 4, 1, 3), ~values(kind, 5, 1) if kind == "bool" else -values(kind, 5, 1)
        exact(f"where/{kind}", "Where", {}, [values("bool", 5, 3), a, b], torch.where)
        exact(f"where/{kind}-same", "Where", {}, [values("bool", 5, 3), values(kind, 5, 3), values(kind, 1)], torch.where)
    exact("where/scalars", "Where", {}, [torch.tensor(True), torch.tensor(1.5), torch.tensor(float("nan"))], torch.where)
    floats = torch.tensor([0.0, -0.0, 0.5, -0.5, 0.99, -1.99, 2.75, 1e-45, -1e9, 2147483520.0, -2147483648.0])
    wide = torch.tensor([float("inf"), float("nan"), 3e38])
    whole = [0, 1, -1, 3, 2**24 + 1, 2**31 - 1, -(2**31)]
    given = {
        "f32": floats, "i64": i64(*whole), "i32": i32(*whole), "bool": torch.tensor([True, False, True]),
    }  # fmt: skip
    spelled = {"f32": "F32", "i64": "I64", "i32": "I32", "bool": "BOOL"}
    for kind, x in given.items():
        for to, name in spelled.items():
            exact(f"cast/{kind}-{to}", "Cast", {"to": name}, [x], lambda x, to=to: x.to(TYPES[to]))
    rounded = i64(2**53 + 1, 2**62 + 2**38, -(2**63), 2**63 - 1, 33554433, 33554435)
    exact("cast/i64-f32-rounded", "Cast", {"to": "F32"}, [rounded], lambda x: x.float())
    exact("cast/f32-bool-special", "Cast", {"to": "BOOL"}, [wide], lambda x: x.bool())
    beyond = torch.tensor([9.2233715e18, -9.2233720e18, 2.0**40 + 2.0**18])
    exact("cast/f32-i64-large", "Cast", {"to": "I64"}, [beyond], lambda x: x.long())


def reductions(case, exact):
    rounding = (0, 1.01 * ULP, "computed in doubles and rounded once; another order may round the other way")
    sums = {
        "ReduceSum": lambda x, axes, keep: x.sum(axes, keep, dtype=x.dtype), "ReduceProd": product,
        "ReduceMax": lambda x, axes, keep: x.amax(axes, keep), "ReduceMin": lambda x, axes, keep: x.amin(axes, keep),
    }  # fmt: skip

    def add(name, x, axes, keep, *ops):
        for op in ops or sums:
            function = lambda x, op=op: sums[op](x, axes, keep)  # noqa: E731
            full = (f"reduce/{op[6:].lower()}-{name}", op, {"axes": axes, "keepdims": keep}, [x], function)
            if x.dtype == torch.float32 and op in ("ReduceSum", "ReduceProd"):
                case(*full, rounding)
            else:
                exact(*full)

    extremes = ("ReduceMax", "ReduceMin")
    for kind in NUMBERS:
        x = values(kind, 3, 4, 5) + (1 if kind == "f32" else 0)
        add(f"{kind}-middle", x, [1], False)
        add(f"{kind}-apart", x, [0, 2], True)
        add(f"{kind}-all", x, [0, 1, 2], False)
        add(f"{kind}-nothing", values(kind, 2, 0, 3), [1], False, "ReduceSum", "ReduceProd")
        add(f"{kind}-no-rows", values(kind, 0, 3), [1], False)
    add("i64-wraps", i64(2**62, 2**62, 2**62, 3), [0], False)
    add("i32-wraps", i32(2**30, 2**30, 2**30, 3), [0], False)
    nan, inf = float("nan"), float("inf")
    add("nan", torch.tensor([[1, nan, 2], [nan, -inf, inf], [-0.5, -inf, -3]]), [1], False)
    add("infinite", torch.tensor([[inf, 1, 2], [-inf, -1, 2]]), [1], False, "ReduceSum", *extremes)
    add("bool", values("bool", 3, 4), [1], False, *extremes)
    add("bool-ends", torch.tensor([[False, False], [True, False], [True, True]]), [1], True, *extremes)
    # NumPy's `initial` is what is left of nothing.
    for kind, low, high in (
        ("f32", -inf, inf), ("i64", LEAST, 2**63 - 1), ("i32", -(2**31), 2**31 - 1), ("bool", False, True),
    ):  # fmt: skip
        for op, function, start in (("ReduceMax", np.max, low), ("ReduceMin", np.min, high)):
            exact(f"reduce/{op[6:].lower()}-{kind}-nothing", op, {"axes": [1], "keepdims": False},
                  [values(kind, 2, 0)], lambda x, f=function, s=start: torch.from_numpy(f(x.numpy(), 1, initial=s)))


def product(x, axes, keep):
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keep, dtype=x.dtype)
    return x


def products(case, exact):
    generator = torch.Generator().manual_seed(7)

    def add(name, a, b):
        a, b = (torch.randn(shape, generator=generator) for shape in (a, b))
        depth = a.shape[-1]
        largest = torch.matmul(a.abs(), b.abs()).max().item() if a.numel() and b.numel() else 0
        case(f"mat-mul/{name}", "MatMul", {}, [a, b], torch.matmul,
             (depth**0.5 * ULP * largest, 0, f"two roundings of a sum of absolute values, times the root of {depth}"))

    add("matrices", (3, 4), (4, 5))
    add("one-on-the-right", (2, 3, 4), (4, 5))
    add("batch", (2, 3, 4), (2, 4, 5))
    add("one-on-the-left", (3, 4), (2, 4, 5))
    add("broadcast", (6, 1, 3, 4), (5, 4, 2))
    add("broadcast-both", (1, 3, 1, 2, 4), (2, 1, 5, 4, 3))
    add("row", (4,), (4, 5))
    add("column", (3, 4), (4,))
    add("number", (4,), (4,))
    add("column-of-batch", (2, 3, 4), (4,))
    add("row-of-batch", (4,), (2, 4, 5))
    add("batch-of-columns", (2, 3, 4), (2, 4, 1))
    add("ones", (1, 1, 1), (1, 1))
    add("large", (3, 70, 33), (3, 33, 50))
    add("one-large", (67, 130), (130, 49))
    for name, a, b in (
        ("no-terms", (2, 0), (0, 3)), ("no-rows", (0, 4), (4, 3)), ("no-columns", (2, 4), (4, 0)),
        ("no-batch", (0, 2, 4), (4, 3)), ("no-batches", (0, 2, 4), (0, 4, 3)), ("no-terms-batch", (2, 3, 0), (2, 0, 2)),
        ("no-terms-number", (0,), (0,)),
    ):  # fmt: skip
        add(name, a, b)

    inf = float("inf")
    tolerance = (1.2e-38, 4e-6, "e^x is within 3e-6 of itself where arithmetic is not fused; below e^-87 it is 0")
    x = 3 * torch.randn(3, 5, 7, generator=generator)
    for axis in range(3):
        case(f"softmax/axis-{axis}", "Softmax", {"axis": axis}, [x], lambda x, a=axis: x.softmax(a), tolerance)
    for name, x, axis in (
        ("masked", torch.tensor([[1.0, -inf, 2.0], [-inf, -inf, 0.5]]), 1), ("all-masked", torch.full((2, 3), -inf), 1),
        ("large", torch.tensor([[1e30, 1.0, -1e30], [88.0, 100.0, 200.0]]), 1), ("one", torch.tensor([[5.0], [-3.0]]), 1),
        ("nan", torch.tensor([[1.0, float("nan"), 2.0], [1.0, 2.0, 3.0]]), 1), ("no-length", torch.zeros(2, 0), 1),
        ("no-rows", torch.zeros(0, 3), 1), ("long", 5 * torch.randn(2, 1000, generator=generator), 1),
        ("vector", torch.linspace(-3, 3, 19), 0),
    ):  # fmt: skip
        case(f"softmax/{name}", "Softmax", {"axis": axis}, [x], lambda x, a=axis: x.softmax(a), tolerance)


def layout(case, exact):
    for kind in TYPES:
        x = values(kind, 2, 3, 5)
        exact(f"slice/{kind}", "Slice", {"axis": 1, "drop": [1, 1]}, [x], lambda x: x[:, 1:-1])
        exact(f"reshape/{kind}", "Reshape", {"shape": ["rest", "axis 0"]}, [x], lambda x: x.reshape(15, 2))
        exact(f"transpose/{kind}", "Transpose", {"perm": [2, 0, 1]}, [x], lambda x: x.permute(2, 0, 1))
        exact(f"shape/{kind}", "Shape", {}, [x], lambda x: torch.tensor(x.shape))
        exact(f"expand/{kind}", "Expand", {}, [values(kind, 3, 1), i64(2, 1, 4)], lambda x, s: x.expand(2, 3, 4))
        exact(f"tile/{kind}", "Tile", {}, [x, i64(2, 1, 3)], lambda x, n: x.tile(tuple(n)))
        exact(f"concat/{kind}", "Concat", {"axis": 1, "count": 3}, [x, values(kind, 2, 1, 5), x[:, :0]],
              lambda *x: torch.cat(x, 1))  # fmt: skip
    x = values("f32", 2, 3, 4)
    exact("reshape/rest-empty", "Reshape", {"shape": ["axis 1", "rest"]}, [values("f32", 0, 3)], lambda x: x.reshape(3, 0))
    for name, order in (("last-two", [0, 2, 1]), ("reversed", [2, 1, 0]), ("none", [0, 1, 2])):
        exact(f"transpose/{name}", "Transpose", {"perm": order}, [x], lambda x, p=order: x.permute(p))
    exact("transpose/scalar", "Transpose", {"perm": []}, [torch.tensor(2.5)], lambda x: x)
    exact("transpose/empty", "Transpose", {"perm": [1, 0]}, [torch.zeros(0, 3)], lambda x: x.T)
    exact("shape/scalar", "Shape", {}, [torch.tensor(2.5)], lambda x: i64())
    exact("shape/empty", "Shape", {}, [torch.zeros(3, 0)], lambda x: i64(3, 0))
    for name, given, shape, zero, to in (
        ("rest", x, i64(4, -1), False, (4, 6)), ("copies", x, i64(0, 0, 2, -1), False, (2, 3, 2, 2)),
        ("list-of-i32", x, i32(-1), False, (24,)), ("scalar", torch.zeros(1, 1), i64(), False, ()),
        ("zero-copied", torch.zeros(0, 3), i64(0, 3, 1), False, (0, 3, 1)),
        ("zero-asked", torch.zeros(2, 0), i64(0, 5), True, (0, 5)), ("no-rest", torch.zeros(2, 0), i64(-1, 2), True, (0, 2)),
    ):  # fmt: skip
        exact(f"reshape-to/{name}", "ReshapeTo", {"allowzero": zero}, [given, shape], lambda x, s, to=to: x.reshape(to))
    for kind in TYPES:
        exact(f"reshape-to/{kind}", "ReshapeTo", {"allowzero": False}, [values(kind, 2, 3), i64(3, 2)],
              lambda x, s: x.reshape(3, 2))  # fmt: skip
    for name, given, shape, to in (
        ("nothing", x, i64(1), (2, 3, 4)), ("scalar", torch.tensor(1.5), i64(2, 3), (2, 3)),
        ("more-axes", values("f32", 3, 1), i32(5, 1, 1, 4), (5, 1, 3, 4)),
        ("to-zero", values("f32", 2, 1), i64(2, 0), (2, 0)), ("list-of-none", x, i64(), (2, 3, 4)),
    ):  # fmt: skip
        exact(f"expand/{name}", "Expand", {}, [given, shape], lambda x, s, to=to: x.broadcast_to(to))
    for name, given, times in (
        ("never", x, i64(1, 0, 2)), ("once", x, i32(1, 1, 1)), ("empty", torch.zeros(2, 0), i64(2, 3)),
        ("scalar", torch.tensor(3.5), i64()), ("vector", values("f32", 3), i64(4)),
    ):  # fmt: skip
        exact(f"tile/{name}", "Tile", {}, [given, times], lambda x, n: x.tile(tuple(n)))
    exact("concat/last", "Concat", {"axis": 2, "count": 2}, [values("f32", 2, 3, 1), values("f32", 2, 3, 4)],
          lambda *x: torch.cat(x, 2))  # fmt: skip
    exact("concat/first", "Concat", {"axis": 0, "count": 2}, [values("f32", 1, 3), values("f32", 2, 3)],
          lambda *x: torch.cat(x))  # fmt: skip
    exact("concat/one", "Concat", {"axis": 0, "count": 1}, [values("f32", 2, 3)], lambda x: x)
    exact("concat/empty", "Concat", {"axis": 1, "count": 2}, [values("i64", 0, 3), values("i64", 0, 2)],
          lambda *x: torch.cat(x, 1))  # fmt: skip


def slices(case, exact):
    def add(name, shape, starts, ends, axes=None, steps=None, kind="f32", make=i64):
        def function(x, *lists):
            places = [slice(None)] * x.ndim
            for i, (first, end) in enumerate(zip(starts, ends)):
                places[axes[i] if axes else i] = slice(first, end, steps[i] if steps else 1)
            return torch.from_numpy(x.numpy()[tuple(places)].copy())

        lists = [make(*starts), make(*ends), make(*axes) if axes else None, make(*steps) if steps else None]
        while lists[-1] is None:
            lists.pop()
        exact(f"strided-slice/{name}", "StridedSlice", {}, [values(kind, *shape), *lists], function)

    most = 2**63 - 1
    add("first-axes", (5, 6), [1, 2], [3, 5])
    add("lists-of-i32", (5, 6), [1, 2], [3, 5], [1, 0], make=i32)
    add("negative-places", (7, 3), [-3], [-1], [0])
    add("negative-axes", (2, 7), [1, 0], [5, 1], [-1, -2])
    add("far-ends", (4, 5), [-100, -most], [100, most])
    add("least", (5,), [LEAST], [most])
    add("steps", (10, 3), [1], [9], [0], [3])
    add("backwards", (6, 3), [-1], [LEAST], [0], [-1])
    add("backwards-by-two", (7,), [5], [0], [0], [-2])
    add("backwards-past-the-end", (5,), [100], [1], [0], [-1])
    add("backwards-nothing", (5,), [1], [3], [0], [-1])
    add("nothing", (5, 2), [3], [3], [0])
    add("beyond", (5, 2), [9], [12], [0])
    add("empty-axis", (0, 3), [0], [most], [0])
    add("empty-axis-backwards", (0, 3), [-1], [LEAST], [0], [-1])
    add("long-step", (4, 3), [2], [most], [0], [most])
    add("long-step-backwards", (4, 3), [2], [LEAST], [0], [-most])
    add("two-backwards", (3, 4, 5), [-1, -1], [LEAST, LEAST], [2, 0], [-1, -2])
    add("without-axes-with-steps", (6, 4), [0, 3], [6, 0], None, [2, -1])
    for kind in TYPES:
        add(kind, (4, 5), [3, 0], [LEAST, 5], [0, 1], [-1, 2], kind)


def indexing(case, exact):
    for kind in TYPES:
        x = values(kind, 3, 4, 2)
        exact(f"gather/{kind}", "Gather", {"axis": 1}, [x, i64(3, -1, 0, -4)], lambda x, i: x[:, i])
        exact(f"scatter/{kind}", "ScatterND", {"reduction": "none"},
              [x, i64(0, 2, -1).reshape(3, 1), values(kind, 3, 4, 2).flip(1)], lambda *a: scatter("none", *a))  # fmt: skip
    x = values("f32", 3, 4, 2)
    exact("gather/first", "Gather", {"axis": 0}, [x, i64(2, 2, 0)], lambda x, i: x[i])
    exact("gather/last", "Gather", {"axis": 2}, [x, i32(1, -2)], lambda x, i: x[:, :, i.long()])
    exact("gather/number", "Gather", {"axis": 1}, [x, torch.tensor(-2)], lambda x, i: x[:, i])
    exact("gather/table", "Gather", {"axis": 0}, [values("f32", 5, 2), i64(0, 4, -1, 2).reshape(2, 2)], lambda x, i: x[i])
    exact("gather/none", "Gather", {"axis": 1}, [x, i64()], lambda x, i: x[:, i])
    exact("gather/of-none", "Gather", {"axis": 0}, [torch.zeros(0, 3), i64()], lambda x, i: x[i])
    exact("gather/no-columns", "Gather", {"axis": 0}, [torch.zeros(2, 0), i64(1, 0, 1)], lambda x, i: x[i])
    exact("gather/vector", "Gather", {"axis": 0}, [values("i64", 4), torch.tensor(1)], lambda x, i: x[i])
    rows, places = i64(1, -3, 1, -2).reshape(4, 1), i64(0, -1, 1, 0, 2, 3, 1, 0, 0, 3).reshape(5, 2)
    for reduction in ("none", "add", "mul", "min", "max"):
        for kind in NUMBERS:
            exact(f"scatter/{reduction}-rows-{kind}", "ScatterND", {"reduction": reduction},
                  [values(kind, 3, 4), rows, values(kind, 4, 4).flip(0)], lambda *a, r=reduction: scatter(r, *a))  # fmt: skip
            exact(f"scatter/{reduction}-places-{kind}", "ScatterND", {"reduction": reduction},
                  [values(kind, 3, 4), places, values(kind, 5)], lambda *a, r=reduction: scatter(r, *a))  # fmt: skip
    nan = float("nan")
    for reduction in ("add", "min", "max"):
        exact(f"scatter/{reduction}-nan", "ScatterND", {"reduction": reduction},
              [torch.tensor([nan, 1.0, 2.0]), i64(0, 1, 2, 2).reshape(4, 1), torch.tensor([1.0, nan, nan, 5.0])],
              lambda *a, r=reduction: scatter(r, *a))  # fmt: skip
    for name, x, indices, updates in (
        ("places-of-i32", values("f32", 4), i32(3, 3)[:, None].clone(), torch.tensor([1.5, 2.5])),
        ("no-updates", values("f32", 4), torch.zeros(0, 1, dtype=torch.int64), torch.zeros(0)),
        ("of-none", torch.zeros(0, 2), torch.zeros(0, 1, dtype=torch.int64), torch.zeros(0, 2)),
        ("grid", values("f32", 2, 3), i64(0, 0, 1, 2).reshape(1, 2, 2), torch.tensor([[8.5, 9.5]])),
        ("one-place", values("f32", 2, 3), i64(1, 1), torch.tensor(7.5)),
        ("whole", values("f32", 2, 3), torch.zeros(2, 0, dtype=torch.int64), torch.arange(12.0).reshape(2, 2, 3)),
    ):  # fmt: skip
        exact(f"scatter/{name}", "ScatterND", {"reduction": "none"}, [x, indices, updates], lambda *a: scatter("none", *a))


def scatter(reduction, x, indices, updates):
    out = x.clone()
    combine = {"add": torch.add, "mul": torch.mul, "min": torch.minimum, "max": torch.maximum}
    for place in np.ndindex(indices.shape[:-1]):
        at = tuple(indices[place].tolist())
        out[at] = combine[reduction](out[at], updates[place]) if reduction in combine else updates[place]
    return out


def sequences(case, exact):
    for kind in ("i64", "i32"):
        for name, three in (
            ("up", (2, 11, 3)), ("down", (5, -4, -2)), ("none", (3, 3, 1)), ("backwards", (3, 5, -1)), ("one", (7, 8, 100)),
            ("exact", (0, 12, 4)),
        ):  # fmt: skip
            exact(f"range/{name}-{kind}", "Range", {}, [torch.tensor(v, dtype=TYPES[kind]) for v in three],
                  lambda a, b, c: torch.from_numpy(np.arange(a.item(), b.item(), c.item()).astype(a.numpy().dtype)))
    far = [torch.tensor(v) for v in (2**62, 2**62 + 10, 3)]
    exact("range/far", "Range", {}, far, lambda a, b, c: i64(2**62, 2**62 + 3, 2**62 + 6, 2**62 + 9))
    ends = [torch.tensor(v) for v in (LEAST, 2**63 - 1, 2**62)]
    exact("range/ends", "Range", {}, ends, lambda a, b, c: i64(LEAST, -(2**62), 0, 2**62))
    for name, three in (
        ("floats", (0.0, 1.0, 0.1)), ("quarters", (1.0, -1.0, -0.25)), ("fraction", (0.5, 3.0, 1.0)),
        ("thirds", (-1.0, 1.0, 0.33333334)),
    ):  # fmt: skip
        single = [torch.tensor(v) for v in three]
        end = max(abs(v) for v in three)
        case(f"range/{name}", "Range", {}, single, lambda a, b, c: torch.arange(a.item(), b.item(), c.item(), dtype=a.dtype),
             (2 * ULP * end, 0, "a product and a sum, each rounded"))  # fmt: skip
    backwards = [torch.tensor(v) for v in (1.0, 0.0, 1.0)]
    exact("range/no-floats", "Range", {}, backwards, lambda a, b, c: torch.zeros(0))


def padding(case, exact):
    def add(name, x, pads, mode="constant", value=None, make=i64):
        count = x.ndim
        pairs = list(zip(pads[:count], pads[count:]))

        def function(x, *rest):
            if not pairs:
                return x
            array, grown = x.numpy(), [(max(a, 0), max(b, 0)) for a, b in pairs]
            fill = {"constant_values": 0 if value is None else value.item()} if mode == "constant" else {}
            array = np.pad(array, grown, mode, **fill)
            places = tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, array.shape))
            return torch.from_numpy(array[places].copy())

        exact(f"pad/{name}", "Pad", {"mode": mode}, [x, make(*pads)] + ([] if value is None else [value]), function)

    x = values("f32", 2, 4, 3)
    for mode in ("constant", "reflect", "edge", "wrap"):
        for kind in TYPES:
            add(f"{mode}-{kind}", values(kind, 2, 4, 3), (1, 2, 0, 0, 3, 2), mode)
        add(f"{mode}-one-side", x, (0, 3, 0, 0, 0, 0), mode, make=i32)
        add(f"{mode}-nothing", x, (0,) * 6, mode)
        add(f"{mode}-no-rows", torch.zeros(0, 3), (0, 1, 0, 2), mode)
    for kind, value in (("f32", 2.5), ("i64", -7), ("i32", -7), ("bool", True)):
        add(f"value-{kind}", values(kind, 2, 3), (1, 0, 0, 2), value=torch.tensor(value, dtype=TYPES[kind]))
    add("value-list", values("f32", 3), (1, 1), value=torch.tensor([float("nan")]))
    add("away", x, (0, -1, -2, -1, -2, 0))
    add("away-and-added", x, (1, -3, 0, 0, 2, -1), value=torch.tensor(0.5))
    add("away-all", values("f32", 4), (-2, -2))
    add("from-none", torch.zeros(0), (2, 1), value=torch.tensor(1.5))
    add("scalar", torch.tensor(2.5), ())
    add("edge-away", values("f32", 5), (-2, 3), "edge")
    add("wrap-around-twice", values("f32", 3), (7, 8), "wrap")
    add("reflect-most", values("f32", 4), (3, 3), "reflect")
    # PyTorch names three of the modes and pads the last axes with them.
    for mode, name in (("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular")):
        exact(f"pad/{mode}-torch", "Pad", {"mode": mode}, [x, i64(0, 0, 2, 0, 0, 1)],
              lambda x, p, name=name: torch.nn.functional.pad(x, (2, 1), name))  # fmt: skip


def add_all(case, exact):
    for add in (unary, binary, where_and_cast, reductions, products, layout, slices, indexing, sequences, padding):
        add(case, exact)
