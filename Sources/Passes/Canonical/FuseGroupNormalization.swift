import IR
import Tensors

/// Before: `GroupNormalization(x, ones, zeros) · γ + β`, γ and β along the channels.
/// After: `GroupNormalization(x, γ, β)`.
struct FuseGroupNormalization: Pass {
  static let name = "fuse-group-normalization"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: FuseGroupNormalization.name)
    guard graph.nodes.contains(where: { if case .groupNormalization = $0.op { true } else { false } }) else {
      return editor.report
    }
    let uniform = UniformValues(graph)
    for node in graph.nodes {
      guard case .binary(let op) = node.op else { continue }
      for (own, other) in [(0, 1), (1, 0)] {
        guard let norm = editor.node(node.inputs[own]), case .groupNormalization = norm.op,
          editor.hasOneUser(norm.output), editor.type(norm.output) == editor.type(node.output),
          let width = editor.type(norm.output).dimensions.last,
          let vector = editor.vector(node.inputs[other], width)
        else { continue }
        let isPlain = norm.input(2).map { uniform.of[$0] == 0 } ?? true
        let isUnscaled = norm.input(1).map { uniform.of[$0] == 1 } ?? true
        if op.function == .multiply, isPlain, isUnscaled {
          editor.replace(node.output, with: norm.op, norm.inputs[0], vector, why: "its scale")
        } else if op.function == .add, isPlain {
          editor.replace(node.output, with: norm.op, norm.inputs[0], norm.input(1), vector, why: "its bias")
        }
        break
      }
    }
    return try editor.finish(&graph)
  }
}
