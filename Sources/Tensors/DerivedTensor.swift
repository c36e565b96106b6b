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
    self.init(dataType, shape, columns: nil, make: make)
  }

  /// A tensor that is the transpose of `columns`, if that is given.
  init(_ dataType: DataType, _ shape: Shape, columns: Tensor?, make: @escaping @Sendable (Range<Int>) -> ByteView) {
    self.dataType = dataType
    self.shape = shape
    self.columns = columns
    self.make = make
  }

  /// The bytes of some elements in row-major order.
  public func bytes(of range: Range<Int>) -> ByteView {
    let bytes = make(range)
    precondition(bytes.count == range.count * dataType.size)
    return bytes
  }
}
