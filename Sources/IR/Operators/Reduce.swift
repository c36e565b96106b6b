import Tensors

/// One number for each row of numbers along some axes. Equals the ONNX operator of the same name, version 18.
public struct Reduce: OperatorDefinition {
  /// The functions, by the name a file gives them.
  public enum Function: String, CaseIterable, Sendable {
    case mean = "ReduceMean"
    /// The square root of the sum of squares.
    case l2 = "ReduceL2"
    case sum = "ReduceSum"
    case product = "ReduceProd"
    /// The largest; NaN if there is one. Of no elements: the type's lowest value.
    case maximum = "ReduceMax"
    /// The smallest; NaN if there is one. Of no elements: the type's highest value.
    case minimum = "ReduceMin"
  }

  /// Which function.
  public var function: Function
  /// The axes that disappear or become 1, in rising order, counted from the first.
  public var axes: [Int]
  /// Whether reduced axes stay, with length 1.
  public var keepsAxes: Bool

  /// Creates the operator.
  public init(_ function: Function, axes: [Int], keepsAxes: Bool) {
    self.function = function
    self.axes = axes
    self.keepsAxes = keepsAxes
  }

  /// x
  public var inputNames: [String] { ["x"] }

  /// Floats; integers where one comes out of them; truth values where one of them comes out.
  public func dataTypes(ofInput index: Int) -> [DataType] {
    switch function {
    case .mean, .l2: [.float32]
    case .sum, .product: DataType.numbers
    case .maximum, .minimum: DataType.computed
    }
  }

  /// Rising axes, at least one.
  public func checkAttributes() throws(Mismatch) {
    guard !axes.isEmpty, axes == Array(Set(axes)).sorted(), axes[0] >= 0, axes.last! <= 1 << 40 else {
      throw Mismatch("the axes \(axes) are not rising")
    }
  }

  /// The shape of x without the axes, or with 1 in their places.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let x = inputs(0)
    guard axes.last! < x.rank else { throw Mismatch("\(x) has no axis \(axes.last!)") }
    let dimensions: [Dimension] = x.dimensions.enumerated().compactMap { axis, length in
      axes.contains(axis) ? (keepsAxes ? .fixed(1) : nil) : length
    }
    return TensorType(x.dataType, dimensions)
  }
}
