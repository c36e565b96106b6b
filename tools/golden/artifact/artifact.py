"""Writes `.assay` files, version 1, from the article alone: no code is shared with the readers that are tested by them.

`File` holds what a file says as plain Python objects, which a test may spoil before `build` makes bytes of them; the
`Built` file may be spoiled again and `seal`ed. `Here` marks the value that a reader should complain about.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

MAGIC = b"\x89ASAY\r\n\x1a"
END = b"ASSAYEND"
TEXTS = ("metadata", "graph", "index", "goldens")
SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
    "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "C64": 8, "C128": 16,
}  # fmt: skip
PANEL = 16
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class F32(float):
    """A number that the article calls float32."""


class Raw(str):
    """Text that stands in a document as it is."""


class Here:
    """The value that breaks the rule; `build` notes where its bytes are."""

    def __init__(self, value):
        self.value = value


def aligned(offset, to):
    return -(-offset // to) * to


# Numbers.


def laid_out(digits, exponent, negative=False):
    """0.DIGITS times ten to the exponent, as Python's repr lays it out, without `.0` at the end."""
    sign = "-" if negative else ""
    if 16 < exponent or exponent < -3:
        point = "." if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{point}{digits[1:]}e{exponent - 1:+03d}"
    if exponent <= 0:
        return f"{sign}0.{'0' * -exponent}{digits}"
    if exponent >= len(digits):
        return sign + digits + "0" * (exponent - len(digits))
    return f"{sign}{digits[:exponent]}.{digits[exponent:]}"


