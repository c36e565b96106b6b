import Bytes
import IR
import Kernels
import Tensors

/// Runs a graph: the reference meaning of every operator.
///
/// Weights are prepared once, when the executor is made: an artifact's panels and mapped floats are used where they lie;
/// of weights in rows, half-width ones are widened and those of convolutions packed. `run` may be called from several threads,
/// each with as many workers as it is given. Any number of threads gives the same bits.
public final class Executor: Sendable {
  /// The graph being run.
  public let graph: Graph
  /// How many threads share the work, unless a run is given another number.
  public let threads: Int

  private let products: Products
  private let workers: Workers
  private let weights: [[Weight?]]
  private let pool = BlockPool()

  /// A value as a node reads it.
  enum Weight: Sendable {
    case tensor(Tensor)
    case block(Block)
    case product(ProductWeight)
  }

  /// What multiplies by constant weights.
  public enum Products: Sendable {
    /// Our own product, nodes grouped where that is faster.
    case own
    /// OpenBLAS over the weights as they are, one node at a time: the reference.
    case blas
  }

  /// Prepares `graph` for running on `threads` threads.
  public init(_ graph: Graph, threads: Int, products: Products = .own) throws(ExecutionError) {
    do throws(GraphError) { try graph.validate() } catch { throw ExecutionError(error) }
    self.graph = graph
    self.products = products
    workers = Workers(threads)
    self.threads = workers.count
    var weights: [[Weight?]] = []
    var prepared: [Preparation: Weight] = [:]
    for node in graph.nodes {
      var row: [Weight?] = []
      for (index, input) in node.inputs.enumerated() {
        guard let input, let constant = graph.constants[input] else {
          row.append(nil)
          continue
        }
        let layout = products == .own ? node.op.evaluation.prepared(index, constant.shape) : nil
        let key = Preparation(value: input, layout: layout)
        let weight: Weight
        if let done = prepared[key] {
          weight = done
        } else if let layout, let panels = Executor.mapped(constant, layout) ?? Executor.columns(constant, layout) {
          weight = panels
          prepared[key] = weight
        } else {
          var own = try Executor.floats(constant, graph[input].name, workers)
          if let layout { own = Executor.prepare(own, constant.shape, layout, workers) }
          weight = own
          prepared[key] = weight
        }
        row.append(weight)
      }
      weights.append(row)
    }
    self.weights = weights
  }

  /// A constant that has been prepared, and how.
  private struct Preparation: Hashable {
    let value: ValueID
    let layout: PreparedLayout?
  }

  /// Panels as the artifact holds them; nil for a constant that is stored otherwise than the product reads it.
  private static func mapped(_ constant: Constant, _ layout: PreparedLayout) -> Weight? {
    let groups = if case .panels(let groups) = layout { groups } else { 1 }
    guard case .panels(let tensor) = constant.storage, tensor.layout.groups == groups, let bytes = tensor.stored else {
      return nil
    }
    let (outputs, depth) = (tensor.layout.outputs, tensor.layout.depth)
    precondition(
      tensor.layout.storedCount == ProductWeight.panelCapacity(outputs: outputs, depth: depth, groups: groups))
    let aligned = bytes.isAligned(to: ByteRegion.alignment) ? bytes : ByteRegion(copying: bytes.array).view
    return aligned.withUnsafeBytes {
      .product(
        ProductWeight(
          panels: $0.baseAddress!, of: tensor.dataType.halfWidth, outputs: outputs, depth: depth, groups: groups,
          owner: aligned.region))
    }
  }

  /// A matrix whose transpose lies in memory, read as it lies; nil for what lies otherwise.
  private static func columns(_ constant: Constant, _ layout: PreparedLayout) -> Weight? {
    guard layout == .rows, case .derived(let tensor) = constant.storage, let columns = tensor.columns,
      columns.dataType == .float32
    else { return nil }
    return columns.bytes.withUnsafeBytes {
      .product(
        ProductWeight(
          columns: $0.baseAddress ?? nothing, outputs: tensor.shape[0], depth: tensor.shape[1],
          owner: columns.bytes.region))
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
      tensor.widenHalves(into: block.pointer, workers)
      return .block(block)
    case .int64, .int32, .bool: return .tensor(Tensor(tensor.dataType, tensor.shape, pieces: [tensor.bytes]))
    default:
      throw ExecutionError(name, "weights of type \(tensor.dataType.rawValue) cannot be computed with")
    }
  }

  private static func prepare(_ weight: Weight, _ shape: Shape, _ layout: PreparedLayout, _ workers: Workers) -> Weight
  {
    let depth = shape.dimensions.dropFirst().reduce(1, *)
    defer { withExtendedLifetime(weight) {} }
    let source = pointer(weight)!
    switch layout {
    case .rows:
      return .product(ProductWeight(rows: source, outputs: shape[0], depth: depth, owner: owner(weight)))
    case .panels(let groups):
      let rows = Block(capacity: shape.count)
      tapMajor(source, rows.pointer, outputs: shape[0], channels: shape[1], kernel: shape[2], workers: workers)
      return .product(
        ProductWeight(
          packing: rows.pointer, outputs: shape[0] / groups, depth: depth, groups: groups, workers: workers))
    }
  }

