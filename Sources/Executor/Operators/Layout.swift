import IR
import Kernels
import Tensors

extension Slice: Evaluation {
  func compute(_ operands: Operands) {
    let (x, size) = (operands.shape(0), operands.outputType.size)
    gather(
      operands.raw(0) + dropFirst * x.strides[axis] * size, operands.rawOutput, elementSize: size,
      lengths: operands.outputShape.dimensions, strides: x.strides)
  }
}

extension Reshape: Evaluation {
  var inPlaceInputs: [Int] { [0] }

  func compute(_ operands: Operands) { operands.copyFirst() }
}

extension Transpose: Evaluation {
  func compute(_ operands: Operands) {
    let x = operands.shape(0)
    gather(
      operands.raw(0), operands.rawOutput, elementSize: operands.outputType.size,
      lengths: operands.outputShape.dimensions, strides: permutation.map { x.strides[$0] })
  }
}

extension Operands {
  /// The result is the first input's elements.
  func copyFirst() {
    guard raw(0) != UnsafeRawPointer(output) else { return }
    rawOutput.copyMemory(from: raw(0), byteCount: outputShape.count * outputType.size)
  }
}
