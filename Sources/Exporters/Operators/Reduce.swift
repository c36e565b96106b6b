import IR

extension Reduce: ONNXOperator {
  /// The operator of the same name; before opset 18 the axes are an attribute.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(
      node, function.rawValue, [onnx.value(node.inputs[0]!)],
      ["axes": .ints(axes), "keepdims": .int(keepsAxes ? 1 : 0)])
  }
}
