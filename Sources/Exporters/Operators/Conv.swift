import IR

extension Conv: ONNXOperator {
  /// Conv, channels first.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let weight = node.inputs[1]!
    try onnx.result(
      node, "Conv",
      [onnx.value(node.inputs[0]!, .transposed), onnx.value(weight), onnx.value(node.input(2))],
      [
        "dilations": .ints([dilation]), "group": .int(groups),
        "kernel_shape": .ints([onnx.type(weight).dimensions[2].value!]),
        "pads": .ints([paddingBefore, paddingAfter]), "strides": .ints([stride]),
      ],
      form: .transposed)
  }
}
