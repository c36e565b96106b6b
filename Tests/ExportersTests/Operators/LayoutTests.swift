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

  @Test func whatIsLeftIsMinusOne() throws {
    #expect(try reshaped(type("a", "b", 6), [.copy(axis: 0), .rest]) == ["y = Reshape(x, [0, -1])"])
    #expect(try reshaped(type(4, 6), [.fixed(3), .rest]) == ["y = Reshape(x, [3, 8])"])
    #expect(
      try reshaped(type("a", "b", 6), [.rest, .copy(axis: 0), .fixed(3)]) == [
        "node/lengths = Shape(x)", "node/known_lengths = Concat(node/lengths, [-1, 3]) {axis=0}",
        "node/shape = Gather(node/known_lengths, [3, 0, 4]) {axis=0}",
        "y = Reshape(x, node/shape) {allowzero=1}",
      ])
    #expect(throws: GraphError.self) { try reshaped(type("a", "b"), [.fixed(0), .rest]) }
  }

  @Test func transposesThatSomebodyWantsAnyhowCostNothing() throws {
    #expect(
      try Exported(single(.transpose(Transpose([2, 0, 1])), [type("a", "b", 3)])).lines == [
        "y = Transpose(x) {perm=[2, 0, 1]}"
      ])
    #expect(
      try Exported(single(.transpose(Transpose([0, 2, 1])), [type("a", "b", 3)])).lines == [
        "y = Transpose(x) {perm=[0, 2, 1]}"
      ])
    #expect(try Exported(single(.transpose(Transpose([0])), [type("a")])).lines == ["y = Identity(x)"])
    #expect(try Exported(single(.transpose(Transpose([])), [type()])).lines == ["y = Identity(x)"])
    // Channels first before and after, channels last between: as ONNX files have it that were read.
    var graph = Graph()
    let x = graph.addInput("x", type("batch", 4, "time"))
    let last = try graph.addNode("last", .transpose(Transpose([0, 2, 1])), [x])
    let conv = try graph.addNode("conv", .conv(Conv()), [last, graph.addConstant("w", constant([4, 4, 1]))])
    let first = try graph.addNode("first", .transpose(Transpose([0, 2, 1])), [conv])
    graph.addOutput("y", try graph.addNode("relu", .unary(Unary(.relu)), [first]))
    graph.addOutput("first", first)
    let exported = try Exported(graph)
    #expect(
      try exported.lines == [
        "conv/transposed = Conv(x, w) {dilations=[1], group=1, kernel_shape=[1], pads=[0, 0], strides=[1]}",
        "y = Relu(conv/transposed)", "first = Identity(conv/transposed)",
      ])
    #expect(exported.faults == [])
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
