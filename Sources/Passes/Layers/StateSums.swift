import Executor
import IR
import Tensors

/// What a graph makes of all its states together: states joined along an axis of their own, weighed by a constant that
/// has a number for each.
struct StateSums {
  /// For each node that joins states the inputs it keeps.
  private(set) var inputs: [Int: [ValueID?]] = [:]
  /// Operators that say another length now.
  private(set) var operators: [Int: Operator] = [:]
  /// Weights that lose the dropped layers' entries.
  private(set) var constants: [ValueID: (constant: Constant, step: String)] = [:]

  private let flow: DataFlow
  private let selection: LayerSelection
  private var graph: Graph { flow.graph }
  /// How many states there are.
  private var count: Int { selection.count + 1 }

  /// Finds them; throws where states meet in a way that is not known, and one of them goes.
  init(
    _ flow: DataFlow, _ blocks: LayerBlocks, _ selection: LayerSelection, _ layers: [Int?]
  ) throws(GraphError) {
    (self.flow, self.selection) = (flow, selection)
    var known: Set<Int> = []
    for (place, node) in flow.graph.nodes.enumerated() where flow.isHeard[place] {
      guard case .concat(let op) = node.op, op.count == count, let views = views(node, op, blocks) else { continue }
      known.formUnion(views)
      let kept = selection.keptStates
      inputs[place] = kept.map { node.inputs[$0] }
      operators[place] = .concat(Concat(axis: op.axis, count: kept.count))
      try follow(node.output, axis: op.axis)
    }
    try checkOthers(blocks, layers, known)
  }

  /// The nodes through which a join gets the states, one after the other along a new axis; nil for any other join.
  private func views(_ node: Node, _ op: Concat, _ blocks: LayerBlocks) -> [Int]? {
    var views: [Int] = []
    for (number, input) in node.inputs.enumerated() {
      guard var id = input, graph[id].type.dimensions[op.axis] == .fixed(1) else { return nil }
      while id != blocks.states[number] {
        guard let place = flow.makers[id.index], graph.nodes[place].op.isView, let x = graph.nodes[place].inputs[0]
        else {
          return nil
        }
        views.append(place)
        id = x
      }
    }
    return views
  }

  /// Follows the axis along which states lie to where weights meet it.
  private mutating func follow(_ joined: ValueID, axis: Int) throws(GraphError) {
    var open = [(id: joined, axis: axis)]
    var seen: Set<Int> = []
    while let (id, axis) = open.popLast() {
      for place in flow.users[id.index] where flow.isHeard[place] && seen.insert(place).inserted {
        let node = graph.nodes[place]
        switch node.op {
        case .cast, .unary, .gelu: open.append((node.output, axis))
        case .transpose(let op): open.append((node.output, op.permutation.firstIndex(of: axis)!))
        case .reduce(let op) where op.axes.contains(axis): try checkScale(node)
        case .binary where node.inputs[0] != node.inputs[1]:
          let other = node.inputs[0] == id ? node.inputs[1]! : node.inputs[0]!
          let (rank, otherRank) = (graph[id].type.rank, graph[other].type.rank)
          let own = axis - (rank - otherRank)
          if own >= 0, graph[other].type.dimensions[own] != .fixed(1) { try slice(other, axis: own) }
          open.append((node.output, axis + max(0, otherRank - rank)))
        default:
          throw GraphError(
            node.name,
            "this uses the states of all layers joined in \"\(graph[joined].name)\", in a way that is not known, so that "
              + "no layer can be dropped")
        }
      }
    }
  }

  /// Throws where what was added up is divided by the number of states, which would be another one then.
  private func checkScale(_ sum: Node) throws(GraphError) {
    for place in flow.users[sum.output.index] {
      let node = graph.nodes[place]
      guard case .binary = node.op,
        let other = node.inputs.compactMap({ $0 }).first(where: { $0 != sum.output }).map(flow.viewed),
        let numbers = graph.smallConstant(other)?.numbers, !numbers.isEmpty,
        numbers.allSatisfy({ abs($0 - Double(count)) < 1e-4 || abs($0 * Double(count) - 1) < 1e-4 })
      else { continue }
      throw GraphError(
        node.name,
        "this divides a sum over all states by their number, \(count), which would be another one; no layer can be dropped"
      )
    }
  }

