/// What becomes of numbers that are taken together.
public enum Reduction: Sendable {
  case mean
  /// The root of the sum of squares.
  case rootOfSquares
  case sum, product
  /// NaN if there is one.
  case maximum, minimum
}

/// y[o, i] = x[o, 0..<length, i] taken together; sums and products in doubles, in order.
public func reduce(
  _ reduction: Reduction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, length: Int,
  inner: Int
) {
  let start: Double
  switch reduction {
  case .mean, .rootOfSquares, .sum: start = 0
  case .product: start = 1
  case .maximum: start = -.infinity
  case .minimum: start = .infinity
  }
  for row in 0..<outer {
    var totals = [Double](repeating: start, count: inner)
    for step in 0..<length {
      let source = x + (row * length + step) * inner
      switch reduction {
      case .rootOfSquares: for index in 0..<inner { totals[index] += Double(source[index]) * Double(source[index]) }
      case .mean, .sum: for index in 0..<inner { totals[index] += Double(source[index]) }
      case .product: for index in 0..<inner { totals[index] *= Double(source[index]) }
      case .maximum:
        for index in 0..<inner where !(Double(source[index]) <= totals[index]) && !totals[index].isNaN {
          totals[index] = Double(source[index])
        }
      case .minimum:
        for index in 0..<inner where !(Double(source[index]) >= totals[index]) && !totals[index].isNaN {
          totals[index] = Double(source[index])
        }
      }
    }
    for index in 0..<inner {
      switch reduction {
      case .mean: totals[index] /= Double(length)
      case .rootOfSquares: totals[index] = totals[index].squareRoot()
      case .sum, .product, .maximum, .minimum: break
      }
      y[row * inner + index] = Float(totals[index])
    }
  }
}

/// y[o, i] = x[o, 0..<length, i] taken together, wrapping around; a mean is divided towards zero.
public func reduce<Integer: FixedWidthInteger & SignedInteger>(
  _ reduction: Reduction, _ x: UnsafePointer<Integer>, _ y: UnsafeMutablePointer<Integer>, outer: Int, length: Int,
  inner: Int
) {
  for row in 0..<outer {
    for index in 0..<inner {
      var total: Integer
      switch reduction {
      case .mean, .rootOfSquares, .sum: total = 0
      case .product: total = 1
      case .maximum: total = .min
      case .minimum: total = .max
      }
      for step in 0..<length {
        let number = x[(row * length + step) * inner + index]
        switch reduction {
        case .mean, .sum: total = total &+ number
        case .rootOfSquares: total = total &+ number &* number
        case .product: total = total &* number
        case .maximum: total = max(total, number)
        case .minimum: total = min(total, number)
        }
      }
      if reduction == .mean, length > 0 { total /= Integer(truncatingIfNeeded: length) }
      y[row * inner + index] = total
    }
  }
}
