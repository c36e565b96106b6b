import Tensors

/// Adds operators to a graph, one call each, and hands back what they make.
///
/// Frontends read like the forward functions they translate because every call here does one thing and every name is
/// a module path.
public struct GraphBuilder: Sendable {
  /// What was built so far.
  public private(set) var graph = Graph()

  /// Starts with an empty graph.
  public init() {}

  /// A value fed when the graph runs.
  public mutating func input(_ name: String, _ dimensions: [Dimension]) -> ValueID {
    graph.addInput(name, TensorType(.float32, dimensions))
  }

  /// Numbers of the model.
  public mutating func constant(_ name: String, _ constant: Constant) -> ValueID {
    graph.addConstant(name, constant)
  }

  /// Applies any operator.
  public mutating func apply(_ op: Operator, _ inputs: ValueID?..., name: String) throws(GraphError) -> ValueID {
    try graph.addNode(name, op, inputs)
  }

  /// Applies an operator of any number of inputs.
  public mutating func apply(_ op: Operator, list inputs: [ValueID?], name: String) throws(GraphError) -> ValueID {
    try graph.addNode(name, op, inputs)
  }

  /// `x · weightᵀ + bias`
  public mutating func linear(
    _ x: ValueID, weight: ValueID, bias: ValueID?, name: String
  ) throws(GraphError) -> ValueID {
    try apply(.linear(Linear()), x, weight, bias, name: name)
  }

  /// a + b
  public mutating func add(_ a: ValueID, _ b: ValueID, name: String) throws(GraphError) -> ValueID {
    try apply(.binary(Binary(.add)), a, b, name: name)
  }

  /// Makes `value` a result.
  public mutating func output(_ name: String, _ value: ValueID) { graph.addOutput(name, value) }

  /// Gives `value` a name to be looked at by.
  public mutating func state(_ name: String, _ value: ValueID) { graph.addState(name, value) }
}
