import IR
import Testing

@Suite struct LayoutTests {
  private let x = f32("batch", "time", 8)

  @Test func slicesShorten() throws {
    #expect(try inferred(.slice(Slice(axis: 1, dropLast: 2)), x) == f32("batch", .symbolic("time", offset: -2), 8))
    #expect(try inferred(.slice(Slice(axis: 2, dropFirst: 3, dropLast: 4)), x) == f32("batch", "time", 1))
    #expect(try inferred(.slice(Slice(axis: 2, dropFirst: 8)), x) == f32("batch", "time", 0))
  }

  @Test func slicesThatAreNoneAreRefused() {
    #expect(refusal(.slice(Slice(axis: 2, dropFirst: 5, dropLast: 4)), x) == "9 elements cannot be dropped from 8")
    #expect(refusal(.slice(Slice(axis: 3)), x) == "F32[batch, time, 8] has no axis 3")
    for wrong in [Slice(axis: -1), Slice(axis: 0, dropFirst: -1), Slice(axis: 0, dropLast: .max)] {
      #expect(refusal(.slice(wrong), x).contains("is no slice"), "\(wrong)")
    }
  }

  @Test func reshapesKeepTheNumberOfElements() throws {
    let unsqueezed = Operator.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(1)]))
    #expect(try inferred(unsqueezed, f32("batch", "samples")) == f32("batch", "samples", 1))
    let heads = Operator.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(2), .fixed(4)]))
    #expect(try inferred(heads, x) == f32("batch", "time", 2, 4))
    #expect(try inferred(.reshape(Reshape([])), f32(1, 1)) == f32())
  }

  /// `time` may be 1, or as much as `batch`: the lengths will tell.
  @Test func reshapesOfUnknownLengthsMayFit() throws {
    #expect(try inferred(.reshape(Reshape([.copy(axis: 0), .fixed(8)])), x) == f32("batch", 8))
    let twice = Reshape([.copy(axis: 0), .copy(axis: 0), .fixed(8)])
    #expect(try inferred(.reshape(twice), x) == f32("batch", "batch", 8))
  }

  @Test func whatIsLeftIsWorkedOut() throws {
    func rest(_ lengths: Reshape.Length..., of x: TensorType) throws -> TensorType {
      try inferred(.reshape(Reshape(lengths)), x)
    }
    #expect(try rest(.copy(axis: 0), .rest, .fixed(2), of: f32("batch", 3, 8)) == f32("batch", 12, 2))
    #expect(try rest(.rest, .copy(axis: 0), of: f32("batch", "time")) == f32("time", "batch"))
    #expect(try rest(.rest, .fixed(4), of: f32("batch", "time", 4)) == f32("node.0", 4))
    #expect(try rest(.rest, .fixed(2), of: f32("time", 4)) == f32("node.0", 2))
    #expect(try rest(.rest, .fixed(3), of: f32(0, 3)) == f32(0, 3))
    #expect(try rest(.rest, of: f32()) == f32(1))
  }

  @Test func axesMove() throws {
    #expect(try inferred(.transpose(Transpose([2, 0, 1])), x) == f32(8, "batch", "time"))
    #expect(try inferred(.transpose(Transpose([])), f32()) == f32())
    #expect(refusal(.transpose(Transpose([1, 0])), x) == "[1, 0] does not order the axes of F32[batch, time, 8]")
    for wrong in [[0, 0, 1], [0, 1, 3], [-1, 0, 1], Array(0...16)] {
      #expect(refusal(.transpose(Transpose(wrong)), x).contains("does not name every axis once"), "\(wrong)")
    }
  }

  @Test func reshapesThatCannotBeAreRefused() {
    func to(_ lengths: Reshape.Length...) -> Operator { .reshape(Reshape(lengths)) }
    let known = f32(2, 3, 8)
    #expect(refusal(to(.copy(axis: 0), .fixed(8)), known).contains("the numbers of elements differ"))
    #expect(refusal(to(.copy(axis: 0), .copy(axis: 0), .fixed(8)), known).contains("the numbers of elements differ"))
    #expect(refusal(to(.copy(axis: 0), .fixed(8)), f32("batch", 3, 8)).contains("the numbers of elements differ"))
    #expect(refusal(to(.rest, .rest), known) == "only one length can be what is left")
    #expect(refusal(to(.rest, .fixed(7)), known).contains("do not divide by 7"))
    #expect(refusal(to(.rest, .fixed(0)), f32(2, 0)).contains("cannot be told"))
    #expect(refusal(to(.copy(axis: 0), .copy(axis: 1), .fixed(7)), x).contains("[batch, time, 8] cannot become"))
    #expect(refusal(to(.copy(axis: 3)), x) == "F32[batch, time, 8] has no axis 3")
    #expect(refusal(to(.copy(axis: -1)), x).contains("is no length and no axis"))
    #expect(refusal(to(.fixed(-1)), x).contains("is no length and no axis"))
    #expect(
      refusal(.reshape(Reshape([Reshape.Length](repeating: .fixed(1), count: 17))), f32(1)).contains("at most 16"))
  }
}
