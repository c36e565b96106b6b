import IR

extension MatMul: ONNXOperator {
  /// The operator of the same name.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(node, "MatMul", [onnx.value(node.inputs[0]!), onnx.value(node.inputs[1]!)])
  }
}
