import IR
import Testing

@Suite struct ElementwiseTests {
  private let add = Operator.binary(Binary(.add))

  @Test func shapesBroadcastAsNumPysDo() throws {
    #expect(try inferred(add, f32("batch", "time", 8), f32(8)) == f32("batch", "time", 8))
    #expect(try inferred(add, f32(8), f32("batch", "time", 8)) == f32("batch", "time", 8))
    #expect(try inferred(add, f32(4, 1, 3), f32(1, 5, 1)) == f32(4, 5, 3))
    #expect(try inferred(add, f32(), f32(2, 3)) == f32(2, 3))
    #expect(try inferred(add, f32(), f32()) == f32())
    #expect(try inferred(add, f32("time", 1), f32(1, "width")) == f32("time", "width"))
    for function in Unary.Function.allCases {
      #expect(try inferred(.unary(Unary(function)), f32("n", 2)) == f32("n", 2))
    }
    #expect(try inferred(.gelu(Gelu()), f32("n", 2)) == f32("n", 2))
  }

  @Test func refusalsSayWhatIsNeeded() {
    #expect(refusal(add, f32(2, 3), f32(2)) == "[2, 3] and [2] do not broadcast")
    // An unknown length might be 1, or not.
    #expect(refusal(add, f32("time"), f32("frames")) == "[time] and [frames] do not broadcast")
    #expect(refusal(add, f32("time"), f32(.symbolic("time", offset: 1))).contains("do not broadcast"))
    #expect(refusal(add, f32("time"), f32(7)).contains("do not broadcast"))
    #expect(refusal(add, f32(1)) == "the input b is missing")
    #expect(refusal(.unary(Unary(.tanh)), f32(1), f32(1)).contains("at most 1 inputs"))
    #expect(refusal(.gelu(Gelu()), TensorType(.int64, [1])).contains("x is I64"))
  }
}
