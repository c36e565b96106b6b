/// Where the elements of a weight lie when it is stored in panels, the way a packed matrix product reads it.
///
/// The weight is [out, in], or [out, in / groups, kernel] of a convolution. Its rows are cut into groups, each group
/// into panels of 16 rows, and a panel holds its rows side by side: [groups][panels][depth][16]. `depth` is all that
/// one row sums over; for a kernel it is ordered by tap, then channel. Where a group's rows do not fill its last
/// panel, zeros do.
public struct PanelLayout: Hashable, Sendable {
  /// Rows side by side in a panel.
  public static let width = 16

  /// The weight's own shape.
  public let shape: Shape
  /// Blocks of rows that begin a panel of their own.
  public let groups: Int
  /// Panels of all groups.
  public let panels: Int
  /// Elements of all panels, those that fill up included.
  public let storedCount: Int

  /// The layout of a weight; nil unless it has two or three axes, none of them 0, and `groups` divides its rows.
  public init?(_ shape: Shape, groups: Int = 1) {
    guard (2...3).contains(shape.rank), !shape.dimensions.contains(0), groups >= 1, shape[0] % groups == 0 else {
      return nil
    }
    self.shape = shape
    self.groups = groups
    let panelsPerGroup = (shape[0] / groups - 1) / PanelLayout.width + 1
    panels = panelsPerGroup * groups
    let (count, overflow) = panels.multipliedReportingOverflow(
      by: PanelLayout.width * shape.dimensions.dropFirst().reduce(1, *))
    // The widest element has 16 bytes.
    guard !overflow, count <= Int.max / 16 else { return nil }
    storedCount = count
  }

  /// Rows of each group.
  public var outputs: Int { shape[0] / groups }
  /// Numbers that one row sums over.
  public var depth: Int { channels * kernel }
  /// Elements of one panel.
  public var panelCount: Int { depth * PanelLayout.width }

  /// Input channels that one row reads.
  var channels: Int { shape[1] }
  /// Taps; 1 for a matrix.
  var kernel: Int { shape.rank == 3 ? shape[2] : 1 }

  /// The weight's rows that lie in one panel.
  func rows(of panel: Int) -> Range<Int> {
    let panelsPerGroup = panels / groups
    let (group, first) = (panel / panelsPerGroup, panel % panelsPerGroup * PanelLayout.width)
    let start = group * outputs + first
    return start..<start + min(PanelLayout.width, outputs - first)
  }

  /// The panel in which an element lies that is counted in row-major order.
  func panel(of element: Int) -> Int {
    let row = element / depth
    return row / outputs * (panels / groups) + row % outputs / PanelLayout.width
  }
}

// Between the two orders, one panel at a time. `Bits` is an unsigned integer as wide as an element; no bit is changed.
extension PanelLayout {
  /// Copies a panel's rows, which lie at `rows` one after the other, side by side into `panel`.
  func arrange<Bits: FixedWidthInteger>(
    _ panel: Int, _ rows: UnsafePointer<Bits>, into stored: UnsafeMutablePointer<Bits>
  ) {
    let count = self.rows(of: panel).count
    if count < PanelLayout.width { stored.update(repeating: 0, count: panelCount) }
    forEachRun(count) { row, run, place in
      var (from, to) = (rows + row, stored + place)
      for _ in 0..<run {
        to.pointee = from.pointee
        from += kernel
        to += PanelLayout.width
      }
    }
  }

  /// Copies what lies side by side in `panel` to rows one after the other.
  func restore<Bits: FixedWidthInteger>(
    _ panel: Int, _ stored: UnsafePointer<Bits>, into rows: UnsafeMutablePointer<Bits>
  ) {
    forEachRun(self.rows(of: panel).count) { row, run, place in
      var (from, to) = (stored + place, rows + row)
      for _ in 0..<run {
        to.pointee = from.pointee
        from += PanelLayout.width
        to += kernel
      }
    }
  }

  /// Calls `body` for runs of up to 16 channels of one row and tap: their place in the rows, how many, their place in
  /// the panel. Neighbouring runs share their cache lines.
  @inline(__always)
  private func forEachRun(_ rows: Int, _ body: (_ row: Int, _ run: Int, _ place: Int) -> Void) {
    let (channels, kernel, depth) = (channels, kernel, depth)
    for tap in 0..<kernel {
      for channel in stride(from: 0, to: channels, by: PanelLayout.width) {
        let run = min(PanelLayout.width, channels - channel)
        let place = (tap * channels + channel) * PanelLayout.width
        for row in 0..<rows { body(row * depth + channel * kernel + tap, run, place + row) }
      }
    }
  }
}
