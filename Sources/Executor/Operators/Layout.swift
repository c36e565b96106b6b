import IR
import Kernels

extension Slice: Evaluation {
  func compute(_ operands: Operands) {
    let x = operands.shape(0)
    gather(
      operands[0] + dropFirst * x.strides[axis], operands.output, lengths: operands.outputShape.dimensions,
      strides: x.strides)
  }
}

extension Reshape: Evaluation {
  var inPlaceInputs: [Int] { [0] }

  func compute(_ operands: Operands) {
    if operands[0] != operands.written {
      operands.output.update(from: operands[0], count: operands.outputShape.count)
    }
  }
}
