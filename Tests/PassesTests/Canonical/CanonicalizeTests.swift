import Frontends
import IR
import Tensors
import TestSupport
import Testing

@testable import Passes

@Suite struct CanonicalizeTests {
  /// What builders write is the canonical form already.
  @Test(arguments: [
    "models/audeering/safetensors", "models/audeering/pytorch-old-names", "models/audeering/folded", "models/base",
    "models/mixed", "models/mixed-postnorm", "onnx/audeering-checkpoint",
  ])
  func graphsOfBuildersStay(_ path: String) throws {
    var graph = try ImportedModel(ModelFolder.open(Repository.golden(path))).graph
    _ = try FoldConstants().run(on: &graph)
    let before = graph
    let report = try Canonicalize().run(on: &graph)
    #expect(report.changes == [], "\(path)")
    #expect(graph.description == before.description)
    for (id, constant) in before.constants { #expect(graph.constants[id]?.digest == constant.digest) }
  }

  @Test func whatOnePassMakesAnotherUses() throws {
    // Channels first: a product, its bias, a norm and a Gelu between transposes.
    let before = try GraphSketch { g in
      let x = g.input("x", [.symbol("batch"), .symbol("time"), .fixed(4)])
      let turned = try g(.transpose(Transpose([0, 2, 1])), x)
      let d = g.number(Float(2).squareRoot())
      let bell = try g(.add, g(.erf, g(.divide, turned, d)), g.number(1))
      let gelu = try g(.multiply, g(.multiply, turned, bell), g.number(0.5))
      let back = try g(.transpose(Transpose([0, 2, 1])), gelu)
      return try g(.add, g(.matMul(MatMul()), back, g.weights([4, 3])), g.weights([1, 1, 3]))
    }.graph
    let after = try before.after(Canonicalize())
    #expect(after.operators == ["Gelu", "Linear"])
    #expect(try before.distance(to: after) < 1e-5)
    #expect(try after.isLeft(by: Canonicalize()))
  }

  @Test func outputsAndStatesKeepTheirValues() throws {
    var graph = try GraphSketch { g in
      let x = g.input("x", [.symbol("time"), .fixed(4)])
      return try g(.multiply, g(.transpose(Transpose([1, 0])), g(.transpose(Transpose([1, 0])), x)), g.number(1))
    }.graph
    graph.addState("layer.0", try #require(graph.nodes.first).output)
    let after = try graph.after(Canonicalize())
    #expect(after[after.outputs[0].value].name == "x")
    #expect(after.operators == ["Transpose"] && after[after.states[0].value].type.dimensions[0] == .fixed(4))
  }

  @Test func aGraphOfTooManyNodesIsLeft() throws {
    let graph = try GraphSketch { g in
      var x = g.input("x", [.fixed(1)])
      for _ in 0...Canonicalize.nodeLimit { x = try g(.relu, x) }
      return x
    }.graph
    var changed = graph
    let report = try Canonicalize().run(on: &changed)
    #expect(report.changes == [] && report.declined == ["20001 nodes are more than 20000"])
  }
}
