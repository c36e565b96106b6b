import Bytes
import IR
import Tensors

/// A graph while a pass rewrites it: who makes and who uses each value, and new names.
///
/// Nodes keep their places until `finish` puts new ones between them.
struct GraphEditor {
  /// The graph as it was, with the values that were added since.
  private(set) var graph: Graph
  /// What was changed, a line each.
  var report: PassReport
  /// The nodes as they stand, new ones behind.
  private var nodes: [Node]
  /// New nodes that stand before a node.
  private var before: [Int: [Int]] = [:]
  private var makers: [ValueID: Int] = [:]
  private var users: [ValueID: Set<Int>] = [:]
  private var shown: Set<ValueID>
  private var names: Set<Name>

  init(_ graph: Graph, pass: String) {
    self.graph = graph
    report = PassReport(pass: pass)
    nodes = graph.nodes
    names = Set(graph.values.map { Name($0.name) })
    shown = Set((graph.outputs + graph.states).map(\.value))
    for place in nodes.indices { register(place) }
  }

  private mutating func register(_ place: Int) {
    makers[nodes[place].output] = place
    for case .some(let input) in nodes[place].inputs { users[input, default: []].insert(place) }
  }

  /// The node that makes a value; nil for what is fed or stored.
  func node(_ id: ValueID?) -> Node? { id.flatMap { makers[$0] }.map { nodes[$0] } }

  /// True where one node uses the value, and nobody outside.
  func hasOneUser(_ id: ValueID) -> Bool { users[id]?.count == 1 && !shown.contains(id) }

  /// The one node that uses a value, if nobody else does.
  func user(of id: ValueID) -> Node? { hasOneUser(id) ? users[id]!.first.map { nodes[$0] } : nil }

  /// The one float that a small constant holds, whatever its shape.
  func number(_ id: ValueID?) -> Float? {
    guard let id, graph[id].type.dataType == .float32, let tensor = graph.smallConstant(id), tensor.count == 1,
      tensor.dataType == .float32
    else { return nil }
    return tensor.floats[0]
  }

  /// The type of a value.
  func type(_ id: ValueID) -> TensorType { graph[id].type }

  // MARK: Changes

  /// Changes the node that makes `id`.
  mutating func replace(_ id: ValueID, with op: Operator, _ inputs: ValueID?..., why: String) {
    guard let place = makers[id] else { return }
    for case .some(let input) in nodes[place].inputs { users[input]?.remove(place) }
    nodes[place].op = op
    nodes[place].inputs = inputs
    register(place)
    report.changes.append("\(graph[id].name): \(why)")
  }

  /// Lets all users of `id` use `other`.
  mutating func redirect(_ id: ValueID, to other: ValueID, why: String) {
    for place in users[id] ?? [] {
      nodes[place].inputs = nodes[place].inputs.map { $0 == id ? other : $0 }
      users[other, default: []].insert(place)
    }
    users[id] = nil
    if shown.remove(id) != nil { shown.insert(other) }
    graph.showInstead(of: id, other)
    report.changes.append("\(graph[id].name): \(why)")
  }

  /// Adds a node just before the one that makes `id`, called after it.
  mutating func insert(_ op: Operator, _ inputs: [ValueID?], before id: ValueID, as part: String) throws -> ValueID {
    let node = try graph.makeNode(fresh(graph[id].name + "." + part), op, inputs)
    nodes.append(node)
    before[makers[id]!, default: []].append(nodes.count - 1)
    register(nodes.count - 1)
    return node.output
  }

  /// Adds a constant.
  mutating func constant(_ name: String, _ constant: Constant) -> ValueID { graph.addConstant(fresh(name), constant) }

  mutating func decline(_ id: ValueID, _ why: String) { report.declined.append("\(graph[id].name): \(why)") }

  private mutating func fresh(_ wanted: String) -> String {
    var (name, number) = (wanted, 1)
    while !names.insert(Name(name)).inserted {
      number += 1
      name = "\(wanted).\(number)"
    }
    return name
  }

  /// The graph without what nobody uses any more, types inferred anew.
  mutating func finish(_ target: inout Graph) throws -> PassReport {
    guard !report.changes.isEmpty else { return report }
    var ordered: [Node] = []
    func place(_ index: Int) {
      for inserted in before[index] ?? [] { place(inserted) }
      ordered.append(nodes[index])
    }
    for index in graph.nodes.indices { place(index) }
    graph.setNodes(ordered)
    graph.removeUnusedNodes()
    try graph.inferTypes()
    target = graph
    return report
  }
}
