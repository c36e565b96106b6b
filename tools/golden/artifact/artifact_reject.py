"""Files that break one rule and nothing else: name of the file to what is wrong and what makes it, with the range of
bytes in which a reader must say that it is. Here: the file and its digests."""

import hashlib
import struct
import zlib

from artifact import END, TEXTS, Here
from artifact_model import Model, convolved, finish, prove, proven, small

REJECT = {}
DROP = object()
DEPTH = {"metadata": 2, "graph": 3, "index": 2, "goldens": 2}  # of the path to what a mark holds


def reject(name, what):
    def add(make):
        assert name not in REJECT, name
        REJECT[name] = (what, make)
        return make

    return add


def step(key, container):
    return int(key) if isinstance(container, list) else key


def follow(file, keys):
    value = vars(file)
    for key in keys:
        value = value[step(key, value)]
    return value


def mark(file, *paths):
    """A reader should complain about these: members of the metadata, entries of the other texts' lists."""
    for keys in sorted({tuple(path.split("/")[: DEPTH[path.split("/")[0]]]) for path in paths}, key=len, reverse=True):
        container = follow(file, keys[:-1])
        key = step(keys[-1], container)
        container[key] = Here(container[key])
    return file


def edited(file, edits):
    """Sets, drops or (at `+`) appends what paths lead to, and marks it; of a member that is dropped, what held it."""
    marks = []
    for path, value in edits.items():
        parent, _, last = path.rpartition("/")
        container = follow(file, parent.split("/"))
        if value is DROP:
            del container[step(last, container)]
            path = parent
        elif last == "+":
            container.append(value)
            path = f"{parent}/{len(container) - 1}"
        else:
            container[step(last, container)] = value
        marks.append(path)
    return mark(file, *marks)


def tiny():
    model = Model(sources=[])
    model.output("logits", model.input())
    return model


def tree(name, what, edits, base=proven):
    @reject(name, what)
    def make():
        built = edited(base().file(), edits).build()
        return built.data, built.span()


def patch(name, what, offset, content, where=None, seal=True, base=tiny):
    """Puts bytes at an offset of the built file; `offset` and `where` are numbers or functions of the file."""

    @reject(name, what)
    def make():
        built = base().file().build()
        at = offset(built) if callable(offset) else offset
        built.put(at, content(built) if callable(content) else content)
        if seal:
            built.seal(crcs=seal != "root")
        range_ = where(built) if callable(where) else where
        return built.data, range_ or (at, at)


def text(name, what, part, old, new, base):
    """Puts other text in the place of a text's own, which is there once; any byte of it may be named."""

    @reject(name, what)
    def make():
        file = base().file()
        content = file.text(part)[0]
        before, after = (t if isinstance(t, bytes) else t.encode() for t in (old, new))
        assert content.count(before) == 1, (name, content)
        broken = content.replace(before, after)
        built = file.build({part: broken})
        first = built.at[part][0] + content.index(before)
        return built.data, (first, first + len(after))


# The file.

patch("magic", "The carriage return has become a line feed.", 5, b"\n", (0, 7))
reject("magic-empty", "The file has no bytes.")(lambda: (b"", (0, 0)))
for name, value in (("0", 0), ("2", 2)):
    patch(f"version-{name}", f"The version is {value}.", 8, struct.pack("<I", value), (8, 11))
for name, value in (("0", 0), ("big-endian", 64 << 24)):
    patch(f"header-{name}", f"The header's length is {value}.", 12, struct.pack("<I", value), (12, 15))
reject("header-cut", "The file ends inside the header.")(lambda: (tiny().file().build().data[:24] + END, (0, 32)))


def resized(name, what, change, base=tiny, **options):
    @reject(name, what)
    def make():
        built = base().file().build(**options)
        data = change(built, built.data)
        return data, (16, len(data))


resized("sections-trailing", "64 bytes follow the footer.", lambda _, data: data + bytes(56) + END)
resized("sections-cut", "The footer is cut short.", lambda _, data: data[:-72] + END, proven)
resized("sections-data-at-64", "The data starts at a multiple of 64 only.", lambda _, data: data, proven, align=64)


@reject("sections-past-end", "The data is longer than the file.")
def sections_past_end():
    built = tiny().file().build()
    return built.put(48, struct.pack("<Q", 1 << 62)).seal().data, (16, len(built.data))


@reject("sections-overflow", "The data is so long that in 64 bits the footer comes before it, where there is one.")
def sections_overflow():
    built = tiny().file().build()
    built.put(48, struct.pack("<Q", (1 << 64) - 3072)).seal()
    return built.data[:1024] + built.data[4096:], (16, 1024 + 64)


