/// The Gaussian error linear unit, element by element. Equals ONNX Gelu-20.
public struct Gelu: OperatorDefinition {
  /// How the Gaussian distribution function is computed.
  public enum Approximation: String, CaseIterable, Sendable {
    /// 0.5 · x · (1 + erf(x / √2))
    case none
    /// 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))
    case tanh
  }

  /// Which of the two forms.
  public var approximation: Approximation

  /// Creates the operator.
  public init(approximation: Approximation = .none) { self.approximation = approximation }

  /// x
  public var inputNames: [String] { ["x"] }

  /// The shape of x.
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType { inputs(0) }
}
