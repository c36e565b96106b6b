/// Scaled dot-product attention of one batch element: for each head, softmax(scale · q · kᵀ) · v.
///
/// query and output are [time, width], key and value [keys, width]; head h owns columns h · width / heads. Rows of
/// queries are taken in blocks, so that memory grows with the number of keys, not with its square.
public func attention(
  query: UnsafePointer<Float>, key: UnsafePointer<Float>, value: UnsafePointer<Float>,
  output: UnsafeMutablePointer<Float>, time: Int, keys: Int, width: Int, heads: Int, scale: Float, workers: Workers
) {
  let depth = width / heads
  let blocks = (time + attentionBlock - 1) / attentionBlock
  workers.run(tasks: heads * blocks) { task in
    let (head, block) = (task / blocks, task % blocks)
    let first = block * attentionBlock
    let rows = min(attentionBlock, time - first)
    let column = head * depth
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * keys) { scratch in
      let scores = scratch.baseAddress!
      multiplyScaled(
        scale, Matrix(query + first * width + column, stride: width), transposed: Matrix(key + column, stride: width),
        into: scores, columnStride: keys, m: rows, n: keys, k: depth)
      for row in 0..<rows { softmax(scores + row * keys, count: keys) }
      multiply(
        Matrix(scores, stride: keys), by: Matrix(value + column, stride: width),
        into: output + first * width + column, columnStride: width, m: rows, n: depth, k: keys)
    }
  }
}

/// How many rows of queries are scored at a time.
private let attentionBlock = 128

/// x = e^x / Σ e^x over one row, shifted by its largest element.
func softmax(_ x: UnsafeMutablePointer<Float>, count: Int) {
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
  let shift = Vector(repeating: largest)
  forEachVector(x, x, count: count) { exp($0 - shift) }
  var partial = Vector.zero
  var index = 0
  while index &+ 8 <= count {
    partial += load(x + index)
    index &+= 8
  }
  var total = 0.0
  for lane in 0..<8 { total += Double(partial[lane]) }
  while index < count {
    total += Double(x[index])
    index &+= 1
  }
  let factor = Vector(repeating: Float(1 / total))
  forEachVector(x, x, count: count) { $0 * factor }
}
