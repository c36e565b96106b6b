import IR
import Tensors

extension Unary: ONNXOperator {
  /// The operator of the same name; Relu of integers is Max, as runtimes have no Relu of them all.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let x = node.inputs[0]!
    let (form, type) = (onnx.form(x), onnx.type(x).dataType)
    if function == .relu, type != .float32 {
      return try onnx.result(node, "Max", [onnx.value(x, form), onnx.number(0, type)], form: form)
    }
    try onnx.result(node, function.rawValue, [onnx.value(x, form)], form: form)
  }
}

extension Binary: ONNXOperator {
  /// The operator of the same name, but for what is left of a division.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let (a, b) = (try onnx.value(node.inputs[0]!), try onnx.value(node.inputs[1]!))
    switch (function, onnx.type(node.output).dataType) {
    case (.modulo, .float32): try modulo(a, b, node, &onnx)
    case (.modulo, _): try onnx.result(node, "Mod", [a, b], ["fmod": .int(0)])
    case (.remainder, .float32): try onnx.result(node, "Mod", [a, b], ["fmod": .int(1)])
    case (.remainder, _):
      // Runtimes take Mod with fmod = 1 of integers by way of doubles.
      let whole = try onnx.step(node, "whole", "Mul", [onnx.step(node, "quotient", "Div", [a, b]), b])
      try onnx.result(node, "Sub", [a, whole])
    default: try onnx.result(node, function.rawValue, [a, b])
    }
  }

  /// ONNX takes a modulus of floats with the dividend's sign only: the divisor is added where the signs differ.
  private func modulo(_ a: String, _ b: String, _ node: Node, _ onnx: inout ONNXAssembly) throws(GraphError) {
    let rest = try onnx.step(node, "rest", "Mod", [a, b], ["fmod": .int(1)])
    let (restSign, sign) = (try onnx.step(node, "rest_sign", "Sign", [rest]), try onnx.step(node, "sign", "Sign", [b]))
    let signs = try onnx.step(node, "signs", "Mul", [restSign, sign])
    let differ = try onnx.step(node, "differ", "Less", [signs, onnx.float(0)])
    try onnx.result(node, "Where", [differ, onnx.step(node, "sum", "Add", [rest, b]), rest])
  }
}

extension Select: ONNXOperator {
  /// Where; of truth values, which runtimes have none for, a and the condition, or b and not the condition.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let condition = try onnx.value(node.inputs[0]!)
    let (a, b) = (try onnx.value(node.inputs[1]!), try onnx.value(node.inputs[2]!))
    guard onnx.type(node.output).dataType == .bool else { return try onnx.result(node, "Where", [condition, a, b]) }
    let first = try onnx.step(node, "first", "And", [condition, a])
    let second = try onnx.step(node, "second", "And", [onnx.step(node, "otherwise", "Not", [condition]), b])
    try onnx.result(node, "Or", [first, second])
  }
}

extension Cast: ONNXOperator {
  /// The operator of the same name. What does not fit an integer has a meaning here and none in ONNX.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(node, "Cast", [onnx.value(node.inputs[0]!)], ["to": .int(dataType.onnxNumber(of: node.name))])
  }
}
