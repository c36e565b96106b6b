import IR
import Tensors

/// Leaves out what changes nothing.
///
/// Before: a Reshape, Expand, Slice, Transpose or Cast whose result is its input; x · 1, x + 0 of the shape of x;
/// `Where(IsNaN(p), 0, p)` after a softmax.
/// After: the input itself.
///
/// A softmax without a mask is NaN only where its input is: there the graph without the guard says NaN, and the graph
/// with it 0.
struct DropIdentities: Pass {
  static let name = "drop-identities"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: DropIdentities.name)
    for node in graph.nodes {
      guard let x = same(node, editor), editor.type(x) == editor.type(node.output) else { continue }
      editor.redirect(node.output, to: x, why: "it changes nothing")
    }
    return try editor.finish(&graph)
  }

  /// The input that the node hands on, if the types agree.
  private func same(_ node: Node, _ editor: GraphEditor) -> ValueID? {
    let first = node.inputs.first ?? nil
    switch node.op {
    case .reshape, .expand, .cast: return first
    case .slice(let op): return op.dropFirst == 0 && op.dropLast == 0 ? first : nil
    case .transpose(let op): return op.permutation == Array(op.permutation.indices) ? first : nil
    case .concat(let op): return op.count == 1 ? first : nil
    case .binary(let op):
      let (a, b) = (node.inputs[0]!, node.inputs[1]!)
      switch op.function {
      case .add: return editor.number(b) == 0 ? a : editor.number(a) == 0 ? b : nil
      case .subtract: return editor.number(b) == 0 ? a : nil
      case .multiply: return editor.number(b) == 1 ? a : editor.number(a) == 1 ? b : nil
      case .divide: return editor.number(b) == 1 ? a : nil
      default: return nil
      }
    case .select:
      guard let question = editor.node(node.inputs[0]), case .unary(let op) = question.op, op.function == .isNaN,
        question.inputs[0] == node.inputs[2], editor.number(node.inputs[1]) == 0,
        let made = editor.node(node.inputs[2]), case .softmax = made.op
      else { return nil }
      return node.inputs[2]
    default: return nil
    }
  }
}
