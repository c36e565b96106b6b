import IR
import Kernels
import Tensors

/// One walk through a plan.
struct Run {
  let graph: Graph
  let plan: Plan
  /// Each node's constants, as its operator wants them.
  let weights: [[Executor.Weight?]]
  let pool: BlockPool
  let workers: Workers
  /// What was fed.
  private let fed: [ValueID: Tensor]
  /// Where all computed values lie, each at its step's offset.
  private let arena: Block
  /// The computed values that are still needed.
  private var computed: [ValueID: UnsafeMutablePointer<Float>] = [:]

  /// Prepares to run on `inputs`, in the graph's order of them.
  init(
    graph: Graph, plan: Plan, weights: [[Executor.Weight?]], inputs: [Tensor], pool: BlockPool, workers: Workers
  ) {
    (self.graph, self.plan, self.weights) = (graph, plan, weights)
    (self.pool, self.workers) = (pool, workers)
    // Wherever a caller's elements lie, these are aligned.
    fed = Dictionary(
      uniqueKeysWithValues: zip(graph.inputs, inputs).map { ($0, Tensor($1.floats, shape: $1.shape)) })
    arena = pool.take(plan.arenaCount)
  }

  /// Computes the outputs; values of `watched` are shown to `observation` as they are made, and `profile` grows by the
  /// time of each step, if anybody asks for it.
  mutating func outputs(_ watched: Set<ValueID>, _ observation: Observation?, _ profile: inout Profile?)
    throws(ExecutionError) -> NamedTensors
  {
    defer { pool.give(back: arena) }
    // What nothing computes can be looked at, and not replaced.
    for id in watched.sorted(by: { $0.index < $1.index }) where fed[id] != nil || graph.constants[id] != nil {
      _ = try observation?.body(id, result(id))
    }
    for step in plan.steps {
      let output = graph.nodes[step.nodes.last!].output
      let place = arena.pointer + step.offset
      let start = profile == nil ? nil : ContinuousClock.now
      evaluate(step, output, into: place)
      if let start { profile?.add(step, graph, ContinuousClock.now - start) }
      if let reused = step.reused { computed[reused] = nil }
      computed[output] = place
      if watched.contains(output), let observation,
        let replacement = try observation.body(output, result(output))
      {
        precondition(replacement.shape == plan.shapes[output.index])
        replacement.withFloats { if let first = $0.baseAddress { place.update(from: first, count: $0.count) } }
      }
      for id in step.released { computed[id] = nil }
    }
    var outputs = NamedTensors()
    for output in graph.outputs { outputs[output.name] = result(output.value) }
    return outputs
  }

  private func evaluate(_ step: Plan.Step, _ output: ValueID, into place: UnsafeMutablePointer<Float>) {
    let shape = plan.shapes[output.index]!
    let first = graph.nodes[step.nodes[0]]
    switch step.form {
    case .single:
      first.op.evaluation.compute(operands(step.nodes[0], shape, place, workers))
    case .product(let gelu, let addend):
      var operands = operands(step.nodes[0], shape, place, workers)
      operands.tail = Operands.Tail(gelu: gelu, addend: addend.flatMap(elements))
      first.op.evaluation.compute(operands)
    case .tiles:
      TiledChain(step.nodes, graph, plan.shapes).compute(
        graph, elements(first.inputs[0]!)!, place, pool: pool, workers: workers
      ) { node, shape in operands(node, shape, place, Workers(1)) }
    }
  }

  /// Where a fed or computed value's elements lie; nil for a constant.
  private func elements(_ id: ValueID) -> UnsafePointer<Float>? {
    computed[id].map { UnsafePointer($0) } ?? fed[id].flatMap { Executor.pointer(.tensor($0)) }
  }

  private func operands(
    _ node: Int, _ shape: Shape, _ place: UnsafeMutablePointer<Float>, _ workers: Workers
  ) -> Operands {
    let inputs = graph.nodes[node].inputs
    let constants = weights[node]
    return Operands(
      inputs: inputs.enumerated().map { index, id in
        id.flatMap(elements) ?? constants[index].flatMap(Executor.pointer)
      },
      weights: constants.map { if case .product(let weight)? = $0 { weight } else { nil } },
      shapes: inputs.map { $0.flatMap { plan.shapes[$0.index] } }, output: place, outputShape: shape, workers: workers)
  }

  private func result(_ id: ValueID) -> Tensor {
    if let place = computed[id] {
      let shape = plan.shapes[id.index]!
      return Tensor.floats(shape) { $0.baseAddress?.update(from: place, count: shape.count) }
    }
    if let tensor = fed[id] { return tensor }
    let tensor = graph.constants[id]!.tensor
    guard tensor.dataType.halfWidth != nil else { return tensor }
    return Tensor.floats(tensor.shape) { floats in
      if let target = floats.baseAddress { tensor.widenHalves(into: target, workers) }
    }
  }
}
