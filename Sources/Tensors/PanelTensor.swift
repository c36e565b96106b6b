import Bytes

/// A weight in panels: as a file holds it, or still in rows and brought into panels piece by piece where it is written.
public struct PanelTensor: Sendable {
  /// What the elements are: F32, F16 or BF16.
  public let dataType: DataType
  /// The weight's shape and where its elements lie.
  public let layout: PanelLayout

  /// The elements in panels; nil while they are still in rows.
  public let stored: ByteView?
  private let rows: ByteView?

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
    guard PanelTensor.dataTypes.contains(tensor.dataType), let layout = PanelLayout(tensor.shape, groups: groups)
    else { return nil }
    dataType = tensor.dataType
    self.layout = layout
    stored = nil
    rows = tensor.bytes
  }

  /// The weight's own shape.
  public var shape: Shape { layout.shape }
  /// How many elements the weight has; those that fill up do not count.
  public var count: Int { shape.count }
  /// Bytes of all panels.
  public var storedByteCount: Int { layout.storedCount * dataType.size }

  /// The bytes of some panels: a view where they are stored, else a new block.
  public func bytes(ofPanels range: Range<Int>) -> ByteView {
    let size = layout.panelCount * dataType.size
    if let stored { return stored[range.lowerBound * size..<range.upperBound * size] }
    return ByteRegion(count: range.count * size) { target in
      for (index, panel) in range.enumerated() {
        let block = UnsafeMutableRawBufferPointer(rebasing: target[(index * size)..<((index + 1) * size)])
        rowBytes(of: panel).withUnsafeBytes { rows in
          if dataType.size == 4 {
            layout.arrange(panel, rows.elements(UInt32.self), into: block.elements(UInt32.self))
          } else {
            layout.arrange(panel, rows.elements(UInt16.self), into: block.elements(UInt16.self))
          }
        }
      }
    }.view
  }

  /// The weight in rows; a copy where it is stored in panels.
  public var rowMajor: Tensor {
    if let rows { return Tensor(dataType, shape, bytes: rows) }
    let region = ByteRegion(count: count * dataType.size) { target in
      var start = 0
      forEachPanelInRows { rows in
        UnsafeMutableRawBufferPointer(rebasing: target[start..<(start + rows.count)]).copyMemory(from: rows)
        start += rows.count
      }
    }
    return Tensor(dataType, shape, bytes: region.view)
  }

  /// SHA-256 of the elements in rows, whatever the order they are stored in; no copy of the whole is made.
  public var digest: Digest {
    if let rows { return .of(rows) }
    var hasher = DigestHasher()
    forEachPanelInRows { hasher.update($0) }
    return hasher.finish()
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

  /// The bytes of one panel's rows in the row-major weight.
  private func rowBytes(of panel: Int) -> ByteView {
    let (range, size) = (layout.rows(of: panel), layout.depth * dataType.size)
    let bytes = rows![range.lowerBound * size..<range.upperBound * size]
    return bytes.isAligned(to: dataType.size) ? bytes : ByteRegion(copying: bytes.array).view
  }

  /// Calls `body` with the rows of each panel in turn, which together are the row-major weight.
  private func forEachPanelInRows(_ body: (UnsafeRawBufferPointer) -> Void) {
    let size = dataType.size
    withUnsafeTemporaryAllocation(byteCount: layout.panelCount * size, alignment: ByteRegion.alignment) { scratch in
      for panel in 0..<layout.panels {
        let view = bytes(ofPanels: panel..<panel + 1)
        let aligned = view.isAligned(to: size) ? view : ByteRegion(copying: view.array).view
        aligned.withUnsafeBytes { stored in
          if size == 4 {
            layout.restore(panel, stored.elements(UInt32.self), into: scratch.elements(UInt32.self))
          } else {
            layout.restore(panel, stored.elements(UInt16.self), into: scratch.elements(UInt16.self))
          }
        }
        body(UnsafeRawBufferPointer(rebasing: scratch[..<(layout.rows(of: panel).count * layout.depth * size)]))
      }
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func elements<T>(_ type: T.Type) -> UnsafePointer<T> { baseAddress!.assumingMemoryBound(to: type) }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate func elements<T>(_ type: T.Type) -> UnsafeMutablePointer<T> { baseAddress!.assumingMemoryBound(to: type) }
}
