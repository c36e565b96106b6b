import Bytes
import Executor
import IR
import Tensors

/// A named tensor of one of two models that are compared. Its elements are read when they are needed, and let go.
public struct Weight: Sendable {
  /// Name, type and shape.
  public let entry: TensorEntry
  /// SHA-256 of the elements in rows, where it is known beforehand.
  public var digest: Digest?
  /// What the file holds the elements as; other than the entry's type where opening the model cast them.
  public var storedType: DataType
  /// The tensors of the file that were folded into this one; empty for one that the file holds itself.
  public var parts: [String] = []
  /// What was done to the elements since they were a tensor of a source, in a few fixed words each.
  public var steps: [String] = []
  /// How many numbers went into each norm where folding weight norm made the elements, now or when they were stored; nil
  /// where it did not. Programs round that differently.
  public var normSize: Int?
  /// The rule by which the model leaves the tensor out; nil for one that it needs.
  public var ignored: String?

  let load: @Sendable () throws(FormatError) -> Constant.Storage

  /// Creates a weight whose elements `load` gives, the same ones every time.
  public init(_ entry: TensorEntry, load: @escaping @Sendable () throws(FormatError) -> Constant.Storage) {
    self.entry = entry
    self.load = load
    storedType = entry.dataType
  }

  /// A tensor of a file.
  public init(_ entry: TensorEntry, of source: any TensorSource) {
    self.init(entry) { () throws(FormatError) in .rowMajor(try source.tensor(entry.name)) }
  }

  /// The name.
  public var name: String { entry.name }

  /// The elements in rows; a copy unless the file holds them so.
  func tensor() throws(FormatError) -> Tensor { try load().rowMajor }
}

/// Which of two models.
public enum Side: String, CaseIterable, Sendable {
  case a, b

  /// The other one.
  public var other: Side { self == .a ? .b : .a }
}

/// One value for each of two models.
public struct Both<Value> {
  /// Of the first.
  public var a: Value
  /// Of the second.
  public var b: Value

  /// Creates a pair.
  public init(_ a: Value, _ b: Value) { (self.a, self.b) = (a, b) }

  /// The value of one side.
  public subscript(_ side: Side) -> Value {
    get { side == .a ? a : b }
    // In place: an array is not copied for each element that changes.
    _modify { if side == .a { yield &a } else { yield &b } }
  }
}

extension Both: Sendable where Value: Sendable {}
