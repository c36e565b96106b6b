import Tensors

/// The elements `start..<length + end` along one axis, `end` being zero or negative. Equals ONNX Slice-13, step 1.
public struct Slice: OperatorDefinition {
  /// The axis that gets shorter, counted from the first.
  public var axis: Int
  /// How many elements are dropped at the start.
  public var dropFirst: Int
  /// How many elements are dropped at the end.
  public var dropLast: Int

  /// Creates the operator.
  public init(axis: Int, dropFirst: Int = 0, dropLast: Int = 0) {
    self.axis = axis
    self.dropFirst = dropFirst
    self.dropLast = dropLast
  }

  /// x
  public var inputNames: [String] { ["x"] }

  /// An axis, and counts that leave room for their sum.
  public func checkAttributes() throws(Mismatch) {
    let limit = 1 << 40
    guard (0...limit).contains(axis), (0...limit).contains(dropFirst), (0...limit).contains(dropLast) else {
      throw Mismatch("axis \(axis) without \(dropFirst) at the start and \(dropLast) at the end is no slice")
    }
  }

  /// The shape of x, one axis shorter by what is dropped.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let x = inputs(0)
    guard axis < x.rank else { throw Mismatch("\(x) has no axis \(axis)") }
    let length = x.dimensions[axis] + -(dropFirst + dropLast)
    if let value = length.value, value < 0 {
      throw Mismatch("\(dropFirst + dropLast) elements cannot be dropped from \(x.dimensions[axis])")
    }
    var type = x
    type.dimensions[axis] = length
    return type
  }
}

/// The same elements with another shape. Equals ONNX Reshape-19 with a constant shape.
public struct Reshape: OperatorDefinition {
  /// The length of each axis of the result: a number, or the input axis whose length it copies.
  public enum Length: Hashable, Sendable {
    case fixed(Int)
    case copy(axis: Int)
  }

  /// The axes of the result.
  public var lengths: [Length]

  /// Creates the operator.
  public init(_ lengths: [Length]) { self.lengths = lengths }

  /// x
  public var inputNames: [String] { ["x"] }

  /// Lengths and axes that can be.
  public func checkAttributes() throws(Mismatch) {
    guard lengths.count <= Shape.rankLimit else { throw Mismatch("a tensor has at most \(Shape.rankLimit) axes") }
    for length in lengths {
      switch length {
      case .fixed(let value) where (0...1 << 40).contains(value): break
      case .copy(let axis) where (0..<Shape.rankLimit).contains(axis): break
      default: throw Mismatch("\(length) is no length and no axis")
      }
    }
  }

  /// The lengths asked for; both shapes hold the same unknown lengths and the same product of the known ones.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let x = inputs(0)
    var dimensions: [Dimension] = []
    for length in lengths {
      switch length {
      case .fixed(let value): dimensions.append(.fixed(value))
      case .copy(let axis) where axis < x.rank: dimensions.append(x.dimensions[axis])
      case .copy(let axis): throw Mismatch("\(x) has no axis \(axis)")
      }
    }
    guard Reshape.elements(dimensions) == Reshape.elements(x.dimensions) else {
      throw Mismatch("\(x.dimensions) cannot become \(dimensions): the numbers of elements differ")
    }
    return TensorType(x.dataType, dimensions)
  }

  /// The unknown lengths, sorted, and the product of the known ones.
  private static func elements(_ dimensions: [Dimension]) -> [String] {
    var product = 1.0
    var names: [String] = []
    for dimension in dimensions {
      if let value = dimension.value { product *= Double(value) } else { names.append("\(dimension)") }
    }
    return names.sorted() + ["\(product)"]
  }
}
