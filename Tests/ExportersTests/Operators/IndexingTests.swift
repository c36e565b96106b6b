import IR
import Tensors
import Testing

@Suite struct IndexingTests {
  @Test func elementsByIndex() throws {
    #expect(
      try Exported(single(.gather(Gather(axis: 1)), [type("a", 3), type(of: .int32, "b")])).lines == [
        "y = Gather(x, x1) {axis=1}"
      ])
  }

  @Test(arguments: Scatter.Reduction.allCases) func slicesAreReplaced(_ reduction: Scatter.Reduction) throws {
    let inputs = [type("a", 3), type(of: .int64, "b", 1), type("b", 3)]
    let graph = try single(.scatter(Scatter(reduction)), inputs)
    switch reduction {
    case .none, .add, .mul:
      #expect(try Exported(graph).lines == ["y = ScatterND(x, x1, x2) {reduction=\"\(reduction.rawValue)\"}"])
    case .min, .max: #expect(throws: GraphError.self) { try Exported(graph) }
    }
  }

  @Test func tensorsAreJoined() throws {
    #expect(
      try Exported(single(.concat(Concat(axis: 1, count: 3)), [type("a", 1), type("a", 2), type("a", "b")])).lines == [
        "y = Concat(x, x1, x2) {axis=1}"
      ])
  }

  @Test func productsAndSoftmax() throws {
    #expect(
      try Exported(single(.matMul(MatMul()), [type("a", "b", 3), type(3, 4)])).lines == ["y = MatMul(x, x1)"])
    #expect(try Exported(single(.softmax(Softmax(axis: 1)), [type("a", "b", 3)])).lines == ["y = Softmax(x) {axis=1}"])
  }
}
