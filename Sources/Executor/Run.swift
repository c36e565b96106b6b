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
  private var values: [ValueID: Executor.Weight] = [:]

  init(graph: Graph, plan: Plan, weights: [[Executor.Weight?]], pool: BlockPool, workers: Workers) {
    (self.graph, self.plan, self.weights) = (graph, plan, weights)
    (self.pool, self.workers) = (pool, workers)
  }

  /// Computes the outputs; values of `watched` are shown to `observation` as they are made, and `profile` grows by the
  /// time of each step, if anybody asks for it.
  mutating func outputs(
    _ fed: [Tensor], _ watched: Set<ValueID>, _ observation: Observation?, _ profile: inout Profile?
  ) throws(ExecutionError) -> [String: Tensor] {
    defer { for case .block(let block) in values.values { pool.give(back: block) } }
    for (id, tensor) in zip(graph.inputs, fed) { values[id] = .tensor(Tensor(tensor.floats, shape: tensor.shape)) }
    // What nothing computes can be looked at, and not replaced.
    for id in watched.sorted(by: { $0.index < $1.index }) where values[id] != nil || graph.constants[id] != nil {
      _ = try observation?.body(id, result(id))
    }
    for step in plan.steps {
      let output = graph.nodes[step.nodes.last!].output
      let start = profile == nil ? nil : ContinuousClock.now
      let block = evaluate(step, output)
      if let start { profile?.add(step, graph, ContinuousClock.now - start) }
      values[output] = .block(block)
      if watched.contains(output), let observation {
        let shape = plan.shapes[output.index]!
        if let replacement = try observation.body(output, copy(block, shape)) {
          precondition(replacement.shape == shape)
          replacement.withFloats { block.pointer.update(from: $0.baseAddress!, count: shape.count) }
        }
      }
      for id in step.released {
        if case .block(let block)? = values.removeValue(forKey: id) { pool.give(back: block) }
      }
    }
    return Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0.name, result($0.value)) })
  }

  private mutating func evaluate(_ step: Plan.Step, _ output: ValueID) -> Block {
    let shape = plan.shapes[output.index]!
    // Held until the step is done, whoever takes their memory over.
    let held = step.nodes.flatMap { graph.nodes[$0].inputs }.compactMap { $0.flatMap { values[$0] } }
    defer { withExtendedLifetime(held) {} }
    let first = graph.nodes[step.nodes[0]]
    switch step.form {
    case .single:
      let operands = operands(step.nodes[0], shape, workers)
      let block = room(step.reused, shape)
      first.op.evaluation.compute(operands(block))
      return block
    case .product(let gelu, let addend):
      let make = operands(step.nodes[0], shape, workers)
      let sum = addend.flatMap { values[$0] }.flatMap(Executor.pointer)
      let block = room(step.reused, shape)
      var operands = make(block)
      operands.tail = Operands.Tail(gelu: gelu, addend: sum)
      first.op.evaluation.compute(operands)
      return block
    case .tiles:
      let block = room(nil, shape)
      let input = Executor.pointer(values[first.inputs[0]!]!)!
      TiledChain(step.nodes, graph, plan.shapes).compute(
        graph, input, block.pointer, pool: pool, workers: workers
      ) { node, shape in operands(node, shape, Workers(1))(block) }
      return block
    }
  }

  /// The memory of a value that is not needed any more, or other memory.
  private mutating func room(_ reused: ValueID?, _ shape: Shape) -> Block {
    if let reused, case .block(let own)? = values.removeValue(forKey: reused) { return own }
    return pool.take(shape.count)
  }

  /// A node's operands, but for room for the result.
  private func operands(_ node: Int, _ shape: Shape, _ workers: Workers) -> (Block) -> Operands {
    let inputs = graph.nodes[node].inputs
    let operands = inputs.enumerated().map { index, id in id.flatMap { values[$0] } ?? weights[node][index] }
    return { block in
      Operands(
        inputs: operands.map { $0.flatMap(Executor.pointer) },
        weights: operands.map { if case .product(let weight)? = $0 { weight } else { nil } },
        shapes: inputs.map { $0.flatMap { plan.shapes[$0.index] } }, output: block.pointer, outputShape: shape,
        workers: workers)
    }
  }

  private func result(_ id: ValueID) -> Tensor {
    switch values[id] {
    case .tensor(let tensor): tensor
    case .block(let block): copy(block, plan.shapes[id.index]!)
    case .product: preconditionFailure("values between nodes are not prepared")
    case nil: graph.constants[id]!.tensor
    }
  }

  private func copy(_ block: Block, _ shape: Shape) -> Tensor {
    Tensor.floats(shape) { $0.baseAddress?.update(from: block.pointer, count: shape.count) }
  }
}
