import IR
import Kernels
import Tensors

extension Linear: Evaluation {
  func prepared(_ input: Int, _ shape: Shape) -> PreparedLayout? { input == 1 ? .rows : nil }

  func compute(_ operands: Operands) {
    let weight = operands.shape(1)
    let rows = operands.shape(0).dimensions.dropLast().reduce(1, *)
    if let constant = operands.weights[1] {
      multiply(
        Matrix(operands[0], stride: weight[1]), by: constant,
        ProductTail(
          bias: operands.optional(2), addend: operands.tail.addend.map { Matrix($0, stride: weight[0]) },
          activation: operands.tail.gelu ? .gelu : .none),
        into: operands.output, columnStride: weight[0], m: rows, workers: operands.workers)
      return
    }
    multiply(
      Matrix(operands[0], stride: weight[1]), transposed: Matrix(operands[1], stride: weight[1]),
      plus: .row(operands.optional(2)), into: operands.output, columnStride: weight[0],
      m: rows, n: weight[0], k: weight[1], workers: operands.workers)
  }
}