for before, after in (("metadata", "graph"), ("index", "goldens"), ("goldens", "data"), ("data", "footer")):
    patch(f"padding-before-{after}", f"A byte between {before} and {after} is not 0.",
          lambda built, after=after: built.at[after][0] - 1, b"\1", base=small)  # fmt: skip
patch("padding-after-text", "The first byte after the goldens is a line feed.", lambda b: b.at["goldens"][1], b"\n")
patch("padding-between-tensors", "A byte between two tensors is not 0.", lambda b: b.at["data"][0] + 63, b"\1",
      base=small)  # fmt: skip
patch("end", "The file's end is lower-case.", lambda b: len(b.data) - 8, END.lower(),
      lambda b: (len(b.data) - 8, len(b.data) - 1))  # fmt: skip

# Digests.


def spoiled(name, what, i, crc=None, sha=None, base=proven):
    """One tensor's digests, computed in another way."""

    @reject(name, what)
    def make():
        file = base().file()
        old = file.digests[i]
        file.digests[i] = (crc(file.tensors[i]) if crc else old[0], sha(file.tensors[i]) if sha else old[1])
        assert file.digests[i] != old
        built = file.build()
        entry = built.at["footer"][0] + 40 * i
        return built.data, (built.at["data"][0] + file.index[i]["offset"], entry + (3 if crc else 39))


def filled():
    """Three groups of five rows in panels."""
    model = Model()
    x = model.node("Linear", convolved(model), model.constant("weight", (15, 2), dtype="F16", groups=3))
    return prove(finish(model, x, 15))


def sha256(content):
    return hashlib.sha256(content).digest()


spoiled("tensor-crc-first", "A constant's CRC-32 is another.", 0, crc=lambda t: zlib.crc32(t.stored()) ^ 1)
spoiled("tensor-crc-without-fill", "The CRC-32 is that of the elements, without those that fill.", 1,
        crc=lambda t: zlib.crc32(t.elements), base=filled)  # fmt: skip
spoiled("tensor-sha256-first", "A constant's SHA-256 is that of no bytes.", 0, sha=lambda t: sha256(b""))
spoiled("tensor-sha256-stored", "The SHA-256 is that of the panels.", 1, sha=lambda t: sha256(t.stored()), base=filled)

for i, part in enumerate(("header", *TEXTS)):
    patch(f"text-crc-{part}", f"The CRC-32 of the {part} is another.", lambda b, i=i: b.crcs + 4 * i, b"\0\1\2\3",
          lambda b, i=i, part=part: (b.at[part][0], b.crcs + 4 * i + 3), "root")  # fmt: skip


def rooted(name, what, head):
    @reject(name, what)
    def make():
        built = proven().file().build()
        built.seal_root(head(built))
        return built.data, (built.root, built.root + 31)


rooted("root", "The root is that of another file.", lambda b: b.data[: b.at["data"][0] - 1] + b"\1")
rooted("root-without-padding", "The root is that of the texts without the bytes between them.",
       lambda b: b"".join(b.data[slice(*b.at[part])] for part in ("header", *TEXTS)))  # fmt: skip


def footed(name, what, change):
    @reject(name, what)
    def make():
        file = proven().file()
        change(file.digests)
        built = file.build()
        return built.data, (56, len(built.data) - 1)


footed("footer-long", "The footer has an entry more than there are tensors.", lambda d: d.append((0, bytes(32))))
footed("footer-short", "The footer has an entry less than there are tensors.", lambda d: d.pop())
patch("footer-zero-of-tensor", "The bytes after a tensor's CRC-32 are not 0.", lambda b: b.at["footer"][0] + 44,
      b"\0\0\0\1", lambda b: (b.at["footer"][0] + 44, b.at["footer"][0] + 47), "root", small)  # fmt: skip
patch("footer-zero-of-texts", "The bytes after the texts' CRC-32s are not 0.", lambda b: b.root - 4, b"\1",
      lambda b: (b.root - 4, b.root - 1), "root")  # fmt: skip

# What fills panels.

for name, at, bits, what in (
    ("minus-zero", 62, b"\0\x80", "An element that fills a panel is negative zero."),
    ("last", 3 * 64 - 2, b"\0\x3c", "The last element that fills the last group is 1."),
):

    @reject(f"fill-{name}", what)
    def fill(at=at, bits=bits):
        file = filled().file()
        start = file.index[1]["offset"]
        file.data = file.data[: start + at] + bits + file.data[start + at + 2 :]
        file.digests[1] = (zlib.crc32(file.data[start : start + file.index[1]["bytes"]]), file.digests[1][1])
        built = file.build()
        place = built.at["data"][0] + start + at
        return built.data, (place, place + 1)
