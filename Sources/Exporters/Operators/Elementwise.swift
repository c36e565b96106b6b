import IR

extension Unary: ONNXOperator {
  /// The operator of the same name.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let form = onnx.form(node.inputs[0]!)
    try onnx.result(node, function.rawValue, [onnx.value(node.inputs[0]!, form)], form: form)
  }
}

extension Binary: ONNXOperator {
  /// The operator of the same name.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(node, function.rawValue, [onnx.value(node.inputs[0]!), onnx.value(node.inputs[1]!)])
  }
}
