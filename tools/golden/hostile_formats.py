"""Files that must be refused, put together byte by byte: nothing that writes such files does so on purpose."""

import io
import json
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import torch


class Zip:
    """A zip archive written by hand; `edit` changes a member's headers."""

    def __init__(self):
        self.body = b""
        self.directory = []

    def add(self, name, data, compressed=None, size=None, flags=0x800, made_by=0, attributes=0, crc=None, at=None):
        raw = data if compressed is None else compressed
        name = name.encode()
        size = len(data) if size is None else size
        crc = zipfile.crc32(data) if crc is None else crc
        method = 0 if compressed is None else 8
        common = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0x21, crc, len(raw), size, len(name), 0)
        local = len(self.body) if at is None else at
        if at is None:
            self.body += b"PK\3\4" + common + name + raw
        self.directory.append(
            b"PK\1\2" + struct.pack("<BB", 20, made_by) + common
            + struct.pack("<HHHII", 0, 0, 0, attributes, local) + name
        )  # fmt: skip
        return self

    def end(self, size_by=0):
        directory = b"".join(self.directory)
        count = len(self.directory)
        end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory) + size_by, len(self.body), 0)
        return self.body + directory + b"PK\5\6" + end


# Pickle opcodes, as text would be.
def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value):
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x08" + value.to_bytes(8, "little", signed=True)


def tuple_(*items):
    return b"(" + b"".join(items) + b"t"


def global_(module, name):
    return f"c{module}\n{name}\n".encode()


def storage(key="0", count=3, kind="FloatStorage", extra=()):
    return tuple_(text("storage"), global_("torch", kind), text(key), text("cpu"), number(count), *extra) + b"Q"


def tensor(held=None, offset=0, shape=(3,), strides=(1,)):
    ordered = global_("collections", "OrderedDict") + b")R"
    arguments = tuple_(
        storage() if held is None else held, number(offset), tuple_(*map(number, shape)), tuple_(*map(number, strides)),
        b"\x89", ordered,
    )  # fmt: skip
    return global_("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


def dict_(*items):
    return b"}(" + b"".join(items) + b"u"


def pickled(body, protocol=2):
    return b"\x80" + bytes([protocol]) + body + b"."


FLOATS = struct.pack("<3f", 1, 2, 3)


def archive(body, data=FLOATS, key="0", order=b"little", deflate=False, whole=False):
    """A torch archive around an object pickle's opcodes."""
    out = io.BytesIO()
    members = [("x/data.pkl", body if whole else pickled(body)), ("x/byteorder", order), ("x/version", b"3\n")]
    if data is not None:
        members.append((f"x/data/{key}", data))
    with zipfile.ZipFile(out, "w") as target:
        for name, content in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
            target.writestr(info, content)
    return out.getvalue()


def one(**parts):
    return archive(dict_(text("w"), tensor(**parts)))


def os_system(command):
    call = global_("posix", "system") + tuple_(text(command)) + b"R"
    return archive(dict_(text("run"), call, text("w"), tensor()))


def python2_dict():
    """An OrderedDict as Python 2 reduced it: its pairs as a list of lists."""
    pair = b"](" + text("w") + tensor() + b"e"
    return archive(global_("collections", "OrderedDict") + b"](" + pair + b"e\x85R")


def legacy(body, keys=("7",), count=3, data=FLOATS, protocol=1001, little=True, after=b""):
    system = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, protocol, system)]
    parts += [pickled(body), pickle.dumps(list(keys), 2)]
    return b"".join(parts) + struct.pack("<q", count) + data + after


def plain():
    return Zip().add("x/data.pkl", pickled(dict_(text("w"), tensor()))).add("x/data/0", FLOATS)


def laughs():
    """Lists that hold the list before them twice: 2 to the 40 names for one tensor."""
    body = b"]" + tensor() + b"aq\0"
    for _ in range(40):
        body += b"0](h\0h\0eq\0"
    return archive(body)


def tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as target:
        for name in ("pickle", "storages", "tensors"):
            target.addfile(tarfile.TarInfo(name))
    return out.getvalue()[:2048]


