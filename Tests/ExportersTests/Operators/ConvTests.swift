import IR
import Testing

/// Conv is channels first in ONNX; what stands between two of them stays so where it can.
@Suite struct ConvTests {
  @Test func attributesAreThoseOfOneAxis() throws {
    let conv = Conv(stride: 2, paddingBefore: 3, paddingAfter: 1, dilation: 4, groups: 2)
    #expect(
      try Exported(single(.conv(conv), [type("batch", "time", 6)], constants: [[4, 3, 5], [4]])).lines == [
        "x/transposed = Transpose(x) {perm=[0, 2, 1]}",
        "node/transposed = Conv(x/transposed, c1, c2) {dilations=[4], group=2, kernel_shape=[5], pads=[3, 1], strides=[2]}",
        "y = Transpose(node/transposed) {perm=[0, 2, 1]}",
      ])
    #expect(
      try Exported(single(.conv(Conv()), [type(1, 8, 3)], constants: [[2, 3, 1]])).lines[1].contains(
        "(x/transposed, c1)"))
  }

  /// Two convolutions with something between, the kinds of nodes that come out.
  private func kinds(_ between: [Operator]) throws -> [String] {
    var graph = Graph()
    let weight = graph.addConstant("w", constant([2, 2, 3]))
    var x = graph.addInput("x", type("batch", "time", 2))
    for (number, op) in ([.conv(Conv())] + between + [.conv(Conv())]).enumerated() {
      if case .conv = op {
        x = try graph.addNode("conv\(number)", op, [x, weight])
      } else {
        x = try graph.addNode("op\(number)", op, [x])
      }
    }
    graph.addOutput("y", x)
    let exported = try Exported(graph)
    #expect(exported.faults == [])
    return exported.graph.nodes.map(\.op).filter { $0 != "Constant" }
  }

  @Test func nothingStandsBetweenNeighbours() throws {
    #expect(try kinds([]) == ["Transpose", "Conv", "Conv", "Transpose"])
    #expect(try kinds([.unary(Unary(.relu))]) == ["Transpose", "Conv", "Relu", "Conv", "Transpose"])
    #expect(
      try kinds([.slice(Slice(axis: 1, dropLast: 1)), .gelu(Gelu())])
        == ["Transpose", "Conv", "Slice", "Div", "Erf", "Add", "Mul", "Mul", "Conv", "Transpose"])
    #expect(
      try kinds([.groupNormalization(GroupNormalization(groups: 2, epsilon: 1e-5))])
        == ["Transpose", "Conv", "InstanceNormalization", "Conv", "Transpose"])
  }

  /// As torch exports it: a Transpose before the norm and one after.
  @Test func aLayerNormStandsBetweenTwoTransposes() throws {
    #expect(
      try kinds([.layerNormalization(LayerNormalization(epsilon: 1e-5))])
        == ["Transpose", "Conv", "Transpose", "LayerNormalization", "Transpose", "Conv", "Transpose"])
  }

  @Test func aValueIsTransposedOnceForAllThatAsk() throws {
    var graph = Graph()
    let x = graph.addInput("x", type("batch", "time", 2))
    let weight = graph.addConstant("w", constant([2, 2, 1]))
    let conv = try graph.addNode("conv", .conv(Conv()), [x, weight])
    let sum = try graph.addNode("sum", .binary(Binary(.add)), [conv, x])
    let other = try graph.addNode("other", .conv(Conv()), [x, weight])
    graph.addOutput("y", try graph.addNode("last", .binary(Binary(.multiply)), [conv, sum]))
    graph.addOutput("z", other)
    let attributes = "{dilations=[1], group=1, kernel_shape=[1], pads=[0, 0], strides=[1]}"
    #expect(
      try Exported(graph).lines == [
        "x/transposed = Transpose(x) {perm=[0, 2, 1]}", "conv/transposed = Conv(x/transposed, w) \(attributes)",
        "conv = Transpose(conv/transposed) {perm=[0, 2, 1]}", "sum = Add(conv, x)",
        "other/transposed = Conv(x/transposed, w) \(attributes)", "y = Mul(conv, sum)",
        "z = Transpose(other/transposed) {perm=[0, 2, 1]}",
      ])
  }
}
