import Bytes
import Executor
import IR
import Tensors
import Testing

@testable import Passes

/// A cut graph is the graph that is written down without those layers, to the bit; what cannot be cut is said.
@Suite struct PruneLayersTests {
  private func sketch(_ change: (inout BlockSketch) -> Void = { _ in }) throws -> Graph {
    var sketch = BlockSketch()
    sketch.layers = [0, 1, 2, 3, 4]
    change(&sketch)
    return try sketch.graph()
  }

  private func pruned(_ graph: Graph, _ kept: [Int]) throws -> (graph: Graph, outcome: PruneLayers.Outcome) {
    let count = try #require(try LayerBlocks.find(in: graph)).count
    var graph = graph
    let outcome = try PruneLayers(#require(LayerSelection(of: count, keeping: kept))).prune(&graph)
    try graph.validate()
    return (graph, outcome)
  }

  private func constants(_ graph: Graph) -> [String: Digest] {
    Dictionary(graph.constantOrder.map { (graph[$0].name, graph.constants[$0]!.digest) }) { first, _ in first }
  }

  static let cuts = [[0, 1, 2], [0, 2, 4], [1, 3], [4], [0], [3, 4], [0, 1, 2, 3, 4]]

  @Test(arguments: [true, false], cuts) func aCutIsTheModelWithoutThoseLayers(_ isPreNorm: Bool, _ kept: [Int]) throws {
    for isApart in [true, false] {
      let graph = try sketch { ($0.isPreNorm, $0.isApart) = (isPreNorm, isApart) }
      let expected = try sketch { ($0.isPreNorm, $0.isApart, $0.layers) = (isPreNorm, isApart, kept) }
      let (cut, outcome) = try pruned(graph, kept)
      #expect(try cut.distance(to: expected) == 0)
      #expect(cut.operators == expected.operators)
      #expect(constants(cut) == constants(expected))
      if kept.count < 5 { #expect(try graph.distance(to: expected) > 1e-3) }
      let gone = (5 - kept.count) * 16
      #expect(outcome.dropped.count == gone && outcome.kept.count == graph.constants.count - gone)
      #expect(Set(outcome.dropped.map(\.layer)) == Set((0..<5).filter { !kept.contains($0) }))
    }
  }

  @Test(arguments: cuts) func namesAreNotNeeded(_ kept: [Int]) throws {
    let (cut, _) = try pruned(sketch { $0.row = { _ in nil } }, kept)
    let expected = try sketch { ($0.row, $0.layers) = ({ _ in nil }, kept) }
    #expect(try cut.distance(to: expected) == 0)
    #expect(cut.operators == expected.operators && cut.constants.count == expected.constants.count)
  }

  @Test func rowsCountForThemselves() throws {
    func row(_ first: Int) -> (Int) -> String? { { $0 < first ? "pre.blocks.\($0)" : "blocks.\($0 - first)" } }
    let graph = try sketch { $0.row = row(2) }
    for (kept, first) in [([0, 1, 3], 2), ([1, 2, 4], 1), ([2, 3], 0), ([0], 1)] {
      let (cut, _) = try pruned(graph, kept)
      let expected = try sketch { ($0.row, $0.layers) = (row(first), kept) }
      #expect(try cut.distance(to: expected) == 0)
      #expect(constants(cut) == constants(expected), "\(kept)")
    }
  }

  @Test func whatWasDoneIsSaid() throws {
    let (_, outcome) = try pruned(sketch(), [0, 2, 4])
    // A layer has four matrices of 4 x 4 and biases for attention, two for the feed-forward, and two norms; with attention,
    // activation and two sums those are twelve nodes.
    #expect(outcome.report.changes[0] == "layers 1, 3 of 5 dropped: 32 constants, 272 parameters, 24 nodes")
    #expect(outcome.report.changes.dropFirst() == ["layer 2 is layer 1 now", "layer 4 is layer 2 now"])
    let renamed = outcome.kept.first { $0.from == "encoder.layers.4.q.weight" }
    #expect(renamed == .init(name: "encoder.layers.2.q.weight", from: "encoder.layers.4.q.weight", step: nil))
  }

  @Test func statesAreRenumbered() throws {
    var graph = try sketch()
    let blocks = try #require(try LayerBlocks.find(in: graph))
    for (number, state) in blocks.states.enumerated() { graph.addState("layer.\(number)", state) }
    let inside = blocks.regions.map { graph.nodes[$0[3]].output }
    for (layer, value) in inside.enumerated() { graph.addState("encoder.layers.\(layer).k", value) }
    graph.addState("last", blocks.states[5])
    let (cut, _) = try pruned(graph, [1, 4])
    #expect(
      cut.states.map(\.name) == [
        "layer.0", "layer.1", "layer.2", "encoder.layers.0.k", "encoder.layers.1.k", "last",
      ])
    #expect(cut.states[5].value == cut.states[2].value)
    let (short, _) = try pruned(graph, [0, 1])
    #expect(short.states.last?.name == "last" && short.states.last?.value == short.states[2].value)
  }

  // MARK: Sums of all states

  @Test(arguments: [[0, 1, 2], [1, 3], [4], [0, 2, 4]]) func weightsOfStatesGoWithThem(_ kept: [Int]) throws {
    let weights: [Float] = [0.3, -1, 2, 0.5, 0.25, -0.75]
    let left = [weights[0]] + kept.map { weights[$0 + 1] }
    let (cut, outcome) = try pruned(sketch { $0.weights = weights }, kept)
    let expected = try sketch { ($0.weights, $0.layers) = (left, kept) }
    #expect(try cut.distance(to: expected) == 0)
    #expect(constants(cut) == constants(expected))
    let step = "states \(([0] + kept.map { $0 + 1 }).map(String.init).joined(separator: ", ")) of 6 kept"
    #expect(outcome.kept.first { $0.name == "layer_weights" }?.step == step)
    #expect(outcome.report.changes.last == "layer_weights: \(step)")
    let id = try #require(cut.constants.keys.first { cut[$0].name == "layer_weights" })
    #expect(cut.constants[id]!.provenance.steps == [step])
  }

  /// What a softmax has made is made so again; other numbers stay as they are.
  @Test func foldedWeightsAreNormalisedAgain() throws {
    let weights: [Float] = [0.0625, 0.125, 0.25, 0.3125, 0.125, 0.125]
    func folded(_ weights: [Float], _ layers: [Int]) throws -> Graph {
      try sketch { ($0.weights, $0.isFolded, $0.layers) = (weights, true, layers) }
    }
    let (cut, outcome) = try pruned(folded(weights, [0, 1, 2, 3, 4]), [1, 3])
    #expect(try cut.distance(to: folded([0.0625 / 0.4375, 0.25 / 0.4375, 0.125 / 0.4375], [1, 3])) < 1e-6)
    #expect(outcome.report.changes.last == "layer_weights: states 0, 2, 4 of 6 kept, divided by their sum")
    let plain: [Float] = [1, 2, 3, 4, 5, 6]
    let (other, _) = try pruned(folded(plain, [0, 1, 2, 3, 4]), [1, 3])
    #expect(try other.distance(to: folded([1, 3, 5], [1, 3])) == 0)
    #expect(throws: GraphError.self) { try pruned(folded([0, 1, 0, 0, 0, 0], [0, 1, 2, 3, 4]), [1, 3]) }
  }

  @Test func aSumThatIsNotKnownIsRefused() throws {
    var graph = try sketch()
    let blocks = try #require(try LayerBlocks.find(in: graph))
    let sum = try graph.addNode("sum", .binary(Binary(.add)), [blocks.states[2], blocks.states[5]])
    graph.addOutput("both", sum)
    // Neither goes.
    #expect(try pruned(graph, [1, 4]).graph.outputs.count == 2)
    let error = #expect(throws: GraphError.self) { try pruned(graph, [0, 2, 4]) }
    #expect(
      error?.description.contains("\"sum\": this uses what leaves layer 1") == true, "\(String(describing: error))")
  }

