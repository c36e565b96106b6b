import IR
import Kernels
import Tensors

extension Unary: Evaluation {
  var inPlaceInputs: [Int] { [0] }

  func compute(_ operands: Operands) {
    let count = operands.outputShape.count
    switch operands.types[0] {
    case .int64: integers(operands, Int64.self)
    case .int32: integers(operands, Int32.self)
    case .bool:
      let (x, y) = (operands.elements(0, as: UInt8.self), operands.result(as: UInt8.self))
      for index in 0..<count { y[index] = x[index] == 0 ? 1 : 0 }
    default: floats(operands[0], operands.output, count, operands)
    }
  }

  private func floats(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int, _ operands: Operands
  ) {
    let workers = operands.workers
    func map(_ function: ScalarFunction) { Kernels.map(function, x, y, count: count, workers: workers) }
    func ask(_ question: (Float) -> Bool) {
      let y = operands.result(as: UInt8.self)
      for index in 0..<count { y[index] = question(x[index]) ? 1 : 0 }
    }
    switch function {
    case .relu: relu(x, y, count: count, workers: workers)
    case .sigmoid: sigmoid(x, y, count: count, workers: workers)
    case .squareRoot: squareRoot(x, y, count: count, workers: workers)
    case .tanh: Kernels.tanh(x, y, count: count, workers: workers)
    case .absolute: map(.absolute)
    case .ceiling: map(.ceiling)
    case .cosine: map(.cosine)
    case .erf: map(.erf)
    case .exponential: map(.exponential)
    case .floor: map(.floor)
    case .logarithm: map(.logarithm)
    case .negate: map(.negate)
    case .round: map(.round)
    case .sign: map(.sign)
    case .sine: map(.sine)
    case .softplus: map(.softplus)
    case .isNaN: ask(\.isNaN)
    case .isInfinite: ask(\.isInfinite)
    case .not: preconditionFailure("the plan lets only truth values be negated")
    }
  }

  private func integers<Integer: FixedWidthInteger & SignedInteger>(_ operands: Operands, _ type: Integer.Type) {
    let (x, y) = (operands.elements(0, as: type), operands.result(as: type))
    for index in 0..<operands.outputShape.count {
      switch function {
      case .absolute: y[index] = x[index] < 0 ? 0 &- x[index] : x[index]
      case .negate: y[index] = 0 &- x[index]
      case .sign: y[index] = x[index].signum()
      default: y[index] = max(x[index], 0)
      }
    }
  }
}

extension Binary: Evaluation {
  var inPlaceInputs: [Int] { [0, 1] }

  func compute(_ operands: Operands) {
    switch operands.types[0] {
    case .int64: compute(operands, Int64.self)
    case .int32: compute(operands, Int32.self)
    case .bool: truths(operands)
    default:
      if isComparison {
        let (a, b) = (Spread(operands, 0), Spread(operands, 1))
        defer { withExtendedLifetime((a, b)) {} }
        compare(
          question, a.elements(as: Float.self), b.elements(as: Float.self), operands.result(as: UInt8.self),
          count: operands.outputShape.count)
      } else {
        floats(operands)
      }
    }
  }

  private func floats(_ operands: Operands) {
    let (b, shape) = (operands.shape(1), operands.outputShape)
    // The left operand is brought to the result's shape first, in memory of its own, since the result may lie in the
    // right one's; the right operand repeats with a period, or is brought to the shape as well.
    let left = Spread(operands, 0)
    defer { withExtendedLifetime(left) {} }
    if let period = repeatingPeriod(b, in: shape) {
      arithmetic(
        operation, left.elements(as: Float.self), operands[1], operands.output, count: shape.count, period: period,
        workers: operands.workers)
    } else {
      let right = Spread(operands, 1)
      defer { withExtendedLifetime(right) {} }
      arithmetic(
        operation, left.elements(as: Float.self), right.elements(as: Float.self), operands.output, count: shape.count,
        period: shape.count, workers: operands.workers)
    }
  }

  private func compute<Integer: FixedWidthInteger & SignedInteger>(_ operands: Operands, _ type: Integer.Type) {
    let (a, b, count) = (Spread(operands, 0), Spread(operands, 1), operands.outputShape.count)
    defer { withExtendedLifetime((a, b)) {} }
    if isComparison {
      compare(
        question, a.elements(as: type), b.elements(as: type), operands.result(as: UInt8.self), count: count)
    } else if !arithmetic(
      operation, a.elements(as: type), b.elements(as: type), operands.result(as: type), count: count)
    {
      operands.trouble.report("an integer is divided by 0")
    }
  }

