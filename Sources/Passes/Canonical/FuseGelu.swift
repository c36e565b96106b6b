import IR

/// Before: `x · (1 + erf(x / √2)) · 0.5`, in any order of the factors.
/// After: `Gelu(x)`, the exact one.
struct FuseGelu: Pass {
  static let name = "fuse-gelu"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: FuseGelu.name)
    for node in graph.nodes {
      guard let factors = editor.factors(node.output) else { continue }
      for (index, bell) in factors.values.enumerated() {
        guard let x = argument(of: bell, editor), factors.number == 0.5 else { continue }
        let others = factors.values.indices.filter { $0 != index }
        guard others.count == 1, factors.values[others[0]] == x, editor.type(x) == editor.type(node.output) else {
          continue
        }
        editor.replace(node.output, with: .gelu(Gelu()), x, why: "x · Φ(x)")
        break
      }
    }
    return try editor.finish(&graph)
  }

  /// The x of `1 + erf(x / √2)`.
  private func argument(of id: ValueID, _ editor: GraphEditor) -> ValueID? {
    guard let (erf, one) = editor.operands(id, .add), one == 1, let made = editor.node(erf),
      case .unary(let op) = made.op, op.function == .erf, let inner = editor.node(made.inputs[0]),
      case .binary(let scale) = inner.op
    else { return nil }
    func isNear(_ value: Float?, _ wanted: Float) -> Bool { value.map { abs($0 - wanted) < 1e-6 } ?? false }
    switch scale.function {
    case .divide: return isNear(editor.number(inner.inputs[1]), Float(2).squareRoot()) ? inner.inputs[0] : nil
    case .multiply:
      guard let (x, factor) = editor.operands(inner.output, .multiply) else { return nil }
      return isNear(factor, Float(0.5).squareRoot()) ? x : nil
    default: return nil
    }
  }
}

extension GraphEditor {
  /// The value and the number that a node combines, whichever comes first; nil for other nodes.
  func operands(_ id: ValueID?, _ function: Binary.Function) -> (value: ValueID, number: Float)? {
    guard let node = node(id), case .binary(let op) = node.op, op.function == function else { return nil }
    if let number = number(node.inputs[1]) { return (node.inputs[0]!, number) }
    if let number = number(node.inputs[0]) { return (node.inputs[1]!, number) }
    return nil
  }

  /// The factors of a product of two or three, the known numbers multiplied; nil for what is no product.
  func factors(_ id: ValueID) -> (values: [ValueID], number: Float)? {
    var (values, number, isProduct): ([ValueID], Float, Bool) = ([], 1, false)
    func collect(_ id: ValueID, depth: Int) {
      if let node = node(id), case .binary(let op) = node.op, op.function == .multiply, depth < 2 {
        isProduct = true
        for input in node.inputs {
          if let known = self.number(input) { number *= known } else { collect(input!, depth: depth + 1) }
        }
      } else {
        values.append(id)
      }
    }
    collect(id, depth: 0)
    return isProduct && values.count <= 3 ? (values, number) : nil
  }
}