  /// `stack(states).sum(0) / len(states)`: the number would be another one.
  @Test func aSumDividedByTheNumberOfStatesIsRefused() throws {
    for (op, number) in [(Binary.Function.divide, Float(6)), (.multiply, 1 / 6), (.multiply, 3)] {
      var graph = try sketch { $0.weights = [1, 1, 1, 1, 1, 1] }
      let six = graph.addConstant("six", Constant(Tensor([number], shape: []), provenance: Provenance()))
      let scaled = try graph.addNode("scaled", .binary(Binary(op)), [graph.outputs[0].value, six])
      graph = Graph.showing(graph, scaled)
      if number == 3 {
        #expect(try pruned(graph, [0, 2]).outcome.kept.contains { $0.name == "six" })
      } else {
        let error = #expect(throws: GraphError.self) { try pruned(graph, [0, 2]) }
        #expect(error?.description.contains("divides a sum over all states by their number, 6") == true)
      }
    }
  }

  /// One state that a head uses: what takes its place is what entered the layer.
  @Test func oneStateInTheMiddleMayBeUsed() throws {
    var graph = try sketch()
    let blocks = try #require(try LayerBlocks.find(in: graph))
    graph = Graph.showing(graph, blocks.states[3])
    let cut = try pruned(graph, [0, 1, 4]).graph
    let full = try #require(try LayerBlocks.find(in: sketch())).states[2]
    #expect(try cut.distance(to: Graph.showing(sketch(), full)) == 0)
  }

