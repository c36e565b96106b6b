import IR
import Kernels

extension Softmax: Evaluation {
  func compute(_ operands: Operands) {
    let shape = operands.outputShape.dimensions
    softmax(
      operands[0], operands.output, outer: shape[..<axis].reduce(1, *), length: shape[axis],
      inner: shape[(axis + 1)...].reduce(1, *), workers: operands.workers)
  }
}
