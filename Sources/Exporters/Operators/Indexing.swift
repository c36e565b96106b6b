import IR

extension Gather: ONNXOperator {
  /// The operator of the same name.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(
      node, "Gather", [onnx.value(node.inputs[0]!), onnx.value(node.inputs[1]!)], ["axis": .int(axis)])
  }
}

extension Scatter: ONNXOperator {
  /// ScatterND, which compares by size from version 18 on.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    guard reduction != .min, reduction != .max else {
      throw GraphError(
        node.name, "ONNX scatters with the reduction \(reduction.rawValue) from operator set 18 on; 17 is written")
    }
    try onnx.result(
      node, "ScatterND", [onnx.value(node.inputs[0]!), onnx.int64(node, 1), onnx.value(node.inputs[2]!)],
      ["reduction": .string(reduction.rawValue)])
  }
}

extension Concat: ONNXOperator {
  /// The operator of the same name.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    var inputs: [String?] = []
    for input in node.inputs { inputs.append(try onnx.value(input!)) }
    try onnx.result(node, "Concat", inputs, ["axis": .int(axis)])
  }
}
