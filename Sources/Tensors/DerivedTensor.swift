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
    let (rows, width, size) = (matrix.shape[0], matrix.shape[1], matrix.dataType.size)
    make = { range in
      ByteRegion(count: range.count * size) { target in
        matrix.bytes.withUnsafeBytes { source in
          // Element number i is row i % rows of column i / rows.
          var (column, row) = (range.lowerBound / rows, range.lowerBound % rows)
          for place in 0..<range.count {
            let from = (row * width + column) * size
            target.baseAddress!.advanced(by: place * size).copyMemory(from: source.baseAddress! + from, byteCount: size)
            row += 1
            if row == rows { (column, row) = (column + 1, 0) }
          }
        }
      }.view
    }
  }

  /// The bytes of some elements in row-major order.
  public func bytes(of range: Range<Int>) -> ByteView {
    let bytes = make(range)
    precondition(bytes.count == range.count * dataType.size)
    return bytes
  }
}
