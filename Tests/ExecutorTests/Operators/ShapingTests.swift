import Bytes
import IR
import Tensors
import Testing

@Suite struct ShapingTests {
  @Test(arguments: OperatorCase.all("shape")) func shapesAreTorchs(_ golden: OperatorCase) throws { try golden.check() }
  @Test(arguments: OperatorCase.all("reshape-to")) func reshapesAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("expand")) func expandsAsTorch(_ golden: OperatorCase) throws { try golden.check() }
  @Test(arguments: OperatorCase.all("strided-slice")) func slicesAreNumPys(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("range")) func sequencesAreNumPys(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("pad")) func padsAsNumPy(_ golden: OperatorCase) throws { try golden.check() }
  @Test(arguments: OperatorCase.all("tile")) func tilesAsTorch(_ golden: OperatorCase) throws { try golden.check() }

  /// Constants of half width say lengths as well: 0, 1.5 and 0.5 by the formats' definitions.
  @Test(arguments: [
    (DataType.float16, [0x0000, 0x3E00, 0x3800] as [UInt16]), (.bfloat16, [0x0000, 0x3FC0, 0x3F00]),
    // A subnormal step, 2^-24, and a negative one.
    (.float16, [0x0000, 0x0003, 0x0001]), (.float16, [0x8001, 0x8004, 0x8001]),
  ]) func sequencesOfHalves(_ dataType: DataType, _ bits: [UInt16]) throws {
    let halves = bits.map { Tensor(dataType, [], bytes: ByteRegion(copying: [UInt8($0 & 255), UInt8($0 >> 8)]).view) }
    let y = try result(.arange(Arange()), fed: 0, halves)
    #expect(y.count == 3 && y.floats[2] == y.floats[0] + 2 * (y.floats[1] - y.floats[0]), "\(y.floats)")
  }
}
