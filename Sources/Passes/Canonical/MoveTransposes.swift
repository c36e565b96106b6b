import IR
import Tensors

/// Moves transposes towards the outputs until they meet and cancel: what ONNX computes channels first is computed
/// channels last.
///
/// Before: `Transpose(Transpose(x))`, `f(Transpose(x))` for f element by element, `Slice(Transpose(x))`.
/// After: one Transpose or none, `Transpose(f(x))`, `Transpose(Slice(x))`. A Transpose that moves axes of length 1 only
/// is a Reshape, and a Reshape of a Reshape is one.
struct MoveTransposes: Pass {
  static let name = "move-transposes"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: MoveTransposes.name)
    for old in graph.nodes {
      guard let node = editor.node(old.output) else { continue }
      switch node.op {
      case .transpose(let op): merge(node, op, &editor)
      case .reshape(let op): merge(node, op, &editor)
      case .unary, .gelu:
        guard let (x, order) = turned(node.inputs[0]!, editor) else { continue }
        let inner = try editor.insert(node.op, [x], before: node.output, as: "untransposed")
        editor.replace(node.output, with: .transpose(Transpose(order)), inner, why: "computed before the transpose")
      case .slice(let op):
        guard let (x, order) = turned(node.inputs[0]!, editor) else { continue }
        let slice = Slice(axis: order[op.axis], dropFirst: op.dropFirst, dropLast: op.dropLast)
        let inner = try editor.insert(.slice(slice), [x], before: node.output, as: "untransposed")
        editor.replace(node.output, with: .transpose(Transpose(order)), inner, why: "computed before the transpose")
      case .binary: try move(node, &editor)
      default: break
      }
    }
    return try editor.finish(&graph)
  }

  /// What a value is the transpose of, if only one node uses it.
  private func turned(_ id: ValueID, _ editor: GraphEditor) -> (x: ValueID, order: [Int])? {
    guard let node = editor.node(id), case .transpose(let op) = node.op, editor.hasOneUser(id) else { return nil }
    return (node.inputs[0]!, op.permutation)
  }

  private func merge(_ node: Node, _ op: Transpose, _ editor: inout GraphEditor) {
    let x = node.inputs[0]!
    if let inner = editor.node(x), case .transpose(let first) = inner.op {
      let order = op.permutation.map { first.permutation[$0] }
      if order == Array(order.indices) {
        editor.redirect(node.output, to: inner.inputs[0]!, why: "transposed back")
      } else {
        editor.replace(node.output, with: .transpose(Transpose(order)), inner.inputs[0], why: "two transposes are one")
      }
      return
    }
    let dimensions = editor.type(x).dimensions
    let moved = op.permutation.filter { dimensions[$0] != .fixed(1) }
    guard moved == moved.sorted(), op.permutation != Array(op.permutation.indices) else { return }
    let lengths = op.permutation.map { dimensions[$0] == .fixed(1) ? Reshape.Length.fixed(1) : .copy(axis: $0) }
    editor.replace(node.output, with: .reshape(Reshape(lengths)), x, why: "it moves axes of length 1 only")
  }

  private func merge(_ node: Node, _ op: Reshape, _ editor: inout GraphEditor) {
    guard let inner = editor.node(node.inputs[0]), case .reshape(let first) = inner.op else { return }
    let lengths = op.lengths.map { length -> Reshape.Length? in
      guard case .copy(let axis) = length else { return length }
      return first.lengths[axis] == .rest ? nil : first.lengths[axis]
    }
    guard !lengths.contains(nil) else { return }
    editor.replace(
      node.output, with: .reshape(Reshape(lengths.map { $0! })), inner.inputs[0], why: "two reshapes are one")
  }

  /// Arithmetic with a constant that runs along one axis at most, or of two values transposed alike.
  private func move(_ node: Node, _ editor: inout GraphEditor) throws {
    let (a, b) = (node.inputs[0]!, node.inputs[1]!)
    guard let (x, order) = turned(a, editor) ?? turned(b, editor) else { return }
    var inputs: [ValueID] = []
    for input in [a, b] {
      if let (y, same) = turned(input, editor), same == order {
        inputs.append(y)
      } else if let constant = turned(constant: input, back: order, &editor) {
        inputs.append(constant)
      } else {
        return
      }
    }
    guard a != b, inputs.contains(x) else { return }
    let inner = try editor.insert(node.op, inputs, before: node.output, as: "untransposed")
    editor.replace(node.output, with: .transpose(Transpose(order)), inner, why: "computed before the transpose")
  }

  /// A constant with its one long axis where it stands before a transpose in `order`.
  private func turned(constant id: ValueID, back order: [Int], _ editor: inout GraphEditor) -> ValueID? {
    guard let constant = editor.graph.constants[id], constant.shape.rank <= order.count else { return nil }
    let ones = [Int](repeating: 1, count: order.count - constant.shape.rank)
    let lengths = ones + constant.shape.dimensions
    guard lengths.count(where: { $0 != 1 }) <= 1, case .rowMajor(let tensor) = constant.storage else { return nil }
    var turned = lengths
    for (axis, source) in order.enumerated() { turned[source] = lengths[axis] }
    let shape = Shape(Array(turned.drop { $0 == 1 }))
    if shape == constant.shape { return id }
    return editor.constant(
      editor.graph[id].name, Constant(tensor.reshaped(shape), provenance: constant.provenance))
  }
}