  private func truths(_ operands: Operands) {
    let (left, right) = (Spread(operands, 0), Spread(operands, 1))
    defer { withExtendedLifetime((left, right)) {} }
    let (a, b) = (left.elements(as: UInt8.self), right.elements(as: UInt8.self))
    let y = operands.result(as: UInt8.self)
    for index in 0..<operands.outputShape.count {
      let (a, b) = (a[index] != 0, b[index] != 0)
      switch function {
      case .and: y[index] = a && b ? 1 : 0
      case .or: y[index] = a || b ? 1 : 0
      case .xor: y[index] = a != b ? 1 : 0
      default: y[index] = a == b ? 1 : 0
      }
    }
  }

  private var operation: Arithmetic {
    switch function {
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .power: .power
    case .modulo: .modulo
    case .remainder: .remainder
    case .minimum: .minimum
    case .maximum: .maximum
    case .add, .equal, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .xor: .add
    }
  }

  private var question: Comparison {
    switch function {
    case .less: .less
    case .lessOrEqual: .lessOrEqual
    case .greater: .greater
    case .greaterOrEqual: .greaterOrEqual
    default: .equal
    }
  }
}

extension Select: Evaluation {
  func compute(_ operands: Operands) {
    let inputs = (0..<3).map { Spread(operands, $0) }
    defer { withExtendedLifetime(inputs) {} }
    select(
      inputs[0].elements(as: UInt8.self), inputs[1].bytes, inputs[2].bytes, operands.rawOutput,
      elementSize: operands.outputType.size, count: operands.outputShape.count)
  }
}

extension Cast: Evaluation {
  func compute(_ operands: Operands) {
    switch operands.types[0] {
    case .int64: cast(operands, Int64.self)
    case .int32: cast(operands, Int32.self)
    case .bool: cast(operands, UInt8.self)
    default:
      let (x, count) = (operands[0], operands.outputShape.count)
      func fill<Integer: FixedWidthInteger>(_ type: Integer.Type) {
        let y = operands.result(as: type)
        // Twice the highest power of two is beyond it in any float.
        let limit = -Float(Integer.min)
        for index in 0..<count {
          let number = x[index].rounded(.towardZero)
          y[index] = number >= limit ? .max : number < -limit ? .min : number.isNaN ? 0 : Integer(number)
        }
      }
      switch dataType {
      case .int64: fill(Int64.self)
      case .int32: fill(Int32.self)
      case .bool:
        let y = operands.result(as: UInt8.self)
        for index in 0..<count { y[index] = x[index] == 0 ? 0 : 1 }
      default: operands.output.update(from: x, count: count)
      }
    }
  }

  private func cast<Integer: FixedWidthInteger>(_ operands: Operands, _ type: Integer.Type) {
    let (x, count) = (operands.elements(0, as: type), operands.outputShape.count)
    func fill<Other>(_ make: (Integer) -> Other) {
      let y = operands.result(as: Other.self)
      for index in 0..<count { y[index] = make(x[index]) }
    }
    switch dataType {
    case .int64: fill { Int64($0) }
    case .int32: fill { Int32(clamping: $0) }
    case .bool: fill { UInt8($0 == 0 ? 0 : 1) }
    default: fill { Float($0) }
    }
  }
}

/// An input as if it had the result's shape: where it lies, or a copy that repeats it.
private struct Spread {
  let bytes: UnsafeRawPointer
  private let copy: Block?

  init(_ operands: Operands, _ index: Int) {
    let (own, shape, size) = (operands.shape(index), operands.outputShape, operands.types[index]!.size)
    guard own != shape else {
      (bytes, copy) = (operands.raw(index), nil)
      return
    }
    let block = Block(capacity: (shape.count * size + 3) / 4)
    if shape.count > 0 {
      gather(
        operands.raw(index), UnsafeMutableRawPointer(block.pointer), elementSize: size, lengths: shape.dimensions,
        strides: broadcastStrides(own, to: shape))
    }
    (bytes, copy) = (UnsafeRawPointer(block.pointer), block)
  }

  func elements<T>(as type: T.Type) -> UnsafePointer<T> { bytes.assumingMemoryBound(to: T.self) }
}

/// After how many elements `small` repeats inside `shape`; nil where it does not lie at the end of the axes.
private func repeatingPeriod(_ small: Shape, in shape: Shape) -> Int? {
  let own = Array(small.dimensions.drop { $0 == 1 })
  return own == shape.dimensions.suffix(own.count) ? small.count : nil
}

/// Strides that read `small` as if it had `shape`: zero along axes where it repeats.
func broadcastStrides(_ small: Shape, to shape: Shape) -> [Int] {
  let missing = shape.rank - small.rank
  return shape.dimensions.indices.map { axis in
    axis < missing || small[axis - missing] == 1 ? 0 : small.strides[axis - missing]
  }
}
