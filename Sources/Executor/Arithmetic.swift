import IR
import Tensors

extension Operator {
  /// Multiplications and additions that computing the node takes; functions of one number count as one operation.
  func operations(_ inputs: [Shape?], _ output: Shape) -> Int {
    switch self {
    case .linear: 2 * output.count * inputs[1]![1]
    case .conv: 2 * output.count * inputs[1]![1] * inputs[1]![2]
    case .attention: 4 * output.count * inputs[1]![1]
    case .layerNormalization, .groupNormalization: 8 * output.count
    case .reduce: inputs[0]!.count
    case .matMul: 2 * output.count * (inputs[0]!.dimensions.last ?? 1)
    case .softmax: 4 * output.count
    case .gelu, .unary, .binary: output.count
    case .slice, .reshape, .transpose, .cast, .select, .shapeOf, .reshapeTo, .stridedSlice, .expand, .gather, .scatter,
      .concat, .arange, .pad, .tile:
      0
    }
  }
}

extension Plan {
  /// Arithmetic operations of each node of `graph`, in the graph's order.
  public func operations(_ graph: Graph) -> [Int] {
    graph.nodes.map { node in
      node.op.operations(node.inputs.map { $0.flatMap { shapes[$0.index] } }, shapes[node.output.index]!)
    }
  }
}
