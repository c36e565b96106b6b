import Tensors
import Testing

@testable import IR

@Suite struct GraphValidationTests {
  /// y = gelu(x · wᵀ)
  private func graph() throws -> Graph {
    var graph = Graph()
    let x = graph.addInput("x", f32("rows", 3))
    let w = graph.addConstant("w", ones([2, 3]))
    let a = try graph.addNode("product", .linear(Linear()), [x, w])
    graph.addState("layer.0", a)
    graph.addOutput("y", try graph.addNode("activation", .gelu(Gelu()), [a]))
    return graph
  }

  private func failure(_ change: (inout Graph) throws -> Void) throws -> GraphError? {
    var graph = try graph()
    try graph.validate()
    try change(&graph)
    do throws(GraphError) {
      try graph.validate()
      return nil
    } catch { return error }
  }

  @Test func namesAreUnique() throws {
    let error = try failure { graph in
      let x = graph.addInput("product", f32("rows", 3))
      graph.addOutput("z", x)
    }
    #expect(error == GraphError("product", "two values have this name"))
    #expect(try failure { $0.addOutput("y", $0.inputs[0]) } == GraphError("y", "two outputs have this name"))
    #expect(try failure { $0.addState("layer.0", $0.inputs[0]) } == GraphError("layer.0", "two states have this name"))
    // Names are bytes: the composed and the decomposed spelling of é are two names.
    #expect(
      try failure {
        $0.addState("é", $0.inputs[0]); $0.addState("e\u{301}", $0.inputs[0])
      } == nil)
  }

  @Test func valuesExistBeforeTheyAreUsed() throws {
    let error = try failure { $0.nodes.reverse() }
    #expect(error == GraphError("activation", "uses \"product\" before it is there"))
    #expect(try failure { $0.constants = [:] } == GraphError("product", "uses \"w\" before it is there"))
    #expect(
      try failure { $0.nodes.append($0.nodes[0]) } == GraphError("product", "makes a value that is already there"))
  }

  @Test func outputsAndStatesAreComputed() throws {
    #expect(try failure { $0.outputs = [] } == GraphError("", "the graph has no output"))
    #expect(try failure { $0.nodes.removeLast() } == GraphError("y", "is never computed"))
    let error = try failure { graph in
      graph.addOutput("z", graph.inputs[0])
      graph.nodes.removeAll()
      graph.outputs.removeFirst()
    }
    #expect(error == GraphError("layer.0", "is never computed"))
  }

  @Test func typesAreWhatTheOperatorsSay() throws {
    let wrongType = try failure { $0.values[2].type = f32("rows", 5) }
    #expect(wrongType == GraphError("product", "is declared F32[rows, 5] and would be F32[rows, 2]"))
    let wrongInput = try failure { graph in
      let x = graph.inputs[0]
      graph.updateNode("product") { $0.inputs[1] = x }
    }
    #expect(wrongInput?.place == "product")
    let tooMany = try failure { graph in graph.updateNode("activation") { $0.inputs.append(nil) } }
    #expect(tooMany == GraphError("activation", "takes at most 1 inputs, found 2"))
  }

  @Test func typesAreInferredForTheLengthsAtHand() throws {
    let graph = try graph()
    #expect(try graph.inferTypes([f32(7, 3)]) == [f32(7, 3), f32(2, 3), f32(7, 2), f32(7, 2)])
    #expect(throws: GraphError("", "1 inputs are needed, found 0")) { try graph.inferTypes([]) }
    #expect(throws: GraphError.self) { try graph.inferTypes([f32(7, 4)]) }
  }
}