  // MARK: What is refused

  @Test func aLayerThatOthersUseCannotGo() throws {
    let graph = try sketch { $0.shown = 1 }
    let error = #expect(throws: GraphError.self) { try pruned(graph, [0, 2]) }
    #expect(error?.what.contains("value of layer 1 is used outside of the layer, by \"attended\"") == true)
    #expect(try pruned(graph, [0, 1]).graph.outputs.count == 2)
  }

  /// Weights that something outside of the layers uses, as WavLM's first layer has them.
  @Test func aLayerWhoseWeightsOthersUseCannotGo() throws {
    var graph = try sketch()
    let extra = graph.addConstant(
      "encoder.layers.0.embed.weight", Constant(Tensor([1, 2, 3, 4] as [Float]), provenance: Provenance()))
    let y = try graph.addNode("z", .binary(Binary(.add)), [graph.outputs[0].value, extra])
    graph.addOutput("z", y)
    let error = #expect(throws: GraphError.self) { try pruned(graph, [1, 2]) }
    #expect(error?.place == "encoder.layers.0.embed.weight" && error?.what.contains("belongs to layer 0") == true)
    #expect(try pruned(graph, [0, 2]).graph.constants.count > 30)
  }

  @Test func anotherNumberOfLayersIsRefused() throws {
    var graph = try sketch()
    let before = graph.description
    for count in [4, 6] {
      let error = #expect(throws: GraphError.self) {
        try PruneLayers(LayerSelection(of: count, keeping: [0])!).run(on: &graph)
      }
      #expect(error?.what == "the graph has 5 layers, and layers are chosen of \(count)")
    }
    #expect(graph.description == before)
    var none = try GraphSketch { g in try g(.tanh, g.input("x", [.fixed(2)])) }.graph
    let error = #expect(throws: GraphError.self) {
      try PruneLayers(LayerSelection(of: 1, keeping: [0])!).run(on: &none)
    }
    #expect(error?.what.contains("no transformer layers") == true)
  }

  /// A length that is read off the first layer, and used by the others, is read off another.
  @Test func lengthsAreReadElsewhere() throws {
    func graph(_ layers: [Int]) throws -> Graph {
      var graph = try sketch { $0.layers = layers }
      let first = try #require(try LayerBlocks.find(in: graph)).regions[0][2]
      let length = try graph.addNode("length", .shapeOf(ShapeOf()), [graph.nodes[first].output])
      graph.addOutput("length", length)
      return graph
    }
    let (cut, _) = try pruned(graph([0, 1, 2, 3, 4]), [2, 3])
    #expect(cut.outputs.map(\.name) == ["y", "length"])
    #expect(try cut.distance(to: graph([2, 3])) == 0)
    #expect(cut.constants.count == (try graph([2, 3])).constants.count)
  }
}

extension Graph {
  /// The graph with another value as its output y.
  fileprivate static func showing(_ graph: Graph, _ value: ValueID) -> Graph {
    var part = graph
    let old = part.outputs[0].value
    part.showInstead(of: old, value)
    part.addOutput("z", old)
    return part
  }
}
