import IR

extension Softmax: ONNXOperator {
  /// The operator of the same name.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(node, "Softmax", [onnx.value(node.inputs[0]!)], ["axis": .int(axis)])
  }
}
