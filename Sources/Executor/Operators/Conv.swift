import IR
import Kernels
import Tensors

extension Conv: Evaluation {
  func prepared(_ input: Int, _ shape: Shape) -> PreparedLayout? { input == 1 ? .tapMajor : nil }

  func compute(_ operands: Operands) {
    let (x, weight) = (operands.shape(0), operands.shape(1))
    let shape = ConvShape(
      time: x[1], channels: x[2], outputs: weight[0], kernel: weight[2], stride: stride, before: paddingBefore,
      after: paddingAfter, dilation: dilation, groups: groups)
    for batch in 0..<x[0] {
      conv(
        operands[0] + batch * x[1] * x[2], weight: operands[1], bias: operands.optional(2),
        into: operands.output + batch * operands.outputShape[1] * operands.outputShape[2], shape,
        workers: operands.workers)
    }
  }
}
