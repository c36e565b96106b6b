/// y = (x - mean) / √(variance + epsilon) · scale + bias over each row; y may be x.
///
/// The statistics are exact two-pass ones: eight partial sums in floats, added up in doubles.
public func layerNormalization(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, width: Int, scale: UnsafePointer<Float>?,
  bias: UnsafePointer<Float>?, epsilon: Float, workers: Workers
) {
  workers.split(rows, grain: max(1, 8192 / max(width, 1))) { range in
    for row in range {
      let (x, y) = (x + row * width, y + row * width)
      let mean = Float(sum(x, width) { $0 } / Double(width))
      let center = Vector(repeating: mean)
      let variance = sum(x, width) { ($0 - center) * ($0 - center) } / Double(width)
      let factor = Float(1 / (variance + Double(epsilon)).squareRoot())
      var index = 0
      while index &+ 8 <= width {
        var normal = (load(x + index) - center) * factor
        if let scale { normal *= load(scale + index) }
        if let bias { normal += load(bias + index) }
        store(normal, y + index)
        index &+= 8
      }
      while index < width {
        y[index] = (x[index] - mean) * factor * (scale?[index] ?? 1) + (bias?[index] ?? 0)
        index &+= 1
      }
    }
  }
}

/// The sum of `term` over `count` numbers; what is left after the last eight is padded by a term of its own.
@inline(__always)
private func sum(_ x: UnsafePointer<Float>, _ count: Int, _ term: (Vector) -> Vector) -> Double {
  var total = Vector.zero
  var index = 0
  while index &+ 8 <= count {
    total += term(load(x + index))
    index &+= 8
  }
  var result = 0.0
  for lane in 0..<8 { result += Double(total[lane]) }
  while index < count {
    result += Double(term(Vector(repeating: x[index]))[0])
    index &+= 1
  }
  return result
}

/// y = (x - mean) / √(variance + epsilon) · scale + bias, statistics over time and the channels of each group.
///
/// x and y are [time, channels] and may be the same. Sums are kept in doubles.
public func groupNormalization(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, time: Int, channels: Int, groups: Int,
  scale: UnsafePointer<Float>?, bias: UnsafePointer<Float>?, epsilon: Float, workers: Workers
) {
  let width = channels / groups
  let count = Double(time) * Double(width)
  workers.split(groups, grain: max(1, 16 / width)) { range in
    let (first, last) = (range.lowerBound * width, range.upperBound * width)
    let columns = last - first
    var means = [Double](repeating: 0, count: columns)
    addColumns(x + first, time: time, stride: channels, to: &means) { value, _ in Double(value) }
    spread(&means, width: width, count: count)
    var variances = [Double](repeating: 0, count: columns)
    addColumns(x + first, time: time, stride: channels, to: &variances) { value, column in
      let distance = Double(value) - means[column]
      return distance * distance
    }
    spread(&variances, width: width, count: count)

    ColumnScales(
      means: means, variances: variances, scale: scale.map { $0 + first }, bias: bias.map { $0 + first },
      epsilon: epsilon
    ).apply(x + first, y + first, rows: time, stride: channels)
  }
}

/// Adds `term` of every element of a column to its place in `totals`.
@inline(__always)
private func addColumns(
  _ x: UnsafePointer<Float>, time: Int, stride: Int, to totals: inout [Double], _ term: (Float, Int) -> Double
) {
  totals.withUnsafeMutableBufferPointer { totals in
    for frame in 0..<time {
      let row = x + frame * stride
      for column in 0..<totals.count { totals[column] += term(row[column], column) }
    }
  }
}

/// Gives every column of a group the group's average: its columns' sum over `count`.
private func spread(_ totals: inout [Double], width: Int, count: Double) {
  for first in stride(from: 0, to: totals.count, by: width) {
    let average = totals[first..<first + width].reduce(0, +) / count
    for column in first..<first + width { totals[column] = average }
  }
}
