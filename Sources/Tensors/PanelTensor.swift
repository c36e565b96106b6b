import Bytes

/// A weight in panels: as a file holds it, or still in rows and brought into panels piece by piece where it is written.
public struct PanelTensor: Sendable {
  /// What the elements are: F32, F16 or BF16.
  public let dataType: DataType
  /// The weight's shape and where its elements lie.
  public let layout: PanelLayout

  /// The elements in panels; nil while they are still in rows.
  public let stored: ByteView?
  /// The bytes of some elements in rows; nil where they are stored in panels.
  private let rows: (@Sendable (Range<Int>) -> ByteView)?

  /// What panels may be made of.
  public static let dataTypes: [DataType] = [.float32, .float16, .bfloat16]

  /// Panels over bytes of exactly the right number.
  public init(_ dataType: DataType, _ layout: PanelLayout, stored: ByteView) {
    precondition(PanelTensor.dataTypes.contains(dataType) && stored.count == layout.storedCount * dataType.size)
    self.dataType = dataType
    self.layout = layout
    self.stored = stored
    rows = nil
  }

  /// Panels that are made of `tensor` when they are asked for; nil for a type or shape that cannot be.
  public init?(arranging tensor: Tensor, groups: Int = 1) {
    let (bytes, size) = (tensor.bytes, tensor.dataType.size)
    self.init(tensor.dataType, tensor.shape, groups) { range in
      let part = bytes[range.lowerBound * size..<range.upperBound * size]
      return part.isAligned(to: size) ? part : ByteRegion(copying: part.array).view
    }
  }

  /// Panels that are made of `tensor` when they are asked for; nil for a type or shape that cannot be.
  public init?(arranging tensor: DerivedTensor, groups: Int = 1) {
    self.init(tensor.dataType, tensor.shape, groups) { tensor.bytes(of: $0) }
  }

  private init?(
    _ dataType: DataType, _ shape: Shape, _ groups: Int, rows: @escaping @Sendable (Range<Int>) -> ByteView
  ) {
    guard PanelTensor.dataTypes.contains(dataType), let layout = PanelLayout(shape, groups: groups) else { return nil }
    self.dataType = dataType
    self.layout = layout
    stored = nil
    self.rows = rows
  }

  /// The weight's own shape.
  public var shape: Shape { layout.shape }
  /// How many elements the weight has; those that fill up do not count.
  public var count: Int { shape.count }
  /// Bytes of all panels.
  public var storedByteCount: Int { layout.storedCount * dataType.size }

  /// Some panels in both orders: their rows, which follow each other in the row-major weight, and the panels as a file
  /// holds them. One of the two is what is there, the other a new block.
  public func piece(_ panels: Range<Int>) -> (rows: ByteView, stored: ByteView) {
    let rows = rows(of: panels)
    return (rows, stored.map { $0[places(of: panels)] } ?? block(panels, from: rows, arranging: true))
  }

  /// The rows of some panels.
  public func rows(of panels: Range<Int>) -> ByteView {
    guard let stored else { return rows!(elements(of: panels)) }
    let view = stored[places(of: panels)]
    let source = view.isAligned(to: dataType.size) ? view : ByteRegion(copying: view.array).view
    return block(panels, from: source, arranging: false)
  }

  /// Some elements, counted in row-major order: the rows of the panels they lie in, cut to them.
  public func elements(_ range: Range<Int>) -> ByteView {
    guard !range.isEmpty else { return ByteRegion(copying: []).view }
    let panels = layout.panel(of: range.lowerBound)..<layout.panel(of: range.upperBound - 1) + 1
    let (rows, start) = (rows(of: panels), elements(of: panels).lowerBound)
    return rows[(range.lowerBound - start) * dataType.size..<(range.upperBound - start) * dataType.size]
  }

  /// Where the bytes of some panels are stored.
  private func places(of panels: Range<Int>) -> Range<Int> {
    let size = layout.panelCount * dataType.size
    return panels.lowerBound * size..<panels.upperBound * size
  }

  /// Where the rows of some panels stand among the row-major elements.
  private func elements(of panels: Range<Int>) -> Range<Int> {
    let last = layout.rows(of: panels.upperBound - 1)
    return layout.rows(of: panels.lowerBound).lowerBound * layout.depth..<last.upperBound * layout.depth
  }

  private func block(_ panels: Range<Int>, from source: ByteView, arranging: Bool) -> ByteView {
    dataType.size == 4
      ? block(panels, from: source, arranging, UInt32.self) : block(panels, from: source, arranging, UInt16.self)
  }

  /// The panels made of rows, or the rows of panels.
  private func block<Bits: FixedWidthInteger>(
    _ panels: Range<Int>, from source: ByteView, _ arranging: Bool, _ bits: Bits.Type
  ) -> ByteView {
    let elements = elements(of: panels)
    let count = arranging ? panels.count * layout.panelCount : elements.count
    return ByteRegion(count: count * dataType.size) { target in
      source.withUnsafeBytes { source in
        let from = source.baseAddress!.assumingMemoryBound(to: Bits.self)
        let to = target.baseAddress!.assumingMemoryBound(to: Bits.self)
        for (index, panel) in panels.enumerated() {
          let row = layout.rows(of: panel).lowerBound * layout.depth - elements.lowerBound
          let place = index * layout.panelCount
          if arranging {
            layout.arrange(panel, from + row, into: to + place)
          } else {
            layout.restore(panel, from + place, into: to + row)
          }
        }
      }
    }.view
  }

  /// Where, in bytes from the start of the file, a panel is filled up with something else than zeros; nil if nowhere.
  public var wrongFill: Int? {
    guard let stored else { return nil }
    let size = dataType.size
    for panel in 0..<layout.panels {
      let used = layout.rows(of: panel).count * size
      guard used < PanelLayout.width * size else { continue }
      let place = panel * layout.panelCount * size
      let wrong = stored.withUnsafeBytes { bytes in
        (0..<layout.depth).lazy.flatMap { step in
          let line = place + step * PanelLayout.width * size
          return line + used..<line + PanelLayout.width * size
        }.first { bytes[$0] != 0 }
      }
      if let wrong { return stored.offset + wrong }
    }
    return nil
  }
}
