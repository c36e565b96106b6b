import Bytes
import IR
import Kernels
import Tensors

/// Runs a graph: the reference meaning of every operator.
///
/// Weights are prepared once, when the executor is made: an artifact's panels and mapped floats are used where they lie,
/// weights of products that are in rows are packed, other half-width ones are widened. `run` may be called from several threads.
public final class Executor: Sendable {
  /// The graph being run.
  public let graph: Graph
  /// How many threads share the work.
  public let threads: Int

  private let workers: Workers
  private let weights: [[Weight?]]
  private let pool = BlockPool()

  /// A value as a node reads it.
  private enum Weight: Sendable {
    case tensor(Tensor)
    case block(Block)
    case packed(PackedWeight)
  }

  /// What multiplies by constant weights.
  public enum Products: Sendable {
    /// Our own product over packed weights.
    case packed
    /// OpenBLAS over the weights as they are: the reference.
    case blas
  }

  /// Prepares `graph` for running on `threads` threads. The same number of threads gives the same bits every time.
  public init(_ graph: Graph, threads: Int, products: Products = .packed) throws(ExecutionError) {
    do throws(GraphError) { try graph.validate() } catch { throw ExecutionError(error) }
    self.graph = graph
    workers = Workers(threads)
    self.threads = workers.count
    var weights: [[Weight?]] = []
    var plain: [ValueID: Weight] = [:]
    var packed: [Packing: Weight] = [:]
    for node in graph.nodes {
      var row: [Weight?] = []
      for (index, input) in node.inputs.enumerated() {
        guard let input, let constant = graph.constants[input] else {
          row.append(nil)
          continue
        }
        let layout = products == .packed ? node.op.evaluation.prepared(index, constant.shape) : nil
        if let layout, let done = packed[Packing(value: input, layout: layout)] {
          row.append(done)
          continue
        }
        if let layout, let panels = Executor.mapped(constant, layout) {
          packed[Packing(value: input, layout: layout)] = panels
          row.append(panels)
          continue
        }
        let weight: Weight
        if let done = plain[input] {
          weight = done
        } else {
          weight = try Executor.floats(constant, graph[input].name, workers)
        }
        if case .panels(let groups)? = layout {
          let panels = Executor.packed(weight, constant.shape, groups: groups, workers)
          packed[Packing(value: input, layout: layout!)] = panels
          row.append(panels)
        } else {
          plain[input] = weight
          row.append(weight)
        }
      }
      weights.append(row)
    }
    self.weights = weights
  }

  /// A constant that has been packed, and how.
  private struct Packing: Hashable {
    let value: ValueID
    let layout: PreparedLayout
  }

  /// Panels as the artifact holds them; nil for a constant that is stored otherwise than the product reads it.
  private static func mapped(_ constant: Constant, _ layout: PreparedLayout) -> Weight? {
    guard case .panels(let groups) = layout, case .panels(let tensor) = constant.storage,
      tensor.layout.groups == groups, let bytes = tensor.stored
    else { return nil }
    let (outputs, depth) = (tensor.layout.outputs, tensor.layout.depth)
    precondition(
      tensor.layout.storedCount == PackedWeight.capacity(outputs: outputs, depth: depth, groups: groups))
    let halfWidth: HalfWidth? =
      switch tensor.dataType {
      case .float16: .float16
      case .bfloat16: .bfloat16
      default: nil
      }
    let aligned = bytes.isAligned(to: ByteRegion.alignment) ? bytes : ByteRegion(copying: bytes.array).view
    return aligned.withUnsafeBytes {
      .packed(
        PackedWeight(
          panels: $0.baseAddress!, of: halfWidth, outputs: outputs, depth: depth, groups: groups,
          owner: aligned.region))
    }
  }

  private static func floats(_ constant: Constant, _ name: String, _ workers: Workers) throws(ExecutionError) -> Weight
  {
    let tensor = constant.tensor
    switch tensor.dataType {
    case .float32:
      return .tensor(tensor.bytes.isAligned(to: MemoryLayout<Float>.alignment) ? tensor : Tensor(tensor.floats))
    case .float16, .bfloat16:
      let block = Block(capacity: tensor.count)
      let aligned = tensor.bytes.isAligned(to: 2) ? tensor.bytes : ByteRegion(copying: tensor.bytes.array).view
      aligned.withUnsafeBytes { bytes in
        guard let halves = bytes.bindMemory(to: UInt16.self).baseAddress else { return }
        widen(
          halves, block.pointer, count: tensor.count, from: tensor.dataType == .float16 ? .float16 : .bfloat16,
          workers: workers)
      }
      return .block(block)
    default:
      throw ExecutionError(name, "weights of type \(tensor.dataType.rawValue) cannot be computed with")
    }
  }

  private static func packed(_ weight: Weight, _ shape: Shape, groups: Int, _ workers: Workers) -> Weight {
    withPointer(weight) { pointer in
      var source = pointer
      let rearranged = shape.rank == 3 && shape[2] > 1 ? Block(capacity: shape.count) : nil
      if let rearranged {
        tapMajor(
          source, rearranged.pointer, outputs: shape[0], channels: shape[1], kernel: shape[2], workers: workers)
        source = UnsafePointer(rearranged.pointer)
      }
      defer { withExtendedLifetime(rearranged) {} }
      return .packed(
        PackedWeight(
          packing: source, outputs: shape[0] / groups, depth: shape.dimensions.dropFirst().reduce(1, *),
          groups: groups, workers: workers))
    }
  }

