import IR

/// Which values of a graph depend on the elements of which others; what depends only on lengths depends on nothing.
struct DataFlow {
  let graph: Graph
  /// For each value the place of the node that makes it; nil for what is fed or stored.
  private(set) var makers: [Int?]
  /// For each value the places of the nodes that use it, shapes apart.
  private(set) var users: [[Int]]
  /// For each value whether it depends on an element of an input.
  private(set) var hears: [Bool]
  /// For each node whether an output or a state depends on its elements, not on its lengths alone.
  private(set) var isHeard: [Bool]

  init(_ graph: Graph) {
    self.graph = graph
    makers = Array(repeating: nil, count: graph.values.count)
    users = Array(repeating: [], count: graph.values.count)
    hears = Array(repeating: false, count: graph.values.count)
    isHeard = Array(repeating: false, count: graph.nodes.count)
    for id in graph.inputs { hears[id.index] = true }
    for (place, node) in graph.nodes.enumerated() {
      makers[node.output.index] = place
      if case .shapeOf = node.op { continue }
      for case .some(let input) in node.inputs {
        if users[input.index].last != place { users[input.index].append(place) }
        if hears[input.index] { hears[node.output.index] = true }
      }
    }
    var isUsed = Array(repeating: false, count: graph.values.count)
    for named in graph.outputs + graph.states { isUsed[named.value.index] = true }
    for place in graph.nodes.indices.reversed() where isUsed[graph.nodes[place].output.index] {
      isHeard[place] = true
      if case .shapeOf = graph.nodes[place].op { continue }
      for case .some(let input) in graph.nodes[place].inputs { isUsed[input.index] = true }
    }
  }

  /// What the result of a node depends on, of what depends on the graph's inputs.
  func inputs(of place: Int) -> [ValueID] {
    if case .shapeOf = graph.nodes[place].op { return [] }
    return graph.nodes[place].inputs.compactMap { $0 }.filter { hears[$0.index] }
  }

  /// Where a value is made: the place of its node, -1 for what is fed or stored.
  func place(_ id: ValueID) -> Int { makers[id.index] ?? -1 }

  /// What a value shows in another shape or order of axes: itself, if it is no such view.
  func viewed(_ id: ValueID) -> ValueID {
    var id = id
    while let maker = makers[id.index], graph.nodes[maker].op.isView, let x = graph.nodes[maker].inputs[0] { id = x }
    return id
  }
}

extension Operator {
  /// True for what hands on the same numbers in another shape.
  var isView: Bool {
    switch self {
    case .reshape, .reshapeTo, .transpose, .cast: true
    default: false
    }
  }
}
