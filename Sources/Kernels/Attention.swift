#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Scaled dot-product attention of one batch element: for each head, softmax(scale · q · kᵀ) · v.
///
/// query and output are [time, width], key and value [keys, width]; head h owns columns h · width / heads. A block of
/// queries meets the keys block by block with a running maximum and sum (an online softmax), so that scores never leave
/// the cache and memory grows with the number of keys, not with its square. Keys and values are packed once a head.
public func attention(
  query: UnsafePointer<Float>, key: UnsafePointer<Float>, value: UnsafePointer<Float>,
  output: UnsafeMutablePointer<Float>, time: Int, keys: Int, width: Int, heads: Int, scale: Float, workers: Workers
) {
  guard time > 0 && keys > 0 else { return }
  let depth = width / heads
  // A head is a task; where there are fewer heads than workers could use, its queries are shared out.
  let parts = max(1, min((time + queryBlock - 1) / queryBlock, (2 * workers.count + heads - 1) / heads))
  workers.run(tasks: heads * parts) { task in
    let (column, part) = (task / parts * depth, task % parts)
    let head = AttentionHead(key: key + column, value: value + column, keys: keys, width: width, depth: depth)
    let rows = time * part / parts..<time * (part + 1) / parts
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: queryBlock) {
      let count = min(queryBlock, rows.upperBound - first)
      head.attend(query + first * width + column, rows: count, scale: scale, into: output + first * width + column)
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

  /// output[rows, depth] = softmax(scale · query · keysᵀ) · values; rows of both are `width` apart.
  func attend(
    _ query: UnsafePointer<Float>, rows: Int, scale: Float, into output: UnsafeMutablePointer<Float>
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
      for (index, block) in blocks.enumerated() {
        let count = block.keys.outputs
        product(scaled, stride: depth, rows, block.keys, scores, count, nil)
        for row in 0..<rows {
          let x = scores + row * count
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
