import IR
import Tensors

extension Reduce: ONNXOperator {
  /// The operator of the same name; before opset 18 the axes are an attribute of all but the sum.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let (x, keeps) = (try onnx.value(node.inputs[0]!), ONNXAttributeValue.int(keepsAxes ? 1 : 0))
    if function == .sum { return try onnx.result(node, "ReduceSum", [x, onnx.ints(axes)], ["keepdims": keeps]) }
    let attributes: KeyValuePairs = ["axes": ONNXAttributeValue.ints(axes), "keepdims": keeps]
    guard onnx.type(node.output).dataType == .bool else {
      return try onnx.result(node, function.rawValue, [x], attributes)
    }
    // Truth values cannot be compared by size in ONNX. Of none of them, the largest number is not above 0.
    let numbers = try onnx.step(node, "numbers", "Cast", [x], ["to": .int(DataType.int32.onnxNumber(of: x))])
    let number = try onnx.step(node, "number", function.rawValue, [numbers], attributes)
    try onnx.result(node, "Greater", [number, onnx.number(0, .int32)])
  }
}
