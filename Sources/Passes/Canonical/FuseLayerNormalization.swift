import IR
import Tensors

/// Before: `d = x - mean(x)`, `d / √(mean(d²) + ε) · γ + β`, means over the last axis.
/// After: `LayerNormalization(x, γ, β)`.
struct FuseLayerNormalization: Pass {
  static let name = "fuse-layer-normalization"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: FuseLayerNormalization.name)
    for node in graph.nodes {
      if let (x, epsilon) = normalized(node, editor), editor.type(x) == editor.type(node.output) {
        editor.replace(
          node.output, with: .layerNormalization(LayerNormalization(epsilon: epsilon)), x, why: "mean and variance")
      }
      absorb(node, &editor)
    }
    return try editor.finish(&graph)
  }

  /// The x and ε of `d / √(mean(d²) + ε)` or `d · (1 / √(mean(d²) + ε))`.
  private func normalized(_ node: Node, _ editor: GraphEditor) -> (x: ValueID, epsilon: Float)? {
    guard case .binary(let op) = node.op else { return nil }
    switch op.function {
    case .divide: return normalized(node.inputs[0]!, by: node.inputs[1]!, editor)
    case .multiply:
      for (d, factor) in [(0, 1), (1, 0)] {
        guard let inverse = editor.node(node.inputs[factor]), case .binary(let divide) = inverse.op,
          divide.function == .divide, editor.number(inverse.inputs[0]) == 1
        else { continue }
        if let found = normalized(node.inputs[d]!, by: inverse.inputs[1]!, editor) { return found }
      }
      return nil
    default: return nil
    }
  }

  private func normalized(
    _ centered: ValueID, by root: ValueID, _ editor: GraphEditor
  ) -> (x: ValueID, epsilon: Float)? {
    guard let x = source(centered, editor), let square = editor.node(root), case .unary(let op) = square.op,
      op.function == .squareRoot, let (variance, epsilon) = editor.operands(square.inputs[0], .add),
      let squares = mean(variance, editor), let product = editor.node(squares), case .binary(let power) = product.op
    else { return nil }
    switch power.function {
    case .power where editor.number(product.inputs[1]) == 2: break
    case .multiply where product.inputs[0] == product.inputs[1]: break
    default: return nil
    }
    return source(product.inputs[0]!, editor) == x && epsilon >= 0 ? (x, epsilon) : nil
  }

  /// The x of `x - mean(x)`.
  private func source(_ id: ValueID, _ editor: GraphEditor) -> ValueID? {
    guard let node = editor.node(id), case .binary(let op) = node.op, op.function == .subtract,
      mean(node.inputs[1]!, editor) == node.inputs[0]
    else { return nil }
    return node.inputs[0]
  }

  /// What a value is the mean of, over the last axis, which stays.
  private func mean(_ id: ValueID, _ editor: GraphEditor) -> ValueID? {
    guard let node = editor.node(id), case .reduce(let op) = node.op, op.function == .mean, op.keepsAxes,
      op.axes == [editor.type(node.inputs[0]!).rank - 1]
    else { return nil }
    return node.inputs[0]
  }

  /// Takes the factor or the sum that follows a norm into it.
  private func absorb(_ node: Node, _ editor: inout GraphEditor) {
    guard let current = editor.node(node.output), case .binary(let op) = current.op else { return }
    for (own, other) in [(0, 1), (1, 0)] {
      guard let norm = editor.node(current.inputs[own]), case .layerNormalization = norm.op,
        editor.hasOneUser(norm.output), editor.type(norm.output) == editor.type(node.output),
        let width = editor.type(norm.output).dimensions.last,
        let vector = editor.vector(current.inputs[other], width)
      else { continue }
      let (scale, bias) = (norm.input(1), norm.input(2))
      switch op.function {
      case .multiply where scale == nil && bias == nil:
        editor.replace(node.output, with: norm.op, norm.inputs[0], vector, why: "its scale")
      case .add where bias == nil:
        editor.replace(node.output, with: norm.op, norm.inputs[0], scale, vector, why: "its bias")
      default: continue
      }
      return
    }
  }
}

extension Node {
  /// The input at `index`; nil where it is left out.
  func input(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }
}

extension GraphEditor {
  /// A constant as the vector that runs along the last axis, whose length is `width`; nil for other values.
  mutating func vector(_ id: ValueID?, _ width: Dimension) -> ValueID? {
    guard let id, let constant = graph.constants[id], let count = width.value, constant.count == count,
      constant.shape.dimensions.last == count, graph[id].type.dataType == .float32
    else { return nil }
    if constant.shape.rank == 1 { return id }
    guard case .rowMajor(let tensor) = constant.storage else { return nil }
    return self.constant(
      graph[id].name + ".vector", Constant(tensor.reshaped([count]), provenance: constant.provenance))
  }
}
