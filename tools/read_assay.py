#!/usr/bin/env python3
"""A second reader of `.assay` files, written from the article Sources/IR/IR.docc/ArtifactFormat.md alone.

It checks each file, *verify* rules included, lists its tensors with their digests and reads its goldens. A good file
gives a line of JSON; a bad one `FILE: rule N (name) at byte B: what is wrong` on stderr, and exit code 2 at the end.
Of rule 20 (types) it checks only how many inputs a node has: it does not work out shapes and element types."""
import array, getopt, hashlib, json, math, os, re, struct, sys, zlib

RULES = """- magic version header sections padding end json canonical fields limits preprocessing sources license recipe
 inputs constants provenance values operators types outputs names roles dtypes shapes encoding order fill placement
 goldens arrays footer text-crc root tensor-crc tensor-sha256""".split()
# How many bytes an element has, and how struct reads it: 8-bit floats as their bytes, complex numbers as two floats.
TYPES = {t[2:]: (2 ** int(t[0]), t[1]) for t in """3dF64 2fF32 1eF16 1fBF16 0BF8_E4M3 0BF8_E5M2 3qI64 2iI32 1hI16 0bI8
 3QU64 2IU32 1HU16 0BU8 0?BOOL 3fC64 4dC128""".split()}
# Objects and the kinds of their members ("name?" may be missing). Kinds: an object's name; @member:rule, the object
# "member.VALUE"; [list, or with a mark [=of two, [~of 16 at most, [<rising, [RULE: no two of one name; {any names; ?null
# or; string/other; s:rule:pattern string; i:rule:low:high integer; n:rule:low number; f float32; t truth value.
# node.2.3.Conv holds the attributes of the operator Conv, which takes 2 to 3 inputs.
KINDS = {entry.split()[0]: dict(member.split("=", 1) for member in entry.split()[1:]) for entry in r"""
Metadata system=s preprocessing=Preprocessing labels=[s license=?License sources=[12:Source recipe=[@step:14
 ignored=[Ignored tool=s about={s edited=[<s:9:labels|license|about\..*; Ignored tensor=s reason=s; License id=s:13:.+
 from=s; Preprocessing sample_rate=i:11:1:1000000 normalization=?Normalization; Normalization epsilon=n:11:0;
Source name=s bytes=i:12:0 sha256=s:12:[0-9a-f]{64}; step.cast step=s dtype=s:14:F16|BF16; step.prune step=s
 layers=i:14:0 keep=[<i:14:0; Graph inputs=[Input constants=[Constant nodes=[@op:19 outputs=[21:Output states=[21:Output;
Input name=NAME dtype=TYPE shape=[~s/i:15:0:LARGE; Constant name=NAME sources=[Array steps=[s; Array file=s tensor=s;
Output name=NAME value=s; Node name=NAME op=s inputs=[?s; node.1.1.Relu,Sigmoid,Sqrt,Tanh; node.2.2.Add,Sub,Mul,Div;
node.2.3.Linear; node.2.3.Conv stride=i:19:1:1048576 padding=[=i:19:0:1048576 dilation=i:19:1:1048576
 groups=i:19:1:1048576; node.3.3.Attention heads=i:19:1:LARGE scale=f; node.1.3.LayerNormalization epsilon=f;
node.1.3.GroupNormalization groups=i:19:1:LARGE epsilon=f; node.1.1.Gelu approximate=s:19:none|tanh;
node.1.1.ReduceMean,ReduceL2 axes=[<i:19:0:LARGE keepdims=t; node.1.1.Slice axis=i:19:0:LARGE drop=[=i:19:0:LARGE;
node.1.1.Reshape shape=[~s:19:axis\x20(0|[1-9][0-9]*)/i:19:0:LARGE; Tolerance absolute=n:30:0 relative=n:30:0 reason=s;
Entry name=NAME role=s:23:constant|golden dtype=TYPE shape=[~i:25:0:1e19 encoding=s:26:raw order=s:27:row-major|panels
 groups?=i:27:1 offset=i:29:0 bytes=i:29:0; Golden golden=i:30:1:1 name=s system=s input=@kind:30 expected={Expected
 tolerance=Tolerance maker=s; kind.zeros kind=s samples=i:30:0:57600000; kind.waveform kind=s file=s tensor=s;
kind.graph kind=s tensors={Array; Expected shape=[~i:30:0 values=[s:30:NaN|-?Infinity/n at?=[[i:30:0
 tolerance?=Tolerance; ExpectedArray file=s tensor=s tolerance?=Tolerance""".replace("NAME", "s:10:.{1,4096}").replace(
     "TYPE", "s:24:" + "|".join(TYPES)).replace("LARGE", str(2**40)).split(";")}
