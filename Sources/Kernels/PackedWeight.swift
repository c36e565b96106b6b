/// A constant right side of matrix products, laid out the way the product reads it.
///
/// A weight [outputs, depth] lies in panels of 16 outputs, [outputs / 16, depth, 16]: what one step of the product needs
/// is one cache line. The last panel is filled up with zeros. Several groups of outputs, each with panels of its own,
/// may lie one behind the other. Panels of half-width numbers are widened block by block, exactly, while they are used.
public struct PackedWeight: @unchecked Sendable {
  /// Rows of the weight, or of each group of it: columns of the product.
  public let outputs: Int
  /// Columns of the weight: what is summed over.
  public let depth: Int
  /// How many such weights lie here.
  public let groups: Int

  /// What the panels are made of; nil for floats.
  let halfWidth: HalfWidth?
  private let panels: UnsafeRawPointer
  private let owner: AnyObject?

  /// How many numbers the panels of a weight take.
  public static func capacity(outputs: Int, depth: Int, groups: Int = 1) -> Int {
    (outputs + panelWidth - 1) / panelWidth * panelWidth * depth * groups
  }

  /// Panels of floats, or of half-width numbers, that lie in memory already; `owner`, if there is one, keeps that memory
  /// alive.
  public init(
    panels: UnsafeRawPointer, of halfWidth: HalfWidth? = nil, outputs: Int, depth: Int, groups: Int = 1,
    owner: AnyObject? = nil
  ) {
    self.panels = panels
    self.halfWidth = halfWidth
    self.outputs = outputs
    self.depth = depth
    self.groups = groups
    self.owner = owner
  }

  /// Packs `weight` [groups · outputs, depth].
  public init(packing weight: UnsafePointer<Float>, outputs: Int, depth: Int, groups: Int = 1, workers: Workers) {
    let block = Block(capacity: PackedWeight.capacity(outputs: outputs, depth: depth, groups: groups))
    let panelsPerGroup = (outputs + panelWidth - 1) / panelWidth
    workers.split(groups * panelsPerGroup, grain: 1) { range in
      for panel in range {
        let (group, first) = (panel / panelsPerGroup, panel % panelsPerGroup * panelWidth)
        interleave(
          weight + (group * outputs + first) * depth, rows: min(panelWidth, outputs - first), depth: depth,
          into: block.pointer + panel * panelWidth * depth)
      }
    }
    self.init(panels: block.pointer, outputs: outputs, depth: depth, groups: groups, owner: block)
  }

  /// How many panels one group has.
  var panelsPerGroup: Int { (outputs + panelWidth - 1) / panelWidth }

  /// A panel's numbers from `step` on: where they lie, or, if they are half as wide, `count` of them in `scratch`.
  func numbers(
    group: Int, panel: Int, step: Int, count: Int, scratch: UnsafeMutablePointer<Float>?
  ) -> UnsafePointer<Float> {
    let start = ((group * panelsPerGroup + panel) * depth + step) * panelWidth
    guard let halfWidth, let scratch else { return panels.assumingMemoryBound(to: Float.self) + start }
    widen(panels.assumingMemoryBound(to: UInt16.self) + start, scratch, count: count, from: halfWidth)
    return UnsafePointer(scratch)
  }
}

/// panel[step, row] = weight[row, step], zeros for the rows from `rows` to 15.
private func interleave(
  _ weight: UnsafePointer<Float>, rows: Int, depth: Int, into panel: UnsafeMutablePointer<Float>
) {
  var step = 0
  if rows == panelWidth {
    while step &+ 8 <= depth {
      transpose(weight + step, stride: depth, into: panel + step &* panelWidth)
      transpose(weight + 8 &* depth + step, stride: depth, into: panel + step &* panelWidth + 8)
      step &+= 8
    }
  }
  while step < depth {
    for row in 0..<panelWidth { panel[step &* panelWidth &+ row] = row < rows ? weight[row &* depth &+ step] : 0 }
    step &+= 1
  }
}

/// Eight rows of eight numbers, `stride` apart, to eight half-rows of a panel.
///
/// Splitting pairs of rows into even and odd places three times turns rows into columns.
@inline(__always)
private func transpose(_ x: UnsafePointer<Float>, stride: Int, into y: UnsafeMutablePointer<Float>) {
  var (r0, r1, r2, r3) = (load(x), load(x + stride), load(x + 2 &* stride), load(x + 3 &* stride))
  var (r4, r5) = (load(x + 4 &* stride), load(x + 5 &* stride))
  var (r6, r7) = (load(x + 6 &* stride), load(x + 7 &* stride))
  for _ in 0..<3 {
    let (first, second) = (SIMD16(lowHalf: r0, highHalf: r1), SIMD16(lowHalf: r2, highHalf: r3))
    let (third, fourth) = (SIMD16(lowHalf: r4, highHalf: r5), SIMD16(lowHalf: r6, highHalf: r7))
    (r0, r1, r2, r3) = (first.evenHalf, second.evenHalf, third.evenHalf, fourth.evenHalf)
    (r4, r5, r6, r7) = (first.oddHalf, second.oddHalf, third.oddHalf, fourth.oddHalf)
  }
  store(r0, y)
  store(r1, y + panelWidth)
  store(r2, y + 2 &* panelWidth)
  store(r3, y + 3 &* panelWidth)
  store(r4, y + 4 &* panelWidth)
  store(r5, y + 5 &* panelWidth)
  store(r6, y + 6 &* panelWidth)
  store(r7, y + 7 &* panelWidth)
}
