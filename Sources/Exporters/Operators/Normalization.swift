import IR

extension LayerNormalization: ONNXOperator {
  /// LayerNormalization, whose scale cannot be left out: over an axis of unknown length, which no scale fits, the formula.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let x = node.inputs[0]!
    let width = onnx.type(x).dimensions.last?.value
    guard width != nil || node.input(1) != nil else { return try formula(node, &onnx) }
    try onnx.result(
      node, "LayerNormalization",
      [onnx.value(x), onnx.vector(node.input(1), orElse: 1, count: width ?? 0), onnx.value(node.input(2))],
      ["axis": .int(-1), "epsilon": .float(epsilon)])
  }

  /// (x - mean) / sqrt(variance + epsilon) + bias
  private func formula(_ node: Node, _ onnx: inout ONNXAssembly) throws(GraphError) {
    let x = try onnx.value(node.inputs[0]!)
    let overLast: KeyValuePairs = ["axes": ONNXAttributeValue.ints([-1]), "keepdims": .int(1)]
    let mean = try onnx.step(node, "mean", "ReduceMean", [x], overLast)
    let centered = try onnx.step(node, "centered", "Sub", [x, mean])
    let squares = try onnx.step(node, "squares", "Mul", [centered, centered])
    let variance = try onnx.step(node, "variance", "ReduceMean", [squares], overLast)
    let deviation = try onnx.step(
      node, "deviation", "Sqrt", [onnx.step(node, "shifted", "Add", [variance, onnx.float(epsilon)])])
    guard let bias = try onnx.value(node.input(2)) else {
      return try onnx.result(node, "Div", [centered, deviation])
    }
    try onnx.result(node, "Add", [onnx.step(node, "normal", "Div", [centered, deviation]), bias])
  }
}

extension GroupNormalization: ONNXOperator {
  /// InstanceNormalization, channels first: of the channels themselves, or of groups of them laid end to end, with scale
  /// and bias applied afterwards.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let channels = onnx.type(node.output).dimensions[2].value!
    let x = try onnx.value(node.inputs[0]!, .transposed)
    let epsilon: KeyValuePairs<String, ONNXAttributeValue> = ["epsilon": .float(epsilon)]
    if groups == channels {
      return try onnx.result(
        node, "InstanceNormalization",
        [
          x, onnx.vector(node.input(1), orElse: 1, count: channels),
          onnx.vector(node.input(2), orElse: 0, count: channels),
        ], epsilon, form: .transposed)
    }
    let groups = try onnx.step(node, "groups", "Reshape", [x, onnx.ints([0, groups, -1])])
    var normal = try onnx.step(
      node, "normal_groups", "InstanceNormalization",
      [groups, onnx.vector(nil, orElse: 1, count: self.groups), onnx.vector(nil, orElse: 0, count: self.groups)],
      epsilon)
    let back = try onnx.ints([0, channels, -1])
    func column(_ vector: String, _ what: String, _ onnx: inout ONNXAssembly) throws(GraphError) -> String {
      try onnx.step(node, what, "Unsqueeze", [vector, onnx.ints([1])])
    }
    switch try (onnx.value(node.input(1)), onnx.value(node.input(2))) {
    case (nil, nil): try onnx.result(node, "Reshape", [normal, back], form: .transposed)
    case (let scale?, nil):
      normal = try onnx.step(node, "normal", "Reshape", [normal, back])
      try onnx.result(node, "Mul", [normal, column(scale, "scale", &onnx)], form: .transposed)
    case (let scale, let bias?):
      normal = try onnx.step(node, "normal", "Reshape", [normal, back])
      if let scale { normal = try onnx.step(node, "scaled", "Mul", [normal, column(scale, "scale", &onnx)]) }
      try onnx.result(node, "Add", [normal, column(bias, "bias", &onnx)], form: .transposed)
    }
  }
}
