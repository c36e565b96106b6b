import Bytes
import IR
import Tensors

/// A graph while a pass rewrites it: who makes and who uses each value, and new names.
struct GraphEditor {
  /// The graph as it stands.
  private(set) var graph: Graph
  /// What was changed, a line each.
  var report: PassReport
  private var makers: [ValueID: Int] = [:]
  private var users: [ValueID: Int] = [:]
  private var shown: Set<ValueID> = []
  private var names: Set<Name>

  init(_ graph: Graph, pass: String) {
    self.graph = graph
    report = PassReport(pass: pass)
    names = Set(graph.values.map { Name($0.name) })
    index()
  }

  /// Where the nodes are; they move when one is inserted.
  private mutating func index() {
    makers = [:]
    users = [:]
    for (place, node) in graph.nodes.enumerated() {
      makers[node.output] = place
      for case .some(let input) in Set(node.inputs) { users[input, default: 0] += 1 }
    }
    shown = Set((graph.outputs + graph.states).map(\.value))
  }

  /// The place of the node that makes a value; nil for what is fed or stored.
  func maker(_ id: ValueID?) -> Int? { id.flatMap { makers[$0] } }

  /// The node that makes a value.
  func node(_ id: ValueID?) -> Node? { maker(id).map { graph.nodes[$0] } }

  /// True where one node uses the value, and nobody outside.
  func hasOneUser(_ id: ValueID) -> Bool { users[id] == 1 && !shown.contains(id) }

  /// The places of the nodes that use a value.
  func users(of id: ValueID) -> [Int] { graph.nodes.indices.filter { graph.nodes[$0].inputs.contains(id) } }

  /// True for an output or a state.
  func isShown(_ id: ValueID) -> Bool { shown.contains(id) }

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
    graph.replaceNode(at: place, with: op, inputs)
    report.changes.append("\(graph[id].name): \(why)")
    index()
  }

  /// Lets all users of `id` use `other`.
  mutating func redirect(_ id: ValueID, to other: ValueID, why: String) {
    graph.redirect(id, to: other)
    report.changes.append("\(graph[id].name): \(why)")
    index()
  }

  /// Adds a node just before the one that makes `id`, called after it.
  mutating func insert(_ op: Operator, _ inputs: [ValueID?], before id: ValueID, as part: String) throws -> ValueID {
    let new = try graph.insertNode(fresh(graph[id].name + "." + part), op, inputs, before: makers[id]!)
    index()
    return new
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
    if !report.changes.isEmpty {
      graph.removeUnusedNodes()
      try graph.inferTypes()
      target = graph
    }
    return report
  }
}
