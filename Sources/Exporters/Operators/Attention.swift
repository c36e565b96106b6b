import IR

extension Attention: ONNXOperator {
  /// softmax(query · keyᵀ · scale) · value for each head, heads split off and joined again by Reshape and Transpose.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let width = onnx.type(node.output).dimensions[2].value!
    // 0 keeps batch and time as they are.
    let split = try onnx.ints([0, 0, heads, width / heads])
    func head(_ index: Int, _ what: String, _ axes: [Int], _ onnx: inout ONNXAssembly) throws(GraphError) -> String {
      let parts = try onnx.step(node, "\(what)_heads", "Reshape", [onnx.value(node.inputs[index]!), split])
      return try onnx.step(node, what, "Transpose", [parts], ["perm": .ints(axes)])
    }
    let query = try head(0, "query", [0, 2, 1, 3], &onnx)
    let key = try head(1, "key", [0, 2, 3, 1], &onnx)
    let value = try head(2, "value", [0, 2, 1, 3], &onnx)
    let products = try onnx.step(node, "products", "MatMul", [query, key])
    let scores = try onnx.step(node, "scores", "Mul", [products, onnx.float(scale)])
    let weights = try onnx.step(node, "weights", "Softmax", [scores], ["axis": .int(-1)])
    let mixed = try onnx.step(node, "mixed", "MatMul", [weights, value])
    let joined = try onnx.step(node, "joined", "Transpose", [mixed], ["perm": .ints([0, 2, 1, 3])])
    try onnx.result(node, "Reshape", [joined, onnx.ints([0, 0, width])])
  }
}
