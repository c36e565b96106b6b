/// One number in, one out, element by element. Equals the ONNX operator of the same name.
public struct Unary: OperatorDefinition {
  /// The functions, by the name a file gives them.
  public enum Function: String, CaseIterable, Sendable {
    case relu = "Relu"
    case sigmoid = "Sigmoid"
    case squareRoot = "Sqrt"
    case tanh = "Tanh"
  }

  /// Which function.
  public var function: Function

  /// Creates the operator.
  public init(_ function: Function) { self.function = function }

  /// x
  public var inputNames: [String] { ["x"] }

  /// The shape of x.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType { inputs(0) }
}

/// Two numbers in, one out, element by element, with NumPy's broadcasting. Equals the ONNX operator of the same name.
public struct Binary: OperatorDefinition {
  /// The functions, by the name a file gives them.
  public enum Function: String, CaseIterable, Sendable {
    case add = "Add"
    case subtract = "Sub"
    case multiply = "Mul"
    case divide = "Div"
  }

  /// Which function.
  public var function: Function

  /// Creates the operator.
  public init(_ function: Function) { self.function = function }

  /// a, b
  public var inputNames: [String] { ["a", "b"] }

  /// The shape that both broadcast to.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let (a, b) = (inputs(0).dimensions, inputs(1).dimensions)
    var dimensions: [Dimension] = []
    for axis in (1...max(a.count, b.count, 1)).reversed() {
      let left = axis <= a.count ? a[a.count - axis] : .fixed(1)
      let right = axis <= b.count ? b[b.count - axis] : .fixed(1)
      guard left == right || left == .fixed(1) || right == .fixed(1) else {
        throw Mismatch("\(a) and \(b) do not broadcast")
      }
      dimensions.append(left == .fixed(1) ? right : left)
    }
    return TensorType(.float32, a.isEmpty && b.isEmpty ? [] : dimensions)
  }
}
