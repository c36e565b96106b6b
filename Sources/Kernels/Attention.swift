#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What is added to the scores of attention: -slopes[head] · |i - j| for query i and key j, 0 where i or j is below
/// `prefix`.
public struct DistanceBias {
  let slopes: UnsafePointer<Float>
  let prefix: Int

  /// `slopes` holds a number for each head.
  public init(slopes: UnsafePointer<Float>, prefix: Int) {
    self.slopes = slopes
    self.prefix = prefix
  }

  /// Adds the bias of query `row` to the scores of `count` keys from `first` on.
  func add(to scores: UnsafeMutablePointer<Float>, head: Int, row: Int, first: Int, count: Int) {
    let slope = -slopes[head]
    let start = max(0, prefix - first)
    guard row >= prefix, slope != 0, start < count else { return }
    let lanes = Vector(0, 1, 2, 3, 4, 5, 6, 7)
    var distance = lanes + Float(first + start - row)
    forEachVector(scores + start, scores + start, count: count - start) { x in
      let bias = slope * larger(distance, -distance)
      distance += 8
      return x + bias
    }
  }
}

/// Scaled dot-product attention of one batch element: for each head, softmax(scale · q · kᵀ + bias) · v.
///
/// query and output are [time, width], key and value [keys, width]; head h owns columns h · width / heads. A block of
/// queries meets the keys block by block with a running maximum and sum (an online softmax), so that scores never leave
/// the cache and memory grows with the number of keys, not with its square. Keys and values are packed once a head.
public func attention(
  query: UnsafePointer<Float>, key: UnsafePointer<Float>, value: UnsafePointer<Float>,
  output: UnsafeMutablePointer<Float>, time: Int, keys: Int, width: Int, heads: Int, scale: Float,
  bias: DistanceBias? = nil,
  workers: Workers
) {
  guard time > 0 && keys > 0 else { return }
  let depth = width / heads
  // A head is a task; where there are fewer heads than workers could use, its queries are shared out.
  let parts = max(1, min((time + queryBlock - 1) / queryBlock, (2 * workers.count + heads - 1) / heads))
  workers.run(tasks: heads * parts) { task in
    let (number, part) = (task / parts, task % parts)
    let column = number * depth
    let head = AttentionHead(key: key + column, value: value + column, keys: keys, width: width, depth: depth)
    let rows = time * part / parts..<time * (part + 1) / parts
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: queryBlock) {
      let count = min(queryBlock, rows.upperBound - first)
      head.attend(query + first * width + column, rows: count, scale: scale, into: output + first * width + column) {
        scores, row, firstKey, keys in
        bias?.add(to: scores, head: number, row: first + row, first: firstKey, count: keys)
      }
    }
  }
}

/// How many queries, and how many keys at most, are scored at a time: half a megabyte of scores.
private let queryBlock = 120
private let keyBlock = 1024

/// One head's keys and values, packed for products.
private struct AttentionHead {
  /// Some keys, and their values: [keys, depth] and [depth, keys].
  private let blocks: [(keys: ProductWeight, values: ProductWeight)]
  private let width, depth: Int

  init(key: UnsafePointer<Float>, value: UnsafePointer<Float>, keys: Int, width: Int, depth: Int) {
    let count = (keys + keyBlock - 1) / keyBlock
    blocks = (0..<count).map { index in
      let (first, last) = (keys * index / count, keys * (index + 1) / count)
      let rows = ProductWeight(rows: key + first * width, outputs: last - first, depth: depth, rowStride: width)
      return (
        rows.packed(workers: Workers(1)),
        ProductWeight(
          packingColumns: value + first * width, stride: width, outputs: depth, depth: last - first)
      )
    }
    (self.width, self.depth) = (width, depth)
  }

  /// output[rows, depth] = softmax(scale · query · keysᵀ + bias) · values; rows of both are `width` apart. `bias` adds
  /// its numbers to one row's scores of some keys from a first one on.
  func attend(
    _ query: UnsafePointer<Float>, rows: Int, scale: Float, into output: UnsafeMutablePointer<Float>,
    bias: (_ scores: UnsafeMutablePointer<Float>, _ row: Int, _ firstKey: Int, _ keys: Int) -> Void
  ) {
    let most = blocks.reduce(0) { max($0, $1.keys.outputs) }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * (most + depth + 2)) { scratch in
      let scores = scratch.baseAddress!
      let scaled = scores + rows * most
      let (largest, sums) = (scaled + rows * depth, scaled + rows * depth + rows)
      for row in 0..<rows {
        forEachVector(query + row * width, scaled + row * depth, count: depth) { $0 * scale }
        (largest[row], sums[row]) = (-.infinity, 0)
      }
      var first = 0
      for (index, block) in blocks.enumerated() {
        let count = block.keys.outputs
        defer { first += count }
        product(scaled, stride: depth, rows, block.keys, scores, count, nil)
        for row in 0..<rows {
          let x = scores + row * count
          bias(x, row, first, count)
          let known = largest[row]
          largest[row] = max(known, maximum(x, count: count))
          sums[row] = sums[row] * expf(known - largest[row]) + exponentials(x, count: count, minus: largest[row])
          if index > 0 {
            let output = output + row * width
            let factor = expf(known - largest[row])
            forEachVector(output, output, count: depth) { $0 * factor }
          }
        }
        product(scores, stride: count, rows, block.values, output, width, index > 0 ? output : nil)
      }
      for row in 0..<rows {
        let (output, factor) = (output + row * width, 1 / sums[row])
        forEachVector(output, output, count: depth) { $0 * factor }
      }
    }
  }

  private func product(
    _ a: UnsafePointer<Float>, stride: Int, _ rows: Int, _ weight: ProductWeight,
    _ result: UnsafeMutablePointer<Float>, _ resultStride: Int, _ addend: UnsafeMutablePointer<Float>?
  ) {
    PackedProduct(
      a: Matrix(a, stride: stride), weight: weight,
      tail: ProductTail(addend: addend.map { Matrix($0, stride: resultStride) }), c: result, columnStride: resultStride
    ).compute(rows: 0..<rows)
  }
}
