import IR
import Tensors
import Testing

@testable import Passes

@Suite struct FuseLinearTests {
  private func graph(bias: Shape? = [3], first: Bool = false, weight: Shape = [4, 3]) throws -> Graph {
    try GraphSketch { g in
      let x = g.input("x", [.symbol("batch"), .symbol("time"), .fixed(4)])
      let product = try g(.matMul(MatMul()), x, g.weights(weight))
      guard let bias else { return product }
      let b = g.weights(bias)
      return try first ? g(.add, b, product) : g(.add, product, b)
    }.graph
  }

  @Test func aProductAndASumAreLinear() throws {
    for first in [false, true] {
      let before = try graph(first: first)
      let after = try before.after(FuseLinear())
      #expect(after.operators == ["Linear"] && after.nodes[0].inputs.count == 3)
      #expect(try before.distance(to: after) < 1e-5)
      // The weight lies as in a checkpoint: [out, in].
      let weight = try #require(after.nodes[0].inputs[1].flatMap { after.constants[$0] })
      let source = try #require(before.nodes[0].inputs[1].flatMap { before.constants[$0] })
      #expect(weight.shape == [3, 4])
      #expect(weight.tensor.floats[1] == source.tensor.floats[3] && weight.tensor.floats[4] == source.tensor.floats[1])
    }
    #expect(try graph(bias: nil).after(FuseLinear()).nodes[0].inputs.count { $0 != nil } == 2)
    #expect(try graph(bias: [1, 3]).after(FuseLinear()).operators == ["Linear"])
  }

  @Test(arguments: [[1], [], [5, 3], [5, 1], [2, 1, 3], [1, 1, 1, 3], [2, 1, 5, 3]] as [Shape])
  func otherShapesOfABias(_ shape: Shape) throws {
    let before = try graph(bias: shape)
    let after = try before.after(FuseLinear())
    #expect(after.operators == ["Linear", "Add"], "\(shape)")
    #expect(try before.distance(to: after, lengths: ["batch": 2]) < 1e-5, "\(shape)")
  }

  @Test func aWeightThatTwoProductsUseIsTurnedOnce() throws {
    let before = try GraphSketch { g in
      let x = g.input("x", [.symbol("time"), .fixed(3)])
      let w = g.weights([3, 3], "shared")
      let once = try g(.add, g(.matMul(MatMul()), x, w), g.weights([3]))
      return try g(.add, g(.matMul(MatMul()), once, w), g.weights([3]))
    }.graph
    let after = try before.after(FuseLinear())
    #expect(after.operators == ["Linear", "Linear"])
    #expect(after.nodes[0].inputs[1] == after.nodes[1].inputs[1])
    #expect(try before.distance(to: after) < 1e-4)
  }

  /// The weight may be used as it is elsewhere.
  @Test func aWeightThatSomethingElseUsesStays() throws {
    let before = try GraphSketch { g in
      let x = g.input("x", [.fixed(3), .fixed(3)])
      let w = g.weights([3, 3])
      return try g(.add, g(.matMul(MatMul()), x, w), g(.multiply, x, w))
    }.graph
    let after = try before.after(FuseLinear())
    #expect(after.operators.contains("Linear"))
    #expect(try before.distance(to: after) < 1e-5)
  }

  @Test func aProductThatSomethingElseUsesKeepsItsSumOutside() throws {
    let before = try GraphSketch { g in
      let x = g.input("x", [.symbol("time"), .fixed(3)])
      let product = try g(.matMul(MatMul()), x, g.weights([3, 3]))
      return try g(.multiply, g(.add, product, g.weights([3])), product)
    }.graph
    let after = try before.after(FuseLinear())
    #expect(after.operators == ["Linear", "Add", "Mul"])
    #expect(try before.distance(to: after) < 1e-4)
  }

  @Test func productsThatAreNoLinearLayerAreLeft() throws {
    // A constant on the left, a stack of matrices, and two values.
    for graph in [
      try GraphSketch { g in
        try g(.matMul(MatMul()), g.weights([3, 4]), g.input("x", [.fixed(4), .symbol("time")]))
      },
      try GraphSketch { g in
        try g(.matMul(MatMul()), g.input("x", [.fixed(2), .symbol("time"), .fixed(4)]), g.weights([2, 4, 3]))
      },
      try GraphSketch { g in
        try g(.matMul(MatMul()), g.input("x", [.fixed(3), .fixed(4)]), g.input("z", [.fixed(4), .fixed(3)]))
      },
      try GraphSketch { g in try g(.matMul(MatMul()), g.input("x", [.fixed(4)]), g.weights([4, 3])) },
    ] { #expect(try graph.graph.isLeft(by: FuseLinear())) }
  }

  @Test func weightsGetTheNameOfTheirBias() throws {
    func graph(_ bias: String, _ other: String = "other") throws -> Graph {
      try GraphSketch { g in
        let x = g.input("x", [.symbol("time"), .fixed(3)])
        let y = try g(.linear(Linear()), x, g.weights([3, 3], "onnx::MatMul_1"), g.weights([3], bias))
        return try g(.add, y, g.weights([3], other))
      }.graph
    }
    func weight(_ graph: Graph) -> String { graph[graph.nodes[0].inputs[1]!].name }
    #expect(try weight(graph("layer.bias").after(NameWeights())) == "layer.weight")
    #expect(try graph("layer.b").isLeft(by: NameWeights()))
    #expect(try graph("layer.bias", "layer.weight").isLeft(by: NameWeights()))
  }
}
