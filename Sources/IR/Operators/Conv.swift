import Tensors

/// A convolution along time, channels last.
///
/// x [batch, time, in], weight [out, in / groups, kernel], bias? [out] -> [batch, time', out] with
/// time' = floor((time + before + after - dilation · (kernel - 1) - 1) / stride) + 1. Equals ONNX Conv-11 of one
/// spatial axis, and `torch.nn.Conv1d`, with time and channels exchanged before and after.
public struct Conv: OperatorDefinition {
  /// Steps between outputs, in input frames.
  public var stride: Int
  /// Zeros before the first frame.
  public var paddingBefore: Int
  /// Zeros after the last frame.
  public var paddingAfter: Int
  /// Input frames between neighbouring taps.
  public var dilation: Int
  /// Blocks of channels that do not see each other.
  public var groups: Int

  /// Creates the operator.
  public init(stride: Int = 1, paddingBefore: Int = 0, paddingAfter: Int = 0, dilation: Int = 1, groups: Int = 1) {
    self.stride = stride
    self.paddingBefore = paddingBefore
    self.paddingAfter = paddingAfter
    self.dilation = dilation
    self.groups = groups
  }

  /// x, weight, bias?
  public var inputNames: [String] { ["x", "weight", "bias?"] }

  /// Numbers that leave room for sums of them.
  public func checkAttributes() throws(Mismatch) {
    let limit = 1 << 20
    guard (1...limit).contains(stride), (1...limit).contains(dilation), (1...limit).contains(groups),
      (0...limit).contains(paddingBefore), (0...limit).contains(paddingAfter)
    else { throw Mismatch("stride, dilation and groups are 1 to \(limit), padding 0 to \(limit)") }
  }

  /// [batch, time', out]
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    try inputs.check(0, rank: 3)
    try inputs.check(1, rank: 3)
    let (x, weight) = (inputs(0).dimensions, inputs(1).dimensions)
    guard let outputs = weight[0].value, let width = weight[1].value, let kernel = weight[2].value, kernel >= 1,
      kernel <= 1 << 20, outputs >= 1, width >= 1, outputs % groups == 0, x[2].value == width * groups
    else {
      throw Mismatch(
        "x \(x) and the weight \(weight) do not fit \(groups) groups: "
          + "the weight needs the shape [out, in / groups, kernel], both divisible")
    }
    try inputs.check(2, is: [weight[0]])
    let time = (x[1] + (paddingBefore + paddingAfter - dilation * (kernel - 1) - 1)) / stride + 1
    if let value = time.value, value < 1 {
      throw Mismatch("\(x[1]) frames are fewer than the kernel's \(dilation * (kernel - 1) + 1)")
    }
    return TensorType(.float32, [x[0], time, weight[0]])
  }
}
