"""Makes golden/formats/assay: `.assay` files that keep to each rule of the article where that is least obvious, files
that break one rule each, and what a reader must say of them. numpy is needed, torch is not.

    tools/golden/artifact/make_artifact_corpus.py

`expected.json` has for `accept` what tensors a file holds (`bytes` and `sha256` of the elements), for `reject`
the rule that is broken and the byte (or the first and last of those) that a reader may name; with `whole`, only the
graph is wrong and everything that is not about types may be read.
"""

import functools
import hashlib
import json
import pathlib
import shutil
import struct

import artifact_accept_data  # noqa: F401: these fill ACCEPT and REJECT
import artifact_accept_graph  # noqa: F401
import artifact_accept_operators  # noqa: F401
import artifact_reject_data  # noqa: F401
import artifact_reject_entries  # noqa: F401
import artifact_reject_operators  # noqa: F401
import artifact_reject_text  # noqa: F401
import artifact_reject_types  # noqa: F401
from artifact import SIZES, TEXTS
from artifact_accept import ACCEPT
from artifact_reject import REJECT

ROOT = pathlib.Path(__file__).resolve().parents[3] / "golden" / "formats" / "assay"
RULES = (
    "magic version header sections padding end json canonical fields limits preprocessing sources license recipe "
    "inputs constants provenance values operators types outputs names roles dtypes shapes encoding order fill "
    "placement goldens arrays footer text-crc root tensor-crc tensor-sha256"
).split()
LARGEST = 1_900_000


def rule(name):
    return next(i for i, each in enumerate(RULES, 1) if name == each or name.startswith(each + "-"))


def listing(built):
    return {
        "tensors": [
            {key: entry[key] for key in ("name", "dtype", "shape")}
            | {"bytes": len(tensor.elements), "sha256": hashlib.sha256(tensor.elements).hexdigest()}
            for entry, tensor in zip(built.file.index, built.file.tensors)
        ]
    }


def elements(entry, stored):
    """A tensor's elements, from where its place in the file says that each of them is."""
    if entry["order"] == "row-major":
        return stored
    rows, size = entry["shape"][0], SIZES[entry["dtype"]]
    depth, kernel = (*entry["shape"][1:], 1)[:2]
    mine = rows // entry["groups"]
    panels = (mine + 15) // 16
    out = bytearray()
    for row in range(rows):
        group, place = divmod(row, mine)
        for channel in range(depth):
            for tap in range(kernel):
                panel = group * panels + place // 16
                at = ((panel * depth * kernel + tap * depth + channel) * 16 + place % 16) * size
                out += stored[at : at + size]
    return bytes(out)


def check(built):
    """Reads a file again and compares it with what was meant."""
    data = bytes(built.data)
    lengths = struct.unpack("<6Q", data[16:64])
    end, found = 64, []
    for length, align in zip(lengths, (64, 64, 64, 64, 4096, 64)):
        start = (end + align - 1) // align * align
        assert not any(data[end:start])
        end = start + length
        found.append(data[start:end])
    assert end == len(data)
    for part, text in zip(TEXTS, found):
        assert json.loads(text) == getattr(built.file, part), part
    for i, (entry, tensor) in enumerate(zip(built.file.index, built.file.tensors)):
        stored = found[4][entry["offset"] : entry["offset"] + entry["bytes"]]
        assert elements(entry, stored) == tensor.elements
        assert found[5][40 * i + 8 : 40 * i + 40] == hashlib.sha256(tensor.elements).digest()


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    expected = {"accept": {}, "reject": {}}
    for kind in expected:
        (ROOT / kind).mkdir(parents=True)
    for name, make in sorted(ACCEPT.items()):
        built = make()
        check(built)
        (ROOT / "accept" / f"{name}.assay").write_bytes(built.data)
        expected["accept"][f"{name}.assay"] = listing(built)
    for name, (what, make) in sorted(REJECT.items()):
        data, (first, last) = make()
        (ROOT / "reject" / f"{name}.assay").write_bytes(data)
        number = rule(name)
        expected["reject"][f"{name}.assay"] = {
            "rule": number, "name": RULES[number - 1], "offset": first if first == last else [first, last],
            "what": what,
        } | ({"whole": True} if RULES[number - 1] == "types" else {})  # fmt: skip
    for kind, names in (("accept", ACCEPT), ("reject", REJECT)):
        assert {rule(name) for name in names} == set(range(1, 37)), kind
    write(ROOT / "expected.json", expected)
    total = sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file())
    assert total < LARGEST, total
    print(f"{len(ACCEPT)} accepted, {len(REJECT)} rejected, {total} bytes")


def write(path, expected):
    """A file a line."""
    text = functools.partial(json.dumps, ensure_ascii=False)
    lines = [
        f' "{kind}": {{\n' + ",\n".join(f"  {text(k)}: {text(v)}" for k, v in files.items()) + "\n }"
        for kind, files in expected.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