  /// Takes the dropped layers' entries out of the constant that weights come from.
  private mutating func slice(_ weights: ValueID, axis: Int) throws(GraphError) {
    var (id, axis, isNormalized) = (weights, axis, false)
    while true {
      let type = graph[id].type
      func refuse(_ what: String) -> GraphError {
        GraphError(
          graph[id].name, "the states of all layers are weighed by this, and \(what), so that no layer can be dropped")
      }
      guard let shape = type.shape, shape.checkedCount == count, shape[axis] == count else {
        throw refuse("it is \(type), not a number for each of \(count) states")
      }
      if graph.constants[id] != nil {
        constants[id] = try sliced(id, isNormalized: isNormalized)
        return
      }
      guard let place = flow.makers[id.index], flow.users[id.index].count == 1 else {
        throw refuse("it is fed, or used for something else too")
      }
      let node = graph.nodes[place]
      guard let x = node.inputs[0] else { throw refuse("it is made of nothing") }
      switch node.op {
      case .softmax(let op) where op.axis == axis: isNormalized = true
      case .cast, .unary: break
      case .transpose(let op): axis = op.permutation[axis]
      case .slice(let op) where op.dropFirst == 0 && op.dropLast == 0: break
      case .reshape, .reshapeTo:
        // All other axes have one element.
        let kept = shape.dimensions.map { $0 == count ? selection.keptStates.count : $0 }
        operators[place] = .reshape(Reshape(kept.map { .fixed($0) }))
        inputs[place] = [x]
        guard let from = graph[x].type.shape?.dimensions.firstIndex(of: count) else {
          throw refuse("it is made of \(graph[x].type)")
        }
        axis = from
      default: throw refuse("it is made by \(graph.operatorName(node))")
      }
      id = x
    }
  }

  /// The constant with the entries of the states that stay. Weights that an exporter has normalised already are
  /// normalised again: what a softmax makes of the entries that are left.
  private func sliced(_ id: ValueID, isNormalized: Bool) throws(GraphError) -> (constant: Constant, step: String) {
    var constant = graph.constants[id]!
    guard flow.users[id.index].count == 1, !(graph.outputs + graph.states).contains(where: { $0.value == id }) else {
      throw GraphError(
        graph[id].name,
        "the weights of all layers' states are used for something else too, so that no layer can be dropped")
    }
    let (tensor, kept) = (constant.tensor, selection.keptStates)
    let size = tensor.dataType.size
    let shape = Shape(tensor.shape.dimensions.map { $0 == count ? kept.count : $0 })
    var step = "states \(kept.map(String.init).joined(separator: ", ")) of \(count) kept"
    var result = Tensor(
      tensor.dataType, shape, pieces: kept.map { tensor.bytes[$0 * size..<($0 + 1) * size] })
    constant.storage = .rowMajor(result)
    if !isNormalized, tensor.isDistribution {
      let numbers = result.numbers
      let sum = numbers.reduce(0, +)
      guard sum > 0 else {
        throw GraphError(graph[id].name, "the weights of all states that are left are 0")
      }
      result = Tensor(numbers.map { Float($0 / sum) }, shape: shape)
      constant.storage =
        tensor.dataType == .float32 ? .rowMajor(result) : .derived(FloatCast(result, to: tensor.dataType).tensor)
      step += ", divided by their sum"
    }
    constant.provenance.steps.append(step)
    return (constant, step)
  }

  /// Throws where states that stay and states that go meet otherwise.
  private func checkOthers(_ blocks: LayerBlocks, _ layers: [Int?], _ known: Set<Int>) throws(GraphError) {
    var users: [(state: Int, place: Int)] = []
    for (number, state) in blocks.states.enumerated() {
      for place in flow.users[state.index]
      where flow.isHeard[place] && !known.contains(place) && layers[place] != number && inputs[place] == nil {
        users.append((number, place))
      }
    }
    guard let gone = users.first(where: { $0.state > 0 && selection.place(of: $0.state - 1) == nil }),
      let other = users.first(where: { $0.state != gone.state })
    else { return }
    throw GraphError(
      graph.nodes[gone.place].name,
      "this uses what leaves layer \(gone.state - 1), and \"\(graph.nodes[other.place].name)\" uses what "
        + (other.state == 0 ? "enters the first layer" : "leaves layer \(other.state - 1)")
        + ": what they make of it together is not known, so that layer \(gone.state - 1) cannot be dropped")
  }
}

extension Tensor {
  /// True for numbers of which none is negative and whose sum is 1 but for what the type rounds: what a softmax makes.
  fileprivate var isDistribution: Bool {
    guard [.float32, .float16, .bfloat16].contains(dataType) else { return false }
    let numbers = numbers
    return numbers.allSatisfy { $0 >= 0 } && abs(numbers.reduce(0, +) - 1) < (dataType == .float32 ? 1e-5 : 4e-3)
  }
}
