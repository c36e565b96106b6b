import IR
import Tensors
import Testing

@testable import Passes

/// Layers are found by how values flow, and by what names say; what is no row of equal layers is said, with its place.
@Suite struct LayerBlocksTests {
  private func sketch(_ change: (inout BlockSketch) -> Void = { _ in }) throws -> Graph {
    var sketch = BlockSketch()
    change(&sketch)
    return try sketch.graph()
  }

  /// The names of the norms' first weights tell which values are states: what those norms, or the sums, are given.
  @Test(arguments: [true, false], [true, false])
  func statesAreWhatEntersAndLeavesEachLayer(_ isPreNorm: Bool, _ isApart: Bool) throws {
    let graph = try sketch { ($0.isPreNorm, $0.isApart) = (isPreNorm, isApart) }
    let blocks = try #require(try LayerBlocks.find(in: graph))
    #expect(blocks.count == 3 && blocks.leaks.isEmpty)
    #expect(blocks.stacks == [LayerStack("encoder.layers", 0..<3)])
    let queries = graph.nodes.filter { node in
      node.inputs.contains { $0.map { graph[$0].name.hasSuffix(".q.weight") } == true }
    }
    #expect(queries.count == 3)
    for (state, query) in zip(blocks.states, queries) {
      let heard = query.inputs[0]!
      #expect(isPreNorm ? graph.nodes.first { $0.output == heard }?.inputs[0] == state : heard == state)
    }
    // The last norm is none of the last layer's.
    let last = try #require(graph.nodes.last)
    #expect(last.inputs[0] == blocks.states[3])
    for (layer, region) in blocks.regions.enumerated() {
      let names = Set(region.flatMap { graph.nodes[$0].inputs.compactMap { $0 } }.map { graph[$0].name })
      #expect(names.filter { $0.hasPrefix("encoder.layers.\(layer).") }.count == 16)
      #expect(!names.contains { $0.hasPrefix("encoder.layers.") && !$0.hasPrefix("encoder.layers.\(layer).") })
    }
  }

  @Test(arguments: [true, false]) func oneLayerIsFound(_ isPreNorm: Bool) throws {
    let three = try #require(try LayerBlocks.find(in: sketch { $0.isPreNorm = isPreNorm }))
    let graph = try sketch { ($0.isPreNorm, $0.layers) = (isPreNorm, [0]) }
    let one = try #require(try LayerBlocks.find(in: graph))
    #expect(one.count == 1 && one.regions[0].count == three.regions[0].count)
    #expect(graph.nodes.last?.inputs[0] == one.states[1])
  }

  @Test func namesMaySayNothing() throws {
    let blocks = try #require(try LayerBlocks.find(in: sketch { $0.row = { _ in nil } }))
    #expect(blocks.count == 3 && blocks.stacks.isEmpty)
  }

  @Test func rowsFollowEachOther() throws {
    let graph = try sketch { $0.row = { $0 < 1 ? "model.0.pre.blocks.0" : "model.0.blocks.\($0 - 1)" } }
    let blocks = try #require(try LayerBlocks.find(in: graph))
    #expect(blocks.stacks == [LayerStack("model.0.pre.blocks", 0..<1), LayerStack("model.0.blocks", 1..<3)])
  }

  @Test func theGraphsOwnStatesAreTaken() throws {
    var graph = try sketch()
    let found = try #require(try LayerBlocks.find(in: graph))
    // Two layers of the three are one, by what the states say.
    for (number, place) in [0, 2, 3].enumerated() { graph.addState("layer.\(number)", found.states[place]) }
    graph.addState("last", graph.outputs[0].value)
    #expect(throws: GraphError.self) { try LayerBlocks.find(in: graph) }
    var bare = try sketch { $0.row = { _ in nil } }
    let states = try #require(try LayerBlocks.find(in: bare)).states
    for (number, place) in [0, 2, 3].enumerated() { bare.addState("layer.\(number)", states[place]) }
    #expect(try LayerBlocks.find(in: bare)?.states == [states[0], states[2], states[3]])
    // In the wrong order they are none.
    var wrong = try sketch { $0.row = { _ in nil } }
    for (number, place) in [2, 0, 3].enumerated() { wrong.addState("layer.\(number)", states[place]) }
    let error = #expect(throws: GraphError.self) { try LayerBlocks.find(in: wrong) }
    #expect(error?.what.contains("is not made of what enters it") == true)
  }

  @Test func aGraphWithoutAttentionHasNone() throws {
    let graph = try GraphSketch { g in
      let x = g.input("x", [.symbol("time"), .fixed(4)])
      // A softmax at the end, and one of constants.
      let weights = try g(.softmax(Softmax(axis: 0)), g.weights([4]))
      return try g(.softmax(Softmax(axis: 1)), g(.add, x, weights))
    }.graph
    #expect(try LayerBlocks.find(in: graph) == nil)
  }

  /// A mask made of lengths belongs to no layer, and enters all.
  @Test func masksMayEnter() throws {
    let blocks = try #require(try LayerBlocks.find(in: sketch { $0.isMasked = true }))
    #expect(blocks.count == 3 && blocks.leaks.isEmpty)
    #expect(Set(blocks.regions.map(\.count)).count == 1)
  }

