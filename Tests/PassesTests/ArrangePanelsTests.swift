import IR
import Passes
import Tensors
import Testing

@Suite struct ArrangePanelsTests {
  @Test func weightsOfProductsAndNothingElse() throws {
    var graph = Graph()
    func constant(_ name: String, _ shape: Shape, _ tensor: Tensor? = nil) -> ValueID {
      let tensor = tensor ?? Tensor([Float](repeating: 0.5, count: shape.count), shape: shape)
      return graph.addConstant(name, Constant(tensor, provenance: Provenance()))
    }
    var x = graph.addInput("x", TensorType(.float32, [.fixed(1), .symbol("time"), .fixed(16)]))
    x = try graph.addNode("conv", .conv(Conv(groups: 2)), [x, constant("kernel", [32, 8, 3])])
    x = try graph.addNode(
      "linear", .linear(Linear()), [x, constant("weight", [16, 32]), constant("bias", [16])])
    let shared = constant("shared", [16, 16])
    x = try graph.addNode("first", .linear(Linear()), [x, shared])
    x = try graph.addNode("second", .linear(Linear()), [x, shared])
    let both = constant("both", [16, 16])
    x = try graph.addNode("third", .linear(Linear()), [x, both])
    graph.addOutput("added", try graph.addNode("added", .binary(Binary(.add)), [both, both]))
    let regrouped = constant("regrouped", [16, 8, 1])
    x = try graph.addNode("grouped", .conv(Conv(groups: 2)), [x, regrouped])
    let half = try graph.addNode("half", .slice(Slice(axis: 2, dropFirst: 8)), [x])
    graph.addOutput("half", try graph.addNode("whole", .conv(Conv()), [half, regrouped]))
    let shown = constant("shown", [16, 16])
    x = try graph.addNode("fourth", .linear(Linear()), [x, shown])
    graph.addOutput("shown", shown)
    x = try graph.addNode("head", .linear(Linear()), [x, constant("few", [3, 16])])
    graph.addOutput("y", x)
    try graph.validate()

    let before = graph
    let report = try ArrangePanels().run(on: &graph)
    try graph.validate()
    #expect(report.pass == "arrange-panels")
    #expect(report.changes == ["kernel: in panels", "weight: in panels", "shared: in panels"])
    #expect(
      report.declined == [
        "both: it is used as something else than a weight too",
        "regrouped: it is used in products of different groups",
        "shown: it is used as something else than a weight too",
        "few: panels would take 256 numbers for 48",
      ])
    for (id, constant) in graph.constants {
      #expect(constant.digest == before.constants[id]!.digest)
      #expect(constant.shape == before.constants[id]!.shape)
    }
    #expect(try ArrangePanels().run(on: &graph).changes == [])
  }
}
