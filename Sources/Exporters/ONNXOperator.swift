import IR

/// An operator that can be said in ONNX.
protocol ONNXOperator: OperatorDefinition {
  /// Adds the nodes that compute what `node` does, from its inputs to its output.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError)
}

extension Operator {
  /// The case's contents as what knows how to be said in ONNX.
  var inONNX: any ONNXOperator {
    switch self {
    case .linear(let op): op
    case .conv(let op): op
    case .attention(let op): op
    case .layerNormalization(let op): op
    case .groupNormalization(let op): op
    case .gelu(let op): op
    case .unary(let op): op
    case .binary(let op): op
    case .reduce(let op): op
    case .slice(let op): op
    case .reshape(let op): op
    case .matMul(let op): op
    case .softmax(let op): op
    case .transpose(let op): op
    case .cast(let op): op
    case .select(let op): op
    case .shapeOf(let op): op
    case .reshapeTo(let op): op
    case .stridedSlice(let op): op
    case .expand(let op): op
    case .gather(let op): op
    case .scatter(let op): op
    case .concat(let op): op
    case .arange(let op): op
    case .pad(let op): op
    case .tile(let op): op
    }
  }
}

extension Node {
  /// The input at `index`; nil where it is left out.
  func input(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }
}
