import Executor
import IR
import Tensors
import TestSupport
import Testing

@Suite struct PlanTests {
  private let x4: TensorType = TensorType(.float32, [4, 4] as Shape)

  /// a = relu(x), b = tanh(a), c = a + b, d = mean(c): a lives until c.
  private func diamond() throws -> Graph {
    var graph = Graph()
    let x = graph.addInput("x", x4)
    let a = try graph.addNode("a", .unary(Unary(.relu)), [x])
    let b = try graph.addNode("b", .unary(Unary(.tanh)), [a])
    let c = try graph.addNode("c", .binary(Binary(.add)), [a, b])
    graph.addOutput("d", try graph.addNode("d", .reduce(Reduce(.mean, axes: [1], keepsAxes: false)), [c]))
    return graph
  }

  /// For each step, the value whose memory its result takes over.
  private func reused(_ plan: Plan, _ graph: Graph) -> [String?] {
    plan.steps.map { $0.reused.map { graph[$0].name } }
  }

  @Test func lifetimesAndPeakAreThoseComputedByHand() throws {
    let graph = try diamond()
    let plan = try Plan(graph, inputs: [[4, 4]])
    // a: 64 bytes, new, since the input is not ours. b: 64, new, since a is needed again. c takes a's place and b goes.
    // d: 16 bytes more beside c. So the most is 128 at b, and 64 + 16 at d.
    #expect(plan.steps.map(\.nodes) == [[0], [1], [2], [3]])
    #expect(reused(plan, graph) == [nil, nil, "a", nil])
    let names = plan.steps.map { $0.released.map { graph[$0].name } }
    #expect(names == [[], [], ["b"], ["c"]])
    #expect(plan.peakBytes == 128)
    #expect(plan.shapes == [[4, 4], [4, 4], [4, 4], [4, 4], [4]])
  }

  @Test func outputsLiveToTheEndAndUnusedValuesGoAtOnce() throws {
    var graph = Graph()
    let x = graph.addInput("x", x4)
    let a = try graph.addNode("a", .unary(Unary(.relu)), [x])
    _ = try graph.addNode("unused", .unary(Unary(.tanh)), [x])
    let b = try graph.addNode("b", .gelu(Gelu()), [a])
    graph.addOutput("a", a)
    graph.addOutput("b", b)
    let plan = try Plan(graph, inputs: [[4, 4]])
    #expect(reused(plan, graph) == [nil, nil, nil])
    #expect(plan.steps.map { $0.released.map { graph[$0].name } } == [[], ["unused"], []])
    #expect(plan.peakBytes == 128)
  }

  @Test func chainsRunInOneBlock() throws {
    var graph = Graph()
    var x = graph.addInput("x", x4)
    for index in 0..<5 { x = try graph.addNode("\(index)", .gelu(Gelu()), [x]) }
    graph.addOutput("y", x)
    let plan = try Plan(graph, inputs: [[4, 4]])
    #expect(reused(plan, graph) == [nil, "0", "1", "2", "3"])
    #expect(plan.peakBytes == 64)
  }

  @Test func anOperandOfAnotherShapeIsNotReused() throws {
    var graph = Graph()
    let x = graph.addInput("x", x4)
    let row = try graph.addNode("row", .reduce(Reduce(.mean, axes: [0], keepsAxes: true)), [x])
    let full = try graph.addNode("full", .unary(Unary(.tanh)), [x])
    graph.addOutput("y", try graph.addNode("y", .binary(Binary(.subtract)), [row, full]))
    let plan = try Plan(graph, inputs: [[4, 4]])
    #expect(reused(plan, graph)[2] == "full")
    #expect(plan.steps[2].released.map { graph[$0].name } == ["row"])
  }

  @Test func lengthsFollowTheInput() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("batch"), .symbol("time"), .fixed(3)]))
    let w = graph.addConstant(
      "w", Constant(Tensor([Float](repeating: 1, count: 24), shape: [4, 3, 2]), provenance: .init()))
    graph.addOutput("y", try graph.addNode("y", .conv(Conv(stride: 2)), [x, w]))
    #expect(try Plan(graph, inputs: [[2, 9, 3]]).shapes[2] == [2, 4, 4])
    #expect(throws: ExecutionError.self) { try Plan(graph, inputs: [[2, 1, 3]]) }
    #expect(throws: ExecutionError.self) { try Plan(graph, inputs: [[2, 9, 4]]) }
  }

  /// Random graphs over three sizes of values: what is still needed is never written over.
  @Test(arguments: 0..<20) func livingValuesNeverShareMemory(_ seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var graph = Graph()
    var values = [3, 50, 700].enumerated().map { index, length in
      [graph.addInput("\(index)", TensorType(.float32, [length] as Shape))]
    }
    for index in 0..<60 {
      let kind = Int.random(in: 0..<3, using: &random)
      let (a, b) = (values[kind].randomElement(using: &random)!, values[kind].randomElement(using: &random)!)
      let op: (Operator, [ValueID]) =
        Bool.random(using: &random) ? (.unary(Unary(.tanh)), [a]) : (.binary(Binary(.add)), [a, b])
      values[kind].append(try graph.addNode("n\(index)", op.0, op.1))
    }
    for (index, kind) in values.enumerated() { graph.addOutput("y\(index)", kind.last!) }
    let plan = try Plan(graph, inputs: [[3], [50], [700]])
    var living: [ValueID: Range<Int>] = [:]
    for step in plan.steps {
      let output = graph.nodes[step.nodes.last!].output
      let place = step.offset..<step.offset + plan.shapes[output.index]!.count
      #expect(place.upperBound <= plan.arenaCount)
      if let reused = step.reused { living[reused] = nil }
      #expect(living.values.allSatisfy { !$0.overlaps(place) })
      living[output] = place
      for id in step.released { living[id] = nil }
    }
    #expect(Set(living.keys).isSuperset(of: graph.outputs.map(\.value)))
  }

  @Test func valuesLargerThanAnyMachineAreRefused() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n")]))
    var wide = try graph.addNode("0", .reshape(Reshape([.copy(axis: 0), .fixed(1)])), [x])
    let tall = try graph.addNode("1", .reshape(Reshape([.fixed(1), .copy(axis: 0)])), [x])
    wide = try graph.addNode("square", .binary(Binary(.add)), [wide, tall])
    graph.addOutput("y", wide)
    #expect(throws: ExecutionError.self) { try Plan(graph, inputs: [[1 << 35]]) }
    #expect(try Plan(graph, inputs: [[8]]).shapes[wide.index] == [8, 8])
  }
}
