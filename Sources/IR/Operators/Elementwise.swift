import Tensors

/// One number in, one out, element by element. Equals the ONNX operator of the same name.
public struct Unary: OperatorDefinition {
  /// The functions, by the name a file gives them.
  public enum Function: String, CaseIterable, Sendable {
    case absolute = "Abs"
    case ceiling = "Ceil"
    case cosine = "Cos"
    case erf = "Erf"
    case exponential = "Exp"
    case floor = "Floor"
    /// True for infinities of either sign.
    case isInfinite = "IsInf"
    case isNaN = "IsNaN"
    case logarithm = "Log"
    case negate = "Neg"
    case not = "Not"
    case relu = "Relu"
    /// To the nearest integer, halves to the even one.
    case round = "Round"
    case sigmoid = "Sigmoid"
    /// -1, 0 or 1.
    case sign = "Sign"
    case sine = "Sin"
    /// log(1 + e^x)
    case softplus = "Softplus"
    case squareRoot = "Sqrt"
    case tanh = "Tanh"
  }

  /// Which function.
  public var function: Function

  /// Creates the operator.
  public init(_ function: Function) { self.function = function }

  /// x
  public var inputNames: [String] { ["x"] }

  /// Truth values for Not, any number where integers have a result of their own, else floats.
  public func dataTypes(ofInput index: Int) -> [DataType] {
    switch function {
    case .not: [.bool]
    case .absolute, .negate, .sign, .relu: DataType.numbers
    default: [.float32]
    }
  }

  /// The shape of x.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let isQuestion = function == .isNaN || function == .isInfinite
    return TensorType(isQuestion ? .bool : inputs(0).dataType, inputs(0).dimensions)
  }
}

/// Two numbers in, one out, element by element, with NumPy's broadcasting. Equals the ONNX operator of the same name.
///
/// Integers wrap around, and are divided towards zero.
public struct Binary: OperatorDefinition {
  /// The functions, by the name a file gives them.
  public enum Function: String, CaseIterable, Sendable {
    case add = "Add"
    case subtract = "Sub"
    case multiply = "Mul"
    case divide = "Div"
    case power = "Pow"
    /// What is left of a division, with the divisor's sign: Mod with fmod = 0.
    case modulo = "Mod"
    /// What is left of a division, with the dividend's sign: Mod with fmod = 1.
    case remainder = "Remainder"
    /// The smaller one; NaN if either is.
    case minimum = "Min"
    /// The larger one; NaN if either is.
    case maximum = "Max"
    case equal = "Equal"
    case less = "Less"
    case lessOrEqual = "LessOrEqual"
    case greater = "Greater"
    case greaterOrEqual = "GreaterOrEqual"
    case and = "And"
    case or = "Or"
    case xor = "Xor"
  }

  /// Which function.
  public var function: Function

  /// Creates the operator.
  public init(_ function: Function) { self.function = function }

  /// a, b
  public var inputNames: [String] { ["a", "b"] }

  /// Truth values for logic and equality, numbers for the rest.
  public func dataTypes(ofInput index: Int) -> [DataType] {
    switch function {
    case .and, .or, .xor: [.bool]
    case .equal: DataType.computed
    default: DataType.numbers
    }
  }

  /// True where truth values come out.
  public var isComparison: Bool {
    switch function {
    case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: true
    default: false
    }
  }

  /// The shape that both broadcast to.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let (a, b) = (inputs(0), inputs(1))
    guard a.dataType == b.dataType else {
      throw Mismatch("a is \(a.dataType.rawValue) and b is \(b.dataType.rawValue); both are of one type")
    }
    return TensorType(isComparison ? .bool : a.dataType, try inputs.broadcast(a.dimensions, b.dimensions))
  }
}

/// a where the condition is true, else b, element by element, with NumPy's broadcasting. Equals ONNX Where-16.
public struct Select: OperatorDefinition {
  /// Creates the operator.
  public init() {}

  /// condition, a, b
  public var inputNames: [String] { ["condition", "a", "b"] }

  /// Truth values, then anything.
  public func dataTypes(ofInput index: Int) -> [DataType] { index == 0 ? [.bool] : DataType.computed }

  /// The shape that all broadcast to, the type of a and b.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    let (a, b) = (inputs(1), inputs(2))
    guard a.dataType == b.dataType else {
      throw Mismatch("a is \(a.dataType.rawValue) and b is \(b.dataType.rawValue); both are of one type")
    }
    return TensorType(a.dataType, try inputs.broadcast(inputs(0).dimensions, a.dimensions, b.dimensions))
  }
}

/// The same numbers in another type. Equals ONNX Cast-13.
///
/// Floats lose their fraction; what does not fit an integer becomes the nearest one that does, NaN becomes 0. Whatever
/// is not 0 is true.
public struct Cast: OperatorDefinition {
  /// The type of the result.
  public var dataType: DataType

  /// Creates the operator.
  public init(to dataType: DataType) { self.dataType = dataType }

  /// x
  public var inputNames: [String] { ["x"] }

  /// Anything.
  public func dataTypes(ofInput index: Int) -> [DataType] { DataType.computed }

  /// A type that is computed with.
  public func checkAttributes() throws(Mismatch) {
    guard DataType.computed.contains(dataType) else {
      throw Mismatch("a graph does not compute in \(dataType.rawValue)")
    }
  }

  /// The shape of x.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    TensorType(dataType, inputs(0).dimensions)
  }
}
