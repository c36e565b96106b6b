import IR
import Testing

@Suite struct LinearTests {
  @Test func twoAxesAreGemm() throws {
    #expect(
      try Exported(single(.linear(Linear()), [type("rows", 3)], constants: [[2, 3], [2]])).lines == [
        "y = Gemm(x, c1, c2) {transB=1}"
      ])
    #expect(
      try Exported(single(.linear(Linear()), [type("rows", 3)], constants: [[2, 3]])).lines == [
        "y = Gemm(x, c1) {transB=1}"
      ])
  }

  @Test func moreAxesMultiplyByTheWeightTransposed() throws {
    #expect(
      try Exported(single(.linear(Linear()), [type("batch", "time", 3)], constants: [[2, 3], [2]])).lines == [
        "c1/transposed = Transpose(c1) {perm=[1, 0]}", "node/product = MatMul(x, c1/transposed)",
        "y = Add(node/product, c2)",
      ])
    #expect(
      try Exported(single(.linear(Linear()), [type(3)], constants: [[2, 3]])).lines == [
        "c1/transposed = Transpose(c1) {perm=[1, 0]}", "y = MatMul(x, c1/transposed)",
      ])
  }

  @Test func aSharedWeightIsTransposedOnce() throws {
    var graph = Graph()
    let x = graph.addInput("x", type("batch", "time", 3))
    let weight = graph.addConstant("w", constant([3, 3]))
    let first = try graph.addNode("first", .linear(Linear()), [x, weight])
    graph.addOutput("y", try graph.addNode("second", .linear(Linear()), [first, weight]))
    #expect(
      try Exported(graph).lines == [
        "w/transposed = Transpose(w) {perm=[1, 0]}", "first = MatMul(x, w/transposed)",
        "y = MatMul(first, w/transposed)",
      ])
  }
}
