#!/usr/bin/env python3
"""A second reader of `.assay` files, written from the article Sources/IR/IR.docc/ArtifactFormat.md alone. It
checks each file, *verify* rules included, but not rule 20 (types: it works out neither shapes nor element types), lists
the tensors with their digests and reads the goldens. A good file gives a line of JSON, a bad one `FILE: rule N (name)
at byte B: what is wrong` on stderr, and exit code 2 at the end."""
import array, getopt, hashlib, json, math, os, re, struct, sys, zlib
RULES = """- magic version header sections padding end json canonical fields limits preprocessing sources license recipe
 inputs constants provenance values operators types outputs names roles dtypes shapes encoding order fill placement
 goldens arrays footer text-crc root tensor-crc tensor-sha256""".split()
TYPES = {t[2:]: (2 ** int(t[0]), t[1]) for t in """3dF64 2fF32 1eF16 1fBF16 0BF8_E4M3 0BF8_E5M2 3qI64 2iI32 1hI16 0bI8
 3QU64 2IU32 1HU16 0BU8 0?BOOL 3fC64 4dC128""".split()}  # the bytes of an element and the letter that struct has for it
# Objects and the kinds of their members ("name?" may be missing). Kinds: an object's name; @member:rule, the object
# "member.VALUE"; [list, or with a mark [=of two, [~of 16 at most, [<rising, [RULE: no two of one name; {any names;
# ?null or; string/other; s:rule:pattern string; i:rule:low:high integer; n:rule:low number; f float32; t truth value.
# node.2.3.Conv holds the attributes of the operator Conv, which takes 2 to 3 inputs; Concat takes its `count`.
KINDS = {entry.split()[0]: dict(member.split("=", 1) for member in entry.split()[1:]) for entry in r"""
Metadata system=s preprocessing=Preprocessing labels=[s license=?License sources=[12:Source recipe=[@step:14
ignored=[Ignored tool=s about={s edited=[<s:9:labels|license|about\..*; Ignored tensor=s reason=s; License id=s:13:.+
from=s; Preprocessing sample_rate=i:11:1:1000000 normalization=?Normalization padding?=s:11:zeros|masked|row|single; Normalization epsilon=n:11:0; Source
name=s bytes=i:12:0 sha256=s:12:[0-9a-f]{64}; step.cast step=s dtype=s:14:F32|F16|BF16; step.prune step=s layers=i:14:0
keep=[<i:14:0; Graph inputs=[Input constants=[Constant nodes=[@op:19 outputs=[21:Output states=[21:Output; Input
name=NAME dtype=TYPE shape=[~s/i:15:0:LARGE; Constant name=NAME sources=[Array steps=[s; Array file=s tensor=s; Output
name=NAME value=s; Node name=NAME op=s inputs=[?s; node.2.2.Expand,Tile; node.3.3.Where,Range; node.3.5.StridedSlice;
node.2.2.Add,Sub,Mul,Div,Pow,Mod,Remainder,Min,Max,Equal,Less,LessOrEqual,Greater,GreaterOrEqual,And,Or,Xor,MatMul;
node.1.1.Relu,Sigmoid,Sqrt,Tanh,Abs,Ceil,Cos,Erf,Exp,Floor,IsInf,IsNaN,Log,Neg,Not,Round,Sign,Sin,Softplus,Shape;
node.1.1.Softmax axis=i:19:0:15; node.1.1.Transpose perm=[i:19:0:15; node.1.1.Cast to=s:19:F32|I64|I32|BOOL;
node.2.2.ReshapeTo allowzero=t; node.2.2.Gather axis=i:19:0:15; node.3.3.ScatterND reduction=s:19:none|add|mul|min|max;
node.1024.1024.Concat axis=i:19:0:15 count=i:19:1:1024; node.2.3.Pad mode=s:19:constant|reflect|edge|wrap;
node.1.1.ReduceMean,ReduceL2,ReduceSum,ReduceProd,ReduceMax,ReduceMin axes=[<i:19:0:LARGE keepdims=t; node.2.3.Linear;
node.2.3.Conv stride=i:19:1:1048576 padding=[=i:19:0:1048576 dilation=i:19:1:1048576 groups=i:19:1:1048576;
node.3.4.Attention heads=i:19:1:LARGE scale=f; node.4.5.AlibiAttention heads=i:19:1:LARGE scale=f prefix=i:19:0:LARGE; node.1.3.LayerNormalization epsilon=f; node.1.3.GroupNormalization
groups=i:19:1:LARGE epsilon=f; node.1.1.Gelu approximate=s:19:none|tanh; node.1.1.Slice axis=i:19:0:LARGE
drop=[=i:19:0:LARGE; node.1.1.Reshape shape=[~s:19:axis\x20(\d|1[0-5])|rest/i:19:0:LARGE; Entry name=NAME
role=s:23:constant|golden dtype=TYPE shape=[~i:25:0:1e19 encoding=s:26:raw order=s:27:row-major|panels groups?=i:27:1
offset=i:29:0 bytes=i:29:0; Golden golden=i:30:1:1 name=s system=s input=@kind:30 expected={Expected tolerance=Tolerance
maker=s; kind.zeros kind=s samples=i:30:0:57600000; kind.waveform kind=s file=s tensor=s; kind.graph kind=s
tensors={Array; Expected shape=[~i:30:0 values=[s:30:NaN|-?Infinity/n at?=[[i:30:0 tolerance?=Tolerance; ExpectedArray
file=s tensor=s tolerance?=Tolerance; Tolerance absolute=n:30:0 relative=n:30:0 reason=s""".replace(
    "NAME", "s:10:.{1,4096}").replace("TYPE", "s:24:" + "|".join(TYPES)).replace("LARGE", str(2**40)).split(";")}
