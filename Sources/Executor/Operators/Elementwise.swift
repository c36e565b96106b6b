import IR
import Kernels
import Tensors

extension Unary: Evaluation {
  var inPlaceInputs: [Int] { [0] }

  func compute(_ operands: Operands) {
    let (x, y, count) = (operands[0], operands.output, operands.outputShape.count)
    switch function {
    case .relu: relu(x, y, count: count, workers: operands.workers)
    case .sigmoid: sigmoid(x, y, count: count, workers: operands.workers)
    case .squareRoot: squareRoot(x, y, count: count, workers: operands.workers)
    case .tanh: tanh(x, y, count: count, workers: operands.workers)
    }
  }
}

extension Binary: Evaluation {
  var inPlaceInputs: [Int] { [0, 1] }

  func compute(_ operands: Operands) {
    let (a, b) = (operands.shape(0), operands.shape(1))
    let shape = operands.outputShape
    // The left operand is brought to the result's shape first, in memory of its own, since the result may lie in the
    // right one's; the right operand repeats with a period, or is brought to the shape as well.
    var left = operands[0]
    let moved = a == shape ? nil : Block(capacity: shape.count)
    defer { withExtendedLifetime(moved) {} }
    if let moved {
      gather(left, moved.pointer, lengths: shape.dimensions, strides: broadcastStrides(a, to: shape))
      left = moved.contents
    }
    if let period = repeatingPeriod(b, in: shape) {
      arithmetic(
        operation, left, operands[1], operands.output, count: shape.count, period: period,
        workers: operands.workers)
    } else {
      let right = Block(capacity: shape.count)
      gather(operands[1], right.pointer, lengths: shape.dimensions, strides: broadcastStrides(b, to: shape))
      arithmetic(
        operation, left, right.pointer, operands.output, count: shape.count, period: shape.count,
        workers: operands.workers)
    }
  }

  private var operation: Arithmetic {
    switch function {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    }
  }
}

/// After how many elements `small` repeats inside `shape`; nil where it does not lie at the end of the axes.
private func repeatingPeriod(_ small: Shape, in shape: Shape) -> Int? {
  let own = Array(small.dimensions.drop { $0 == 1 })
  return own == shape.dimensions.suffix(own.count) ? small.count : nil
}

/// Strides that read `small` as if it had `shape`: zero along axes where it repeats.
private func broadcastStrides(_ small: Shape, to shape: Shape) -> [Int] {
  let missing = shape.rank - small.rank
  return shape.dimensions.indices.map { axis in
    axis < missing || small[axis - missing] == 1 ? 0 : small.strides[axis - missing]
  }
}
