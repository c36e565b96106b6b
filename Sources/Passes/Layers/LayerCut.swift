import Bytes
import IR
import Tensors

/// A graph without some of its layers, while it is made.
struct LayerCut {
  private let graph: Graph
  private let blocks: LayerBlocks
  private let selection: LayerSelection
  private let flow: DataFlow
  private let sums: StateSums
  /// For each node the layer it belongs to.
  private var layers: [Int?]
  private let results: Set<ValueID>
  /// What takes the place of a value.
  private var instead: [ValueID: ValueID] = [:]
  /// What became of the constants.
  private(set) var kept: [PruneLayers.Outcome.Kept] = []

  /// Checks that the layers can be cut out.
  init(_ graph: Graph, _ blocks: LayerBlocks, _ selection: LayerSelection) throws(GraphError) {
    (self.graph, self.blocks, self.selection) = (graph, blocks, selection)
    flow = DataFlow(graph)
    results = Set(blocks.states)
    layers = Array(repeating: nil, count: graph.nodes.count)
    for (layer, region) in blocks.regions.enumerated() { for place in region { layers[place] = layer } }
    let dropped = Set(selection.dropped)
    if let leak = blocks.leaks.first(where: { dropped.contains($0.layer) }) {
      throw GraphError(
        graph[leak.value].name,
        "this value of layer \(leak.layer) is used outside of the layer, by \"\(leak.user)\", so that the layer "
          + "cannot be dropped")
    }
    for layer in selection.dropped {
      let (before, after) = (blocks.states[layer], blocks.states[layer + 1])
      guard graph[before].type.rank == graph[after].type.rank,
        zip(graph[before].type.dimensions, graph[after].type.dimensions).allSatisfy({ $0.canEqual($1) })
      else {
        throw GraphError(
          graph[after].name,
          "layer \(layer) makes \(graph[after].type) of \(graph[before].type), so that it cannot be dropped")
      }
      instead[after] = instead[before] ?? before
    }
    sums = try StateSums(flow, blocks, selection, layers)
    try moveShapes()
  }

  /// The layer whose nodes use a constant first; nil where none does.
  func layer(of constant: ValueID) -> Int? {
    flow.users[constant.index].compactMap { layers[$0] }.min()
  }

  /// Lengths that are read off a value of a dropped layer are read off what corresponds to it in the first layer kept.
  private mutating func moveShapes() throws(GraphError) {
    let dropped = Set(selection.dropped)
    var pairs: [Int: [ValueID: ValueID]] = [:]
    var structure: BlockStructure?
    for node in graph.nodes {
      guard case .shapeOf = node.op, let value = node.inputs[0], instead[value] == nil,
        let place = flow.makers[value.index], let layer = layers[place], dropped.contains(layer)
      else { continue }
      if pairs[layer] == nil {
        structure = structure ?? BlockStructure(flow, cuts: blocks.states)
        pairs[layer] = structure!.pairs(blocks.states[layer + 1], blocks.states[selection.kept[0] + 1]).map
      }
      instead[value] = pairs[layer]![value]
    }
  }

  /// True for a value inside a dropped layer, other than its result.
  private func isInside(_ id: ValueID) -> Bool {
    guard !results.contains(id), let layer = flow.makers[id.index].flatMap({ layers[$0] }) else { return false }
    return selection.place(of: layer) == nil
  }

  /// What stands for a value now.
  private func mapped(_ id: ValueID) -> ValueID { instead[id] ?? id }

  /// The node's inputs as they are now; those of a sum of states are fewer.
  private func inputs(_ place: Int) -> [ValueID?] {
    let node = graph.nodes[place]
    let inputs = sums.inputs[place] ?? node.inputs
    return inputs.map { $0.map(mapped) }
  }

  // MARK: The new graph

  /// The graph without the layers, everything else as it was but for names.
  mutating func rebuild() throws(GraphError) -> Graph {
    let order = try order()
    var result = Graph()
    var names = LayerNames(graph, blocks, selection)
    var copies: [ValueID: ValueID] = [:]
    for id in graph.inputs { copies[id] = result.addInput(names.taken(graph[id].name), graph[id].type) }
    func copy(_ id: ValueID, _ cut: inout LayerCut) throws(GraphError) -> ValueID {
      if let copy = copies[id] { return copy }
      guard var constant = cut.graph.constants[id] else {
        throw GraphError(cut.graph[id].name, "this is needed, and belongs to a layer that is dropped")
      }
      let users = cut.flow.users[id.index]
      let name = try names.constant(
        id, in: users.compactMap { cut.layers[$0] },
        user: users.first { cut.layers[$0] == nil }.map { cut.graph.nodes[$0].name })
      let change = cut.sums.constants[id]
      if let change { constant = change.constant }
      cut.kept.append(.init(name: name, from: cut.graph[id].name, step: change?.step))
      let copy = result.addConstant(name, constant)
      copies[id] = copy
      return copy
    }
    for place in order {
      let node = graph.nodes[place]
      var inputs: [ValueID?] = []
      for input in self.inputs(place) {
        inputs.append(try input.map { (id) throws(GraphError) in try copy(id, &self) })
      }
      copies[node.output] = try result.addNode(names.node(node.name), sums.operators[place] ?? node.op, inputs)
    }
    for output in graph.outputs { result.addOutput(output.name, try copy(mapped(output.value), &self)) }
    for state in graph.states where !isInside(state.value) {
      guard let name = names.state(state), let value = copies[mapped(state.value)] else { continue }
      result.addState(name, value)
    }
    try result.inferTypes()
    return result
  }

  /// The places of the nodes that are needed, each after what it uses, in the old order wherever that can be.
  private func order() throws(GraphError) -> [Int] {
    var isDone = Array(repeating: false, count: graph.nodes.count)
    var isOpen = isDone
    var order: [Int] = []
    let shown = (graph.outputs + graph.states.filter { !isInside($0.value) }).map { mapped($0.value) }
    var isNeeded = isDone
    var open = shown.compactMap { flow.makers[$0.index] }
    while let place = open.popLast() {
      guard !isNeeded[place] else { continue }
      isNeeded[place] = true
      if let layer = layers[place], selection.place(of: layer) == nil {
        throw GraphError(
          graph.nodes[place].name,
          "this is in layer \(layer) and needed outside of it, so that the layer cannot be dropped")
      }
      open += inputs(place).compactMap { $0.flatMap { flow.makers[$0.index] } }
    }
    for start in graph.nodes.indices where isNeeded[start] && !isDone[start] {
      var stack = [start]
      while let place = stack.last {
        guard !isDone[place] else {
          stack.removeLast()
          continue
        }
        let missing = inputs(place).compactMap { $0.flatMap { flow.makers[$0.index] } }.filter { !isDone[$0] }
        if missing.isEmpty {
          isDone[place] = true
          order.append(place)
          stack.removeLast()
        } else if isOpen[place] {
          throw GraphError(
            graph.nodes[place].name, "this needs a length that only a dropped layer says in time; it cannot be dropped")
        } else {
          isOpen[place] = true
          stack += missing.reversed()
        }
      }
    }
    return order
  }
}
