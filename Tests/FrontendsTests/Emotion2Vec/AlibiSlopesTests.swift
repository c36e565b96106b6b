import Bytes
import Formats
import TestSupport
import Testing

@testable import Frontends

@Suite struct AlibiSlopesTests {
  /// FunASR's own slopes, to the bit.
  @Test(arguments: 1...64)
  func slopesOfAnyNumberOfHeads(_ heads: Int) throws {
    let file = try SafetensorsFile.open(Repository.golden("models/alibi.safetensors"))
    let expected = try #require(try file.tensor("\(heads)").floats)
    #expect(expected.count == heads)
    #expect(AlibiSlopes.of(heads: heads).map(\.bitPattern) == expected.map(\.bitPattern))
  }

  /// The published values of the twelve heads of emotion2vec base (data2vec 2.0).
  @Test func slopesOfTwelveHeads() {
    let slopes = AlibiSlopes.of(heads: 12)
    #expect(slopes.prefix(8) == [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625])
    let roots: [Float] = [0.70710678, 0.35355339, 0.1767767, 0.08838835]
    #expect(zip(slopes.suffix(4), roots).allSatisfy { abs($0 - $1) < 2e-8 })
  }
}
