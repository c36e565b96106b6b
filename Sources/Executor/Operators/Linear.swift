import IR
import Kernels

extension Linear: Evaluation {
  func compute(_ operands: Operands) {
    let weight = operands.shape(1)
    multiply(
      Matrix(operands[0], stride: weight[1]), transposed: Matrix(operands[1], stride: weight[1]),
      plus: .row(operands.optional(2)), into: operands.output, columnStride: weight[0],
      m: operands.shape(0).dimensions.dropLast().reduce(1, *), n: weight[0], k: weight[1], workers: operands.workers)
  }
}