  private static func withPointer<R>(_ weight: Weight, _ body: (UnsafePointer<Float>) -> R) -> R {
    defer { withExtendedLifetime(weight) {} }
    return body(pointer(weight)!)
  }

  /// Where a value's floats lie, as long as it lives; nil for a packed one.
  private static func pointer(_ value: Weight) -> UnsafePointer<Float>? {
    switch value {
    case .tensor(let tensor): tensor.withFloats { $0.baseAddress! }
    case .block(let block): UnsafePointer(block.pointer)
    case .packed: nil
    }
  }

  /// Computes the graph's outputs from its inputs, each given by name.
  ///
  /// Values whose names `observation` lists are shown to it as they are made, and may be replaced by it.
  public func run(_ inputs: [String: Tensor], observing observation: Observation? = nil) throws(ExecutionError)
    -> [String: Tensor]
  {
    var fed: [Tensor] = []
    for id in graph.inputs {
      let name = graph[id].name
      guard let tensor = inputs[name] else { throw ExecutionError(name, "this input is missing") }
      guard tensor.dataType == .float32 else {
        throw ExecutionError(name, "this input needs F32, found \(tensor.dataType.rawValue)")
      }
      guard tensor.shape.rank == graph[id].type.rank else {
        throw ExecutionError(name, "this input needs the shape \(graph[id].type), found \(tensor.shape)")
      }
      fed.append(tensor)
    }
    if let unknown = inputs.keys.filter({ name in !graph.inputs.contains { graph[$0].name == name } }).min() {
      throw ExecutionError(unknown, "the graph has no input of this name")
    }
    let plan = try Plan(graph, inputs: fed.map(\.shape))
    var run = Run(graph: graph, plan: plan, weights: weights, pool: pool, workers: workers)
    return try run.outputs(fed, observing: observation)
  }

  /// One walk through the plan.
  private struct Run {
    let graph: Graph
    let plan: Plan
    let weights: [[Weight?]]
    let pool: BlockPool
    let workers: Workers
    var values: [ValueID: Weight] = [:]

    mutating func outputs(_ fed: [Tensor], observing observation: Observation?) throws(ExecutionError)
      -> [String: Tensor]
    {
      defer { for case .block(let block) in values.values { pool.give(back: block) } }
      for (id, tensor) in zip(graph.inputs, fed) { values[id] = .tensor(Tensor(tensor.floats, shape: tensor.shape)) }
      let watched = observation.map { Set($0.names.compactMap(graph.value(called:))) } ?? []
      for step in plan.steps {
        let node = graph.nodes[step.node]
        let block = evaluate(node, step)
        values[node.output] = .block(block)
        if watched.contains(node.output) {
          let shape = plan.shapes[node.output.index]!
          if let replacement = try observation!.body(node.output, copy(block, shape)) {
            precondition(replacement.shape == shape)
            replacement.withFloats { block.pointer.update(from: $0.baseAddress!, count: shape.count) }
          }
        }
        for id in step.released {
          if case .block(let block)? = values.removeValue(forKey: id) { pool.give(back: block) }
        }
      }
      var results: [String: Tensor] = [:]
      for output in graph.outputs {
        results[output.name] = copy(values[output.value] ?? .tensor(constant(output.value)), output.value)
      }
      return results
    }

    private mutating func evaluate(_ node: Node, _ step: Plan.Step) -> Block {
      let shape = plan.shapes[node.output.index]!
      let operandValues = node.inputs.enumerated().map { index, id in
        id.flatMap { values[$0] } ?? weights[step.node][index]
      }
      let block: Block
      if let reused = step.reusedInput, case .block(let own)? = values.removeValue(forKey: node.inputs[reused]!) {
        block = own
      } else {
        block = pool.take(shape.count)
      }
      withExtendedLifetime(operandValues) {
        node.op.evaluation.compute(
          Operands(
            inputs: operandValues.map { $0.flatMap(Executor.pointer) },
            packed: operandValues.map { if case .packed(let weight)? = $0 { weight } else { nil } },
            shapes: node.inputs.map { $0.flatMap { plan.shapes[$0.index] } }, output: block.pointer,
            outputShape: shape, workers: workers))
      }
      return block
    }

    private func constant(_ id: ValueID) -> Tensor { graph.constants[id]!.tensor }

    private func copy(_ value: Weight, _ id: ValueID) -> Tensor {
      switch value {
      case .tensor(let tensor): tensor
      case .block(let block): copy(block, plan.shapes[id.index]!)
      case .packed: preconditionFailure("values between nodes are never packed")
      }
    }

    private func copy(_ block: Block, _ shape: Shape) -> Tensor {
      Tensor.floats(shape) { $0.baseAddress?.update(from: block.pointer, count: shape.count) }
    }
  }
}