def shortest_float32(value):
    """The fewest digits inside the interval of reals that round to this float32, and of those the nearest."""
    single = np.float32(value)
    bits = int(np.abs(single).view(np.uint32))
    if bits == 0:
        return "-0" if np.signbit(single) else "0"
    exact = lambda pattern: Fraction(float(np.uint32(pattern).view(np.float32)))  # noqa: E731
    here, below = exact(bits), exact(bits - 1)
    above = exact(bits + 1) if bits + 1 < 0x7F800000 else Fraction(2) ** 128
    low, high, even = (below + here) / 2, (here + above) / 2, bits % 2 == 0
    exponent = 0
    while Fraction(10) ** exponent <= here:
        exponent += 1
    while Fraction(10) ** (exponent - 1) > here:
        exponent -= 1
    for count in range(1, 10):
        unit = Fraction(10) ** (exponent - count)
        steps = [here // unit, here // unit + 1]
        fits = [step for step in steps if low < step * unit < high or even and step * unit in (low, high)]
        if fits:
            step = min(fits, key=lambda step: (abs(step * unit - here), step % 2))
            text = str(step)
            return laid_out(text.rstrip("0"), exponent + len(text) - count, bool(np.signbit(single)))
    raise AssertionError("nine digits are enough")


def number(value):
    if isinstance(value, F32):
        return shortest_float32(value)
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def string(value):
    def character(c):
        if c in ESCAPES:
            return ESCAPES[c]
        return f"\\u{ord(c):04x}" if c < " " or "\x7f" <= c <= "\x9f" else c

    return '"' + "".join(map(character, value)) + '"'


def canonical(document, lines):
    """The one text of a document, and the spans of what is marked; levels up to `lines` stand on lines of their own."""
    out, spans = bytearray(), []

    def put(value, level):
        if isinstance(value, Here):
            start = len(out)
            put(value.value, level)
            spans.append((start, len(out) - 1))
        elif isinstance(value, (dict, list)) and value:
            put_members(value, level + 1)
        elif isinstance(value, Raw):
            out.extend(value.encode())
        elif isinstance(value, str):
            out.extend(string(value).encode())
        elif isinstance(value, bool) or value is None:
            out.extend({True: b"true", False: b"false", None: b"null"}[value])
        elif isinstance(value, (int, float)):
            out.extend(number(value).encode())
        else:
            out.extend(b"{}" if isinstance(value, dict) else b"[]")

    def put_members(value, level):
        own_line = level <= lines
        out.extend(b"{" if isinstance(value, dict) else b"[")
        for i, key in enumerate(value):
            out.extend((b"," if i else b"") + (b"\n" + b"  " * level if own_line else b""))
            start, member = len(out), key
            if isinstance(value, dict):
                out.extend(string(key).encode() + (b": " if own_line else b":"))
                member = value[key]
            put(member, level)
            if isinstance(member, Here):
                spans[-1] = (start, spans[-1][1])
        out.extend(b"\n" + b"  " * (level - 1) if own_line else b"")
        out.extend(b"}" if isinstance(value, dict) else b"]")

    put(document, 0)
    return bytes(out) + b"\n", spans


# Tensors.


def encode(dtype, values):
    """An array's elements, little-endian and row-major; what bytes cannot be computed here are given as bytes."""
    if isinstance(values, bytes):
        return values
    if dtype == "BF16":
        bits = np.asarray(values, np.float32).view(np.uint32)
        assert not np.any(bits & 0xFFFF), "not a number of the type"
        return (bits >> 16).astype("<u2").tobytes()
    if dtype.startswith("F8"):
        # Both are the first bits of a half; F8_E4M3 has one bit less of exponent.
        scale, shift = (1, 8) if dtype == "F8_E5M2" else (2.0**-8, 7)
        bits = (np.asarray(values) * scale).astype("<f2").view("<u2")
        return (bits >> 8 & 0x80 | bits >> shift & 0x7F).astype(np.uint8).tobytes()
    codes = {"BOOL": "?", "C64": "<c8", "C128": "<c16"}
    code = codes.get(dtype) or f"<{dtype[0].lower()}{SIZES[dtype]}"
    return np.ascontiguousarray(np.asarray(values).astype(code)).tobytes()


def panels(elements, shape, groups, size):
    """The elements in the order of a packed matrix product: panels of 16 rows, for each step one element of each."""
    rows = np.frombuffer(elements, np.uint8).reshape(*shape, size)
    if len(shape) == 3:
        rows = rows.transpose(0, 2, 1, 3)
    rows = rows.reshape(groups, shape[0] // groups, -1, size)
    filled = np.zeros((groups, aligned(rows.shape[1], PANEL), *rows.shape[2:]), np.uint8)
    filled[:, : rows.shape[1]] = rows
    return filled.reshape(groups, -1, PANEL, *rows.shape[2:]).swapaxes(2, 3).tobytes()


@dataclass
class Tensor:
    name: str
    role: str
    dtype: str
    shape: list
    elements: bytes
    groups: int = 0  # 0 is row-major

    def stored(self):
        return panels(self.elements, self.shape, self.groups, SIZES[self.dtype]) if self.groups else self.elements

    def entry(self, offset):
        order = {"order": "panels", "groups": self.groups} if self.groups else {"order": "row-major"}
        return {
            "name": self.name, "role": self.role, "dtype": self.dtype, "shape": list(self.shape), "encoding": "raw",
            **order, "offset": offset, "bytes": len(self.stored()),
        }  # fmt: skip


# Files.


class File:
    def __init__(self, metadata, graph, tensors, goldens):
        self.metadata, self.graph, self.goldens, self.tensors = metadata, graph, goldens, tensors
        self.index, self.data = [], b""
        for tensor in tensors:
            self.data += bytes(aligned(len(self.data), 64) - len(self.data))
            self.index.append(tensor.entry(len(self.data)))
            self.data += tensor.stored()
        self.digests = [(zlib.crc32(t.stored()), hashlib.sha256(t.elements).digest()) for t in tensors]

    def text(self, part):
        return canonical(getattr(self, part), 2 if part in ("metadata", "graph") else 1)

    def build(self, texts=None, align=4096):
        """The file's bytes; `texts` stand in place of the canonical ones."""
        parts, marks = {"header": bytes(64)}, []
        for part in TEXTS:
            parts[part], spans = self.text(part)
            marks += [(part, first, last) for first, last in spans]
        parts |= texts or {}
        parts |= {"data": self.data, "footer": bytes(64 + 40 * len(self.digests))}
        data, at = bytearray(), {}
        for part, content in parts.items():
            data += bytes(aligned(len(data), align if part == "data" else 64) - len(data))
            at[part] = (len(data), len(data) + len(content))
            data += content
        lengths = [len(parts[part]) for part in (*TEXTS, "data", "footer")]
        data[:64] = MAGIC + struct.pack("<II6Q", 1, 64, *lengths)
        start = at["footer"][0]
        for i, (crc, sha) in enumerate(self.digests):
            data[start + 40 * i : start + 40 * i + 40] = struct.pack("<II", crc, 0) + sha
        data[-8:] = END
        marks = [(at[part][0] + first, at[part][0] + last) for part, first, last in marks]
        return Built(self, data, at, marks).seal()


class Built:
    def __init__(self, file, data, at, marks):
        self.file, self.data, self.at, self.marks = file, data, at, marks
        self.root = at["footer"][1] - 40
        self.crcs = self.root - 24

    def seal(self, crcs=True):
        """Makes the texts' CRCs and the root right again."""
        if crcs:
            sums = [zlib.crc32(self.data[slice(*self.at[part])]) for part in ("header", *TEXTS)]
            self.data[self.crcs : self.crcs + 20] = struct.pack("<5I", *sums)
        return self.seal_root(self.data[: self.at["data"][0]])

    def seal_root(self, head):
        body = bytes(head) + bytes(self.data[self.at["footer"][0] : self.root])
        self.data[self.root : self.root + 32] = hashlib.sha256(body).digest()
        return self

    def put(self, offset, content):
        self.data[offset : offset + len(content)] = content
        return self

    def span(self):
        """From the first marked byte to the last."""
        return min(first for first, _ in self.marks), max(last for _, last in self.marks)
