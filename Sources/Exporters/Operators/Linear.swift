import IR

extension Linear: ONNXOperator {
  /// Gemm of two axes, else MatMul and Add; the weight stays [out, in].
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let (x, weight) = (node.inputs[0]!, node.inputs[1]!)
    if onnx.type(x).rank == 2 {
      return try onnx.result(
        node, "Gemm", [onnx.value(x), onnx.value(weight), onnx.value(node.input(2))], ["transB": .int(1)])
    }
    let factors = try [onnx.value(x), onnx.value(weight, .transposed)]
    guard let bias = try onnx.value(node.input(2)) else { return try onnx.result(node, "MatMul", factors) }
    try onnx.result(node, "Add", [onnx.step(node, "product", "MatMul", factors), bias])
  }
}
