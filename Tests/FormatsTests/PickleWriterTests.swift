import Bytes
import TestSupport
import Testing

@testable import Formats

/// The writer beside Python's own pickler, protocol 2.
@Suite struct PickleWriterTests {
  /// Whole numbers at each change of opcode and length, as CPython's `pickle.dumps` has them.
  private static let integers: [(Int, [UInt8])] = [
    (255, [0x4B, 0xFF]), (256, [0x4D, 0x00, 0x01]), (65535, [0x4D, 0xFF, 0xFF]),
    (65536, [0x4A, 0x00, 0x00, 0x01, 0x00]), (2_147_483_647, [0x4A, 0xFF, 0xFF, 0xFF, 0x7F]),
    (2_147_483_648, [0x8A, 0x05, 0x00, 0x00, 0x00, 0x80, 0x00]), (-1, [0x4A, 0xFF, 0xFF, 0xFF, 0xFF]),
    (-2_147_483_648, [0x4A, 0x00, 0x00, 0x00, 0x80]), (-2_147_483_649, [0x8A, 0x05, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF]),
    (549_755_813_888, [0x8A, 0x06, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00]),
    (-549_755_813_888, [0x8A, 0x05, 0x00, 0x00, 0x00, 0x00, 0x80]),
    (Int.max, [0x8A, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
    (Int.min, [0x8A, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80]),
  ]

  @Test(arguments: integers) func integersAreThoseOfPython(_ number: Int, _ bytes: [UInt8]) throws {
    var writer = PickleWriter()
    writer.int(number)
    let pickle = writer.finish()
    #expect(pickle == [0x80, 2] + bytes + [0x2E])
    guard case .int(let read) = try Pickle.read(view(pickle)).root else {
      Issue.record("this is no whole number")
      return
    }
    #expect(read == number)
  }

  /// Protocol 0 spells them in decimal; Python's two's complement of the same numbers.
  @Test(arguments: [
    ("L-1180591620717411303424L\n", [0, 0, 0, 0, 0, 0, 0, 0, 0xC0]),
    ("L1180591620717411303424L\n", [0, 0, 0, 0, 0, 0, 0, 0, 0x40]),
    ("I9223372036854775808\n", [0, 0, 0, 0, 0, 0, 0, 0x80, 0]),
  ]) func decimalNumbersBecomeTwosComplement(_ text: String, _ expected: [UInt8]) throws {
    let pickle = try Pickle.read(view(Array(text.utf8) + [0x2E]))
    var maker = PyTorchTreeMaker(PyTorchObjects(pickle: pickle))
    guard case .bigInt(let bytes) = try maker.value(pickle.root, depth: 0) else {
      Issue.record("this is no large number")
      return
    }
    // Bytes that only repeat the sign may follow.
    let sign: UInt8 = text.contains("-") ? 0xFF : 0
    #expect(bytes.array.starts(with: expected) && bytes.array.dropFirst(expected.count).allSatisfy { $0 == sign })
  }
}
