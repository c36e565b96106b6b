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

  @Test func reshapesThatCannotBeAreRefused() {
    func to(_ lengths: Reshape.Length...) -> Operator { .reshape(Reshape(lengths)) }
    #expect(refusal(to(.copy(axis: 0), .fixed(8)), x).contains("the numbers of elements differ"))
    #expect(refusal(to(.copy(axis: 0), .copy(axis: 0), .fixed(8)), x).contains("the numbers of elements differ"))
    #expect(refusal(to(.copy(axis: 0), .copy(axis: 1), .fixed(7)), x).contains("[batch, time, 8] cannot become"))
    #expect(refusal(to(.copy(axis: 3)), x) == "F32[batch, time, 8] has no axis 3")
    #expect(refusal(to(.copy(axis: -1)), x).contains("is no length and no axis"))
    #expect(refusal(to(.fixed(-1)), x).contains("is no length and no axis"))
    #expect(
      refusal(.reshape(Reshape([Reshape.Length](repeating: .fixed(1), count: 17))), f32(1)).contains("at most 16"))
  }
}
