import Bytes
import Executor
import IR
import Tensors
import Testing

@Suite struct ElementwiseTests {
  @Test(arguments: OperatorCase.all("unary")) func unariesAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("binary")) func binariesAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("where")) func choicesAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("cast")) func castsAreTorchs(_ golden: OperatorCase) throws { try golden.check() }

  /// What PyTorch leaves to the machine, by the article's words.
  @Test func numbersThatDoNotFitBecomeTheNearestThatDo() throws {
    let odd = floats([.infinity, -.infinity, .nan, 1e30, -1e30, 0x1p63, 0x1p31, 0x1.fffffep30, -0x1p31, -0x1.000002p31])
    let long = try result(.cast(Cast(to: .int64)), odd)
    #expect(
      long.integers
        == [.max, .min, 0, .max, .min, .max, 1 << 31, 2_147_483_520, -(1 << 31), -2_147_483_904])
    let (top, least) = (Int(Int32.max), Int(Int32.min))
    #expect(
      try result(.cast(Cast(to: .int32)), odd).integers
        == [top, least, 0, top, least, top, top, 2_147_483_520, least, least])
    let wide = Tensor([Int64.max, .min, 1 << 31, -(1 << 31) - 1, 7])
    #expect(try result(.cast(Cast(to: .int32)), wide).integers == [top, least, top, least, 7])
  }

  /// -2^63 / -1 is 2^63, which wraps around; nothing is left of it.
  @Test func theLowestIntegerIsDividedByMinusOne() throws {
    let (least, minus) = (Tensor([Int64.min]), Tensor([-1 as Int64]))
    #expect(try result(.binary(Binary(.divide)), least, minus).integers == [.min])
    #expect(try result(.binary(Binary(.modulo)), least, minus).integers == [0])
    #expect(try result(.binary(Binary(.remainder)), least, minus).integers == [0])
    let (narrow, one) = (int32s([.min]), int32s([-1]))
    #expect(try result(.binary(Binary(.divide)), narrow, one).integers == [Int(Int32.min)])
    #expect(try result(.binary(Binary(.remainder)), narrow, one).integers == [0])
  }

  @Test func theSignOfNaNIsNaN() throws {
    #expect(try result(.unary(Unary(.sign)), floats([.nan, 0])).floats.map(\.isNaN) == [true, false])
  }
}
