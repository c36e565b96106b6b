import Bytes
import Tensors

extension Graph {
  /// Adds a value that is fed when the graph runs.
  public mutating func addInput(_ name: String, _ type: TensorType) -> ValueID {
    let id = addValue(name, type)
    inputs.append(id)
    return id
  }

  /// Adds numbers that belong to the model; they are computed with as F32.
  public mutating func addConstant(_ name: String, _ constant: Constant) -> ValueID {
    let type = constant.dataType.isFloat ? DataType.float32 : constant.dataType
    let id = addValue(name, TensorType(type, constant.shape))
    constants[id] = constant
    return id
  }

  /// Adds a node after all others; its result has the node's name and the type the operator says.
  public mutating func addNode(_ name: String, _ op: Operator, _ inputs: [ValueID?]) throws(GraphError) -> ValueID {
    let node = try makeNode(name, op, inputs)
    nodes.append(node)
    if case .shapeOf = op { shapeSources[node.output] = inputs[0] }
    return node.output
  }

  /// Makes `value` a result called `name`.
  public mutating func addOutput(_ name: String, _ value: ValueID) { outputs.append(NamedValue(name, value)) }

  /// Gives `value` a name to be looked at by.
  public mutating func addState(_ name: String, _ value: ValueID) { states.append(NamedValue(name, value)) }

  /// Puts other numbers of the same shape in a constant's place.
  public mutating func replaceConstant(_ id: ValueID, with constant: Constant) {
    precondition(constants[id] != nil && constant.shape == constants[id]!.shape)
    constants[id] = constant
  }

  /// Gives a value that a node makes another name, and the node with it. What is fed or stored keeps its name, and so
  /// does a value that has one of `taken` already.
  public mutating func rename(_ id: ValueID, to name: String, unless taken: Set<Name>) {
    guard let index = nodes.lastIndex(where: { $0.output == id }), !taken.contains(Name(name)) else { return }
    values[id.index].name = name
    nodes[index].name = name
  }

  /// Stores what a node computes; the node goes with `removeStoredNodes`, which many calls may wait for.
  public mutating func store(_ constant: Constant, for id: ValueID) { constants[id] = constant }

  /// Drops nodes whose results are stored.
  public mutating func removeStoredNodes() { setNodes(nodes.filter { constants[$0.output] == nil }) }

  /// Gives a constant another name, which must be new.
  public mutating func renameConstant(_ id: ValueID, to name: String) { values[id.index].name = name }

  /// Turns a computed value into a constant: its node goes, all uses stay.
  public mutating func replaceNode(computing id: ValueID, with constant: Constant) {
    if nodes.last?.output == id { nodes.removeLast() } else { nodes.removeAll { $0.output == id } }
    constants[id] = constant
    shapeSources[id] = nil
  }

  /// Changes what a node does or to what; types downstream are inferred anew by `validate`.
  public mutating func updateNode(_ name: String, _ change: (inout Node) -> Void) {
    guard let index = nodes.firstIndex(where: { $0.name == name }) else { return }
    change(&nodes[index])
  }

  /// A node whose result is a new value of this graph; `setNodes` puts it in its place. The name must be new.
  public mutating func makeNode(_ name: String, _ op: Operator, _ inputs: [ValueID?]) throws(GraphError) -> Node {
    let type = try outputType(op, inputs, node: name)
    return Node(name: name, op: op, inputs: inputs, output: addValue(name, type))
  }

  /// Puts other nodes in the place of all; each comes after what it depends on. `inferTypes` checks that.
  public mutating func setNodes(_ nodes: [Node]) {
    self.nodes = nodes
    shapeSources = [:]
    for node in nodes { if case .shapeOf = node.op { shapeSources[node.output] = node.inputs[0] } }
  }

  /// Lets outputs and states that show `old` show `new`.
  public mutating func showInstead(of old: ValueID, _ new: ValueID) {
    for index in outputs.indices where outputs[index].value == old { outputs[index].value = new }
    for index in states.indices where states[index].value == old { states[index].value = new }
  }

  /// Drops nodes whose results nobody uses, and then constants.
  public mutating func removeUnusedNodes() {
    var used = Set((outputs + states).map(\.value))
    var kept: [Node] = []
    for node in nodes.reversed() where used.contains(node.output) {
      used.formUnion(node.inputs.compactMap { $0 })
      kept.append(node)
    }
    setNodes(kept.reversed())
    removeUnusedConstants()
  }

  /// Drops constants that no node uses and no output shows.
  public mutating func removeUnusedConstants() {
    let used = Set(nodes.flatMap(\.inputs).compactMap { $0 } + outputs.map(\.value) + states.map(\.value))
    constants = constants.filter { used.contains($0.key) }
  }

  /// The type of what `op` makes of `inputs`. `known` gives elements of inputs that are no constants, where they are known.
  func outputType(
    _ op: Operator, _ inputs: [ValueID?], node: String, known: @escaping (ValueID) -> Tensor? = { _ in nil }
  ) throws(GraphError) -> TensorType {
    let definition = op.definition
    do throws(Mismatch) {
      try definition.checkAttributes()
      let type = try definition.outputType(
        InputTypes(definition, types: inputs.map { $0.map { self[$0].type } }, node: node) { index in
          inputs[index].flatMap { known($0) ?? smallConstant($0) ?? shape($0) }
        })
      // Lengths are added to each other for ever only where nobody looks.
      guard type.dimensions.allSatisfy({ (-Graph.lengthLimit...Graph.lengthLimit).contains($0.known) }) else {
        throw Mismatch("the result \(type) has a length beyond 2^48")
      }
      return type
    } catch {
      throw GraphError(node, error.what)
    }
  }

  /// The elements of a constant that may say a shape; nil for what is no constant, and for large ones.
  public func smallConstant(_ id: ValueID) -> Tensor? {
    guard let constant = constants[id], constant.count <= Graph.knownLimit else { return nil }
    return constant.tensor
  }

  /// The elements of a value that is the shape of another, if that is known.
  private func shape(_ id: ValueID) -> Tensor? {
    shapeSources[id].flatMap { self[$0].type.shape }.map { Tensor($0.dimensions.map(Int64.init)) }
  }

  /// No axis is longer.
  private static let lengthLimit = 1 << 48

  /// Values of more elements are never known before a graph runs.
  public static let knownLimit = 4096

  /// Infers all types anew: lengths that nothing is known of are named after the nodes that make them.
  public mutating func inferTypes() throws(GraphError) {
    let types = try inferTypes(inputs.map { self[$0].type })
    for (index, type) in types.enumerated() { if let type { values[index].type = type } }
  }

  private mutating func addValue(_ name: String, _ type: TensorType) -> ValueID {
    values.append(Value(name: name, type: type))
    return ValueID(index: values.count - 1)
  }
}
