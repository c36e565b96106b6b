/// Adds every row of x [rows, columns], and of its squares, to running sums in doubles.
public func addColumnSums(
  _ x: UnsafePointer<Float>, rows: Int, columns: Int, sums: UnsafeMutablePointer<Double>,
  squares: UnsafeMutablePointer<Double>
) {
  for row in 0..<rows {
    let x = x + row &* columns
    for column in 0..<columns {
      let value = Double(x[column])
      sums[column] += value
      squares[column] += value * value
    }
  }
}

/// What normalising a column by its group's statistics comes down to: y = x · factor + offset.
public struct ColumnScales: Sendable {
  let factors: [Float]
  let offsets: [Float]

  /// Turns sums over `count` rows into factors and offsets, the columns falling into `groups` equal groups.
  ///
  /// factor = scale / √(variance + epsilon), offset = bias - mean · factor; scale 1 and bias 0 where left out.
  public init(
    sums: [Double], squares: [Double], count: Int, groups: Int, scale: UnsafePointer<Float>?,
    bias: UnsafePointer<Float>?, epsilon: Float
  ) {
    let width = sums.count / groups
    var (means, variances) = ([Double](), [Double]())
    for group in 0..<groups {
      let columns = group * width..<(group + 1) * width
      let total = Double(count) * Double(width)
      let mean = sums[columns].reduce(0, +) / total
      // Squares of floats are exact in doubles, so that the difference loses nothing that matters.
      let variance = max(0, squares[columns].reduce(0, +) / total - mean * mean)
      means += repeatElement(mean, count: width)
      variances += repeatElement(variance, count: width)
    }
    self.init(means: means, variances: variances, scale: scale, bias: bias, epsilon: epsilon)
  }

  /// Factors and offsets of columns whose groups' statistics are known, one of each for every column.
  init(
    means: [Double], variances: [Double], scale: UnsafePointer<Float>?, bias: UnsafePointer<Float>?, epsilon: Float
  ) {
    var (factors, offsets) = ([Float](), [Float]())
    for column in means.indices {
      let factor = Double(scale?[column] ?? 1) / (variances[column] + Double(epsilon)).squareRoot()
      factors.append(Float(factor))
      offsets.append(Float(Double(bias?[column] ?? 0) - means[column] * factor))
    }
    (self.factors, self.offsets) = (factors, offsets)
  }

  /// y = x · factor + offset for each column of x [rows, columns]; y may be x. Rows of both are `stride` apart.
  public func apply(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, stride: Int) {
    factors.withUnsafeBufferPointer { factors in
      offsets.withUnsafeBufferPointer { offsets in
        for row in 0..<rows {
          let (x, y) = (x + row &* stride, y + row &* stride)
          for column in 0..<factors.count { y[column] = x[column] * factors[column] + offsets[column] }
        }
      }
    }
  }
}