def pytorch_rejects():
    good = plain().end()
    flipped = bytearray(good)
    flipped[good.rindex(FLOATS) if good.rindex(FLOATS) else 0] ^= 1
    view = tuple_(text("8"), number(2), number(2))
    legacy_storage = lambda count=3, view=b"N": storage("7", count, extra=(view,))  # noqa: E731
    legacy_tensor = dict_(text("w"), tensor(legacy_storage()))
    inner = Zip().add("x/data/0", FLOATS)
    outer = Zip().add("x/data.pkl", inner.body)
    outer.add("x/data/0", FLOATS, at=outer.body.index(b"PK\3\4", 4))
    wide = struct.pack("<IIQI", 0x07064B50, 0, 1 << 40, 1)
    return {
        # The archive.
        "crc-of-storage.pt": ("digestMismatch", bytes(flipped)),
        "crc-of-pickle.pt": ("digestMismatch", Zip().add("x/data.pkl", pickled(b"N"), crc=1).end()),
        "cut-short.pt": ("invalid", good[: len(good) // 2]),
        "directory-size.pt": ("invalid", plain().end(size_by=1)),
        "duplicate-member.pt": ("duplicateName", plain().add("x/data/0", FLOATS).end()),
        "overlapping-members.pt": ("invalid", outer.end()),
        "encrypted.pt": ("unsupported", plain().add("x/y", b"", flags=0x801).end()),
        "symbolic-link.pt": ("unsupported", plain().add("x/y", b"/etc/passwd", made_by=3, attributes=0xA1FF << 16).end()),
        "local-header-lies.pt": ("invalid", good.replace(b"x/data/0", b"x/data/1", 1)),
        "no-local-header.pt": ("invalid", good.replace(b"PK\3\4", b"PK\3\5").replace(b"PK\3\5", b"PK\3\4", 1)),
        "zip64-locator-lies.pt": ("truncated", good[:-22] + wide + good[-22:]),
        "bomb.pt": ("limitExceeded", Zip().add("x/data.pkl", b"", compressed=b"\3\0", size=0xF0000000).end()),
        "inflates-short.pt": ("digestMismatch", Zip().add("x/data.pkl", b"", compressed=b"\3\0", size=100).end()),
        "no-pickle.pt": ("missing", Zip().add("x/data/0", FLOATS).end()),
        "two-pickles.pt": ("invalid", plain().add("y/data.pkl", pickled(b"N")).end()),
        "empty-name.pt": ("invalid", plain().add("", b"").end()),
        "big-endian.pt": ("unsupported", archive(dict_(text("w"), tensor()), order=b"big")),
        # Storages and tensors.
        "storage-missing.pt": ("missing", archive(dict_(text("w"), tensor()), data=None)),
        "storage-short.pt": ("invalid", archive(dict_(text("w"), tensor()), data=FLOATS[:8])),
        "storage-long.pt": ("invalid", archive(dict_(text("w"), tensor()), data=FLOATS * 2)),
        "storage-key-path.pt": ("invalid", archive(dict_(text("w"), tensor(storage("../version"))), key="../version")),
        "storage-count-negative.pt": ("invalid", one(held=storage(count=-3))),
        "storage-count-overflow.pt": ("overflow", one(held=storage(count=1 << 62))),
        "storage-class-unknown.pt": ("unsupported", one(held=storage(kind="WideStorage"))),
        "stride-out-of-range.pt": ("invalid", one(strides=(2,))),
        "stride-overflow.pt": ("invalid", one(strides=((1 << 62) + 1,))),
        "stride-negative.pt": ("invalid", one(offset=2, strides=(-1,))),
        "strides-too-few.pt": ("invalid", one(strides=())),
        "offset-out-of-range.pt": ("invalid", one(offset=1)),
        "offset-negative.pt": ("invalid", one(offset=-1)),
        "shape-negative.pt": ("invalid", one(shape=(-3,))),
        "shape-overflow.pt": ("overflow", one(shape=(1 << 40, 1 << 40), strides=(0, 0))),
        "shape-of-many-axes.pt": ("limitExceeded", one(shape=(1,) * 20, strides=(1,) * 20)),
        "expanded-to-terabytes.pt": ("limitExceeded", one(shape=(1 << 40,), strides=(0,))),
        "arguments-missing.pt": ("invalid", archive(dict_(text("w"), global_("torch._utils", "_rebuild_tensor_v2") + b")R"))),
        "joined-name-twice.pt": ("duplicateName", archive(dict_(text("1"), tensor(), number(1), tensor()))),
        "joined-path-twice.pt": ("duplicateName", archive(dict_(text("a.b"), tensor(), text("a"), dict_(text("b"), tensor())))),
        "joined-name-long.pt": ("limitExceeded", archive(dict_(text("n" * 5000), tensor()), deflate=True)),
        # The pickle.
        "pickle-nested-a-million-deep.pt": ("limitExceeded", archive(b")" + b"\x85" * 1_000_000, deflate=True)),
        "pickle-nested-deep.pt": ("limitExceeded", archive(b"]" + b"]" * 300 + b"a" * 300)),
        "pickle-global-name.pt": ("limitExceeded", archive(global_("a" * 2000, "b"))),
        "pickle-stack-bomb.pt": ("limitExceeded", archive(b"N" * 2_000_000, deflate=True)),
        "pickle-memo-bomb.pt": ("limitExceeded", archive(b"N" + b"\x94" * 3_000_000, deflate=True)),
        "pickle-object-bomb.pt": ("limitExceeded", archive(b")0" * 2_500_000, deflate=True)),
        "pickle-laughs.pt": ("limitExceeded", laughs()),
        "pickle-opcode.pt": ("invalid", archive(b"\xff")),
        "pickle-protocol.pt": ("unsupported", archive(b"\x80\x06N.", whole=True)),
        "pickle-underflow.pt": ("invalid", archive(b"R")),
        "pickle-below-mark.pt": ("invalid", archive(b"N(a")),
        "pickle-no-mark.pt": ("invalid", archive(b"NNt")),
        "pickle-no-memo.pt": ("invalid", archive(b"h\5")),
        "pickle-no-stop.pt": ("truncated", archive(b"\x80\x02N", whole=True)),
        "pickle-left-over.pt": ("invalid", archive(b"NN")),
        "pickle-trailing.pt": ("invalid", archive(b"\x80\x02N.N", whole=True)),
        "pickle-string-length.pt": ("truncated", archive(b"X\xff\xff\xff\xffab")),
        "pickle-string-length-8.pt": ("overflow", archive(b"\x8d" + b"\xff" * 8)),
        "pickle-string-negative.pt": ("invalid", archive(b"T\xff\xff\xff\xff")),
        "pickle-string-utf8.pt": ("invalid", archive(b"X\1\0\0\0\xff")),
        "pickle-frame.pt": ("truncated", archive(b"\x95" + struct.pack("<Q", 1 << 40))),
        "pickle-extension.pt": ("unsupported", archive(b"\x82\x01")),
        "pickle-odd-dict.pt": ("invalid", archive(b"}(Nu")),
        "pickle-append-to-number.pt": ("invalid", archive(b"K\1Na")),
        "pickle-call-of-number.pt": ("invalid", archive(b"K\1)R")),
        # The legacy stream.
        "legacy-cut-short.pt": ("truncated", legacy(legacy_tensor)[:-4]),
        "legacy-trailing.pt": ("invalid", legacy(legacy_tensor, after=b"\0")),
        "legacy-count.pt": ("invalid", legacy(legacy_tensor, count=2)),
        "legacy-count-negative.pt": ("overflow", legacy(legacy_tensor, count=-3)),
        "legacy-protocol.pt": ("unsupported", legacy(legacy_tensor, protocol=1002)),
        "legacy-big-endian.pt": ("unsupported", legacy(legacy_tensor, little=False)),
        "legacy-key-twice.pt": ("duplicateName", legacy(legacy_tensor, keys=("7", "7"), after=struct.pack("<q", 3) + FLOATS)),
        "legacy-key-unknown.pt": ("invalid", legacy(legacy_tensor, keys=("8",))),
        "legacy-key-missing.pt": ("invalid", legacy(legacy_tensor, keys=())),
        "legacy-view-outside.pt": ("invalid", legacy(dict_(text("w"), tensor(legacy_storage(view=view))))),
        "legacy-two-sizes.pt": ("invalid", legacy(dict_(text("w"), tensor(legacy_storage()), text("v"), tensor(legacy_storage(4))))),
        "tar.pt": ("unsupported", tar()),
        "plain-pickle.pt": ("invalid", pickle.dumps({"w": 1}, 2)),
        "empty.pt": ("invalid", b""),
    }  # fmt: skip


def safetensors_rejects():
    def file(header, data=b"\0" * 8, length=None):
        header = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(header) if length is None else length) + header + data

    def f32(begin, end, shape=None):
        return {"dtype": "F32", "shape": [(end - begin) // 4] if shape is None else shape, "data_offsets": [begin, end]}

    return {
        "header-too-long.safetensors": ("limitExceeded", file({"a": f32(0, 8)}, length=100_000_001)),
        "header-length-huge.safetensors": ("limitExceeded", file({"a": f32(0, 8)}, length=(1 << 64) - 1)),
        "header-past-end.safetensors": ("truncated", file({"a": f32(0, 8)}, length=1000)),
        "header-utf8.safetensors": ("invalid", file(b'{"\xff":' + json.dumps(f32(0, 8)).encode() + b"}")),
        "header-space-first.safetensors": ("invalid", file(b" " + json.dumps({"a": f32(0, 8)}).encode())),
        "header-array.safetensors": ("invalid", file(b"[]", b"")),
        "header-cut.safetensors": ("invalid", file(json.dumps({"a": f32(0, 8)}).encode()[:-1])),
        "header-deep.safetensors": ("limitExceeded", file(b'{"__metadata__":' + b"[" * 5000 + b"]" * 5000 + b"}")),
        "name-twice.safetensors": ("duplicateName", file(b'{"a":%b,"a":%b}' % (json.dumps(f32(0, 4)).encode(), json.dumps(f32(4, 8)).encode()))),
        "field-twice.safetensors": ("duplicateName", file(b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}')),
        "field-unknown.safetensors": ("invalid", file({"a": {**f32(0, 8), "stride": [1]}})),
        "field-missing.safetensors": ("invalid", file({"a": {"dtype": "F32", "data_offsets": [0, 8]}})),
        "overlap.safetensors": ("invalid", file({"a": f32(0, 8), "b": f32(4, 8)})),
        "same-bytes.safetensors": ("invalid", file({"a": f32(0, 8), "b": f32(0, 8)})),
        "hole.safetensors": ("invalid", file({"a": f32(0, 4), "b": f32(8, 12)}, b"\0" * 12)),
        "hole-first.safetensors": ("invalid", file({"a": f32(4, 8)})),
        "trailing.safetensors": ("invalid", file({"a": f32(0, 4)})),
        "cut-short.safetensors": ("truncated", file({"a": f32(0, 12)})),
        "size-of-shape.safetensors": ("invalid", file({"a": f32(0, 8, [3])})),
        "shape-overflow.safetensors": ("overflow", file({"a": f32(0, 8, [1 << 40, 1 << 40])})),
        "shape-overflow-zero.safetensors": ("overflow", file({"a": f32(0, 0, [1 << 40, 1 << 40, 0])}, b"")),
        "shape-negative.safetensors": ("invalid", file({"a": f32(0, 8, [-2])})),
        "shape-fraction.safetensors": ("invalid", file({"a": f32(0, 8, [2.0])})),
        "shape-huge-number.safetensors": ("invalid", file({"a": f32(0, 8, [10**30])})),
        "offsets-backwards.safetensors": ("invalid", file({"a": f32(8, 0, [2])})),
        "offsets-negative.safetensors": ("invalid", file({"a": f32(-8, 0, [2])})),
        "offsets-three.safetensors": ("invalid", file({"a": {**f32(0, 8), "data_offsets": [0, 8, 8]}})),
        "dtype-unknown.safetensors": ("unsupported", file({"a": {**f32(0, 8), "dtype": "F4"}})),
        "dtype-c128.safetensors": ("unsupported", file({"a": {"dtype": "C128", "shape": [1], "data_offsets": [0, 16]}}, b"\0" * 16)),
        "metadata-number.safetensors": ("invalid", file({"__metadata__": {"a": 1}}, b"")),
        "metadata-text.safetensors": ("invalid", file({"__metadata__": "a"}, b"")),
        "empty.safetensors": ("truncated", b""),
        "seven-bytes.safetensors": ("truncated", b"\0" * 7),
    }  # fmt: skip


def npy_rejects():
    def file(header, data=b"\0" * 8, version=(1, 0)):
        header = header.encode() + b"\n"
        return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(header)) + header + data

    def dumped(array, pickle_it=False):
        out = io.BytesIO()
        np.save(out, array, allow_pickle=pickle_it)
        return out.getvalue()

    good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
    return {
        "big-endian.npy": ("unsupported", dumped(np.arange(2, dtype=">f4"))),
        "object.npy": ("unsupported", dumped(np.array([1, "a"], dtype=object), True)),
        "structured.npy": ("unsupported", dumped(np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))),
        "text.npy": ("unsupported", dumped(np.array(["ab"]))),
        "cut-short.npy": ("invalid", file(good)[:-1]),
        "trailing.npy": ("invalid", file(good, b"\0" * 9)),
        "header-past-end.npy": ("truncated", file(good)[:20]),
        "header-code.npy": ("invalid", file("__import__('os').system('touch canary-of-assay')")),
        "header-code-inside.npy": ("invalid", file("{'descr': '<f4', 'fortran_order': exit(), 'shape': (2,), }")),
        "header-key-twice.npy": ("invalid", file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}")),
        "header-key-unknown.npy": ("invalid", file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 'y'}")),
        "header-key-missing.npy": ("invalid", file("{'descr': '<f4', 'shape': (2,)}")),
        "header-more.npy": ("invalid", file(good + " 1")),
        "shape-number.npy": ("invalid", file(good.replace("(2,)", "(2)"))),
        "shape-negative.npy": ("invalid", file(good.replace("(2,)", "(-2,)"))),
        "shape-huge-number.npy": ("invalid", file(good.replace("(2,)", "(%d,)" % 10**30))),
        "shape-overflow.npy": ("overflow", file(good.replace("(2,)", "(%d, %d)" % (1 << 40, 1 << 40)))),
        "version.npy": ("unsupported", file(good, version=(9, 0))),
        "magic.npy": ("invalid", b"NUMPY" + file(good)),
        "empty.npy": ("invalid", b""),
    }  # fmt: skip
