import Bytes

extension Tensor {
  /// A matrix [m, n] seen as [n, m]; its elements are brought into order when they are asked for.
  public var transposed: DerivedTensor {
    precondition(shape.rank == 2)
    let view = TransposedMatrix(rows: shape[1], columns: shape[0], source: bytes)
    let size = dataType.size
    return DerivedTensor(dataType, [shape[1], shape[0]], columns: self) { range in
      switch size {
      case 1: view.elements(range, UInt8.self)
      case 2: view.elements(range, UInt16.self)
      case 4: view.elements(range, UInt32.self)
      case 8: view.elements(range, UInt64.self)
      default: view.elements(range, UInt128.self)
      }
    }
  }
}

/// The transpose of what `source` holds row by row.
private struct TransposedMatrix: Sendable {
  let rows: Int
  let columns: Int
  let source: ByteView

  /// Rows that are made at once: their elements lie side by side in the source, those of four bytes in a cache line.
  static let block = 16

  /// Some elements, counted row by row; `Bits` is an unsigned integer as wide as an element.
  func elements<Bits: FixedWidthInteger & BitwiseCopyable>(_ range: Range<Int>, _ bits: Bits.Type) -> ByteView {
    let size = MemoryLayout<Bits>.size
    return ByteRegion(count: range.count * size) { target in
      guard !range.isEmpty else { return }
      let target = target.baseAddress!.assumingMemoryBound(to: Bits.self)
      source.withUnsafeBytes { source in
        let source = source.baseAddress!
        let (first, last) = (range.lowerBound / columns, (range.upperBound - 1) / columns)
        for start in stride(from: first, through: last, by: TransposedMatrix.block) {
          let end = min(start + TransposedMatrix.block - 1, last)
          // A piece of one row must not cost the whole row.
          let isPiece = first == last
          let steps = isPiece ? range.lowerBound - first * columns..<range.upperBound - first * columns : 0..<columns
          for column in steps {
            for row in start...end {
              let place = row * columns + column - range.lowerBound
              guard place >= 0, place < range.count else { continue }
              target[place] = source.loadUnaligned(fromByteOffset: (column * rows + row) * size, as: Bits.self)
            }
          }
        }
      }
    }.view
  }
}
