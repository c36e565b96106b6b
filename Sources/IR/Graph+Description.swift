import Bytes

extension Graph: CustomStringConvertible {
  /// The graph as text, a line a node: `name: type = Operator(inputs) {attributes}`.
  public var description: String {
    var lines: [String] = []
    for id in inputs { lines.append("input \(printable(self[id].name)): \(self[id].type)") }
    for node in nodes { lines.append(describe(node)) }
    for state in states { lines.append("state \(printable(state.name)) = \(printable(self[state.value].name))") }
    for output in outputs {
      lines.append(
        "output \(printable(output.name)): \(self[output.value].type) = \(printable(self[output.value].name))")
    }
    return lines.joined(separator: "\n")
  }

  /// The name a file gives a node's operator.
  public func operatorName(_ node: Node) -> String { node.op.coded.name }

  /// One node as a line of text.
  public func describe(_ node: Node) -> String {
    let inputs = node.inputs.map { $0.map { printable(self[$0].name) } ?? "-" }
    let (name, attributes) = node.op.coded
    let suffix = attributes.isEmpty ? "" : " " + JSON(members: attributes).compact
    return "\(printable(node.name)): \(self[node.output].type) = \(name)(\(inputs.joined(separator: ", ")))\(suffix)"
  }
}
