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
    guard inputTypes.count == inputs.count else {
      throw GraphError("", "\(inputs.count) inputs are needed, found \(inputTypes.count)")
    }
    try checkNames()
    var typed = self
    var known = [Bool](repeating: false, count: values.count)
    for (id, type) in zip(inputs, inputTypes) {
      typed.values[id.index].type = type
      known[id.index] = true
    }
    for id in constants.keys { known[id.index] = true }
    for node in nodes {
      for case .some(let input) in node.inputs where !known[input.index] {
        throw GraphError(node.name, "uses \"\(self[input].name)\" before it is there")
      }
      guard !known[node.output.index] else { throw GraphError(node.name, "makes a value that is already there") }
      typed.values[node.output.index].type = try typed.outputType(node.op, node.inputs, node: node.name)
      known[node.output.index] = true
    }
    for named in outputs + states where !known[named.value.index] {
      throw GraphError(named.name, "is never computed")
    }
    return zip(typed.values, known).map { $1 ? $0.type : nil }
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
