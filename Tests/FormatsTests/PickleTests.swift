import Bytes
import Formats
import TestSupport
import Testing

@Suite struct PickleTests {
  func read(_ text: String) throws(FormatError) -> Pickle { try Pickle.read(view(Array(text.utf8))) }

  /// A value as text, aliases spelled out.
  func text(_ value: PickleValue, _ pickle: Pickle) -> String {
    switch value {
    case .none: return "None"
    case .bool(let bool): return "\(bool)"
    case .int(let int): return "\(int)"
    case .bigInt(let range), .bigDecimal(let range), .bytes(let range): return "<\(range.count)>"
    case .float(let float): return "\(float)"
    case .string(let string): return "'\(string)'"
    case .object(let index):
      let object = pickle.objects[index]
      let items = object.items.map { text($0, pickle) }.joined(separator: ",")
      let states = object.states.map { "!" + text($0, pickle) }.joined()
      return "\(object.kind)(\(items))\(states)"
    }
  }

  // What Python 3.11 writes: pickle.dumps(value, 0).
  @Test(arguments: [
    ("(dp0\nVa\np1\nI1\nsVb\np2\n(lp3\nF1.5\naNaI01\naI00\nas.", "dict('a',1,'b',list(1.5,None,true,false))"),
    ("L1234567890123456789012L\n.", "<23>"), ("L-5L\n.", "-5"), ("(I1\nI2\ntp0\n.", "tuple(1,2)"),
    ("V\\u20ac\\u005cé\n.", "'€\\Ã©'"), ("S'it\\'s'\n.", "'it's'"), ("S\"a\"\n.", "'a'"),
    ("Phere\n.", "persistent('here')"),
    ("(ia\nB\n.", "instance(global('a','B'),tuple())"), ("(ca\nB\nI1\no.", "instance(global('a','B'),tuple(1))"),
    ("ca\nB\n)R}b.", "instance(global('a','B'),tuple())!dict()"), ("I1\n2N00.", "1"), ("(NN1N.", "None"),
  ])
  func readsText(_ bytes: String, _ expected: String) throws {
    let pickle = try read(bytes)
    #expect(text(pickle.root, pickle) == expected)
  }

  @Test(
    arguments: [
      ([0x8A, 0], "0"), ([0x8A, 1, 0xFF], "-1"), ([0x8A, 2, 0xFF, 0x00], "255"),
      ([0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x80], "\(Int.min)"), ([0x8A, 9, 0, 0, 0, 0, 0, 0, 0, 0x80, 0], "<9>"),
      ([0x8B, 1, 0, 0, 0, 7], "7"), ([0x4A, 0xFE, 0xFF, 0xFF, 0xFF], "-2"),
      ([0x47, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0], "1.5"), ([0x55, 1, 0xFF], "<1>"), ([0x43, 2, 1, 2], "<2>"),
      ([0x28, 0x4B, 1, 0x91], "set(1)"), ([0x8F, 0x28, 0x4B, 1, 0x90], "set(1)"),
      ([0x8C, 1, 0x61, 0x8C, 1, 0x42, 0x93, 0x29, 0x7D, 0x92], "instance(global('a','B'),tuple(),dict())"),
    ] as [([UInt8], String)])
  func readsBinary(_ bytes: [UInt8], _ expected: String) throws {
    let pickle = try Pickle.read(view(bytes + [0x2E]))
    #expect(text(pickle.root, pickle) == expected)
  }

  @Test func whatIsSharedStaysShared() throws {
    // A list that is changed after it was put into a tuple twice.
    let opcodes = "]p0\ng0\n".utf8 + [0x86] + "p1\n0g0\nI7\na0g1\n.".utf8
    let pickle = try Pickle.read(view(Array(opcodes)))
    #expect(text(pickle.root, pickle) == "tuple(list(7),list(7))")
  }

  @Test func namesEachGlobalOnce() throws {
    let pickle = try read("(ca\nB\nca\nB\ncc\nD\nt.")
    #expect(pickle.globals.map(\.description) == ["a.B", "c.D"])
    #expect(pickle.globals.map(\.offset) == [1, 11])
  }

  @Test func namesThePlaceOfAnError() {
    do throws(FormatError) {
      _ = try read("NN(0h\u{5}.")
      Issue.record("accepted")
    } catch { #expect(error.offset == 4 && error.format == "pickle") }
  }
}
