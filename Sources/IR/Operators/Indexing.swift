import Tensors

/// Elements of x at `indices` along one axis; negative indices count from the end. Equals ONNX Gather-13.
///
/// x [a..., n, b...], indices [i...] -> [a..., i..., b...].
public struct Gather: OperatorDefinition {
  /// The axis, counted from the first.
  public var axis: Int

  /// Creates the operator.
  public init(axis: Int) { self.axis = axis }

  /// x, indices
  public var inputNames: [String] { ["x", "indices"] }

  /// Anything, then integers.
  public func dataTypes(ofInput index: Int) -> [DataType] { index == 0 ? DataType.computed : DataType.indices }

  /// An axis.
  public func checkAttributes() throws(Mismatch) { try checkAxis(axis) }

  /// [a..., i..., b...]
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let x = inputs(0)
    guard axis < x.rank else { throw Mismatch("\(x) has no axis \(axis)") }
    guard x.rank - 1 + inputs(1).rank <= Shape.rankLimit else {
      throw Mismatch("a tensor has at most \(Shape.rankLimit) axes")
    }
    return TensorType(
      x.dataType, x.dimensions[..<axis] + inputs(1).dimensions + x.dimensions[(axis + 1)...])
  }
}

/// x with slices at `indices` replaced by, or combined with, `updates`. Equals ONNX ScatterND-18.
///
/// x [d0, ..., dr], indices [i..., k], updates [i..., dk, ..., dr] -> the shape of x.
public struct Scatter: OperatorDefinition {
  /// What happens to the element that is there.
  public enum Reduction: String, CaseIterable, Sendable {
    /// The update takes its place.
    case none
    case add
    case mul
    case min
    case max
  }

  /// What happens to the element that is there.
  public var reduction: Reduction

  /// Creates the operator.
  public init(_ reduction: Reduction = .none) { self.reduction = reduction }

  /// x, indices, updates
  public var inputNames: [String] { ["x", "indices", "updates"] }

  /// Integers for the indices.
  public func dataTypes(ofInput index: Int) -> [DataType] {
    index == 1 ? DataType.indices : reduction == .none ? DataType.computed : DataType.numbers
  }

  /// The shape of x.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let (x, indices, updates) = (inputs(0), inputs(1), inputs(2))
    guard x.dataType == updates.dataType else { throw Mismatch("updates are of the type of x, \(x.dataType.rawValue)") }
    guard let depth = indices.dimensions.last?.value, depth <= x.rank else {
      throw Mismatch("indices \(indices.dimensions) do not end in a known number of axes of x \(x.dimensions)")
    }
    let needed = indices.dimensions.dropLast() + x.dimensions[depth...]
    guard needed.count == updates.rank, zip(needed, updates.dimensions).allSatisfy({ $0.canEqual($1) }) else {
      throw Mismatch("updates need the shape \(Array(needed)), found \(updates.dimensions)")
    }
    return x
  }
}

/// Tensors after each other along one axis. Equals ONNX Concat-13.
public struct Concat: OperatorDefinition {
  /// The axis, counted from the first.
  public var axis: Int
  /// How many tensors there are.
  public var count: Int

  /// How many tensors there may be.
  public static let countLimit = 1024

  /// Creates the operator.
  public init(axis: Int, count: Int) { (self.axis, self.count) = (axis, count) }

  /// x0, x1, ...
  public var inputNames: [String] { (0..<count).map { "x\($0)" } }

  /// Anything.
  public func dataTypes(ofInput index: Int) -> [DataType] { DataType.computed }

  /// An axis, and at least one input.
  public func checkAttributes() throws(Mismatch) {
    try checkAxis(axis)
    guard (1...Concat.countLimit).contains(count) else { throw Mismatch("1 to \(Concat.countLimit) inputs are joined") }
  }

  /// The sum of the lengths along the axis.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    var result = inputs(0)
    guard axis < result.rank else { throw Mismatch("\(result) has no axis \(axis)") }
    for index in 1..<max(count, 1) {
      let next = inputs(index)
      guard next.dataType == result.dataType, next.rank == result.rank else {
        throw Mismatch("\(next) does not continue \(result)")
      }
      for (other, length) in next.dimensions.enumerated() where other != axis {
        guard length.canEqual(result.dimensions[other]) else { throw Mismatch("\(next) does not continue \(result)") }
        if length.value != nil { result.dimensions[other] = length }
      }
      switch (result.dimensions[axis], next.dimensions[axis]) {
      case (let length, .fixed(let more)): result.dimensions[axis] = length + more
      case (.fixed(let more), let length): result.dimensions[axis] = length + more
      default: result.dimensions[axis] = inputs.unknown(axis)
      }
      if let length = result.dimensions[axis].value, length > 1 << 40 {
        throw Mismatch("\(length) elements along one axis are too many")
      }
    }
    return result
  }
}
