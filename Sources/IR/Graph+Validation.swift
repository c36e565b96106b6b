import Bytes
import Tensors

extension Graph {
  /// Checks every invariant of a graph and infers all types anew from the inputs and constants.
  ///
  /// Node, value, output and state names are unique; a node uses only what exists before it; types fit their
  /// operators; outputs exist. The graph's own types must be what is inferred.
  public func validate() throws(GraphError) {
    let types = try inferTypes(inputs.map { self[$0].type })
    for (value, type) in zip(values, types) {
      guard let type else { continue }
      guard value.type == type else { throw GraphError(value.name, "is declared \(value.type) and would be \(type)") }
    }
  }

  /// The types of all values if the inputs are of `inputTypes`; nil for values that nothing makes any more.
  public func inferTypes(_ inputTypes: [TensorType]) throws(GraphError) -> [TensorType?] {
    try infer(inputTypes).types
  }

  /// The types of all values if the inputs are of `inputTypes`, and the elements of small values that do not depend on
  /// anything else: shapes, and what is computed from them and from `fed` by `evaluate`.
  public func infer(
    _ inputTypes: [TensorType], fed: [ValueID: Tensor] = [:],
    evaluating evaluate: ((Node, [Tensor?], TensorType) -> Tensor?)? = nil
  ) throws(GraphError) -> (types: [TensorType?], known: [ValueID: Tensor]) {
    guard inputTypes.count == inputs.count else {
      throw GraphError("", "\(inputs.count) inputs are needed, found \(inputTypes.count)")
    }
    try checkNames()
    var typed = self
    var known = fed
    var isThere = [Bool](repeating: false, count: values.count)
    for (id, type) in zip(inputs, inputTypes) {
      typed.values[id.index].type = type
      isThere[id.index] = true
    }
    for id in constants.keys { isThere[id.index] = true }
    for node in nodes {
      for case .some(let input) in node.inputs where !isThere[input.index] {
        throw GraphError(node.name, "uses \"\(self[input].name)\" before it is there")
      }
      guard !isThere[node.output.index] else { throw GraphError(node.name, "makes a value that is already there") }
      let type = try typed.outputType(node.op, node.inputs, node: node.name) { [known] in known[$0] }
      typed.values[node.output.index].type = type
      isThere[node.output.index] = true
      if let evaluate { known[node.output] = typed.elements(node, type, known, evaluate) }
    }
    for named in outputs + states where !isThere[named.value.index] {
      throw GraphError(named.name, "is never computed")
    }
    return (zip(typed.values, isThere).map { $1 ? $0.type : nil }, known)
  }

  /// What a node makes, where all it depends on is known and few elements come of it.
  private func elements(
    _ node: Node, _ type: TensorType, _ known: [ValueID: Tensor],
    _ evaluate: (Node, [Tensor?], TensorType) -> Tensor?
  ) -> Tensor? {
    guard let shape = type.shape, let count = shape.checkedCount, count <= Graph.knownLimit else { return nil }
    if case .shapeOf = node.op {
      return node.inputs[0].flatMap { self[$0].type.shape }.map { Tensor($0.dimensions.map(Int64.init)) }
    }
    let given = node.inputs.compactMap { $0 }
    guard given.allSatisfy({ known[$0] != nil || (constants[$0]?.count ?? .max) <= Graph.knownLimit }) else {
      return nil
    }
    return evaluate(node, node.inputs.map { $0.flatMap { known[$0] ?? smallConstant($0) } }, type)
  }

  private func checkNames() throws(GraphError) {
    guard !outputs.isEmpty else { throw GraphError("", "the graph has no output") }
    try check(values.map(\.name), are: "values")
    try check(outputs.map(\.name), are: "outputs")
    try check(states.map(\.name), are: "states")
  }

  private func check(_ names: [String], are what: String) throws(GraphError) {
    var seen: Set<Name> = []
    for name in names where !seen.insert(Name(name)).inserted { throw GraphError(name, "two \(what) have this name") }
  }
}
