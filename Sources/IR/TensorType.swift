import Bytes
import Tensors

/// The length of an axis: known, or a named unknown plus a constant.
///
/// Names are opaque. An operator that makes a length no sum can express makes a new name out of how it came about,
/// so that two lengths made the same way are seen to be equal without any algebra.
public enum Dimension: Hashable, Sendable {
  case fixed(Int)
  case symbolic(String, offset: Int)

  /// Names of lengths that were made are not longer than this, in bytes.
  private static let nameLimit = 256

  /// An unknown length.
  public static func symbol(_ name: String) -> Dimension { .symbolic(name, offset: 0) }

  /// This length and `count` more; what does not fit an integer is the largest there is, which no value can have.
  public static func + (length: Dimension, count: Int) -> Dimension {
    func sum(_ value: Int) -> Int {
      let (sum, overflow) = value.addingReportingOverflow(count)
      return overflow ? (count > 0 ? .max : .min) : sum
    }
    return switch length {
    case .fixed(let value): .fixed(sum(value))
    case .symbolic(let name, let offset): .symbolic(name, offset: sum(offset))
    }
  }

  /// This length divided by `divisor`, rounded down; lengths below zero have no meaning and stay below one.
  public static func / (length: Dimension, divisor: Int) -> Dimension {
    if divisor == 1 { return length }
    switch length {
    case .fixed(let value): return .fixed(value >= 0 ? value / divisor : -1)
    case .symbolic:
      let name = "(\(length))/\(divisor)"
      // What is made of many lengths would name them all: a digest tells it apart as well.
      guard name.utf8.count > Dimension.nameLimit else { return .symbol(name) }
      return .symbol("length " + Digest.of(ByteRegion(copying: Array(name.utf8)).view).description)
    }
  }

  /// The part of the length that is known.
  var known: Int {
    switch self {
    case .fixed(let value): value
    case .symbolic(_, let offset): offset
    }
  }

  /// The length, if it is known.
  public var value: Int? { if case .fixed(let value) = self { value } else { nil } }
}

extension Dimension: CustomStringConvertible {
  /// `1024`, `samples`, `samples-10`
  public var description: String {
    switch self {
    case .fixed(let value): "\(value)"
    case .symbolic(let name, 0): name
    case .symbolic(let name, let offset): offset > 0 ? "\(name)+\(offset)" : "\(name)\(offset)"
    }
  }
}

/// What is known of a value before the graph runs: its element type and the lengths of its axes.
public struct TensorType: Hashable, Sendable {
  /// What the elements are while computing.
  public var dataType: DataType
  /// The lengths of the axes, outermost first.
  public var dimensions: [Dimension]

  /// Creates a type.
  public init(_ dataType: DataType, _ dimensions: [Dimension]) {
    self.dataType = dataType
    self.dimensions = dimensions
  }

  /// The type of a tensor of known shape.
  public init(_ dataType: DataType, _ shape: Shape) {
    self.init(dataType, shape.dimensions.map { .fixed($0) })
  }

  /// How many axes there are.
  public var rank: Int { dimensions.count }

  /// The shape, if every length is known.
  public var shape: Shape? {
    let lengths = dimensions.compactMap(\.value)
    return lengths.count == rank && lengths.allSatisfy { $0 >= 0 } ? Shape(lengths) : nil
  }
}

extension TensorType: CustomStringConvertible {
  /// `F32[batch, samples]`
  public var description: String {
    dataType.rawValue + "[" + dimensions.map(\.description).joined(separator: ", ") + "]"
  }
}
