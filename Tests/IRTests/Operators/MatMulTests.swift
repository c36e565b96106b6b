import IR
import Testing

@Suite struct MatMulTests {
  private let op = Operator.matMul(MatMul())

  @Test func batchesBroadcast() throws {
    #expect(try inferred(op, f32("time", 4), f32(4, 5)) == f32("time", 5))
    #expect(try inferred(op, f32("batch", 1, "time", 4), f32(6, 4, "n")) == f32("batch", 6, "time", "n"))
    #expect(try inferred(op, f32(4), f32(2, 4, 5)) == f32(2, 5))
    #expect(try inferred(op, f32(2, 3, 4), f32(4)) == f32(2, 3))
    #expect(try inferred(op, f32(4), f32(4)) == f32())
    // A depth that is not known may fit.
    #expect(try inferred(op, f32(3, "k"), f32("depth", 5)) == f32(3, 5))
  }

  @Test func refusalsSayWhatIsNeeded() {
    #expect(refusal(op, f32(3, 4), f32(3, 4)).contains("the last axis of a is the last but one of b"))
    #expect(refusal(op, f32(), f32(3, 4)).contains("cannot be multiplied"))
    #expect(refusal(op, f32(4), f32()).contains("cannot be multiplied"))
    #expect(refusal(op, f32(3, "k"), f32(.symbolic("k", offset: 1), 5)).contains("cannot be multiplied"))
    #expect(refusal(op, f32(2, 3, 4), f32(3, 4, 5)).contains("do not broadcast"))
    #expect(refusal(op, f32(3, 4), TensorType(.int64, [4, 5])) == "b is I64; a graph computes this in F32")
  }

  @Test func softmaxKeepsTheShape() throws {
    #expect(try inferred(.softmax(Softmax(axis: 1)), f32("n", 3)) == f32("n", 3))
    #expect(refusal(.softmax(Softmax(axis: 2)), f32("n", 3)) == "F32[n, 3] has no axis 2")
    #expect(refusal(.softmax(Softmax(axis: -1)), f32("n", 3)) == "there is no axis -1")
  }
}
