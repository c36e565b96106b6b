import IR

extension Gelu: ONNXOperator {
  /// The formulas in ONNX's words, as torch writes them: runtimes know them again and compute them as one.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let form = onnx.form(node.inputs[0]!)
    let x = try onnx.value(node.inputs[0]!, form)
    let distribution: String
    switch approximation {
    case .none:
      let scaled = try onnx.step(node, "scaled", "Div", [x, onnx.float(Float(2).squareRoot())])
      distribution = try onnx.step(node, "erf", "Erf", [scaled])
    case .tanh:
      let cube = try onnx.step(node, "cube", "Pow", [x, onnx.float(3)])
      let part = try onnx.step(node, "cube_part", "Mul", [cube, onnx.float(0.044715)])
      let sum = try onnx.step(node, "sum", "Add", [x, part])
      let root = Float((2 / Double.pi).squareRoot())
      let scaled = try onnx.step(node, "scaled", "Mul", [sum, onnx.float(root)])
      distribution = try onnx.step(node, "tanh", "Tanh", [scaled])
    }
    let gate = try onnx.step(node, "gate", "Add", [distribution, onnx.float(1)])
    let doubled = try onnx.step(node, "doubled", "Mul", [x, gate])
    try onnx.result(node, "Mul", [doubled, onnx.float(0.5)], form: form)
  }
}
