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

  /// Anything.
  public func dataTypes(ofInput index: Int) -> [DataType] { DataType.computed }

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

/// The axes in another order. Equals ONNX Transpose-13.
public struct Transpose: OperatorDefinition {
  /// For each axis of the result, the axis of x that it is.
  public var permutation: [Int]

  /// Creates the operator.
  public init(_ permutation: [Int]) { self.permutation = permutation }

  /// x
  public var inputNames: [String] { ["x"] }

  /// Anything.
  public func dataTypes(ofInput index: Int) -> [DataType] { DataType.computed }

  /// Every axis once.
  public func checkAttributes() throws(Mismatch) {
    guard permutation.count <= Shape.rankLimit, permutation.sorted() == Array(permutation.indices) else {
      throw Mismatch("\(permutation) does not name every axis once")
    }
  }

  /// The lengths of x in the other order.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let x = inputs(0)
    guard permutation.count == x.rank else { throw Mismatch("\(permutation) does not order the axes of \(x)") }
    return TensorType(x.dataType, permutation.map { x.dimensions[$0] })
  }
}

/// The same elements with another shape. Equals ONNX Reshape-19 with a constant shape.
public struct Reshape: OperatorDefinition {
  /// The length of each axis of the result: a number, the input axis whose length it copies, or what is left.
  public enum Length: Hashable, Sendable {
    case fixed(Int)
    case copy(axis: Int)
    case rest
  }

  /// The axes of the result.
  public var lengths: [Length]

  /// Creates the operator.
  public init(_ lengths: [Length]) { self.lengths = lengths }

  /// x
  public var inputNames: [String] { ["x"] }

  /// Anything.
  public func dataTypes(ofInput index: Int) -> [DataType] { DataType.computed }

  /// Lengths and axes that can be.
  public func checkAttributes() throws(Mismatch) {
    guard lengths.count(where: { $0 == .rest }) <= 1 else { throw Mismatch("only one length can be what is left") }
    guard lengths.count <= Shape.rankLimit else { throw Mismatch("a tensor has at most \(Shape.rankLimit) axes") }
    for length in lengths {
      switch length {
      case .fixed(let value) where (0...1 << 40).contains(value): break
      case .rest: break
      case .copy(let axis) where (0..<Shape.rankLimit).contains(axis): break
      default: throw Mismatch("\(length) is no length and no axis")
      }
    }
  }

  /// The lengths asked for; both shapes hold the same unknown lengths and the same product of the known ones.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType { try type(of: inputs(0), inputs) }

  func type(of x: TensorType, _ inputs: InputTypes) throws(Mismatch) -> TensorType {
    var dimensions: [Dimension?] = []
    for length in lengths {
      switch length {
      case .fixed(let value): dimensions.append(.fixed(value))
      case .copy(let axis) where axis < x.rank: dimensions.append(x.dimensions[axis])
      case .copy(let axis): throw Mismatch("\(x) has no axis \(axis)")
      case .rest: dimensions.append(nil)
      }
    }
    var (own, others) = (Elements(x.dimensions), Elements(dimensions.compactMap { $0 }))
    own.cancel(&others)
    if let place = dimensions.firstIndex(of: nil) {
      dimensions[place] = try own.divided(by: others, inputs.unknown(place), of: x)
    } else {
      // Lengths of other names may turn out to be the same numbers; where none is left, numbers decide.
      guard !own.lengths.isEmpty || !others.lengths.isEmpty || own.product == others.product else {
        throw Mismatch("\(x.dimensions) cannot become \(dimensions.map { $0! }): the numbers of elements differ")
      }
    }
    return TensorType(x.dataType, dimensions.map { $0! })
  }

  /// The number of elements of a shape: unknown lengths, and the product of the known ones.
  private struct Elements {
    var lengths: [Dimension]
    var product: Double

    init(_ dimensions: [Dimension]) {
      lengths = dimensions.filter { $0.value == nil }
      product = dimensions.reduce(1.0) { $0 * Double($1.value ?? 1) }
    }

    /// Takes the unknown lengths that both have out of both.
    mutating func cancel(_ other: inout Elements) {
      for length in other.lengths {
        guard let place = lengths.firstIndex(of: length) else { continue }
        lengths.remove(at: place)
        other.lengths.remove(at: other.lengths.firstIndex(of: length)!)
      }
    }

    /// What is left for one axis.
    func divided(by others: Elements, _ unknown: Dimension, of x: TensorType) throws(Mismatch) -> Dimension {
      guard others.lengths.isEmpty, lengths.count <= 1 else { return unknown }
      if others.product == 0 {
        guard product == 0, lengths.isEmpty else { return unknown }
        throw Mismatch("what is left of \(x) cannot be told: other lengths are 0")
      }
      let ratio = product / others.product
      guard lengths.isEmpty else { return ratio == 1 ? lengths[0] : unknown }
      guard ratio == ratio.rounded(), ratio <= 0x1p40 else {
        throw Mismatch("the elements of \(x) do not divide by \(others.product)")
      }
      return .fixed(Int(ratio))
    }
  }
}
