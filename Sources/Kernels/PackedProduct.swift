/// What happens to a product before it is stored.
public struct ProductTail: @unchecked Sendable {
  /// Functions that can be applied while the results are in the cache.
  public enum Activation: Sendable { case none, gelu }

  var bias: UnsafePointer<Float>?
  var addend: Matrix?
  var activation: Activation

  /// activation(product + bias row + addend matrix); the addend may be the result's own memory.
  public init(bias: UnsafePointer<Float>? = nil, addend: Matrix? = nil, activation: Activation = .none) {
    self.bias = bias
    self.addend = addend
    self.activation = activation
  }
}

/// c[m, outputs] = tail(a[m, depth] · weightᵀ), over all workers; `a`'s rows may overlap.
///
/// The bits depend on nothing but the operands: no sum is cut between workers, and the terms of each are added in the
/// same order wherever its tile begins.
public func multiply(
  _ a: Matrix, by weight: ProductWeight, _ tail: ProductTail = ProductTail(), into c: UnsafeMutablePointer<Float>,
  columnStride: Int, m: Int, workers: Workers
) {
  let product = PackedProduct(a: a, weight: weight, tail: tail, c: c, columnStride: columnStride)
  // What is not cut is read, and brought into panels, by every worker.
  if weight.panelsPerGroup >= 4 * workers.count || weight.outputs >= m {
    workers.split(weight.panelsPerGroup, grain: 1) { product.compute(rows: 0..<m, panels: $0) }
  } else {
    workers.split(m, grain: tileRows) { product.compute(rows: $0) }
  }
}

/// A product as the loops around its tiles see it.
struct PackedProduct: @unchecked Sendable {
  let a: Matrix
  let weight: ProductWeight
  var group = 0
  let tail: ProductTail
  let c: UnsafeMutablePointer<Float>
  let columnStride: Int

  /// A panel's part of so many steps stays in the first cache while all rows pass over it.
  private static let depthBlock = 512
  /// So many rows of `a`, a block deep, stay in the second cache while all panels pass over them.
  private static let rowBlock = 240

  /// Computes one rectangle of the result on the calling thread: some rows, and some panels or all.
  func compute(rows: Range<Int>, panels: Range<Int>? = nil) {
    let panels = panels ?? 0..<weight.panelsPerGroup
    let (depth, fullPanels) = (weight.depth, weight.outputs / panelWidth)
    let blocks = max(1, (depth + PackedProduct.depthBlock - 1) / PackedProduct.depthBlock)
    let capacity = weight.liesReady ? 0 : (depth + blocks - 1) / blocks * panelWidth * tilePanels
    withUnsafeTemporaryAllocation(byteCount: capacity * 4, alignment: 64) { bytes in
      let scratch = bytes.bindMemory(to: Float.self).baseAddress!
      forEachPart(rows, of: weight.liesReady ? PackedProduct.rowBlock : 2 * PackedProduct.rowBlock) { rows in
        for block in 0..<blocks {
          let steps = depth * block / blocks..<depth * (block + 1) / blocks
          var panel = panels.lowerBound
          while panel < panels.upperBound {
            let count = max(1, min(tilePanels, min(panels.upperBound, fullPanels) - panel))
            if weight.liesReady {
              let start = weight.panel(panel, group: group, from: steps.lowerBound)
              compute(rows, panel..<panel + count, start, distance: depth * panelWidth, steps)
            } else {
              let distance = steps.count * panelWidth
              for index in 0..<count {
                weight.fill(group: group, panel: panel + index, steps: steps, into: scratch + index * distance)
              }
              compute(rows, panel..<panel + count, scratch, distance: distance, steps)
            }
            panel += count
          }
        }
      }
    }
  }

  /// The part of a tile's panels, for some rows; several panels are full ones.
  private func compute(
    _ rows: Range<Int>, _ panels: Range<Int>, _ weights: UnsafePointer<Float>, distance: Int, _ steps: Range<Int>
  ) {
    let (isFirst, isLast) = (steps.lowerBound == 0, steps.upperBound == weight.depth)
    let column = panels.lowerBound * panelWidth
    let columns = min(panels.count * panelWidth, weight.outputs - column)
    let bias = isFirst ? tail.bias.map { $0 + column } : nil
    let addend = isFirst ? tail.addend : Matrix(c, stride: columnStride)
    forEachPart(rows, of: tileRows) { rows in
      let count = rows.count
      let target = TileTarget(
        bias: bias, addend: addend.map { $0.base + rows.lowerBound * $0.stride + column },
        addendStride: addend?.stride ?? 0, result: c + rows.lowerBound * columnStride + column,
        resultStride: columnStride)
      let left = a.base + rows.lowerBound * a.stride + steps.lowerBound
      if columns >= panelWidth {
        productTile(
          rows: count, panels: panels.count, left, stride: a.stride, weights, distance: distance, depth: steps.count,
          target)
      } else {
        narrowTile(rows: count, columns: columns, left, stride: a.stride, weights, depth: steps.count, target)
      }
      if isLast && tail.activation == .gelu {
        for row in 0..<count {
          let result = target.result + row &* columnStride
          forEachVector(result, result, count: columns) { gelu($0) }
        }
      }
    }
  }
}

/// Cuts a range into parts of at most `limit` that differ in length by one at most.
@inline(__always)
private func forEachPart(_ range: Range<Int>, of limit: Int, _ body: (Range<Int>) -> Void) {
  let parts = (range.count &+ limit &- 1) / limit
  var start = range.lowerBound
  for part in 0..<parts {
    let end = range.lowerBound &+ range.count &* (part &+ 1) / parts
    body(start..<end)
    start = end
  }
}

/// A tile of fewer than sixteen columns, computed beside the result and copied.
private func narrowTile(
  rows: Int, columns: Int, _ a: UnsafePointer<Float>, stride: Int, _ panel: UnsafePointer<Float>, depth: Int,
  _ target: TileTarget
) {
  withUnsafeTemporaryAllocation(of: Float.self, capacity: tileRows * panelWidth) { scratch in
    let tile = scratch.baseAddress!
    let beside = TileTarget(bias: nil, addend: nil, addendStride: 0, result: tile, resultStride: panelWidth)
    productTile(rows: rows, panels: 1, a, stride: stride, panel, distance: 0, depth: depth, beside)
    for row in 0..<rows {
      for column in 0..<columns {
        var value = tile[row * panelWidth + column]
        if let bias = target.bias { value += bias[column] }
        if let addend = target.addend { value += addend[row * target.addendStride + column] }
        target.result[row * target.resultStride + column] = value
      }
    }
  }
}