  private static func owner(_ value: Weight) -> AnyObject? {
    switch value {
    case .tensor(let tensor): tensor.bytes.region
    case .block(let block): block
    case .product: nil
    }
  }

  /// Where a value's floats lie, as long as it lives; nil for a product's.
  static func pointer(_ value: Weight) -> UnsafePointer<Float>? {
    switch value {
    case .tensor(let tensor): pointer(tensor)
    case .block(let block): UnsafePointer(block.pointer)
    case .product: nil
    }
  }

  /// Where the elements of an aligned tensor lie, whatever they are, as long as it lives.
  static func pointer(_ tensor: Tensor) -> UnsafePointer<Float> {
    tensor.bytes.withUnsafeBytes { ($0.baseAddress ?? nothing).assumingMemoryBound(to: Float.self) }
  }

  /// Where tensors without elements lie.
  private static var nothing: UnsafeRawPointer { UnsafeRawPointer(bitPattern: 64)! }

  /// Computes the graph's outputs from its inputs, each given by name.
  ///
  /// Values whose names `observation` lists are shown to it as they are made, and may be replaced by it. `threads` share
  /// the work, or as many as the executor was made for.
  public func run(
    _ inputs: NamedTensors, observing observation: Observation? = nil, threads: Int? = nil
  ) throws(ExecutionError) -> NamedTensors {
    var none: Profile?
    return try run(inputs, observation, threads.map { Workers($0) } ?? workers, &none)
  }

  /// The most bytes that values and scratch take at one time, beside the weights, on inputs of `shapes`, in the graph's
  /// order of them, while the values `names` are observed.
  public func peakBytes(_ shapes: [Shape], observing names: [String], threads: Int) throws(ExecutionError) -> Int {
    try Plan(
      graph, inputs: shapes, keeping: watched(names), workers: Workers(threads).count, groups: products == .own
    ).peakBytes
  }

  private func watched(_ names: [String]) -> Set<ValueID> {
    guard !names.isEmpty else { return [] }
    let values = graph.valuesByName
    return Set(names.compactMap { values[Name($0)] })
  }

  /// What `node` makes of `inputs`, if its result is of `type`; nil where they are numbers that cannot be computed with.
  public static func elements(_ node: Node, _ inputs: [Tensor?], _ type: TensorType) -> Tensor? {
    try? Run.elements(of: node, inputs, type)
  }

  /// Runs once and tells where the time went.
  public func profile(_ inputs: NamedTensors) throws(ExecutionError) -> Profile {
    var profile: Profile? = Profile()
    _ = try run(inputs, nil, workers, &profile)
    return profile!
  }

  private func run(
    _ inputs: NamedTensors, _ observation: Observation?, _ workers: Workers, _ profile: inout Profile?
  ) throws(ExecutionError) -> NamedTensors {
    var fed: [Tensor] = []
    for id in graph.inputs {
      let name = graph[id].name
      guard let tensor = inputs[name] else { throw ExecutionError(name, "this input is missing") }
      guard tensor.dataType == graph[id].type.dataType else {
        throw ExecutionError(
          name, "this input needs \(graph[id].type.dataType.rawValue), found \(tensor.dataType.rawValue)")
      }
      guard tensor.shape.rank == graph[id].type.rank else {
        throw ExecutionError(name, "this input needs the shape \(graph[id].type), found \(tensor.shape)")
      }
      fed.append(tensor)
    }
    let known = Set(graph.inputs.map { Name(graph[$0].name) })
    if let unknown = inputs.names.first(where: { !known.contains(Name($0)) }) {
      throw ExecutionError(unknown, "the graph has no input of this name")
    }
    let watched = watched(observation?.names ?? [])
    // Single numbers may say how long a sequence is, whatever their type.
    let small = zip(graph.inputs, fed).filter { id, tensor in
      tensor.dataType == .float32 ? tensor.shape.rank == 0 : tensor.count <= Graph.knownLimit
    }
    let plan = try Plan(
      graph, inputs: fed.map(\.shape), fed: Dictionary(small) { $1 }, keeping: watched, workers: workers.count,
      groups: products == .own)
    // What cannot fit would be killed, and the machine's other work with it.
    guard plan.peakBytes <= physicalMemory() else {
      throw ExecutionError(
        "",
        "a run on inputs of this length needs \(plan.peakBytes >> 20) MiB; the machine has \(physicalMemory() >> 20)")
    }
    var run = Run(graph: graph, plan: plan, weights: weights, inputs: fed, pool: pool, workers: workers)
    return try run.outputs(watched, observation, &profile)
  }
}

extension DataType {
  /// The kernels' word for a type of half width; nil for others.
  var halfWidth: HalfWidth? {
    switch self {
    case .float16: .float16
    case .bfloat16: .bfloat16
    default: nil
    }
  }
}

extension Tensor {
  /// Writes the numbers of a tensor of half width as floats.
  func widenHalves(into floats: UnsafeMutablePointer<Float>, _ workers: Workers) {
    let aligned = bytes.isAligned(to: 2) ? bytes : ByteRegion(copying: bytes.array).view
    aligned.withUnsafeBytes { raw in
      guard let halves = raw.bindMemory(to: UInt16.self).baseAddress, let type = dataType.halfWidth else { return }
      widen(halves, floats, count: count, from: type, workers: workers)
    }
  }
}
