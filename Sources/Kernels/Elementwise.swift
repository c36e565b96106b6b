/// The arithmetic of two operands.
public enum Arithmetic: Sendable { case add, subtract, multiply, divide }

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
      }
    }
  }
}

/// y = x gathered along axes: y[i, j, ...] = x[i · strides[0] + j · strides[1] + ...], y being row-major.
///
/// A stride of zero repeats (broadcasting); permuted strides transpose.
public func gather(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, lengths: [Int], strides: [Int]
) {
  guard let last = lengths.last else {
    y[0] = x[0]
    return
  }
  let rows = lengths.dropLast().reduce(1, *)
  var index = [Int](repeating: 0, count: lengths.count)
  var source = 0
  for row in 0..<rows {
    let (step, target) = (strides[lengths.count - 1], y + row * last)
    for column in 0..<last { target[column] = x[source + column * step] }
    var axis = lengths.count - 2
    while axis >= 0 {
      index[axis] += 1
      source += strides[axis]
      if index[axis] < lengths[axis] { break }
      source -= index[axis] * strides[axis]
      index[axis] = 0
      axis -= 1
    }
  }
}

/// y[o, i] = the mean, or the root of the sum of squares, of x[o, 0..<length, i]; sums in doubles, in order.
public func reduce(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, length: Int, inner: Int, rootOfSquares: Bool
) {
  for row in 0..<outer {
    var totals = [Double](repeating: 0, count: inner)
    for step in 0..<length {
      let source = x + (row * length + step) * inner
      if rootOfSquares {
        for index in 0..<inner { totals[index] += Double(source[index]) * Double(source[index]) }
      } else {
        for index in 0..<inner { totals[index] += Double(source[index]) }
      }
    }
    for index in 0..<inner {
      y[row * inner + index] = Float(rootOfSquares ? totals[index].squareRoot() : totals[index] / Double(length))
    }
  }
}
