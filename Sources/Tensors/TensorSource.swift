import Bytes

/// A file, or several, with named tensors.
public protocol TensorSource: Sendable {
  /// What is there, in the file's own order; no two of one name.
  var entries: [TensorEntry] { get }

  /// The tensor of that name, mapped where the file's layout allows and copied into order where it does not.
  func tensor(_ name: String) throws(FormatError) -> Tensor
}

/// What a file says of one tensor before its elements are read.
public struct TensorEntry: Hashable, Sendable {
  /// The tensor's name, nested containers joined by dots.
  public let name: String
  /// What the elements are.
  public let dataType: DataType
  /// The lengths of the axes.
  public let shape: Shape

  /// Creates an entry.
  public init(name: String, dataType: DataType, shape: Shape) {
    self.name = name
    self.dataType = dataType
    self.shape = shape
  }

  /// Bytes of the elements, whatever the file spends on them.
  public var bytes: Int { shape.count * dataType.size }
}
