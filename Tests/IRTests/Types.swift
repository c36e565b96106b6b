import IR
import Tensors

// Lengths as literals: `["batch", "time", 8]`.

extension Dimension: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  /// A known length.
  public init(integerLiteral value: Int) { self = .fixed(value) }
  /// An unknown length.
  public init(stringLiteral name: String) { self = .symbol(name) }
}

/// A 32-bit float type.
func f32(_ dimensions: Dimension...) -> TensorType { TensorType(.float32, dimensions) }

/// An input of an operator.
enum Given {
  case fed(TensorType)
  case stored(Tensor)
  case leftOut

  /// A stored list of 64-bit integers.
  static func list(_ numbers: Int64...) -> Given { .stored(Tensor(numbers)) }
  /// A stored 64-bit integer.
  static func number(_ value: Int64) -> Given { .stored(Tensor([value], shape: [])) }
}

/// The type that `op` makes of what is given.
func made(_ op: Operator, _ given: Given...) throws(GraphError) -> TensorType {
  var graph = Graph()
  var ids: [ValueID?] = []
  for (index, given) in given.enumerated() {
    switch given {
    case .fed(let type): ids.append(graph.addInput("input \(index)", type))
    case .stored(let tensor):
      ids.append(graph.addConstant("input \(index)", Constant(tensor, provenance: Provenance())))
    case .leftOut: ids.append(nil)
    }
  }
  let result = try graph.addNode("node", op, ids)
  return graph[result].type
}

/// The type that `op` makes of inputs of `types`.
func inferred(_ op: Operator, _ types: TensorType?...) throws(GraphError) -> TensorType {
  var graph = Graph()
  var ids: [ValueID?] = []
  for (index, type) in types.enumerated() { ids.append(type.map { graph.addInput("input \(index)", $0) }) }
  let result = try graph.addNode("node", op, ids)
  return graph[result].type
}

/// Why `op` does not take inputs of `types`; the place is always the node.
func refusal(_ op: Operator, _ types: TensorType?...) -> String {
  var graph = Graph()
  var ids: [ValueID?] = []
  for (index, type) in types.enumerated() { ids.append(type.map { graph.addInput("input \(index)", $0) }) }
  do {
    let result = try graph.addNode("node", op, ids)
    return "accepted: \(graph[result].type)"
  } catch {
    return error.place == "node" ? error.what : "at \(error.place)"
  }
}

/// A constant of ones.
func ones(_ shape: Shape) -> Constant {
  Constant(Tensor([Float](repeating: 1, count: shape.count), shape: shape), provenance: Provenance())
}