OPERATORS = {op: kind for kind in KINDS if kind.startswith("node.") for op in kind.split(".")[3].split(",")}
KINDS.update(("op." + op, dict(KINDS["Node"], attributes=OPERATORS[op])) for op in OPERATORS)
TOKEN = re.compile(rb'"[^"]*(?:"[ \t\n\r]*:?|\Z)|[][{}]|[^][{}",: \t\n\r]+')  # of JSON, its escapes taken out
ESCAPE = {c: f"\\u{c:04x}" for c in range(160) if not 31 < c < 127} | dict(zip(b'\t\n\r"\\', r'\t \n \r \" \\'.split()))
class Broken(Exception): pass  # a rule, the byte or the JSON value where it is broken, what is wrong
def need(truth, *broken):
    if not truth: raise Broken(*broken)
def unique(objects, rule):
    first = {v["name"]: v for v in reversed(objects)}
    for v in objects: need(first[v["name"]] is v, rule, v, f"a second {v['name']!r:.60}")
def parse(data, part, kind):
    start, text, depth, count = part[0], data[part[0]:part[1]], 0, 0
    for token in TOKEN.finditer(re.sub(rb"\\.", b"__", text, flags=re.S)):
        depth += (token[0] in (b"{", b"[")) - (token[0] in (b"}", b"]"))
        count += token[0] not in (b"}", b"]") and token[0][-1:] != b":"
        need(depth <= 64 and count <= 2_000_000, 10, start + token.start(), "more than 64 levels or 2,000,000 values")
    try:
        document = json.loads(text.decode(), parse_constant=lambda t: need(False, 7, start, f"{t} is not JSON"),
            parse_int=lambda t: int(t) if t != "-0" and len(t) < 4000 else float(t),
            object_pairs_hook=lambda v: need(len(v) == len(dict(v)), 7, start, "two members of one name") or dict(v))
        right = (fit(document, kind, start, 1 if kind[0] == "[" else 2, kind != "[30:Golden") + "\n").encode()
    except UnicodeError as error: need(False, 7, start + error.start, "not UTF-8, or half of a surrogate pair")
    except json.JSONDecodeError as error: need(False, 7, start + len(error.doc[:error.pos].encode()), error.msg)
    return document if text == right else need(False, 8, start + len(os.path.commonprefix([text, right])), "not so")
