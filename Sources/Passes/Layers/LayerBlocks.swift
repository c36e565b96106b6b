import IR

/// The transformer layers of a graph, found in the graph itself: what enters and leaves each, the nodes between, and what
/// names say of them.
///
/// Works for what builders write (whose states say it), for ONNX graphs as they were read, and for their canonical form.
public struct LayerBlocks: Sendable {
  /// State i enters layer i; the last one leaves the last layer, before any final norm.
  public let states: [ValueID]
  /// For each layer the places of its nodes in the graph's list: all that state i + 1 is made of state i by. What depends
  /// on lengths alone belongs to no layer.
  public let regions: [[Int]]
  /// The rows of layers that names of constants and nodes speak of; empty where they speak of none.
  public let stacks: [LayerStack]
  /// Values inside layers that are used outside of them.
  public let leaks: [Leak]

  /// A value inside a layer, other than its result, that something outside of the layer uses.
  public struct Leak: Hashable, Sendable {
    /// The layer.
    public let layer: Int
    /// The value.
    public let value: ValueID
    /// What uses it: a node or an output.
    public let user: String
  }

  /// How many layers there are.
  public var count: Int { regions.count }

  /// What states are called: `layer.0`, `layer.1`, ...
  public static func stateName(_ number: Int) -> String { "layer.\(number)" }

  /// Finds the layers of `graph`; nil where it has none. Throws where there is something like layers that is not a row
  /// of equal ones, or that names contradict: the error says what and where.
  public static func find(in graph: Graph) throws(GraphError) -> LayerBlocks? {
    let flow = DataFlow(graph)
    if let stated = stated(graph) { return try LayerBlocks(flow, BlockStructure(flow, cuts: stated), stated) }
    let sums = ResidualStream(flow).sums
    guard let first = sums.first else { return nil }
    var cuts = sums.map(\.skip)
    if let twice = zip(cuts, cuts.dropFirst()).first(where: { $0 == $1 }) {
      throw GraphError(graph[twice.0].name, "two attentions are added to this value, so that layers cannot be told")
    }
    guard sums.count > 1 else {
      guard let end = ResidualStream.end(of: first, flow) else { return nil }
      cuts.append(end)
      return try LayerBlocks(flow, BlockStructure(flow, cuts: cuts), cuts)
    }
    let structure = BlockStructure(flow, cuts: cuts)
    try requireEqual(structure, cuts, flow)
    let ends = structure.values(of: cuts.count - 1, like: structure.cutClasses[1])
    guard ends.count == 1 else {
      throw GraphError(
        graph[cuts.last!].name,
        "\(cuts.count) layers seem to start at sums with attention, the last one here, and \(ends.count) values after "
          + "it are made as the others' results are")
    }
    cuts.append(ends[0])
    return try LayerBlocks(flow, BlockStructure(flow, cuts: cuts), cuts)
  }

  /// The values that the graph's own states call `layer.0` to `layer.N`.
  private static func stated(_ graph: Graph) -> [ValueID]? {
    let own = Dictionary(
      graph.states.filter { $0.name.utf8.starts(with: "layer.".utf8) }.map { (Array($0.name.utf8), $0.value) }
    ) { first, _ in first }
    guard own.count > 1 else { return nil }
    let values = (0..<own.count).compactMap { own[Array(stateName($0).utf8)] }
    return values.count == own.count ? values : nil
  }

  /// Throws unless each layer is made as the one before.
  private static func requireEqual(
    _ structure: BlockStructure, _ cuts: [ValueID], _ flow: DataFlow
  ) throws(GraphError) {
    let graph = flow.graph
    for layer in 1..<cuts.count - 1 where structure.cutClasses[layer + 1] != structure.cutClasses[1] {
      let place = graph[cuts[layer + 1]].name
      guard let (a, b) = structure.pairs(cuts[1], cuts[layer + 1]).difference else {
        throw GraphError(place, "layer \(layer) ends here and is not made like layer 0; layers cannot be told")
      }
      throw GraphError(
        place,
        "layer \(layer) ends here and is not made like layer 0: \"\(graph[b].name)\" \(description(b, flow)), and "
          + "\"\(graph[a].name)\" \(description(a, flow))")
    }
  }

  private static func description(_ id: ValueID, _ flow: DataFlow) -> String {
    let graph = flow.graph
    if let maker = flow.makers[id.index] { return "is made by \(graph.operatorName(graph.nodes[maker]))" }
    return "is \(graph[id].type)"
  }

  private init(_ flow: DataFlow, _ structure: BlockStructure, _ states: [ValueID]) throws(GraphError) {
    let graph = flow.graph
    var owner: [Int?] = Array(repeating: nil, count: graph.nodes.count)
    var regions: [[Int]] = []
    for layer in 0..<states.count - 1 {
      guard structure.cutClasses[layer + 1] >= 0 else {
        throw GraphError(
          graph[states[layer + 1]].name,
          "this would be what leaves layer \(layer), and is not made of what enters it, \"\(graph[states[layer]].name)\""
        )
      }
      let region = structure.region(from: layer, to: states[layer + 1])
      for place in region {
        owner[place] = layer
        guard let stranger = flow.inputs(of: place).first(where: { (0..<layer).contains(structure.owners[$0.index]) })
        else { continue }
        throw GraphError(
          graph.nodes[place].name,
          "this is in layer \(layer) and uses \"\(graph[stranger].name)\" of layer "
            + "\(structure.owners[stranger.index]); layers cannot be told")
      }
      regions.append(region)
    }
    (self.states, self.regions) = (states, regions)
    leaks = LayerBlocks.leaks(flow, states, owner)
    stacks = try BlockNames(graph, regions).stacks()
  }

  private static func leaks(_ flow: DataFlow, _ states: [ValueID], _ owner: [Int?]) -> [Leak] {
    let graph = flow.graph
    let outputs = Dictionary(graph.outputs.map { ($0.value, $0.name) }) { first, _ in first }
    let results = Set(states)
    var leaks: [Leak] = []
    for (place, layer) in owner.enumerated() {
      guard let layer, !results.contains(graph.nodes[place].output) else { continue }
      let value = graph.nodes[place].output
      if let name = outputs[value] { leaks.append(Leak(layer: layer, value: value, user: name)) }
      for user in flow.users[value.index] where owner[user] != layer && flow.isHeard[user] {
        leaks.append(Leak(layer: layer, value: value, user: graph.nodes[user].name))
      }
    }
    return leaks
  }
}
