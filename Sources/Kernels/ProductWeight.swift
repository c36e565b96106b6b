/// A constant right side of matrix products: a weight [outputs, depth], or `groups` of them one behind the other.
///
/// The product reads panels of 16 outputs, [outputs / 16, depth, 16], so that what one step needs is one cache line; the
/// last panel of a group is filled up with zeros. A weight lies in memory as panels, or as rows that are brought into
/// panels piece by piece while the product runs: that takes neither memory nor time beforehand, and next to nothing of
/// an AVX2 product's speed; of an AVX-512 one's about 20 % at 49 rows of the left side and 3 to 6 % at 1499.
public struct ProductWeight: @unchecked Sendable {
  /// Rows of the weight, or of each group of it: columns of the product.
  public let outputs: Int
  /// Columns of the weight: what is summed over.
  public let depth: Int
  /// How many such weights lie here.
  public let groups: Int

  private let base: UnsafeRawPointer
  private let isPacked: Bool
  /// True for a weight that lies as its transpose.
  private let isTransposed: Bool
  /// What packed numbers are; nil for floats.
  private let halfWidth: HalfWidth?
  private let rowStride: Int
  private let owner: AnyObject?

  private init(
    _ base: UnsafeRawPointer, isPacked: Bool, isTransposed: Bool = false, halfWidth: HalfWidth? = nil, rowStride: Int,
    outputs: Int, depth: Int, groups: Int, owner: AnyObject?
  ) {
    self.base = base
    self.isPacked = isPacked
    self.isTransposed = isTransposed
    self.halfWidth = halfWidth
    self.rowStride = rowStride
    self.outputs = outputs
    self.depth = depth
    self.groups = groups
    self.owner = owner
  }

  /// Rows that lie in memory, `rowStride` floats apart (one behind the other if that is nil); `owner` keeps that memory
  /// alive, or else the caller does.
  public init(
    rows: UnsafePointer<Float>, outputs: Int, depth: Int, groups: Int = 1, rowStride: Int? = nil,
    owner: AnyObject? = nil
  ) {
    self.init(
      rows, isPacked: false, rowStride: rowStride ?? depth, outputs: outputs, depth: depth, groups: groups,
      owner: owner)
  }

  /// The transpose of a weight, [depth, outputs], floats that need not be aligned; `owner` keeps that memory alive, or
  /// else the caller does.
  public init(columns: UnsafeRawPointer, outputs: Int, depth: Int, owner: AnyObject? = nil) {
    self.init(
      columns, isPacked: false, isTransposed: true, rowStride: outputs, outputs: outputs, depth: depth, groups: 1,
      owner: owner)
  }

  /// Panels that lie in memory, `panelCapacity` floats or half-width numbers; `owner` keeps that memory alive, or else
  /// the caller does. Half-width numbers are widened, exactly, piece by piece while the product runs.
  public init(
    panels: UnsafeRawPointer, of halfWidth: HalfWidth? = nil, outputs: Int, depth: Int, groups: Int = 1,
    owner: AnyObject? = nil
  ) {
    self.init(
      panels, isPacked: true, halfWidth: halfWidth, rowStride: 0, outputs: outputs, depth: depth, groups: groups,
      owner: owner)
  }

  /// Packs `rows` [groups · outputs, depth] into panels of its own.
  public init(packing rows: UnsafePointer<Float>, outputs: Int, depth: Int, groups: Int = 1, workers: Workers) {
    self = ProductWeight(rows: rows, outputs: outputs, depth: depth, groups: groups).packed(workers: workers)
  }

  /// The same weight as panels of its own.
  func packed(workers: Workers) -> ProductWeight {
    let block = Block(capacity: ProductWeight.panelCapacity(outputs: outputs, depth: depth, groups: groups))
    let perGroup = panelsPerGroup
    workers.split(groups * perGroup, grain: 1) { range in
      for index in range {
        fill(
          group: index / perGroup, panel: index % perGroup, steps: 0..<depth,
          into: block.pointer + index * panelWidth * depth)
      }
    }
    return ProductWeight(panels: block.pointer, outputs: outputs, depth: depth, groups: groups, owner: block)
  }

  /// Packs a weight that lies as its transpose, `columns` [depth, outputs] with rows `stride` floats apart.
  init(packingColumns columns: UnsafePointer<Float>, stride: Int, outputs: Int, depth: Int) {
    let block = Block(capacity: ProductWeight.panelCapacity(outputs: outputs, depth: depth))
    for panel in 0..<(outputs + panelWidth - 1) / panelWidth {
      let count = min(panelWidth, outputs - panel * panelWidth)
      for step in 0..<depth {
        let line = block.pointer + (panel * depth + step) * panelWidth
        line.update(from: columns + step * stride + panel * panelWidth, count: count)
        (line + count).update(repeating: 0, count: panelWidth - count)
      }
    }
    self.init(panels: block.pointer, outputs: outputs, depth: depth, owner: block)
  }

  /// How many numbers the panels of a weight take.
  public static func panelCapacity(outputs: Int, depth: Int, groups: Int = 1) -> Int {
    (outputs + panelWidth - 1) / panelWidth * panelWidth * depth * groups
  }

  /// How many panels one group has.
  var panelsPerGroup: Int { (outputs + panelWidth - 1) / panelWidth }

  /// True where the product can read the panels as they lie.
  var liesReady: Bool { isPacked && halfWidth == nil }

  /// Some steps of a panel, where they lie; only where they lie ready.
  func panel(_ index: Int, group: Int, from step: Int) -> UnsafePointer<Float> {
    base.assumingMemoryBound(to: Float.self) + place(index, group, step)
  }

  private func place(_ panel: Int, _ group: Int, _ step: Int) -> Int {
    ((group * panelsPerGroup + panel) * depth + step) * panelWidth
  }

  /// Brings some steps of a panel into `scratch`, [steps, 16]: widened, copied from columns, or interleaved from rows.
  func fill(group: Int, panel: Int, steps: Range<Int>, into scratch: UnsafeMutablePointer<Float>) {
    if isPacked, let halfWidth {
      widen(
        base.assumingMemoryBound(to: UInt16.self) + place(panel, group, steps.lowerBound), scratch,
        count: steps.count * panelWidth, from: halfWidth)
      return
    }
    let first = panel * panelWidth
    if isTransposed {
      let count = min(panelWidth, outputs - first)
      for (place, step) in steps.enumerated() {
        let (line, source) = (
          UnsafeMutableRawPointer(scratch + place * panelWidth), base + 4 * (step * rowStride + first)
        )
        if count == panelWidth {
          line.storeBytes(of: source.loadUnaligned(as: SIMD16<Float>.self), as: SIMD16<Float>.self)
        } else {
          line.copyMemory(from: source, byteCount: 4 * count)
          (scratch + place * panelWidth + count).update(repeating: 0, count: panelWidth - count)
        }
      }
      return
    }
    interleaveRows(
      base.assumingMemoryBound(to: Float.self) + (group * outputs + first) * rowStride + steps.lowerBound,
      stride: rowStride, rows: min(panelWidth, outputs - first), depth: steps.count, into: scratch)
  }
}
