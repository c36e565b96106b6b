"""Files whose texts are no JSON, or JSON that is written in another way than the article's."""

from artifact_model import Model, small
from artifact_reject import reject, text, tiny


def rich():
    """Texts that can be written wrongly in many ways, and no tensors."""
    m = Model(
        preprocessing={"sample_rate": 16000, "normalization": {"epsilon": 1.0}},
        labels=["\u00e9/", "\u001f\n\x7f\u0085\U0001f399"], about={"a": "b", "c": "d"},
        recipe=[{"step": "cast", "dtype": "F16"}],
    )  # fmt: skip
    x = m.node("Relu", m.input(), name="relu")
    for name, epsilon in (("norm.1", 0.1), ("norm.2", 1e-05)):
        x = m.node("LayerNormalization", x, name=name, epsilon=epsilon)
    m.output("logits", m.node("ReduceMean", x, name="mean", axes=[1], keepdims=True))
    for name, samples, absolute, relative in (("first", 8, 0.0001, 100000.0), ("second", 4, 5e-324, 1.5e16)):
        m.case(name, samples, {"logits": None}, {"absolute": absolute, "relative": relative, "reason": "any"})
    return m


def texts(rule, part, *broken):
    for name, what, old, new in broken:
        text(f"{rule}-{name}", what, part, old, new, small if part == "index" else rich)


ACCENT = '"\u00e9/"'
texts(
    "json", "metadata",
    ("bom", "A byte order mark comes first.", '{\n  "system"', '\ufeff{\n  "system"'),
    ("utf8-cut", "A character of two bytes has one.", ACCENT, b'"\xc3"'),
    ("utf8-overlong", "A character of one byte is written in two.", ACCENT, b'"\xc0\xaf"'),
    ("utf8-surrogate", "Half of a surrogate pair is written in UTF-8.", ACCENT, b'"\xed\xa0\x80"'),
    ("name-twice", "An object has two members of one name.", '"c": "d"', '"a": "d"'),
    ("surrogate-high", "An escape is the first half of a pair.", '"b"', '"\\ud83c"'),
    ("surrogate-low", "An escape is the second half of a pair.", '"b"', '"\\udf99"'),
    ("control", "A line feed stands in a string.", '"b"', '"\n"'),
    ("escape-unknown", "There is no such escape.", '"b"', '"\\x62"'),
    ("nan", "NaN is no number of JSON.", '"epsilon":1', '"epsilon":NaN'),
)  # fmt: skip
texts(
    "json", "graph",
    ("comma-last", "A comma follows the last element.", '"batch","samples"]', '"batch","samples",]'),
)  # fmt: skip
texts(
    "json", "index",
    ("comment", "A comment stands in the text.", "[\n", "[//\n"),
    ("bracket-missing", "The array does not end.", "}\n]\n", "}\n"),
    ("second-document", "A second document follows.", "}\n]\n", "}\n]\n[]\n"),
    ("zeros", "Zeros follow the document.", "}\n]\n", "}\n]\n\0\0"),
)  # fmt: skip
texts(
    "json", "goldens",
    ("zero-first", "A number begins with 0.", '"samples":8', '"samples":08'),
)  # fmt: skip


@reject("json-empty", "The text has no bytes.")
def json_empty():
    built = tiny().file().build({"goldens": b""})
    return built.data, (built.at["goldens"][0], built.at["goldens"][0])


STEP = '"recipe": [\n    {"step":"cast","dtype":"F16"}\n  ]'
texts(
    "canonical", "metadata",
    ("space-colon-missing", "No space follows a colon.", '"tool": "', '"tool":"'),
    ("crlf", "A line ends with carriage return and line feed.", "null,\n", "null,\r\n"),
    ("line-missing", "Two members stand on one line.", ',\n    "c"', ', "c"'),
    ("empty-array", "An empty array is written on two lines.", '"edited": []', '"edited": [\n  ]'),
    ("end-missing", "The text ends without a line feed.", "]\n}\n", "]\n}"),
    ("order-metadata", "Two members have changed places.", STEP + ',\n  "ignored": []', '"ignored": [],\n  ' + STEP),
    ("order-about", "The notes are not sorted.", '"a": "b"', '"e": "b"'),
    ("one-point-zero", "1.0 stands for 1.", '"epsilon":1}', '"epsilon":1.0}'),
    ("slash", "A slash is escaped.", ACCENT, '"\u00e9\\/"'),
    ("letter", "A letter is escaped that stands for itself.", ACCENT, '"\\u00e9/"'),
    ("escape-upper-case", "The digits of an escape are upper-case.", "\\u001f\\n", "\\u001F\\n"),
    ("escape-backspace", "U+0008 is escaped by a letter.", '"b"', '"\\b"'),
    ("delete", "U+007F stands for itself.", "\\u007f", "\x7f"),
    ("next-line", "U+0085 stands for itself.", "\\u0085", "\u0085"),
    ("pair", "A character beyond U+FFFF is escaped.", "\U0001f399", "\\ud83c\\udf99"),
)  # fmt: skip
ENTRY = '  {"name":"conv.weight"'
texts(
    "canonical", "graph",
    ("space", "A space follows a comma.", '"batch","samples"]', '"batch", "samples"]'),
    ("line-more", "A value of level 3 stands on a line of its own.", '["batch","samples"]', '[\n"batch","samples"]'),
    ("empty-object", "An empty object holds a space.", '"attributes":{}', '"attributes":{ }'),
    ("order-node", "`op` stands before `name`.", '"name":"relu","op":"Relu"', '"op":"Relu","name":"relu"'),
    ("order-attributes", "Attributes have changed places.", '"axes":[1],"keepdims":true', '"keepdims":true,"axes":[1]'),
    ("float32-digits", "A float32 has the digits of a 64-bit float.", ":0.1}", ":0.10000000149011612}"),
    ("float32-exponent", "1e-5 stands for 1e-05.", '"epsilon":1e-05', '"epsilon":1e-5'),
)  # fmt: skip
texts(
    "canonical", "index",
    ("space-colon", "A space follows a colon within a line.", '"shape":[2,2]', '"shape": [2,2]'),
    ("line-more-index", "A value of level 2 stands on a line of its own.", ENTRY, ENTRY.replace("{", "{\n    ")),
)  # fmt: skip
texts(
    "canonical", "goldens",
    ("exponent-early", "1e-04 stands for 0.0001.", '"absolute":0.0001', '"absolute":1e-04'),
    ("exponent-late", "1.5e+16 is written without an exponent.", ":1.5e+16", ":15000000000000000"),
    ("digits", "There are more digits than are needed.", ":0.0001", ":0.00010000000000000001"),
    ("digits-not-nearest", "4e-324 is the same float as 5e-324, but further from it.", ":5e-324", ":4e-324"),
)  # fmt: skip
