import IR
import Testing

@Suite struct LayoutTests {
  /// Slice-13: starts, ends, axes. An end past the last element is the last one; a negative one counts from there.
  @Test func slicesCountFromBothEnds() throws {
    #expect(
      try Exported(single(.slice(Slice(axis: 1, dropFirst: 2, dropLast: 3)), [type("a", "b")])).lines == [
        "y = Slice(x, [2], [-3], [1])"
      ])
    #expect(
      try Exported(single(.slice(Slice(axis: 0, dropFirst: 1)), [type("a", "b")])).lines == [
        "y = Slice(x, [1], [9223372036854775807], [0])"
      ])
  }

  /// Of a value that is there with its last two axes exchanged.
  @Test(arguments: [(0, "[0]"), (1, "[2]"), (2, "[1]")]) func slicesFollowTheAxes(_ axis: Int, _ found: String) throws {
    var graph = Graph()
    let x = graph.addInput("x", type("batch", "time", 4))
    let conv = try graph.addNode("conv", .conv(Conv()), [x, graph.addConstant("w", constant([4, 4, 1]))])
    graph.addOutput("y", try graph.addNode("cut", .slice(Slice(axis: axis, dropFirst: 1)), [conv]))
    let lines = try Exported(graph).lines.suffix(2)
    #expect(
      lines == [
        "cut/transposed = Slice(conv/transposed, [1], [9223372036854775807], \(found))",
        "y = Transpose(cut/transposed) {perm=[0, 2, 1]}",
      ])
  }

  private func reshaped(_ x: TensorType, _ lengths: [Reshape.Length]) throws -> [String] {
    try Exported(single(.reshape(Reshape(lengths)), [x])).lines
  }

  /// Reshape-14: 0 copies the length at its place, one -1 is what is left; with allowzero = 1, 0 is a length.
  @Test func constantShapesSayWhatTheyCan() throws {
    #expect(
      try reshaped(type("batch", "samples"), [.copy(axis: 0), .copy(axis: 1), .fixed(1)]) == [
        "y = Reshape(x, [0, 0, 1])"
      ])
    #expect(try reshaped(type("a", 6), [.copy(axis: 0), .fixed(2), .fixed(3)]) == ["y = Reshape(x, [0, 2, 3])"])
    #expect(try reshaped(type("a", 6), [.fixed(2), .copy(axis: 0), .fixed(3)]) == ["y = Reshape(x, [2, -1, 3])"])
    #expect(
      try reshaped(type("a", "b", 6), [.fixed(6), .copy(axis: 1), .copy(axis: 0)]) == ["y = Reshape(x, [6, 0, -1])"])
    #expect(try reshaped(type(2, 3), [.copy(axis: 1), .copy(axis: 0)]) == ["y = Reshape(x, [3, 2])"])
    #expect(try reshaped(type(1, 1), []) == ["y = Reshape(x, [])"])
    #expect(try reshaped(type(0, 3), [.fixed(5), .fixed(0)]) == ["y = Reshape(x, [5, 0]) {allowzero=1}"])
  }

  @Test func othersArePutTogetherWhileTheModelRuns() throws {
    #expect(
      try reshaped(type("a", "b"), [.copy(axis: 1), .copy(axis: 0)]) == [
        "node/lengths = Shape(x)", "node/shape = Gather(node/lengths, [1, 0]) {axis=0}",
        "y = Reshape(x, node/shape) {allowzero=1}",
      ])
    #expect(
      try reshaped(type("a", "b", 6), [.fixed(2), .copy(axis: 0), .fixed(3), .copy(axis: 1)]) == [
        "node/lengths = Shape(x)", "node/known_lengths = Concat(node/lengths, [2, 3]) {axis=0}",
        "node/shape = Gather(node/known_lengths, [3, 0, 4, 1]) {axis=0}",
        "y = Reshape(x, node/shape) {allowzero=1}",
      ])
    #expect(
      try reshaped(type("a", 0), [.fixed(0), .copy(axis: 0)]).last == "y = Reshape(x, node/shape) {allowzero=1}")
  }
}
