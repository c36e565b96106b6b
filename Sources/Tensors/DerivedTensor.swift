import Bytes

/// A tensor whose elements are made from something else whenever they are asked for, some at a time.
///
/// So a cast of a mapped file's weights needs memory for a piece, not for a copy of the file.
public struct DerivedTensor: Sendable {
  /// What the elements are.
  public let dataType: DataType
  /// The lengths of the axes.
  public let shape: Shape
  /// The matrix whose rows are this one's columns, where that is all there is to it.
  public let columns: Tensor?
  private let make: @Sendable (Range<Int>) -> ByteView

  /// A tensor whose elements in a row-major range `make` gives: the same ones for the same range, in exactly the bytes
  /// they need, aligned.
  public init(_ dataType: DataType, _ shape: Shape, make: @escaping @Sendable (Range<Int>) -> ByteView) {
    self.dataType = dataType
    self.shape = shape
    self.make = make
    columns = nil
  }

  /// The transpose of a matrix.
  public init(transposing matrix: Tensor) {
    precondition(matrix.shape.rank == 2)
    dataType = matrix.dataType
    shape = [matrix.shape[1], matrix.shape[0]]
    columns = matrix
    make = { range in
      switch matrix.dataType.size {
      case 1: DerivedTensor.transposed(matrix, range, UInt8.self)
      case 2: DerivedTensor.transposed(matrix, range, UInt16.self)
      case 4: DerivedTensor.transposed(matrix, range, UInt32.self)
      case 8: DerivedTensor.transposed(matrix, range, UInt64.self)
      default: DerivedTensor.transposed(matrix, range, SIMD2<UInt64>.self)
      }
    }
  }

  /// Some elements of a matrix's transpose, `Bits` being as wide as one. No bit is changed.
  private static func transposed<Bits: BitwiseCopyable>(
    _ matrix: Tensor, _ range: Range<Int>, _ bits: Bits.Type
  ) -> ByteView {
    let (rows, width, size) = (matrix.shape[0], matrix.shape[1], MemoryLayout<Bits>.size)
    return ByteRegion(count: range.count * size) { target in
      matrix.bytes.withUnsafeBytes { source in
        guard let to = target.baseAddress?.assumingMemoryBound(to: Bits.self), let from = source.baseAddress else {
          return
        }
        // Sixteen columns at a time: a line of the cache holds as many neighbours of four bytes.
        var start = range.lowerBound
        while start < range.upperBound {
          let first = start / rows
          let last = min(first + 16, (range.upperBound - 1) / rows + 1)
          let end = min(last * rows, range.upperBound)
          for row in 0..<rows {
            for column in first..<last {
              let place = column * rows + row
              guard place >= start, place < end else { continue }
              to[place - range.lowerBound] = from.loadUnaligned(
                fromByteOffset: (row * width + column) * size, as: Bits.self)
            }
          }
          start = end
        }
      }
    }.view
  }

  /// The bytes of some elements in row-major order.
  public func bytes(of range: Range<Int>) -> ByteView {
    let bytes = make(range)
    precondition(bytes.count == range.count * dataType.size)
    return bytes
  }
}
