import Tensors

// Operators whose result has a shape that another value says: that value is known when the graph is planned for inputs
// of known shapes, at the latest.

/// The lengths of the axes. Equals ONNX Shape-13.
public struct ShapeOf: OperatorDefinition {
  /// Creates the operator.
  public init() {}

  /// x
  public var inputNames: [String] { ["x"] }

  /// Anything.
  public func dataTypes(ofInput index: Int) -> [DataType] { DataType.computed }

  /// I64, a number for each axis.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    TensorType(.int64, [.fixed(inputs(0).rank)])
  }
}

/// The same elements in the shape that a list says: -1 for what is left, 0 for the length x has there. Equals ONNX
/// Reshape-19.
public struct ReshapeTo: OperatorDefinition {
  /// Whether 0 is a length.
  public var allowsZero: Bool

  /// Creates the operator.
  public init(allowsZero: Bool = false) { self.allowsZero = allowsZero }

  /// x, shape
  public var inputNames: [String] { ["x", "shape"] }

  /// Anything, then integers.
  public func dataTypes(ofInput index: Int) -> [DataType] { index == 0 ? DataType.computed : DataType.indices }

  /// The shape that is asked for.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let x = inputs(0)
    let rank = try inputs.count(ofList: 1)
    guard rank <= Shape.rankLimit else { throw Mismatch("a tensor has at most \(Shape.rankLimit) axes") }
    guard let list = inputs.integers(1) else { return TensorType(x.dataType, (0..<rank).map(inputs.unknown)) }
    let lengths = try list.enumerated().map { (axis, length) throws(Mismatch) -> Reshape.Length in
      switch length {
      case 0 where !allowsZero: .copy(axis: axis)
      case -1: .rest
      case 0...(1 << 40): .fixed(length)
      default: throw Mismatch("\(list) is no shape")
      }
    }
    let reshape = Reshape(lengths)
    try reshape.checkAttributes()
    return try reshape.type(of: x, inputs)
  }
}

/// x repeated along axes of length 1 until it has the shape that a list says, or the one both broadcast to. Equals
/// ONNX Expand-13.
public struct Expand: OperatorDefinition {
  /// Creates the operator.
  public init() {}

  /// x, shape
  public var inputNames: [String] { ["x", "shape"] }

  /// Anything, then integers.
  public func dataTypes(ofInput index: Int) -> [DataType] { index == 0 ? DataType.computed : DataType.indices }

  /// The shape that both broadcast to.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let x = inputs(0)
    let rank = try inputs.count(ofList: 1)
    guard rank <= Shape.rankLimit else { throw Mismatch("a tensor has at most \(Shape.rankLimit) axes") }
    guard let list = inputs.integers(1) else {
      return TensorType(x.dataType, (0..<max(rank, x.rank)).map(inputs.unknown))
    }
    guard list.allSatisfy({ (0...1 << 40).contains($0) }) else { throw Mismatch("\(list) is no shape") }
    return TensorType(x.dataType, try inputs.broadcast(x.dimensions, list.map { .fixed($0) }))
  }
}

/// Every `step`-th element from `start` up to, not including, `end`, along some axes. Equals ONNX Slice-13.
public struct StridedSlice: OperatorDefinition {
  /// Creates the operator.
  public init() {}

  /// x, starts, ends, axes, steps
  public var inputNames: [String] { ["x", "starts", "ends", "axes?", "steps?"] }

  /// Anything, then integers.
  public func dataTypes(ofInput index: Int) -> [DataType] { index == 0 ? DataType.computed : DataType.indices }

  /// Which elements of one axis are taken.
  public struct Range: Hashable, Sendable {
    /// The axis, counted from the first.
    public var axis: Int
    /// The first element's index.
    public var first: Int
    /// How many elements are taken.
    public var count: Int
    /// From one to the next.
    public var step: Int
  }

