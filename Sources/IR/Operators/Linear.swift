import Tensors

/// `y = x · weightᵀ + bias` over the last axis, as `torch.nn.Linear`.
///
/// x [..., in], weight [out, in], bias? [out] -> [..., out]. Equals ONNX MatMul-13 with the weight transposed, then
/// Add-14; for two axes, Gemm-13 with transB = 1.
public struct Linear: OperatorDefinition {
  /// Creates the operator.
  public init() {}

  /// x, weight, bias?
  public var inputNames: [String] { ["x", "weight", "bias?"] }

  /// [..., out]
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    try inputs.check(1, rank: 2)
    let (x, weight) = (inputs(0), inputs(1))
    guard x.rank >= 1, x.dimensions.last == weight.dimensions[1], !weight.dimensions.contains(.fixed(0)) else {
      throw Mismatch("x \(x.dimensions) does not end in the weight's input width; the weight is \(weight.dimensions)")
    }
    try inputs.check(2, is: [weight.dimensions[0]])
    return TensorType(.float32, x.dimensions.dropLast() + [weight.dimensions[0]])
  }
}
