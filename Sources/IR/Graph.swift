import Bytes

/// A value's place in its graph.
public struct ValueID: Hashable, Sendable {
  /// Counts from 0 in the order values were made.
  public let index: Int

  init(index: Int) { self.index = index }
}

/// Something computed, fed or stored.
public struct Value: Hashable, Sendable {
  /// Unique in its graph.
  public var name: String
  /// What is known of it before the graph runs.
  public var type: TensorType
}

/// One operator applied to values.
public struct Node: Hashable, Sendable {
  /// Unique in its graph: the path of the module it came from, or the file's own name for it.
  public var name: String
  /// What is done.
  public var op: Operator
  /// What it is done to, in the operator's order; nil where an optional input is left out.
  public var inputs: [ValueID?]
  /// What comes out; it carries the node's name.
  public let output: ValueID
}

/// A value under the name the outside knows it by.
public struct NamedValue: Hashable, Sendable {
  /// The name.
  public var name: String
  /// The value.
  public var value: ValueID

  /// Creates a pair.
  public init(_ name: String, _ value: ValueID) {
    self.name = name
    self.value = value
  }
}

/// A model as data: nodes in an order in which they can run, the constants they use, what goes in and comes out.
///
/// A value type: a pass takes a graph and changes its own copy; tensors are shared, never copied.
public struct Graph: Sendable {
  /// All values: fed, stored and computed.
  public internal(set) var values: [Value] = []
  /// The nodes, each after all it depends on.
  public internal(set) var nodes: [Node] = []
  /// The stored values.
  public internal(set) var constants: [ValueID: Constant] = [:]
  /// The fed values, in order.
  public internal(set) var inputs: [ValueID] = []
  /// The results, in order.
  public internal(set) var outputs: [NamedValue] = []
  /// Values inside that have a name of their own to be looked at: `layer.0`, `layer.1`, ...
  public internal(set) var states: [NamedValue] = []

  /// Of which value each value is the shape.
  var shapeSources: [ValueID: ValueID] = [:]

  /// A graph without nodes.
  public init() {}

  /// The value at `id`.
  public subscript(_ id: ValueID) -> Value { values[id.index] }

  /// The constants in the order in which nodes use them first, then those that are outputs or states only: the order an
  /// artifact stores them in.
  public var constantOrder: [ValueID] {
    var seen: Set<ValueID> = []
    let used = nodes.flatMap(\.inputs).compactMap { $0 } + outputs.map(\.value) + states.map(\.value)
    return used.filter { constants[$0] != nil && seen.insert($0).inserted }
  }

  /// How many numbers the constants hold.
  public var parameterCount: Int { constants.values.reduce(0) { $0 + $1.count } }

  /// The value that `name` stands for: an output, a state, else a node's result.
  public func value(called name: String) -> ValueID? {
    let name = Name(name)
    return outputs.first { Name($0.name) == name }?.value ?? states.first { Name($0.name) == name }?.value
      ?? nodes.first { Name($0.name) == name }?.output
  }

  /// What every name stands for, as `value(called:)` says it of one.
  public var valuesByName: [Name: ValueID] {
    let named = nodes.map { ($0.name, $0.output) } + (states + outputs).map { ($0.name, $0.value) }
    return Dictionary(named.map { (Name($0), $1) }) { _, last in last }
  }
}