  /// What is taken of axes of `lengths`, as ONNX clamps it.
  public static func ranges(
    _ lengths: [Int], starts: [Int], ends: [Int], axes: [Int], steps: [Int]
  ) throws(Mismatch) -> [Range] {
    guard starts.count == ends.count, starts.count == axes.count, starts.count == steps.count else {
      throw Mismatch("starts, ends, axes and steps need one length")
    }
    guard Set(axes.map { $0 < 0 ? $0 + lengths.count : $0 }).count == axes.count else {
      throw Mismatch("the axes \(axes) name one twice")
    }
    return try axes.indices.map { (index) throws(Mismatch) -> Range in
      let axis = axes[index] < 0 ? axes[index] + lengths.count : axes[index]
      guard lengths.indices.contains(axis), steps[index] != 0, steps[index] != .min else {
        throw Mismatch("there is no axis \(axes[index]), or a step is 0")
      }
      let (length, step) = (lengths[axis], steps[index])
      func clamp(_ place: Int, _ low: Int, _ high: Int) -> Int {
        min(max(place < 0 ? max(place, -length - 1) + length : place, low), high)
      }
      let first = step > 0 ? clamp(starts[index], 0, length) : clamp(starts[index], 0, length - 1)
      let end = step > 0 ? clamp(ends[index], 0, length) : clamp(ends[index], -1, length - 1)
      let distance = step > 0 ? end - first : first - end
      let count = distance <= 0 || length == 0 ? 0 : (distance - 1) / Int(step.magnitude) + 1
      // A single element has no next one, however far that would be.
      return Range(axis: axis, first: first, count: count, step: count > 1 ? step : 1)
    }
  }

  /// The shape of x with shorter axes.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    var x = inputs(0)
    let count = try inputs.count(ofList: 1)
    let axes = inputs.optional(3) == nil ? Array(0..<count) : inputs.integers(3)
    guard let axes else { return TensorType(x.dataType, (0..<x.rank).map(inputs.unknown)) }
    let steps = inputs.optional(4) == nil ? [Int](repeating: 1, count: count) : inputs.integers(4)
    var known: [Int]?
    if let starts = inputs.integers(1), let ends = inputs.integers(2), let steps {
      // Of lengths that are not known yet it matters only that they are.
      let lengths = x.dimensions.map { $0.value ?? 0 }
      let ranges = try StridedSlice.ranges(lengths, starts: starts, ends: ends, axes: axes, steps: steps)
      known = ranges.map(\.count)
    }
    for (index, axis) in axes.enumerated() {
      let axis = axis < 0 ? axis + x.rank : axis
      guard x.dimensions.indices.contains(axis) else { throw Mismatch("\(x) has no axis \(axes[index])") }
      x.dimensions[axis] =
        known.flatMap { x.dimensions[axis].value == nil ? nil : .fixed($0[index]) } ?? inputs.unknown(axis)
    }
    return x
  }
}

/// Numbers from `start` up to, not including, `limit`, `delta` apart. Equals ONNX Range-11.
public struct Arange: OperatorDefinition {
  /// Creates the operator.
  public init() {}

  /// start, limit, delta
  public var inputNames: [String] { ["start", "limit", "delta"] }

  /// Numbers.
  public func dataTypes(ofInput index: Int) -> [DataType] { DataType.numbers }

  /// The longest sequence.
  public static let countLimit = 1 << 32

  /// One axis.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let type = inputs(0).dataType
    for index in 0..<3 {
      guard inputs(index).dataType == type, inputs(index).dimensions.allSatisfy({ $0.canEqual(.fixed(1)) }) else {
        throw Mismatch("start, limit and delta are single numbers of one type")
      }
    }
    guard let count = type == .float32 ? try floats(inputs) : try integers(inputs) else {
      return TensorType(type, [inputs.unknown(0)])
    }
    guard count <= Double(Arange.countLimit) else {
      throw Mismatch("a sequence has at most \(Arange.countLimit) numbers")
    }
    return TensorType(type, [.fixed(Int(count))])
  }

  /// How many floats there are: the quotient of the exact difference, rounded up.
  private func floats(_ inputs: InputTypes) throws(Mismatch) -> Double? {
    let parts = (0..<3).map { inputs.elements($0)?.number }
    guard let start = parts[0], let limit = parts[1], let delta = parts[2] else { return nil }
    guard start.isFinite, limit.isFinite, delta.isFinite, delta != 0 else {
      throw Mismatch("no sequence goes from \(start) to \(limit) by \(delta)")
    }
    return max(0, ((limit - start) / delta).rounded(.up))
  }

  private func integers(_ inputs: InputTypes) throws(Mismatch) -> Double? {
    let parts = (0..<3).map { inputs.integers($0).flatMap { $0.count == 1 ? $0[0] : nil } }
    guard let start = parts[0], let limit = parts[1], let delta = parts[2] else { return nil }
    guard delta != 0 else { throw Mismatch("no sequence goes from \(start) to \(limit) by 0") }
    guard delta > 0 ? start < limit : start > limit else { return 0 }
    // The distance may be more than an integer with a sign holds.
    let distance = UInt(bitPattern: delta > 0 ? limit &- start : start &- limit)
    return Double((distance - 1) / delta.magnitude + 1)
  }
}

