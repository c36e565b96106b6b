import IR
import Tensors

/// What running a graph on inputs of known shapes will take: every shape, every step, every lifetime.
public struct Plan: Sendable {
  /// One turn: a node, or several that are computed together.
  public struct Step: Sendable {
    /// The nodes' places in the graph; the last one's result is the step's.
    public let nodes: [Int]
    /// How they are computed.
    let form: Grouping.Form
    /// The value whose memory the result takes over, because nobody needs it afterwards.
    public let reused: ValueID?
    /// Where in the arena the result lies, in floats.
    public let offset: Int
    /// Values that nobody needs after this step.
    public let released: [ValueID]
  }

  /// The shape of each value; nil for values that nothing makes.
  public let shapes: [Shape?]
  /// The element type of each value; nil for values that nothing makes.
  let types: [DataType?]
  /// Values whose elements follow from the inputs' shapes and from what was fed as integers; no step makes them.
  let known: [ValueID: Tensor]
  /// The steps, in order.
  public let steps: [Step]
  /// How many floats the arena needs, in which all computed values lie.
  public let arenaCount: Int
  /// The most bytes that computed values and scratch take at one time.
  public let peakBytes: Int

  /// No value has more elements: a small file must not ask for more memory than any machine has.
  public static let elementLimit = 1 << 38

  /// Plans `graph` for inputs of `shapes`, in the graph's order of inputs, on `workers` threads.
  ///
  /// `fed` are small inputs of integers, which may say shapes. Values of `kept` are computed so that they can be looked
  /// at. Without `groups`, every node is a step of its own.
  public init(
    _ graph: Graph, inputs: [Shape], fed: [ValueID: Tensor] = [:], keeping kept: Set<ValueID> = [], workers: Int = 1,
    groups: Bool = true
  ) throws(ExecutionError) {
    let inferred: (types: [TensorType?], known: [ValueID: Tensor])
    var trouble: ExecutionError?
    do throws(GraphError) {
      inferred = try graph.infer(
        zip(graph.inputs, inputs).map { TensorType(graph[$0].type.dataType, $1) }, fed: fed
      ) { node, tensors, type in
        do throws(ExecutionError) { return try Run.elements(of: node, tensors, type) } catch {
          trouble = trouble ?? error
          return nil
        }
      }
    } catch {
      throw trouble ?? ExecutionError(error)
    }
    if let trouble { throw trouble }
    known = inferred.known
    let shapes = inferred.types.map { $0?.shape }
    let types = inferred.types.map { $0?.dataType }
    for (value, (type, shape)) in zip(graph.values, zip(inferred.types, shapes)) {
      guard let type else { continue }
      guard let shape else {
        throw ExecutionError(
          value.name, "its shape, \(type), depends on numbers that are not known before the graph runs")
      }
      guard let count = shape.checkedCount, count <= Plan.elementLimit else {
        throw ExecutionError(value.name, "a value of shape \(shape) has more than \(Plan.elementLimit) elements")
      }
    }
    let skipped = Set(graph.nodes.indices.filter { inferred.known[graph.nodes[$0].output] != nil })
    let grouped =
      groups ? Grouping.of(graph, shapes: shapes, keeping: kept, skipping: skipped) : Grouping.none(graph, skipped)

    /// What a group takes from outside it and frees.
    func needs(_ group: Grouping.Group) -> [ValueID] {
      let own = Set(group.nodes.map { graph.nodes[$0].output })
      return group.nodes.flatMap { graph.nodes[$0].inputs }.compactMap { $0 }.filter { !own.contains($0) }
    }
    var lastUse: [ValueID: Int] = [:]
    for (index, group) in grouped.enumerated() { for input in needs(group) { lastUse[input] = index } }
    for output in graph.outputs { lastUse[output.value] = grouped.count }

    let computed = Set(grouped.flatMap(\.nodes).map { graph.nodes[$0].output })
    /// How many floats a value takes the room of.
    func room(_ id: ValueID) -> Int { ((shapes[id.index]?.count ?? 0) * (types[id.index]?.size ?? 4) + 3) / 4 }
    var arena = Arena()
    var places: [ValueID: Range<Int>] = [:]
    var steps: [Step] = []
    var scratch = 0
    for (index, group) in grouped.enumerated() {
      let result = graph.nodes[group.nodes.last!].output
      let used = needs(group)
      let dying = Set(used.filter { computed.contains($0) && lastUse[$0] == index })
      let reused = Plan.inPlace(group, graph).first { id in
        dying.contains(id) && shapes[id.index] == shapes[result.index] && types[id.index] == types[result.index]
          && used.filter { $0 == id }.count == 1
      }
      var released = dying.filter { $0 != reused }.sorted { $0.index < $1.index }
      places[result] = reused.flatMap { places[$0] } ?? arena.take(room(result))
      if group.form == .tiles {
        scratch = max(scratch, TiledChain(group.nodes, graph, shapes).scratchCount(workers: workers))
      }
      if lastUse[result] == nil { released.append(result) }
      for id in released { if let place = places[id] { arena.give(back: place) } }
      steps.append(
        Step(
          nodes: group.nodes, form: group.form, reused: reused, offset: places[result]!.lowerBound,
          released: released))
    }
    (self.shapes, self.types) = (shapes, types)
    self.steps = steps
    arenaCount = arena.count
    peakBytes = (arena.count + scratch) * MemoryLayout<Float>.size
  }

  /// Values whose memory a group's result may take over.
  private static func inPlace(_ group: Grouping.Group, _ graph: Graph) -> [ValueID] {
    switch group.form {
    case .single:
      let node = graph.nodes[group.nodes[0]]
      return node.op.evaluation.inPlaceInputs.compactMap { node.inputs[$0] }
    case .product(_, let addend): return addend.map { [$0] } ?? []
    case .tiles: return []
    }
  }
}
