import IR
import Testing

@Suite struct ElementwiseTests {
  /// ONNX has operators of these names with these inputs (onnx.ai, Operators).
  @Test(arguments: [(Unary.Function.relu, "Relu"), (.sigmoid, "Sigmoid"), (.squareRoot, "Sqrt"), (.tanh, "Tanh")])
  func oneInput(_ function: Unary.Function, _ name: String) throws {
    #expect(try Exported(single(.unary(Unary(function)), [type("a", 2)])).lines == ["y = \(name)(x)"])
  }

  @Test(arguments: [(Binary.Function.add, "Add"), (.subtract, "Sub"), (.multiply, "Mul"), (.divide, "Div")])
  func twoInputs(_ function: Binary.Function, _ name: String) throws {
    #expect(
      try Exported(single(.binary(Binary(function)), [type("a", 2), type(2)])).lines == ["y = \(name)(x, x1)"])
  }

  /// 0.5 · x · (1 + erf(x / √2))
  @Test func geluByItsErrorFunction() throws {
    #expect(
      try Exported(single(.gelu(Gelu()), [type("a")])).lines == [
        "node/scaled = Div(x, 1.4142135)", "node/erf = Erf(node/scaled)", "node/gate = Add(node/erf, 1.0)",
        "node/doubled = Mul(x, node/gate)", "y = Mul(node/doubled, 0.5)",
      ])
  }

  /// 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))
  @Test func geluByItsTangent() throws {
    #expect(
      try Exported(single(.gelu(Gelu(approximation: .tanh)), [type("a")])).lines == [
        "node/cube = Pow(x, 3.0)", "node/cube_part = Mul(node/cube, 0.044715)",
        "node/sum = Add(x, node/cube_part)", "node/scaled = Mul(node/sum, 0.7978846)",
        "node/tanh = Tanh(node/scaled)", "node/gate = Add(node/tanh, 1.0)", "node/doubled = Mul(x, node/gate)",
        "y = Mul(node/doubled, 0.5)",
      ])
  }

  @Test func reducedAxesAreAnAttribute() throws {
    #expect(
      try Exported(single(.reduce(Reduce(.mean, axes: [0, 2], keepsAxes: false)), [type("a", 2, 3)])).lines == [
        "y = ReduceMean(x) {axes=[0, 2], keepdims=0}"
      ])
    #expect(
      try Exported(single(.reduce(Reduce(.l2, axes: [1], keepsAxes: true)), [type("a", 2, 3)])).lines == [
        "y = ReduceL2(x) {axes=[1], keepdims=1}"
      ])
  }
}