  // MARK: What is refused, and where

  private func refusal(_ change: (inout BlockSketch) -> Void) throws -> String {
    let graph = try sketch(change)
    let error = #expect(throws: GraphError.self) { try LayerBlocks.find(in: graph) }
    return error?.description ?? ""
  }

  @Test func layersThatDifferAreSaid() throws {
    for odd in [1, 2] {
      let found = try refusal { ($0.layers, $0.odd) = ([0, 1, 2, 3], odd) }
      #expect(found.contains("layer \(odd) ends here and is not made like layer 0"), "\(found)")
      #expect(found.contains("Relu") && found.contains("Tanh"), "\(found)")
    }
    // The last one ends nowhere.
    #expect(try refusal { $0.odd = 2 }.contains("0 values after it are made as the others' results are"))
  }

  /// No layer is passed over: the others would have other numbers.
  @Test func aFirstLayerThatHearsByAnotherWayIsSaid() throws {
    let refusal = try refusal {
      $0.isPreNorm = false
      $0.isApart = true
      $0.row = { _ in nil }
      $0.hasDetour = true
    }
    #expect(refusal.contains("is not made like layer 0"), "\(refusal)")
  }

  @Test func namesInAnotherOrderAreSaid() throws {
    let turned = try refusal { $0.row = { "encoder.layers.\([1, 0, 2][$0])" } }
    #expect(turned.contains("encoder.layers.1") && turned.contains("layer 0 by the order of the graph"), "\(turned)")
    let gap = try refusal { $0.row = { "encoder.layers.\([0, 1, 3][$0])" } }
    #expect(gap.contains("encoder.layers.3"), "\(gap)")
    #expect(try refusal { $0.row = { $0 == 1 ? nil : "encoder.layers.\($0)" } }.contains("layer 1"))
    #expect(try refusal { $0.row = { _ in "encoder.layers.0" } }.contains("encoder.layers.0"))
  }

  /// More layers than are found: the graph was not understood.
  @Test func namesOfMoreLayersAreSaid() throws {
    var graph = try sketch()
    let x = graph.outputs[0].value
    let extra = graph.addConstant(
      "encoder.layers.3.norm1.weight", Constant(Tensor([1, 2, 3, 4] as [Float]), provenance: Provenance()))
    graph.addOutput("z", try graph.addNode("z", .binary(Binary(.add)), [x, extra]))
    let error = #expect(throws: GraphError.self) { try LayerBlocks.find(in: graph) }
    #expect(error?.place == "encoder.layers.3.norm1.weight")
  }

  @Test func aValueOfAnotherLayerIsSaid() throws {
    #expect(try refusal { ($0.layers, $0.entered) = ([0, 1, 2, 3], 2) }.contains("layer 2"))
    // Where the graph says its states itself as well.
    var graph = try sketch { $0.entered = 2 }
    let norms = graph.nodes.filter { node in
      node.inputs.contains {
        $0.map { graph[$0].name.hasSuffix("norm1.weight") || graph[$0].name == "norm.weight" } == true
      }
    }
    #expect(norms.count == 4)
    for (number, norm) in norms.enumerated() { graph.addState("layer.\(number)", norm.inputs[0]!) }
    let error = #expect(throws: GraphError.self) { try LayerBlocks.find(in: graph) }
    #expect(error?.what.contains("this is in layer 2 and uses") == true, "\(String(describing: error))")
  }

  @Test func whatOthersUseIsListed() throws {
    let graph = try sketch { $0.shown = 1 }
    let blocks = try #require(try LayerBlocks.find(in: graph))
    #expect(blocks.leaks.map(\.layer) == [1] && blocks.leaks.map(\.user) == ["attended"])
  }

  // MARK: Hostile graphs

  /// Long chains of softmaxes and sums that might be layers; each look at what a value is made of is bounded.
  @Test(.timeLimit(.minutes(1)), arguments: [0, 1, 2, 3])
  func manyNodesAreNoTrouble(_ kind: Int) throws {
    let count = 50_000
    let graph = try GraphSketch { g in
      let first = g.input("x", [.fixed(2)])
      var x = first
      var old = first
      for step in 0..<count {
        switch kind {
        case 0: x = try g(.add, first, g(.softmax(Softmax(axis: 0)), x))
        case 1:
          // Sums with what the softmax was not made of.
          if step == 0 { old = try g(.tanh, first) }
          x = try g(.add, step % 2 == 0 ? g(.softmax(Softmax(axis: 0)), x) : x, old)
        case 2: x = try g(.add, x, g(.softmax(Softmax(axis: 0)), x))
        default: x = step < count / 2 ? try g(.tanh, x) : try g(.add, g(.softmax(Softmax(axis: 0)), x), first)
        }
      }
      return x
    }.graph
    // Whatever took the square of so many nodes would not end.
    let blocks = try? LayerBlocks.find(in: graph)
    #expect((blocks?.count == count) == (kind == 2))
    guard kind == 2 else { return }
    let selection = try #require(LayerSelection(of: count, keeping: Array(stride(from: 0, to: count, by: 2))))
    var cut = graph
    _ = try PruneLayers(selection).run(on: &cut)
    #expect(cut.nodes.count == count)
  }
}
