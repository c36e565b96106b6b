import IR
import Tensors
import Testing

@Suite struct GraphTests {
  @Test func constantsAreOrderedByFirstUse() throws {
    var graph = Graph()
    let x = graph.addInput("x", f32("rows", 3))
    let (a, b, c) = (
      graph.addConstant("a", ones([3])), graph.addConstant("b", ones([3])), graph.addConstant("c", ones([3]))
    )
    let first = try graph.addNode("first", .binary(Binary(.add)), [x, c])
    let second = try graph.addNode("second", .binary(Binary(.multiply)), [first, a])
    graph.addOutput("y", try graph.addNode("third", .binary(Binary(.add)), [second, c]))
    graph.addOutput("b", b)
    // A constant that is shown but not used is one that a file must hold, too.
    #expect(graph.constantOrder == [c, a, b])
    #expect(graph.parameterCount == 9)
    graph.removeUnusedConstants()
    #expect(graph.constantOrder == [c, a, b])
  }

  @Test func unusedConstantsGoAndComputedValuesMayBecomeConstants() throws {
    var graph = Graph()
    let a = graph.addConstant("a", ones([3]))
    let b = try graph.addNode("b", .unary(Unary(.relu)), [a])
    graph.addOutput("y", try graph.addNode("c", .unary(Unary(.tanh)), [b]))
    graph.replaceNode(computing: b, with: ones([3]))
    #expect(graph.constants.count == 2)
    graph.removeUnusedConstants()
    #expect(graph.constantOrder == [b])
    #expect(graph.nodes.map(\.name) == ["c"])
    try graph.validate()
  }

  @Test func valuesAreCalledByOutputThenStateThenNode() throws {
    var graph = Graph()
    let x = graph.addInput("x", f32("n"))
    let a = try graph.addNode("a", .unary(Unary(.relu)), [x])
    let b = try graph.addNode("b", .unary(Unary(.tanh)), [a])
    graph.addState("b", a)
    graph.addOutput("out", b)
    #expect(graph.value(called: "out") == b)
    #expect(graph.value(called: "b") == a)
    #expect(graph.value(called: "a") == a)
    #expect(graph.value(called: "x") == nil)
    #expect(
      graph.description == """
        input x: F32[n]
        a: F32[n] = Relu(x)
        b: F32[n] = Tanh(a)
        state b = a
        output out: F32[n] = b
        """)
  }
}