def fit(v, kind, place, lines, ordered, level=0):  # v in canonical writing; the place is a byte or the object around v
    if kind[0] == "?": kind = "null" if v is None else kind[1:]
    if kind == "Expected" and isinstance(v, dict) and "file" in v: kind = "ExpectedArray"
    if kind[0] == "@":
        member, rule = kind[1:].split(":")
        need(isinstance(v, dict) and isinstance(v.get(member), str), 9, place, f"an object with {member} was expected")
        need((kind := f"{member}.{v[member]}") in KINDS, int(rule), v, f"{kind!r:.60} is not known")
    if kind[0] == "[":
        mark, rule, kind = re.match(r"\[([=~<]?)(?:(\d+):)?(.*)", kind).groups()
        need(isinstance(v, list) and (mark != "=" or len(v) == 2), 19 if ":19:" in kind else 9, place, "no such list")
        need(mark != "~" or len(v) <= 16, 19 if ":19:" in kind else 10, place, "more than 16 axes")
        parts, ends = [fit(x, kind, place, lines, ordered, level + 1) for x in v], "[]"
        need(mark != "<" or v == sorted(set(v)), int((kind + ":9").split(":")[1]), place, "the elements do not rise")
        unique(v if rule else [], int(rule or 0))
    elif kind[0] == "{" or kind in KINDS:
        need(isinstance(v, dict), 9, place, "an object was expected")
        want = {n.rstrip("?"): k for n, k in KINDS[kind].items()} if kind in KINDS else {n: kind[1:] for n in sorted(v)}
        rule, place = (19, place) if kind.startswith("node.") else (9, v)
        for n in {**want, **v}:
            need(n in want and (n in v or n + "?" in KINDS[kind]), rule, place, f"{n!r:.60} is missing or not known")
        texts = {n: fit(v[n], want[n], place, lines, ordered, level + 1) for n in (want if ordered else v) if n in v}
        parts, ends = [fit(n, "s", v, 0, 0) + (": " if level < lines else ":") + texts[n] for n in texts], "{}"
    else:
        what, rule, low, high = ((kind.split("/")[type(v) != str] if "/" in kind else kind) + ":::").split(":")[:4]
        rule, types = int(rule or 9), {"s": [str], "t": [bool], "null": [type(None)]}.get(what, [int, float])
        need(type(v) in types, 19 if rule == 19 or what in "tf" else 9, place, f"{v!r:.60} is of another kind")
        need(what != "s" or re.fullmatch((low or ".*").encode(), v.encode(), re.S), rule, place, f"unknown: {v!r:.60}")
        if what == "s": return '"' + v.translate(ESCAPE) + '"'
        need(not low or int(low) <= v <= float(high or "inf"), rule, place, "a number out of its range")
        need(what != "i" or v // 1 == v, 19 if rule == 19 else 9, place, "an integer was expected")
        if what in "nf": return re.sub(r"\.0$", "", repr((float if what == "n" else shortest32)(float(repr(v)))))
        return json.dumps(int(v) if what == "i" else v)
    gap, inner = ("\n" + "  " * level, "\n  " + "  " * level) if level < lines and v else ("", "")
    return ends[0] + inner + ("," + inner).join(parts) + gap + ends[1]
def shortest32(v, single=lambda x: array.array("f", [x])[0]):  # above a power of two the nearest digits may not do
    tries = (float(f"{single(v) * (1 + up):.{digits}e}") for digits in range(9) for up in (0, 2**-25))
    return next(x for x in tries if single(x) == single(v))
def row_major(data, start, t):
    raw, (out, width, taps) = data[start + t["offset"]:start + t["offset"] + t["bytes"]], (t["shape"] + [1, 1, 1])[:3]
    if t["order"] == "row-major": return raw
    words, rows = array.array("I" if t["dtype"] == "F32" else "H", raw), out // t["groups"]
    panel, padded, made = 16 * width * taps, -(-rows // 16) * 16, bytearray()
    for row in range(padded * t["groups"]):
        line = words[row // 16 * panel + row % 16:(row // 16 + 1) * panel:16]
        need(row % padded < rows or not any(line), 28, t, f"row {row} only fills, and is not zero")
        if row % padded < rows: made += line if taps == 1 else b"".join(line[c::width].tobytes() for c in range(width))
    return bytes(made)
def decode(data, start, t):  # 8-bit floats as their bytes, a complex number as two floats
    raw = row_major(data, start, t)
    if t["dtype"] == "BF16": raw = b"".join(b"\0\0" + raw[i:i + 2] for i in range(0, len(raw), 2))
    return [v for v, in struct.iter_unpack("<" + TYPES[t["dtype"]][1], raw)]
def printable(values): return [{"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(v), v) for v in values]
def read(data):
    for at, rule, right in (0, 1, b"\x89ASAY\r\n\x1a"), (8, 2, b"\1\0\0\0"), (12, 3, b"@\0\0\0"):
        need(data.startswith(right, at), rule, at, f"unsupported: {data[at:at + len(right)]}, not {right}")
    parts = [(0, 64)] if len(data) >= 64 else need(False, 3, 0, "the header is cut short")
    for at, step, length in zip(range(16, 64, 8), [64] * 4 + [4096, 64], struct.unpack("<6Q", data[16:64].ljust(48))):
        need((start := -(-parts[-1][1] // step) * step) + length <= len(data), 4, at, "longer than the file")
        need(at > 40 or length <= 2**28, 10, at, "more than 268,435,456 bytes")
        need(not any(data[parts[-1][1]:start]), 5, parts[-1][1], "the padding that starts here is not zero")
        parts.append((start, start + length))
    (start, end), (footer, last), stop, tensors = *parts[5:], parts[5][0], []
    need(last == len(data), 4, last, "bytes after the footer")
    need(data[-8:] == b"ASSAYEND", 6, last - 8, "not ASSAYEND")
    need(last - footer >= 64 and not any(data[last - 44:last - 40]), 32, last - 44, "too short a footer, or not zero")
    for at, (a, b) in zip(range(last - 64, last, 4), parts[:5]):
        need(zlib.crc32(data[a:b]).to_bytes(4, "little") == data[at:at + 4], 33, at, f"not the CRC-32 of {a} to {b}")
    need((root := hashlib.sha256(data[:start] + data[footer:-40])).digest() == data[-40:-8], 34, last - 40, "bad root")
    metadata, graph, index, cases = map(parse, [data] * 4, parts[1:], ("Metadata", "Graph", "[22:Entry", "[30:Golden"))
    for s in metadata["recipe"]: need(max(s.get("keep", [-1]), default=math.inf) < s.get("layers", 0), 14, s, "no such")
    inputs, constants, nodes, outputs, states = graph.values()
    unique(inputs + constants + nodes, 18)
    files, seen = {s["name"] for s in metadata["sources"]}, {v["name"] for v in inputs + constants}
    for c in constants: need(all(s["file"] in files for s in c["sources"]), 17, c, "a file that is not in the sources")
    for node in nodes:
        given, a, (least, most) = node["inputs"], node["attributes"], map(int, OPERATORS[node["op"]].split(".")[1:3])
        need(sorted(p := a.get("perm", [])) == [*range(len(p))] and str(a).count("rest") < 2, 19, node, "no such axes")
        need(len(given) == a.get("count", max(least, min(len(given), most))), 19, node, "too few or many inputs")
        for i, v in enumerate(given, 1): need(v in seen or v is None and least < i < len(given), 18, node, f"input {i}")
        seen.add(node["name"])
    for v in outputs + states or [{}]: need(outputs and v["value"] in seen, 21, v, "no output, or of no known value")
    used = dict.fromkeys([v for node in nodes for v in node["inputs"]] + [v["value"] for v in outputs + states])
    names, listed = {c["name"]: c for c in constants}, [t["name"] for t in index if t["role"] == "constant"]
    need(list(names) == listed == [v for v in used if v in names], 16, "constants", "not as in the index or as used")
    need(last - footer == 64 + 40 * len(index), 32, 56, "the footer does not fit the number of tensors")
    for t, before, at in zip(index, [{"role": "constant"}, *index], range(footer, last, 40)):
        shape, groups, size = t["shape"], t.get("groups"), math.prod(t["shape"]) * TYPES[t["dtype"]][0]
        need(before["role"] == "constant" or t["role"] == "golden", 23, t, "a constant after a golden array")
        need(math.prod(n for n in shape if n) < 2**59, 25, t, "too large a shape")
        need((t["order"] == "panels") == ("groups" in t), 9, t, "groups stand with panels, and only there")
        need(not groups or len(shape) in (2, 3) and size and shape[0] % groups == 0 and t["role"] == "constant"
             and t["dtype"] in ("F32", "F16", "BF16"), 27, t, "this cannot be in panels")
        filled = size // shape[0] * groups * -(-shape[0] // groups // 16) * 16 if groups else size
        need((place := -(-stop // 64) * 64) + filled <= end, 29, t, "beyond the end of the data")
        need((t["offset"], t["bytes"]) == (place - start, filled), 29, t, f"not {filled} bytes at {place - start}")
        need(not any(data[stop:place]), 5, stop, "the padding that starts here is not zero")
        stop, (crc, none, digest) = place + filled, struct.unpack_from("<II32s", data, at)
        need(none == 0, 32, at + 4, "not zero")
        need(zlib.crc32(data[place:stop]) == crc, 35, at, "not the CRC-32 of the tensor")
        need(hashlib.sha256(row_major(data, start, t)).digest() == digest, 36, at + 8, "not the SHA-256 of the tensor")
        tensors.append(dict(name=t["name"], dtype=t["dtype"], shape=shape, bytes=size, sha256=digest.hex()))
    need(stop == end, 29, 48, "the data does not end where the last tensor ends")
    arrays, unmeant = ({t["name"]: t for t in index if t["role"] == "golden"} for _ in "12")
    names, results, goldens = {v["name"] for v in inputs}, {v["name"] for v in nodes + outputs + states}, []
    for case in cases:
        given, expected, name = case["input"], case["expected"], case["name"]
        need(set(given.get("tensors", names)) == names, 30, name, "not the inputs of the graph")
        need(case["system"] == metadata["system"], 30, name, "not for the system of the model")
        need(expected and expected.keys() <= results, 30, name, "it expects nothing, or what the graph does not have")
        for v in [v for v in [given, *given.get("tensors", {}).values(), *expected.values()] if "file" in v]:
            need(t := arrays.get(v["file"] + "/" + v["tensor"]), 31, v, "there is no such golden array")
            v.update(dtype=t["dtype"], shape=t["shape"], values=lambda t=t: printable(decode(data, start, t)))
            unmeant.pop(t["name"], None)
        need(all(v.get("dtype", "F32") == "F32" for v in [given, *expected.values()]), 30, name, "an array is not F32")
        need(given.get("shape", [1])[:-1] in ([], [1]) and given.get("shape") != [], 30, name, "not one row of samples")
        for v, shape, places in [(v, v["shape"], v.get("at", [])) for v in expected.values() if "file" not in v]:
            need(all(len(at) == len(shape) and all(map(int.__lt__, at, shape)) for at in places), 30, v, "no such one")
            need(len(v["values"]) == (len(places) if "at" in v else math.prod(shape)), 30, v, "not as many values")
        goldens.append(dict(name=name, input=given["kind"], expected={n: v["shape"] for n, v in expected.items()}))
    for t in unmeant.values(): need(False, 31, t, "no golden case means this")
    return index, cases, start, dict(metadata=metadata, tensors=tensors, goldens=goldens, root=root.hexdigest())
if __name__ == "__main__":
    try: options, files, status = *getopt.gnu_getopt(sys.argv[1:], "", ["values=", "goldens"]), 0
    except getopt.GetoptError: options, files, status = [], [], 0
    if not files: sys.exit(print("usage: read_assay.py [--goldens | --values NAME] FILE...", file=sys.stderr) or 64)
    for path in files:
        try:
            with open(path, "rb") as file: index, cases, start, summary = read(data := file.read())
            chosen = [printable(decode(data, start, t)) for t in index if ("--values", t["name"]) in options] or [None]
            lines = chosen if "--values" in dict(options) else cases if options else [{"file": path, **summary}]
            for line in lines: print(json.dumps(line, default=lambda values: values()))
        except Broken as error:
            rule, at, what = error.args
            if type(at) != int: at = max(64, data.rfind(json.dumps(at, ensure_ascii=False, separators=",:").encode()))
            status = print(f"{path}: rule {rule} ({RULES[rule]}) at byte {at}: {what}", file=sys.stderr) or 2
        except (OSError, MemoryError) as error: status = print(f"{path}: {error}", file=sys.stderr) or 2
    sys.exit(status)
