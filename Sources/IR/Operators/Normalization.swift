import Tensors

/// `(x - mean) / sqrt(variance + epsilon) · scale + bias`, statistics over the last axis, variance biased.
///
/// x [..., width], scale? [width], bias? [width] -> the shape of x. Equals ONNX LayerNormalization-17 with axis -1.
public struct LayerNormalization: OperatorDefinition {
  /// Added to the variance.
  public var epsilon: Float

  /// Creates the operator.
  public init(epsilon: Float) { self.epsilon = epsilon }

  /// x, scale?, bias?
  public var inputNames: [String] { ["x", "scale?", "bias?"] }

  /// The shape of x.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    guard let width = inputs(0).dimensions.last else { throw Mismatch("x needs an axis to normalise over") }
    try inputs.check(1, is: [width])
    try inputs.check(2, is: [width])
    return inputs(0)
  }
}

/// `(x - mean) / sqrt(variance + epsilon) · scale + bias`, statistics over time and over the channels of each group.
///
/// x [batch, time, channels], scale? [channels], bias? [channels] -> the shape of x. Equals ONNX
/// GroupNormalization-21, and InstanceNormalization-6 where groups = channels, with time and channels exchanged.
public struct GroupNormalization: OperatorDefinition {
  /// Into how many equal blocks the channels fall.
  public var groups: Int
  /// Added to the variance.
  public var epsilon: Float

  /// Creates the operator.
  public init(groups: Int, epsilon: Float) {
    self.groups = groups
    self.epsilon = epsilon
  }

  /// x, scale?, bias?
  public var inputNames: [String] { ["x", "scale?", "bias?"] }

  /// At least one group.
  public func checkAttributes() throws(Mismatch) {
    guard (1...1 << 40).contains(groups) else { throw Mismatch("there is at least one group, found \(groups)") }
  }

  /// The shape of x.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    try inputs.check(0, rank: 3)
    let x = inputs(0)
    guard let channels = x.dimensions[2].value, channels >= 1, channels % groups == 0 else {
      throw Mismatch("the \(x.dimensions[2]) channels do not divide into \(groups) groups")
    }
    try inputs.check(1, is: [x.dimensions[2]])
    try inputs.check(2, is: [x.dimensions[2]])
    return x
  }
}
