import IR
import Tensors
import Testing

@Suite struct ElementwiseTests {
  /// ONNX has operators of these names with these inputs (onnx.ai, Operators).
  @Test(arguments: [
    (Unary.Function.absolute, "Abs"), (.ceiling, "Ceil"), (.cosine, "Cos"), (.erf, "Erf"), (.exponential, "Exp"),
    (.floor, "Floor"), (.isInfinite, "IsInf"), (.isNaN, "IsNaN"), (.logarithm, "Log"), (.negate, "Neg"),
    (.relu, "Relu"), (.round, "Round"), (.sigmoid, "Sigmoid"), (.sign, "Sign"), (.sine, "Sin"),
    (.softplus, "Softplus"), (.squareRoot, "Sqrt"), (.tanh, "Tanh"),
  ])
  func oneInput(_ function: Unary.Function, _ name: String) throws {
    #expect(try Exported(single(.unary(Unary(function)), [type("a", 2)])).lines == ["y = \(name)(x)"])
  }

  @Test func oneInputOfAnotherType() throws {
    #expect(try Exported(single(.unary(Unary(.not)), [type(of: .bool, "a")])).lines == ["y = Not(x)"])
    #expect(try Exported(single(.unary(Unary(.relu)), [type(of: .int64, "a")])).lines == ["y = Max(x, 0)"])
    #expect(try Exported(single(.unary(Unary(.relu)), [type(of: .int32, "a")])).lines == ["y = Max(x, I32 0)"])
  }

  @Test(arguments: [
    (Binary.Function.add, "Add"), (.subtract, "Sub"), (.multiply, "Mul"), (.divide, "Div"), (.power, "Pow"),
    (.minimum, "Min"), (.maximum, "Max"), (.equal, "Equal"), (.less, "Less"), (.lessOrEqual, "LessOrEqual"),
    (.greater, "Greater"), (.greaterOrEqual, "GreaterOrEqual"),
  ])
  func twoInputs(_ function: Binary.Function, _ name: String) throws {
    for kind in [DataType.float32, .int64] {
      #expect(
        try Exported(single(.binary(Binary(function)), [type(of: kind, "a", 2), type(of: kind, 2)])).lines == [
          "y = \(name)(x, x1)"
        ])
    }
  }

  @Test(arguments: [(Binary.Function.and, "And"), (.or, "Or"), (.xor, "Xor")])
  func twoTruthValues(_ function: Binary.Function, _ name: String) throws {
    #expect(
      try Exported(single(.binary(Binary(function)), [type(of: .bool, "a"), type(of: .bool, "a")])).lines == [
        "y = \(name)(x, x1)"
      ])
  }

  /// Mod-13: fmod = 0 is for integers only; 1 gives the dividend's sign.
  @Test func whatIsLeftOfADivision() throws {
    let lines = { (function: Binary.Function, kind: DataType) in
      try Exported(single(.binary(Binary(function)), [type(of: kind, "a"), type(of: kind, "a")])).lines
    }
    #expect(try lines(.modulo, .int64) == ["y = Mod(x, x1) {fmod=0}"])
    #expect(try lines(.remainder, .float32) == ["y = Mod(x, x1) {fmod=1}"])
    #expect(
      try lines(.remainder, .int32) == [
        "node/quotient = Div(x, x1)", "node/whole = Mul(node/quotient, x1)", "y = Sub(x, node/whole)",
      ])
    #expect(
      try lines(.modulo, .float32) == [
        "node/rest = Mod(x, x1) {fmod=1}", "node/rest_sign = Sign(node/rest)", "node/sign = Sign(x1)",
        "node/signs = Mul(node/rest_sign, node/sign)", "node/differ = Less(node/signs, 0.0)",
        "node/sum = Add(node/rest, x1)", "y = Where(node/differ, node/sum, node/rest)",
      ])
  }

  @Test func choices() throws {
    let condition = type(of: .bool, "a")
    #expect(
      try Exported(single(.select(Select()), [condition, type(of: .int32, "a"), type(of: .int32)])).lines == [
        "y = Where(x, x1, x2)"
      ])
    #expect(
      try Exported(single(.select(Select()), [condition, condition, condition])).lines == [
        "node/first = And(x, x1)", "node/otherwise = Not(x)", "node/second = And(node/otherwise, x2)",
        "y = Or(node/first, node/second)",
      ])
  }

  /// The numbers of element types in onnx.proto.
  @Test(arguments: [(DataType.float32, 1), (.int32, 6), (.int64, 7), (.bool, 9)])
  func castsToNumberedTypes(_ target: DataType, _ number: Int) throws {
    #expect(
      try Exported(single(.cast(Cast(to: target)), [type(of: .int64, "a")])).lines == ["y = Cast(x) {to=\(number)}"])
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
    for (function, name) in [(Reduce.Function.product, "ReduceProd"), (.maximum, "ReduceMax"), (.minimum, "ReduceMin")]
    {
      #expect(
        try Exported(single(.reduce(Reduce(function, axes: [0], keepsAxes: true)), [type(of: .int64, "a")])).lines == [
          "y = \(name)(x) {axes=[0], keepdims=1}"
        ])
    }
    // ReduceSum has them as an input since version 13.
    #expect(
      try Exported(single(.reduce(Reduce(.sum, axes: [0, 2], keepsAxes: false)), [type("a", 2, 3)])).lines == [
        "y = ReduceSum(x, [0, 2]) {keepdims=0}"
      ])
    #expect(
      try Exported(single(.reduce(Reduce(.maximum, axes: [0], keepsAxes: false)), [type(of: .bool, "a")])).lines == [
        "node/numbers = Cast(x) {to=6}", "node/number = ReduceMax(node/numbers) {axes=[0], keepdims=0}",
        "y = Greater(node/number, I32 0)",
      ])
  }
}
