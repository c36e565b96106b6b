import IR
import Tensors

extension ShapeOf: ONNXOperator {
  /// Shape
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(node, "Shape", [onnx.value(node.inputs[0]!)])
  }
}

extension ReshapeTo: ONNXOperator {
  /// Reshape
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(
      node, "Reshape", [onnx.value(node.inputs[0]!), onnx.int64(node, 1)], ["allowzero": .int(allowsZero ? 1 : 0)])
  }
}

extension Expand: ONNXOperator {
  /// The operator of the same name.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(node, "Expand", [onnx.value(node.inputs[0]!), onnx.int64(node, 1)])
  }
}

extension StridedSlice: ONNXOperator {
  /// Slice
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(
      node, "Slice",
      [
        onnx.value(node.inputs[0]!), onnx.int64(node, 1), onnx.int64(node, 2), onnx.int64(node, 3),
        onnx.int64(node, 4),
      ])
  }
}

extension Arange: ONNXOperator {
  /// Range
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(node, "Range", [onnx.scalar(node, 0), onnx.scalar(node, 1), onnx.scalar(node, 2)])
  }
}

extension Pad: ONNXOperator {
  /// The operator of the same name, which does not wrap before version 19.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    guard mode != .wrap else {
      throw GraphError(node.name, "ONNX pads in mode wrap from operator set 19 on; 17 is written")
    }
    // There is nothing beside a number.
    guard onnx.type(node.output).rank > 0 else {
      return try onnx.result(node, "Identity", [onnx.value(node.inputs[0]!)])
    }
    try onnx.result(
      node, "Pad", [onnx.value(node.inputs[0]!), onnx.int64(node, 1), onnx.scalar(node, 2)],
      ["mode": .string(mode.rawValue)])
  }
}

extension Tile: ONNXOperator {
  /// The operator of the same name.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    try onnx.result(node, "Tile", [onnx.value(node.inputs[0]!), onnx.int64(node, 1)])
  }
}
