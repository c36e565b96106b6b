#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The arithmetic of two operands.
public enum Arithmetic: Sendable {
  case add, subtract, multiply, divide
  /// The first to the power of the second.
  case power
  /// What is left of a division: with the divisor's sign, and with the dividend's.
  case modulo, remainder
  /// NaN if either is.
  case minimum, maximum
}

/// y[i] = a[i] ∘ b[i mod period]: operands of one shape (period = count), a row for every row, or one number.
public func arithmetic(
  _ operation: Arithmetic, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  count: Int, period: Int, workers: Workers
) {
  guard count > 0 else { return }
  workers.split(count / period, grain: max(1, 16384 / period)) { rows in
    for row in rows {
      let start = row * period
      let (a, y) = (a + start, y + start)
      switch operation {
      case .add: for index in 0..<period { y[index] = a[index] + b[index] }
      case .subtract: for index in 0..<period { y[index] = a[index] - b[index] }
      case .multiply: for index in 0..<period { y[index] = a[index] * b[index] }
      case .divide: for index in 0..<period { y[index] = a[index] / b[index] }
      case .power where period == 1 && b[0] == 2: y[0] = a[0] * a[0]
      case .power: for index in 0..<period { y[index] = powf(a[index], b[index]) }
      case .modulo:
        for index in 0..<period {
          let rest = fmodf(a[index], b[index])
          y[index] = rest != 0 && (rest < 0) != (b[index] < 0) ? rest + b[index] : rest
        }
      case .remainder: for index in 0..<period { y[index] = fmodf(a[index], b[index]) }
      case .minimum:
        for index in 0..<period { y[index] = a[index] < b[index] || a[index] != a[index] ? a[index] : b[index] }
      case .maximum:
        for index in 0..<period { y[index] = a[index] > b[index] || a[index] != a[index] ? a[index] : b[index] }
      }
    }
  }
}

/// y[i] = a[i] ∘ b[i], wrapping around; false where a divisor is 0.
public func arithmetic<Integer: FixedWidthInteger & SignedInteger>(
  _ operation: Arithmetic, _ a: UnsafePointer<Integer>, _ b: UnsafePointer<Integer>,
  _ y: UnsafeMutablePointer<Integer>, count: Int
) -> Bool {
  for index in 0..<count {
    let (a, b) = (a[index], b[index])
    switch operation {
    case .add: y[index] = a &+ b
    case .subtract: y[index] = a &- b
    case .multiply: y[index] = a &* b
    case .divide, .modulo, .remainder:
      guard b != 0 else { return false }
      if operation == .divide {
        y[index] = a.dividedReportingOverflow(by: b).partialValue
      } else {
        let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
        y[index] = operation == .modulo && rest != 0 && (rest < 0) != (b < 0) ? rest &+ b : rest
      }
    case .power: y[index] = power(a, b)
    case .minimum: y[index] = min(a, b)
    case .maximum: y[index] = max(a, b)
    }
  }
  return true
}

/// Negative powers of integers are 0, but for those of 1 and -1.
private func power<Integer: FixedWidthInteger & SignedInteger>(_ base: Integer, _ exponent: Integer) -> Integer {
  guard exponent >= 0 else { return base == 1 ? 1 : base == -1 ? (exponent & 1 == 0 ? 1 : -1) : 0 }
  var (result, square, left): (Integer, Integer, Integer) = (1, base, exponent)
  while left > 0 {
    if left & 1 == 1 { result = result &* square }
    square = square &* square
    left >>= 1
  }
  return result
}

/// Questions about two operands.
public enum Comparison: Sendable { case equal, less, lessOrEqual, greater, greaterOrEqual }

/// y[i] = 1 where a[i] ∘ b[i] holds, else 0.
public func compare<T: Comparable>(
  _ comparison: Comparison, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ y: UnsafeMutablePointer<UInt8>, count: Int
) {
  switch comparison {
  case .equal: for index in 0..<count { y[index] = a[index] == b[index] ? 1 : 0 }
  case .less: for index in 0..<count { y[index] = a[index] < b[index] ? 1 : 0 }
  case .lessOrEqual: for index in 0..<count { y[index] = a[index] <= b[index] ? 1 : 0 }
  case .greater: for index in 0..<count { y[index] = a[index] > b[index] ? 1 : 0 }
  case .greaterOrEqual: for index in 0..<count { y[index] = a[index] >= b[index] ? 1 : 0 }
  }
}
