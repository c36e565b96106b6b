import Tensors

/// e^x / Σ e^x along one axis. Equals ONNX Softmax-13.
public struct Softmax: OperatorDefinition {
  /// The axis, counted from the first.
  public var axis: Int

  /// Creates the operator.
  public init(axis: Int) { self.axis = axis }

  /// x
  public var inputNames: [String] { ["x"] }

  /// An axis.
  public func checkAttributes() throws(Mismatch) { try checkAxis(axis) }

  /// The shape of x.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    guard axis < inputs(0).rank else { throw Mismatch("\(inputs(0)) has no axis \(axis)") }
    return inputs(0)
  }
}

/// Throws unless `axis` can be one.
func checkAxis(_ axis: Int) throws(Mismatch) {
  guard (0..<Shape.rankLimit).contains(axis) else { throw Mismatch("there is no axis \(axis)") }
}
