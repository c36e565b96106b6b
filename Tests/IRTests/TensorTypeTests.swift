import IR
import Tensors
import Testing

@Suite struct TensorTypeTests {
  @Test func lengthsAddUp() {
    #expect(Dimension.fixed(5) + 3 == .fixed(8))
    #expect(Dimension.symbol("time") + 3 + -3 == .symbol("time"))
    #expect((Dimension.symbol("time") + 3).description == "time+3")
    #expect((Dimension.symbol("time") + -3).description == "time-3")
    #expect(Dimension.symbol("time") + 1 != .symbol("time"))
  }

  @Test func lengthsDivideDownwards() {
    #expect(Dimension.fixed(7) / 2 == .fixed(3))
    #expect(Dimension.fixed(0) / 2 == .fixed(0))
    // (-1) / 2 must not become 0, which would be one frame.
    #expect(((Dimension.fixed(-1) / 2) + 1).value.map { $0 < 1 } == true)
    #expect(Dimension.symbol("time") / 1 == .symbol("time"))
    #expect(Dimension.symbol("time") / 2 == Dimension.symbol("time") / 2)
    #expect(Dimension.symbol("time") / 2 != Dimension.symbol("time") / 3)
    #expect((Dimension.symbol("time") + 1) / 2 != Dimension.symbol("time") / 2)
  }

  @Test func aShapeIsKnownWhenEveryLengthIs() {
    #expect(f32(2, 3).shape == [2, 3])
    #expect(f32().shape == [])
    #expect(f32("batch", 3).shape == nil)
    #expect(f32(-1, 3).shape == nil)
    #expect(f32("batch", 3).description == "F32[batch, 3]")
  }
}
