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

  let base: UnsafePointer<Float>
  let isPacked: Bool
  private let owner: AnyObject?

  private init(
    _ base: UnsafePointer<Float>, isPacked: Bool, outputs: Int, depth: Int, groups: Int, owner: AnyObject?
  ) {
    self.base = base
    self.isPacked = isPacked
    self.outputs = outputs
    self.depth = depth
    self.groups = groups
    self.owner = owner
  }

  /// Rows that lie in memory; `owner` keeps that memory alive, or else the caller does.
  public init(rows: UnsafePointer<Float>, outputs: Int, depth: Int, groups: Int = 1, owner: AnyObject? = nil) {
    self.init(rows, isPacked: false, outputs: outputs, depth: depth, groups: groups, owner: owner)
  }

  /// Panels that lie in memory, `panelCapacity` floats; `owner` keeps that memory alive, or else the caller does.
  public init(panels: UnsafePointer<Float>, outputs: Int, depth: Int, groups: Int = 1, owner: AnyObject? = nil) {
    self.init(panels, isPacked: true, outputs: outputs, depth: depth, groups: groups, owner: owner)
  }

  /// Packs `rows` [groups · outputs, depth] into panels of its own.
  public init(packing rows: UnsafePointer<Float>, outputs: Int, depth: Int, groups: Int = 1, workers: Workers) {
    let block = Block(capacity: ProductWeight.panelCapacity(outputs: outputs, depth: depth, groups: groups))
    let source = ProductWeight(rows: rows, outputs: outputs, depth: depth, groups: groups)
    let perGroup = source.panelsPerGroup
    workers.split(groups * perGroup, grain: 1) { range in
      for index in range {
        source.interleave(
          group: index / perGroup, panel: index % perGroup, steps: 0..<depth,
          into: block.pointer + index * panelWidth * depth)
      }
    }
    self.init(panels: block.pointer, outputs: outputs, depth: depth, groups: groups, owner: block)
  }

  /// How many floats the panels of a weight take.
  public static func panelCapacity(outputs: Int, depth: Int, groups: Int = 1) -> Int {
    (outputs + panelWidth - 1) / panelWidth * panelWidth * depth * groups
  }

  /// How many panels one group has.
  var panelsPerGroup: Int { (outputs + panelWidth - 1) / panelWidth }

  /// Some steps of a panel, where they lie; only for a packed weight.
  func panel(_ index: Int, group: Int, from step: Int) -> UnsafePointer<Float> {
    base + ((group * panelsPerGroup + index) * depth + step) * panelWidth
  }

  /// Brings some steps of a panel from rows into `scratch`, [steps, 16].
  func interleave(group: Int, panel: Int, steps: Range<Int>, into scratch: UnsafeMutablePointer<Float>) {
    let first = panel * panelWidth
    interleaveRows(
      base + (group * outputs + first) * depth + steps.lowerBound, stride: depth,
      rows: min(panelWidth, outputs - first), depth: steps.count, into: scratch)
  }
}