extension Tensor {
  /// The number that a tensor of one float holds; nil for all others.
  fileprivate var number: Double? {
    guard count == 1 else { return nil }
    let bits = bytes.array.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    switch dataType {
    case .float32: return Double(Float(bitPattern: UInt32(bits)))
    case .float64: return Double(Float(Double(bitPattern: bits)))
    case .bfloat16: return Double(Float(bitPattern: UInt32(bits) << 16))
    case .float16:
      let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023) / 1024)
      let magnitude =
        exponent == 31
        ? (fraction == 0 ? .infinity : .nan)
        : Double(sign: .plus, exponent: max(exponent, 1) - 15, significand: (exponent == 0 ? 0 : 1) + fraction)
      return bits >> 15 == 0 ? magnitude : -magnitude
    default: return nil
    }
  }
}

/// x with elements added before and after each axis; negative counts take away. Equals ONNX Pad-19.
public struct Pad: OperatorDefinition {
  /// What is added.
  public enum Mode: String, CaseIterable, Sendable {
    /// One value.
    case constant
    /// What lies on the other side of the edge, the edge not repeated.
    case reflect
    /// The edge.
    case edge
    /// What lies at the other end.
    case wrap
  }

  /// What is added.
  public var mode: Mode

  /// Creates the operator.
  public init(_ mode: Mode = .constant) { self.mode = mode }

  /// x, pads (before every axis, then after every axis), value
  public var inputNames: [String] { ["x", "pads", "value?"] }

  /// Anything, then integers.
  public func dataTypes(ofInput index: Int) -> [DataType] { index == 1 ? DataType.indices : DataType.computed }

  /// The shape of x, longer by what is added.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    var x = inputs(0)
    guard try inputs.count(ofList: 1) == 2 * x.rank else {
      throw Mismatch("pads are two numbers for each axis of \(x)")
    }
    if let value = inputs.optional(2) {
      guard value.dataType == x.dataType, value.dimensions.allSatisfy({ $0.canEqual(.fixed(1)) }) else {
        throw Mismatch("the value is one number of the type of x")
      }
    }
    guard let pads = inputs.integers(1) else { return TensorType(x.dataType, (0..<x.rank).map(inputs.unknown)) }
    guard pads.allSatisfy({ $0.magnitude <= 1 << 40 }) else { throw Mismatch("\(pads) are no lengths") }
    for axis in 0..<x.rank {
      let (before, after) = (pads[axis], pads[axis + x.rank])
      let length = x.dimensions[axis] + (before + after)
      if let value = length.value, let own = x.dimensions[axis].value {
        let reach = mode == .reflect ? max(own - 1, 0) : mode == .constant ? .max : own == 0 ? 0 : .max
        guard value >= 0, before <= reach, after <= reach else {
          throw Mismatch("\(before) and \(after) elements cannot be added to \(own) in mode \(mode.rawValue)")
        }
      }
      x.dimensions[axis] = length
    }
    return x
  }
}

/// x beside itself so many times along each axis. Equals ONNX Tile-13.
public struct Tile: OperatorDefinition {
  /// Creates the operator.
  public init() {}

  /// x, repeats
  public var inputNames: [String] { ["x", "repeats"] }

  /// Anything, then integers.
  public func dataTypes(ofInput index: Int) -> [DataType] { index == 0 ? DataType.computed : DataType.indices }

  /// The shape of x, times the repeats.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    var x = inputs(0)
    guard try inputs.count(ofList: 1) == x.rank else { throw Mismatch("repeats are a number for each axis of \(x)") }
    guard let repeats = inputs.integers(1) else { return TensorType(x.dataType, (0..<x.rank).map(inputs.unknown)) }
    for (axis, count) in repeats.enumerated() where count != 1 {
      guard (0...1 << 40).contains(count) else { throw Mismatch("\(repeats) are no counts") }
      guard let length = x.dimensions[axis].value else {
        x.dimensions[axis] = inputs.unknown(axis)
        continue
      }
      let (product, overflow) = length.multipliedReportingOverflow(by: count)
      guard !overflow, product <= 1 << 40 else { throw Mismatch("\(repeats) times \(x) is too large") }
      x.dimensions[axis] = .fixed(product)
    }
    return x
  }
}
