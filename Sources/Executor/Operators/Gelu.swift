import IR
import Kernels

extension Gelu: Evaluation {
  var inPlaceInputs: [Int] { [0] }

  func compute(_ operands: Operands) {
    let count = operands.outputShape.count
    switch approximation {
    case .none: gelu(operands[0], operands.output, count: count, workers: operands.workers)
    case .tanh: geluTanh(operands[0], operands.output, count: count, workers: operands.workers)
    }
  }
}
