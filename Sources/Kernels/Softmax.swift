/// The largest of some numbers; NaNs are passed over.
func maximum(_ x: UnsafePointer<Float>, count: Int) -> Float {
  var (greatest, place) = (Vector(repeating: -.infinity), 0)
  while place &+ 8 <= count {
    greatest = larger(load(x + place), greatest)
    place &+= 8
  }
  var largest = -Float.infinity
  for lane in 0..<8 { largest = greatest[lane] > largest ? greatest[lane] : largest }
  while place < count {
    largest = x[place] > largest ? x[place] : largest
    place &+= 1
  }
  return largest
}

/// x = e^(x - shift); hands back the sum, eight partial sums in floats added up in a double. A NaN comes out as one.
func exponentials(_ x: UnsafeMutablePointer<Float>, count: Int, minus shift: Float) -> Float {
  let shift = Vector(repeating: shift)
  var (partial, index) = (Vector.zero, 0)
  while index &+ 8 <= count {
    let power = exp(load(x + index) - shift)
    store(power, x + index)
    partial += power
    index &+= 8
  }
  var total = 0.0
  for lane in 0..<8 { total += Double(partial[lane]) }
  forEachVector(x + index, x + index, count: count - index) { exp($0 - shift) }
  while index < count {
    total += Double(x[index])
    index &+= 1
  }
  return Float(total)
}

/// x = e^x / Σ e^x over one row, shifted by its largest element.
func softmax(_ x: UnsafeMutablePointer<Float>, count: Int) {
  let factor = 1 / exponentials(x, count: count, minus: maximum(x, count: count))
  forEachVector(x, x, count: count) { $0 * factor }
}

/// y[o, :, i] = e^x / Σ e^x of x[o, 0..<length, i].
public func softmax(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, length: Int, inner: Int, workers: Workers
) {
  guard length > 0 else { return }
  workers.split(outer * inner, grain: max(1, 8192 / length)) { rows in
    var column = [Float](repeating: 0, count: inner == 1 ? 0 : length)
    for row in rows {
      let start = row / inner * length * inner + row % inner
      if inner == 1 {
        (y + start).update(from: x + start, count: length)
        softmax(y + start, count: length)
      } else {
        for step in 0..<length { column[step] = x[start + step * inner] }
        column.withUnsafeMutableBufferPointer { softmax($0.baseAddress!, count: length) }
        for step in 0..<length { y[start + step * inner] = column[step] }
      }
    }
  }
}
