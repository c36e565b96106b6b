import Executor
import IR
import Passes
import Tensors
import TestSupport
import Testing

@Suite struct FoldConstantsTests {
  /// The graph that Frontends builds for a convolution under weight norm.
  private func weightNorm(_ g: Tensor, _ v: Tensor) throws -> Graph {
    func constant(_ tensor: Tensor, _ name: String) -> Constant {
      Constant(tensor, provenance: Provenance(sources: [.init(file: "model.bin", tensor: name)]))
    }
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.fixed(1), .symbol("time"), .fixed(v.shape[0])]))
    let magnitude = graph.addConstant("conv.g", constant(g, "conv.weight_g"))
    let direction = graph.addConstant("conv.v", constant(v, "conv.weight_v"))
    let norm = try graph.addNode(
      "conv.weight_norm", .reduce(Reduce(.l2, axes: [0, 1], keepsAxes: true)), [direction])
    let factor = try graph.addNode("conv.weight_scale", .binary(Binary(.divide)), [magnitude, norm])
    let weight = try graph.addNode("conv.weight", .binary(Binary(.multiply)), [direction, factor])
    let conv = Conv(groups: v.shape[0] / v.shape[1])
    graph.addOutput("y", try graph.addNode("conv", .conv(conv), [x, weight]))
    return graph
  }

  private func file() throws -> SafetensorsFixture {
    try SafetensorsFixture(Repository.golden("folded/folded.safetensors"))
  }

  @Test(arguments: ["even", "odd", "one-tap"]) func weightNormBecomesTorchsWeight(_ name: String) throws {
    let file = try file()
    var graph = try weightNorm(file[name + ".g"], file[name + ".v"])
    let report = try FoldConstants().run(on: &graph)
    #expect(report.declined == [])
    #expect(graph.nodes.map(\.name) == ["conv"])
    let folded = try #require(graph.constants.values.first?.tensor)
    let (torchs, exact) = (try file[name + ".torch"].floats, try file[name + ".exact"].floats)
    #expect(graph.constants.count == 1)
    #expect(try folded.shape == file[name + ".v"].shape)
    for (index, value) in folded.floats.enumerated() {
      // Three roundings here: of the norm, of the quotient and of the product. PyTorch's float32 is up to 4 ulp from the
      // value itself, since it sums the squares in float32.
      #expect(
        (value - exact[index]).magnitude <= 2 * exact[index].ulp, "[\(index)] \(value), in doubles \(exact[index])")
      #expect((value - torchs[index]).magnitude <= 5 * torchs[index].ulp, "[\(index)] \(value), torch \(torchs[index])")
    }
  }

  @Test func theFoldedWeightHasTheBitsComputedOnAnyNumberOfThreads() throws {
    let file = try file()
    let graph = try weightNorm(file["even.g"], file["even.v"])
    var folded = graph
    _ = try FoldConstants().run(on: &folded)
    let x = Tensor((0..<40 * 32).map { Float($0 % 17) - 8 }, shape: [1, 40, 32])
    for threads in 1...3 {
      let a = try #require(try Executor(graph, threads: threads).run(["x": x])["y"]).floats
      let b = try #require(try Executor(folded, threads: threads).run(["x": x])["y"]).floats
      // A stored weight may go through another product than a computed one. Each result sums 128 products of at most
      // 0.82, so that two roundings of 105, times the root of 128, are the most they may differ by.
      #expect(zip(a, b).allSatisfy { ($0 - $1).magnitude <= 105 * 0x1p-23 * 11.4 }, "\(threads) threads")
    }
    // The weight itself, computed on several threads, is what was folded.
    var shown = graph
    let weight = try #require(shown.value(called: "conv.weight"))
    shown.addOutput("weight", weight)
    for threads in 1...3 {
      let computed = try Executor(shown, threads: threads).run(["x": x])["weight"]
      #expect(computed?.digest == folded.constants.values.first?.tensor.digest, "\(threads) threads")
    }
  }

  @Test func provenanceNamesBothSourcesAndTheSteps() throws {
    let file = try file()
    var graph = try weightNorm(file["one-tap.g"], file["one-tap.v"])
    _ = try FoldConstants().run(on: &graph)
    let provenance = try #require(graph.constants.values.first?.provenance)
    #expect(Set(provenance.sources.map(\.tensor)) == ["conv.weight_g", "conv.weight_v"])
    #expect(provenance.sources.allSatisfy { $0.file == "model.bin" })
    #expect(provenance.steps.count == 3)
    for (step, start) in zip(
      provenance.steps, ["conv.weight_norm = ReduceL2(conv.v)", "conv.weight_scale = ", "conv.weight = "])
    {
      #expect(step.hasPrefix(start), "\(step)")
    }
    #expect(provenance.steps.last?.hasSuffix("Mul(conv.v, conv.weight_scale)") == true)
  }

  private func constant(_ count: Int, _ shape: Shape? = nil) -> Constant {
    Constant(Tensor([Float](repeating: 0.5, count: count), shape: shape), provenance: Provenance())
  }

  @Test(arguments: [
    Operator.gelu(Gelu()), .unary(Unary(.tanh)), .unary(Unary(.sigmoid)),
    .layerNormalization(LayerNormalization(epsilon: 1e-5)),
  ])
  func declinesWhoseBitsDependOnTheMachine(_ op: Operator) throws {
    var graph = Graph()
    let c = graph.addConstant("c", constant(8))
    let a = try graph.addNode("a", op, [c])
    graph.addOutput("y", try graph.addNode("b", .unary(Unary(.relu)), [a]))
    let report = try FoldConstants().run(on: &graph)
    #expect(report.changes == [])
    #expect(report.declined == ["a: its bits may differ between machines"])
    #expect(graph.nodes.map(\.name) == ["a", "b"])
  }

  @Test func declinesProductsOfMatrices() throws {
    var graph = Graph()
    let c = graph.addConstant("c", constant(4, [2, 2]))
    graph.addOutput("y", try graph.addNode("product", .linear(Linear()), [c, c]))
    #expect(try FoldConstants().run(on: &graph).declined == ["product: its bits may differ between machines"])
  }

  @Test func declinesWhatWouldGrow() throws {
    // [n] with [n, 1] gives n² of 2n numbers: n = 8 is just at four times as many, n = 9 beyond.
    for (n, folds) in [(8, true), (9, false)] {
      var graph = Graph()
      let (a, b) = (graph.addConstant("a", constant(n)), graph.addConstant("b", constant(n, [n, 1])))
      graph.addOutput("y", try graph.addNode("outer", .binary(Binary(.multiply)), [a, b]))
      let report = try FoldConstants().run(on: &graph)
      #expect(graph.nodes.isEmpty == folds)
      #expect(report.declined == (folds ? [] : ["outer: the result would be too large"]))
    }
  }

  @Test func leavesWhatDependsOnInputs() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [8] as Shape))
    let c = graph.addConstant("c", constant(8))
    graph.addOutput("y", try graph.addNode("sum", .binary(Binary(.add)), [x, c]))
    let before = graph.description
    let report = try FoldConstants().run(on: &graph)
    #expect(report.changes.isEmpty && report.declined.isEmpty && graph.description == before)
  }
}
