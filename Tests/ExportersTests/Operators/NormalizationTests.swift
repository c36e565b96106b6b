import IR
import Tensors
import Testing

@Suite struct NormalizationTests {
  @Test func layerNormsHaveAScale() throws {
    let norm = Operator.layerNormalization(LayerNormalization(epsilon: 0.25))
    let lines = { (constants: [Shape?]) in try Exported(single(norm, [type("rows", 2)], constants: constants)).lines }
    #expect(try lines([[2], [2]]) == ["y = LayerNormalization(x, c1, c2) {axis=-1, epsilon=0.25}"])
    #expect(try lines([[2]]) == ["y = LayerNormalization(x, c1) {axis=-1, epsilon=0.25}"])
    #expect(try lines([]) == ["y = LayerNormalization(x, [1.0, 1.0]) {axis=-1, epsilon=0.25}"])
    #expect(try lines([nil, [2]]) == ["y = LayerNormalization(x, [1.0, 1.0], c2) {axis=-1, epsilon=0.25}"])
  }

  /// A waveform: (x - mean) / sqrt(variance + epsilon).
  @Test func anAxisOfUnknownLengthIsNormalisedByTheFormula() throws {
    let norm = Operator.layerNormalization(LayerNormalization(epsilon: 0.25))
    let start = [
      "node/mean = ReduceMean(x) {axes=[-1], keepdims=1}", "node/centered = Sub(x, node/mean)",
      "node/squares = Mul(node/centered, node/centered)",
      "node/variance = ReduceMean(node/squares) {axes=[-1], keepdims=1}",
      "node/shifted = Add(node/variance, 0.25)", "node/deviation = Sqrt(node/shifted)",
    ]
    let x = type("batch", "samples")
    #expect(try Exported(single(norm, [x])).lines == start + ["y = Div(node/centered, node/deviation)"])
    #expect(
      try Exported(single(norm, [x, type("samples")])).lines == [
        "y = LayerNormalization(x, x1) {axis=-1, epsilon=0.25}"
      ])
    var graph = Graph()
    let ids = [graph.addInput("x", x), nil, graph.addInput("b", type("samples"))]
    graph.addOutput("y", try graph.addNode("node", norm, ids))
    #expect(
      try Exported(graph).lines == start + [
        "node/normal = Div(node/centered, node/deviation)", "y = Add(node/normal, b)",
      ])
  }

  private func lines(groups: Int, _ constants: [Shape?]) throws -> ArraySlice<String> {
    let norm = Operator.groupNormalization(GroupNormalization(groups: groups, epsilon: 0.25))
    let lines = try Exported(single(norm, [type("batch", "time", 4)], constants: constants)).lines
    #expect(lines.first == "x/transposed = Transpose(x) {perm=[0, 2, 1]}")
    #expect(lines.last == "y = Transpose(node/transposed) {perm=[0, 2, 1]}")
    return lines.dropFirst().dropLast()
  }

  @Test func aGroupForEachChannelIsAnInstanceNorm() throws {
    #expect(
      try lines(groups: 4, [[4], [4]]) == [
        "node/transposed = InstanceNormalization(x/transposed, c1, c2) {epsilon=0.25}"
      ])
    #expect(
      try lines(groups: 4, [nil, [4]]) == [
        "node/transposed = InstanceNormalization(x/transposed, [1.0, 1.0, 1.0, 1.0], c2) {epsilon=0.25}"
      ])
    #expect(
      try lines(groups: 4, [[4]]) == [
        "node/transposed = InstanceNormalization(x/transposed, c1, [0.0, 0.0, 0.0, 0.0]) {epsilon=0.25}"
      ])
  }

  @Test func fewerGroupsAreLaidEndToEnd() throws {
    let start = [
      "node/groups = Reshape(x/transposed, [0, 2, -1])",
      "node/normal_groups = InstanceNormalization(node/groups, [1.0, 1.0], [0.0, 0.0]) {epsilon=0.25}",
    ]
    let joined = "node/normal = Reshape(node/normal_groups, [0, 4, -1])"
    #expect(
      try lines(groups: 2, [[4], [4]])[...]
        == (start + [
          joined, "node/scale = Unsqueeze(c1, [1])", "node/scaled = Mul(node/normal, node/scale)",
          "node/bias = Unsqueeze(c2, [1])", "node/transposed = Add(node/scaled, node/bias)",
        ])[...])
    #expect(
      try lines(groups: 2, [[4]])[...]
        == (start + [
          joined, "node/scale = Unsqueeze(c1, [1])", "node/transposed = Mul(node/normal, node/scale)",
        ])[...])
    #expect(
      try lines(groups: 2, [nil, [4]])[...]
        == (start + [
          joined, "node/bias = Unsqueeze(c2, [1])", "node/transposed = Add(node/normal, node/bias)",
        ])[...])
    #expect(try lines(groups: 2, []) == (start + ["node/transposed = Reshape(node/normal_groups, [0, 4, -1])"])[...])
  }
}
