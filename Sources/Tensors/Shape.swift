import Bytes

/// The lengths of a tensor's axes, outermost first. A scalar has none.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral {
  /// The lengths, none negative.
  public let dimensions: [Int]

  /// How many axes a tensor may have.
  public static let rankLimit = 16

  /// Creates a shape from lengths that are known to be good; use `checked` for lengths from a file.
  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 })
    self.dimensions = dimensions
  }

  /// Creates a shape.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// A shape from a file: lengths must not be negative, their product must fit, the rank is limited.
  public static func checked(
    _ dimensions: [Int], format: String, offset: Int? = nil
  ) throws(FormatError) -> Shape {
    guard dimensions.count <= rankLimit else {
      throw FormatError(format, .limitExceeded("a tensor of more than \(rankLimit) axes"), offset: offset)
    }
    guard dimensions.allSatisfy({ $0 >= 0 }) else {
      throw FormatError(format, .invalid("a negative length in the shape \(dimensions)"), offset: offset)
    }
    // Lengths of zero do not excuse a product that overflows without them: other readers may multiply in any order.
    var product = 16  // the widest element
    for dimension in dimensions where dimension > 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else {
        throw FormatError(format, .overflow("the elements of shape \(dimensions)"), offset: offset)
      }
      product = next
    }
    return Shape(dimensions)
  }

  /// How many axes there are.
  public var rank: Int { dimensions.count }

  /// How many elements a tensor of this shape has; nil where that, or the product without the zeros, does not fit an
  /// integer with room for the widest element.
  public var checkedCount: Int? {
    var product = 16
    for dimension in dimensions where dimension > 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      if overflow { return nil }
      product = next
    }
    return dimensions.contains(0) ? 0 : product / 16
  }

  /// How many elements a tensor of this shape has.
  public var count: Int { dimensions.reduce(1, *) }

  /// The length of an axis; negative axes count from the last.
  public subscript(_ axis: Int) -> Int { dimensions[axis < 0 ? axis + rank : axis] }

  /// Elements between neighbours along each axis, when rows follow each other without gaps.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * dimensions[axis + 1]
    }
    return strides
  }
}

extension Shape: CustomStringConvertible {
  /// `[1, 49, 1024]`
  public var description: String { dimensions.description }
}
