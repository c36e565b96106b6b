import IR
import Kernels

extension LayerNormalization: Evaluation {
  var inPlaceInputs: [Int] { [0] }

  func compute(_ operands: Operands) {
    let x = operands.shape(0)
    layerNormalization(
      operands[0], operands.output, rows: x.dimensions.dropLast().reduce(1, *), width: x[-1],
      scale: operands.optional(1), bias: operands.optional(2), epsilon: epsilon, workers: operands.workers)
  }
}

extension GroupNormalization: Evaluation {
  var inPlaceInputs: [Int] { [0] }

  func compute(_ operands: Operands) {
    let x = operands.shape(0)
    for batch in 0..<x[0] {
      let start = batch * x[1] * x[2]
      groupNormalization(
        operands[0] + start, operands.output + start, time: x[1], channels: x[2], groups: groups,
        scale: operands.optional(1), bias: operands.optional(2), epsilon: epsilon, workers: operands.workers)
    }
  }
}