OPERATORS = {op: kind for kind in KINDS if kind.startswith("node.") for op in kind.split(".")[3].split(",")}
KINDS.update(("op." + op, dict(KINDS["Node"], attributes=OPERATORS[op])) for op in OPERATORS)
TOKEN = re.compile(rb'"[^"\\]*(?:\\.?[^"\\]*)*(?:"[ \t\n\r]*:?|\Z)|[][{}]|[^][{}",: \t\n\r]+', re.S)
ESCAPES = {c: f"\\u{c:04x}" for c in range(160) if c < 32 or c > 126} | dict(zip(b'\t\n\r"\\', r'\t \n \r \" \\'.split()))

class Broken(Exception): pass  # a rule, the byte or the JSON value where it is broken, what is wrong
def need(truth, *broken):
    if not truth: raise Broken(*broken)
def unique(objects, rule):
    first = {v["name"]: v for v in reversed(objects)}
    for v in objects: need(first[v["name"]] is v, rule, v, f"a second {v['name']!r:.60}")

def read_text(data, start, end, kind, lines, ordered):
    text, depth, count = data[start:end], 0, 0
    for token in TOKEN.finditer(text):
        depth += (token[0] in (b"{", b"[")) - (token[0] in (b"}", b"]"))
        count += token[0] not in (b"}", b"]") and token[0][-1:] != b":"
        need(depth <= 64 and count <= 2_000_000, 10, start + token.start(), "more than 64 levels or 2,000,000 values")
    try:
        document = json.loads(
            text.decode(), parse_int=lambda t: int(t) if t != "-0" and len(t) < 4000 else float(t),
            parse_constant=lambda t: need(False, 7, start + text.find(t.encode()), "not JSON"),
            object_pairs_hook=lambda v: need(len(dict(v)) == len(v), 7, start, "two members of one name") or dict(v))
        canonical = (fit(document, kind, start, lines, ordered) + "\n").encode()
    except ValueError as error:
        where = getattr(error, "start", 0) + len(getattr(error, "doc", "")[:getattr(error, "pos", 0)].encode())
        need(False, 7, start + where, f"not JSON in UTF-8: {error}")
    if text != canonical: need(False, 8, start + len(os.path.commonprefix([text, canonical])), "not written so")
    return document

