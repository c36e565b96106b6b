import Bytes
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
  /// What was fed, and what is known.
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
    fed = plan.known.merging(zip(graph.inputs, inputs.map { $0.copied })) { $1 }
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
      try evaluate(step, output, into: place)
      if let start { profile?.add(step, graph, ContinuousClock.now - start) }
      if let reused = step.reused { computed[reused] = nil }
      computed[output] = place
      if watched.contains(output), let observation,
        let replacement = try observation.body(output, result(output))
      {
        precondition(
          replacement.shape == plan.shapes[output.index] && replacement.dataType == plan.types[output.index])
        replacement.bytes.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(start: place, count: $0.count).copyMemory(from: $0)
        }
      }
      for id in step.released { computed[id] = nil }
    }
    var outputs = NamedTensors()
    for output in graph.outputs { outputs[output.name] = result(output.value) }
    return outputs
  }

  private func evaluate(
    _ step: Plan.Step, _ output: ValueID, into place: UnsafeMutablePointer<Float>
  ) throws(ExecutionError) {
    defer { withExtendedLifetime(fed) {} }
    let shape = plan.shapes[output.index]!
    let first = graph.nodes[step.nodes[0]]
    switch step.form {
    case .single:
      let operands = operands(step.nodes[0], shape, place, workers)
      first.op.evaluation.compute(operands)
      if let what = operands.trouble.what { throw ExecutionError(first.name, what) }
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
    computed[id].map { UnsafePointer($0) } ?? fed[id].map(Executor.pointer)
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
      shapes: inputs.map { $0.flatMap { plan.shapes[$0.index] } },
      types: inputs.map { $0.flatMap { plan.types[$0.index] } }, output: place, outputShape: shape,
      outputType: plan.types[graph.nodes[node].output.index]!, trouble: Trouble(), workers: workers)
  }

  private func result(_ id: ValueID) -> Tensor {
    if let place = computed[id] {
      return Tensor(plan.types[id.index]!, plan.shapes[id.index]!, copying: place)
    }
    if let tensor = fed[id] { return tensor }
    let tensor = graph.constants[id]!.tensor
    guard tensor.dataType.halfWidth != nil else { return tensor }
    return Tensor.floats(tensor.shape) { floats in
      if let target = floats.baseAddress { tensor.widenHalves(into: target, workers) }
    }
  }
}

extension Run {
  /// What a node makes of elements that are known before the graph runs.
  static func elements(
    of node: Node, _ tensors: [Tensor?], _ type: TensorType
  ) throws(ExecutionError) -> Tensor {
    let (shape, trouble, tensors) = (type.shape!, Trouble(), tensors.map { $0?.copied })
    let room = Block(capacity: (shape.count * type.dataType.size + 3) / 4)
    node.op.evaluation.compute(
      Operands(
        inputs: tensors.map { $0.map(Executor.pointer) }, weights: tensors.map { _ in nil },
        shapes: tensors.map { $0?.shape }, types: tensors.map { $0?.dataType }, output: room.pointer,
        outputShape: shape, outputType: type.dataType, trouble: trouble, workers: Workers(1)))
    defer { withExtendedLifetime(tensors) {} }
    if let what = trouble.what { throw ExecutionError(node.name, what) }
    return Tensor(type.dataType, shape, copying: room.pointer)
  }
}

extension Tensor {
  /// The same elements where no file put them: aligned, halves widened.
  fileprivate var copied: Tensor {
    guard dataType.halfWidth != nil else { return Tensor(dataType, shape, pieces: [bytes]) }
    return Tensor.floats(shape) { floats in
      if let target = floats.baseAddress { widenHalves(into: target, Workers(1)) }
    }
  }

  /// A tensor of elements that lie at `place`.
  fileprivate init(_ dataType: DataType, _ shape: Shape, copying place: UnsafePointer<Float>) {
    let region = ByteRegion(count: shape.count * dataType.size) { bytes in
      bytes.copyMemory(from: UnsafeRawBufferPointer(start: place, count: bytes.count))
    }
    self.init(dataType, shape, bytes: region.view)
  }
}
