import IR
import Kernels
import Tensors

extension Conv: Evaluation {
  func prepared(_ input: Int, _ shape: Shape) -> PreparedLayout? { input == 1 ? .panels(groups: groups) : nil }

  func compute(_ operands: Operands) {
    let (x, weight) = (operands.shape(0), operands.shape(1))
    let shape = ConvShape(
      time: x[1], channels: x[2], outputs: weight[0], kernel: weight[2], stride: stride, before: paddingBefore,
      after: paddingAfter, dilation: dilation, groups: groups)
    let (size, resultSize) = (x[1] * x[2], operands.outputShape[1] * operands.outputShape[2])
    if let constant = operands.weights[1] {
      for batch in 0..<x[0] {
        conv(
          operands[0] + batch * size, weight: constant, bias: operands.optional(2),
          into: operands.output + batch * resultSize, shape, workers: operands.workers)
      }
      return
    }
    let rearranged = Block(capacity: weight.count)
    tapMajor(
      operands[1], rearranged.pointer, outputs: weight[0], channels: weight[1], kernel: weight[2],
      workers: operands.workers)
    for batch in 0..<x[0] {
      conv(
        operands[0] + batch * size, weight: rearranged.pointer, bias: operands.optional(2),
        into: operands.output + batch * resultSize, shape, workers: operands.workers)
    }
  }
}