def fit(v, kind, place, lines, ordered, level=0):
    """The canonical text of v. Refuses v where it is not of the kind; the place is a byte, or the object around v."""
    if kind[0] == "?": kind = "null" if v is None else kind[1:]
    if kind == "Expected" and isinstance(v, dict) and "file" in v: kind = "ExpectedArray"
    if kind[0] == "@":
        (member, rule), key = kind[1:].split(":"), v.get(kind[1:-3]) if isinstance(v, dict) else None
        kind = f"{member}.{key}" if isinstance(key, str) else next(k for k in KINDS if k.startswith(member + "."))
        need(kind in KINDS, int(rule), v, f"{member} {key!r:.60} is not known")
    if kind[0] == "[":
        mark, rule, kind = re.match(r"\[([=~<]?)(?:(\d+):)?(.*)", kind).groups()
        need(isinstance(v, list) and (mark != "=" or len(v) == 2), 9, place, "a list was expected, or one of two")
        need(mark != "~" or len(v) <= 16, 10, place, "more than 16 axes")
        parts, ends = [fit(x, kind, place, lines, ordered, level + 1) for x in v], "[]"
        need(mark != "<" or v == sorted(set(v)), int((kind + ":9").split(":")[1]), place, "the elements do not rise")
        unique(v if rule else [], int(rule or 0))
    elif kind[0] == "{" or kind in KINDS:
        need(isinstance(v, dict), 9, place, "an object was expected")
        known = {n.rstrip("?"): k for n, k in KINDS[kind].items()} if kind in KINDS else dict.fromkeys(v, kind[1:])
        rule, place = (19, place) if kind.startswith("node.") else (9, v)
        for n in {**known, **v}:
            need(n in known and (n in v or n + "?" in KINDS[kind]), rule, place, f"{n!r:.60} is missing or not known")
        texts = {n: fit(v[n], known[n], place, lines, ordered, level + 1) for n in (known if ordered else v) if n in v}
        parts, ends = [fit(n, "s", v, 0, 0) + (": " if level < lines else ":") + texts[n] for n in texts], "{}"
    else:
        what, rule, low, high = ((kind.split("/")[type(v) != str] if "/" in kind else kind) + ":::").split(":")[:4]
        rule, types = int(rule or 9), {"s": [str], "t": [bool], "null": [type(None)]}.get(what, [int, float])
        need(type(v) in types, 9, place, f"{v!r:.60} is of another kind than expected")
        if what == "s":
            need(re.fullmatch((low or ".*").encode(), v.encode(), re.S), rule, place, f"{v!r:.60} is not known here")
            return '"' + v.translate(ESCAPES) + '"'
        need(not low or int(low) <= v <= float(high or "inf"), rule, place, "a number out of its range")
        need(what != "i" or v // 1 == v, 9, place, "an integer was expected")
        if what in "nf": return re.sub(r"\.0$", "", repr((float if what == "n" else shortest32)(float(repr(v)))))
        return json.dumps(int(v) if what == "i" else v)
    gap, inner = ("\n" + "  " * level, "\n  " + "  " * level) if level < lines and v else ("", "")
    return ends[0] + inner + ("," + inner).join(parts) + gap + ends[1]

def shortest32(v):  # floats lie further apart above a power of two than below it: there the nearest digits may not do
    def single(x): return array.array("f", [x])[0]
    tries = (float(f"{single(v) * (1 + up):.{digits}e}") for digits in range(9) for up in (0, 2**-25))
    return next(x for x in tries if single(x) == single(v))

def row_major(data, start, t):
    raw, (out, columns, taps) = data[start + t["offset"]:start + t["offset"] + t["bytes"]], (t["shape"] + [1, 1, 1])[:3]
    if t["order"] == "row-major": return raw
    words, rows = array.array("I" if t["dtype"] == "F32" else "H", raw), out // t["groups"]
    panel, padded, made = 16 * columns * taps, -(-rows // 16) * 16, bytearray()
    for row in range(padded * t["groups"]):
        line = words[row // 16 * panel + row % 16:(row // 16 + 1) * panel:16]
        need(row % padded < rows or not any(line), 28, t, f"row {row} only fills, and is not zero")
        for part in [] if row % padded >= rows else [line] if taps == 1 else [line[c::columns] for c in range(columns)]:
            made += part.tobytes()
    return bytes(made)

def decode(data, start, t):
    """The elements in row-major order."""
    raw = row_major(data, start, t)
    if t["dtype"] == "BF16": raw = b"".join(b"\0\0" + raw[i:i + 2] for i in range(0, len(raw), 2))
    return [v for v, in struct.iter_unpack("<" + TYPES[t["dtype"]][1], raw)]
def printable(values): return [{"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(v), v) for v in values]

def read(data):
    need(data[:8] == b"\x89ASAY\r\n\x1a", 1, 0, "not an .assay file")
    need(data[8:12] == b"\1\0\0\0", 2, 8, "a version that is not supported")
    need(data[12:16] == b"@\0\0\0" and len(data) >= 64, 3, 12, "the header is not 64 bytes")
    parts = [(0, 64)]
    for at, step, length in zip(range(16, 64, 8), (64, 64, 64, 64, 4096, 64), struct.unpack("<6Q", data[16:64])):
        start = -(-parts[-1][1] // step) * step
        need(start + length <= len(data), 4, at, "longer than the file")
        need(at > 40 or length <= 2**28, 10, at, "more than 268,435,456 bytes")
        need(not any(data[parts[-1][1]:start]), 5, parts[-1][1], "the padding that starts here is not zero")
        parts.append((start, start + length))
    (start, end), (footer, last) = parts[5:]
    need(last == len(data), 4, last, "bytes after the footer")
    need(data[-8:] == b"ASSAYEND", 6, last - 8, "not ASSAYEND")
    need(last - footer >= 64 and not any(data[last - 44:last - 40]), 32, last - 44, "too short a footer, or not zero")
    for at, (a, b) in zip(range(last - 64, last, 4), parts[:5]):
        need(zlib.crc32(data[a:b]).to_bytes(4, "little") == data[at:at + 4], 33, at, f"not the CRC-32 of {a} to {b}")
    root = hashlib.sha256(data[:start] + data[footer:last - 40])
    need(root.digest() == data[last - 40:last - 8], 34, last - 40, "not the root")
    how = ("Metadata", 2, True), ("Graph", 2, True), ("[22:Entry", 1, True), ("[30:Golden", 1, False)
    metadata, graph, index, cases = (read_text(data, *part, *way) for part, way in zip(parts[1:], how))
    for step in metadata["recipe"]: need(max(step.get("keep") or [-1]) < step.get("layers", 0), 14, step, "no such layer")
    need(last - footer == 64 + 40 * len(index), 32, 56, "the footer does not fit the number of tensors")
    check_graph(index, {s["name"] for s in metadata["sources"]}, **graph)
    tensors = check_tensors(data, index, start, end, footer)
    check_goldens(...)
