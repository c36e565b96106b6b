import IR
import Testing

@Suite struct IndexingTests {
  private let x = f32("batch", "time", 8)

  private func i64(_ dimensions: Dimension...) -> TensorType { TensorType(.int64, dimensions) }

  @Test func indicesTakeTheAxisPlace() throws {
    #expect(try inferred(.gather(Gather(axis: 1)), x, i64(2, "n")) == f32("batch", 2, "n", 8))
    #expect(try inferred(.gather(Gather(axis: 2)), x, i64()) == f32("batch", "time"))
    #expect(refusal(.gather(Gather(axis: 3)), x, i64()) == "F32[batch, time, 8] has no axis 3")
    #expect(refusal(.gather(Gather(axis: 0)), x, f32(1)) == "indices is F32; a graph computes this in I64, I32")
    let deep = TensorType(.int64, [Dimension](repeating: 1, count: 15))
    #expect(refusal(.gather(Gather(axis: 0)), x, deep) == "a tensor has at most 16 axes")
  }

  @Test func updatesFitTheirPlaces() throws {
    let scatter = Operator.scatter(Scatter())
    #expect(try inferred(scatter, x, i64("n", 2), f32("n", 8)) == x)
    #expect(try inferred(scatter, x, i64(5, 1), f32(5, "t", 8)) == x)
    #expect(try inferred(scatter, x, i64(3), f32()) == x)
    #expect(refusal(scatter, x, i64("n", 2), f32("n", 7)) == "updates need the shape [n, 8], found [n, 7]")
    #expect(refusal(scatter, x, i64("n", 2), f32("n")).contains("updates need the shape [n, 8]"))
    #expect(refusal(scatter, x, i64(4), f32()).contains("do not end in a known number of axes"))
    #expect(refusal(scatter, x, i64("n"), f32()).contains("do not end in a known number of axes"))
    #expect(refusal(scatter, x, i64(3), i64()) == "updates are of the type of x, F32")
    let flags = TensorType(.bool, [2])
    #expect(try inferred(scatter, flags, i64(1, 1), TensorType(.bool, [1])) == flags)
    #expect(refusal(.scatter(Scatter(.add)), flags, i64(1, 1), TensorType(.bool, [1])).contains("x is BOOL"))
  }

  @Test func lengthsAlongTheAxisAreAdded() throws {
    func concat(_ axis: Int, _ count: Int) -> Operator { .concat(Concat(axis: axis, count: count)) }
    #expect(try inferred(concat(2, 3), f32("n", 2, 1), f32("n", 2, 3), f32("n", 2, 0)) == f32("n", 2, 4))
    #expect(
      try inferred(concat(1, 3), f32(1, "t"), f32(1, 2), f32(1, 3)) == f32(1, .symbolic("t", offset: 5)))
    #expect(try inferred(concat(1, 2), f32("n", "t"), f32(4, "t")) == f32(4, "node.1"))
    #expect(try inferred(concat(0, 1), f32("n")) == f32("n"))
    #expect(refusal(concat(1, 2), f32(3, 1), f32(2, 1)) == "F32[2, 1] does not continue F32[3, 1]")
    #expect(refusal(concat(1, 2), f32(3, 1), f32(3)).contains("does not continue"))
    #expect(refusal(concat(0, 2), f32(3), i64(3)).contains("does not continue"))
    #expect(refusal(concat(1, 1), f32(3)) == "F32[3] has no axis 1")
    #expect(refusal(concat(0, 2), f32(3)) == "the input x1 is missing")
    #expect(refusal(concat(0, 1), f32(3), f32(3)).contains("at most 1 inputs"))
    // Sums of sums must not leave the integers.
    let long = f32(.fixed(1 << 40), 0)
    #expect(refusal(concat(0, 2), long, long) == "\(1 << 41) elements along one axis are too many")
  }
}
