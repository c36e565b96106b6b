import Tensors

/// The product of matrices, a batch of them at a time. Equals ONNX MatMul-13, and `numpy.matmul`.
///
/// a [..., m, k], b [..., k, n] -> [..., m, n]; the axes before the last two broadcast. An operand of one axis is a row
/// on the left or a column on the right, and that axis goes.
public struct MatMul: OperatorDefinition {
  /// Creates the operator.
  public init() {}

  /// a, b
  public var inputNames: [String] { ["a", "b"] }

  /// [..., m, n]
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let (a, b) = (inputs(0).dimensions, inputs(1).dimensions)
    guard let depth = a.last, !b.isEmpty, depth.canEqual(b.count == 1 ? b[0] : b[b.count - 2]) else {
      throw Mismatch("\(a) and \(b) cannot be multiplied: the last axis of a is the last but one of b")
    }
    let batch = try inputs.broadcast(a.dropLast(2).map { $0 }, b.dropLast(2).map { $0 })
    return TensorType(.float32, batch + a.suffix(2).dropLast() + (b.count == 1 ? [] : [b.last!]))
  }
}
