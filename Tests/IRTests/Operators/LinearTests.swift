import IR
import Testing

@Suite struct LinearTests {
  private let op = Operator.linear(Linear())

  @Test func theLastAxisBecomesTheOutputs() throws {
    #expect(try inferred(op, f32("batch", "time", 8), f32(3, 8), f32(3)) == f32("batch", "time", 3))
    #expect(try inferred(op, f32(8), f32(3, 8)) == f32(3))
  }

  @Test func refusalsSayWhatIsNeeded() {
    #expect(refusal(op, f32("batch", 7), f32(3, 8)).contains("the weight is [3, 8]"))
    #expect(refusal(op, f32(8), f32(3, 8), f32(8)) == "bias? needs the shape [3], found [8]")
    #expect(refusal(op, f32(8), f32(8)).contains("weight needs 2 axes"))
    #expect(refusal(op, f32(), f32(3, 8)).contains("does not end in the weight's input width"))
    #expect(refusal(op, f32(8)) == "the input weight is missing")
    #expect(refusal(op, TensorType(.float16, [8]), f32(3, 8)) == "x is F16; a graph computes this in F32")
    #expect(refusal(op, f32(2, 0), f32(3, 0)).contains("the weight is [3, 0]"))
  }
}
