import Formats
import IR
import Tensors

extension ONNXImporter {
  mutating func binary(_ function: Binary.Function) throws(GraphError) -> ValueID {
    try add(.binary(Binary(function)), input(0), input(1))
  }

  /// a ∘ b
  mutating func compute(_ function: Binary.Function, _ a: ValueID, _ b: ValueID) throws(GraphError) -> ValueID {
    try add(.binary(Binary(function)), a, b)
  }

  /// a ∘ number
  mutating func compute(_ function: Binary.Function, _ a: ValueID, _ b: Double) throws(GraphError) -> ValueID {
    let number = number(b, like: a)
    return try add(.binary(Binary(function)), a, number)
  }

  mutating func compute(_ function: Unary.Function, _ x: ValueID) throws(GraphError) -> ValueID {
    try add(.unary(Unary(function)), x)
  }

  /// x as `type`.
  mutating func converted(_ x: ValueID, to type: DataType) throws(GraphError) -> ValueID {
    self.type(x).dataType == type ? x : try add(.cast(Cast(to: type)), x)
  }

  /// Pow-13: the base and the exponent may be of two types; the result is of the base's.
  mutating func power() throws(GraphError) -> ValueID {
    let (base, exponent) = (try input(0), try input(1))
    let type = type(base).dataType
    guard self.type(exponent).dataType == .float32 else {
      return try compute(.power, base, converted(exponent, to: type))
    }
    return try converted(compute(.power, converted(base, to: .float32), exponent), to: type)
  }

  mutating func variadic() throws(GraphError) -> ValueID {
    let function: Binary.Function = node.op == "Max" ? .maximum : node.op == "Min" ? .minimum : .add
    var result = try input(0)
    for index in node.inputs.indices.dropFirst() { result = try compute(function, result, input(index)) }
    return node.op == "Mean" ? try compute(.divide, result, Double(node.inputs.count)) : result
  }

  /// Clip: limits are attributes before version 11, inputs since.
  mutating func clip() throws(GraphError) -> ValueID {
    var x = try input(0)
    if opset < 11 {
      if let low = attributes.optionalFloat("min") { x = try compute(.maximum, x, Double(low)) }
      if let high = attributes.optionalFloat("max") { x = try compute(.minimum, x, Double(high)) }
      return x
    }
    if let low = try optional(1) { x = try compute(.maximum, x, low) }
    if let high = try optional(2) { x = try compute(.minimum, x, high) }
    return x
  }

  mutating func isInfinite() throws(GraphError) -> ValueID {
    let x = try input(0)
    let signs = (attributes.flag("detect_negative", true), attributes.flag("detect_positive", true))
    switch signs {
    case (true, true): return try compute(.isInfinite, x)
    case (true, false): return try compute(.equal, x, number(-.infinity))
    case (false, true): return try compute(.equal, x, number(.infinity))
    case (false, false): return try compute(.less, x, number(-.infinity))
    }
  }

  mutating func gelu() throws(GraphError) -> ValueID {
    let word = attributes.string("approximate", "none")
    guard let approximation = Gelu.Approximation(rawValue: word) else {
      throw GraphError("", "the approximation \"\(word)\" is not known")
    }
    return try add(.gelu(Gelu(approximation: approximation)), input(0))
  }

  mutating func activation() throws(GraphError) -> ValueID {
    let x = try input(0)
    /// y where x is below zero.
    func below(_ x: ValueID, _ y: ValueID, _ importer: inout ONNXImporter) throws(GraphError) -> ValueID {
      let condition = try importer.compute(.less, x, 0)
      return try importer.add(.select(Select()), condition, y, x)
    }
    /// scale · (e^(x / width) - 1)
    func exponential(_ scale: Float, _ width: Float, _ importer: inout ONNXImporter) throws(GraphError) -> ValueID {
      // Above zero nobody looks, and nothing must overflow.
      let negative = try importer.compute(.minimum, x, 0)
      let power = try importer.compute(.exponential, importer.compute(.divide, negative, Double(width)))
      return try importer.compute(.multiply, importer.compute(.subtract, power, 1), Double(scale))
    }
    switch node.op {
    case "Reciprocal": return try compute(.divide, number(1), x)
    case "LeakyRelu":
      return try below(x, compute(.multiply, x, Double(attributes.float("alpha", 0.01))), &self)
    case "PRelu": return try below(x, compute(.multiply, x, input(1)), &self)
    case "Elu": return try below(x, exponential(attributes.float("alpha", 1), 1, &self), &self)
    case "Celu":
      let alpha = attributes.float("alpha", 1)
      return try below(x, exponential(alpha, alpha, &self), &self)
    case "Selu":
      let alpha = attributes.float("alpha", 1.67326319217681884765625)
      let inner = try below(x, exponential(alpha, 1, &self), &self)
      return try compute(.multiply, inner, Double(attributes.float("gamma", 1.05070102214813232421875)))
    case "ThresholdedRelu":
      let condition = try compute(.greater, x, Double(attributes.float("alpha", 1)))
      return try add(.select(Select()), condition, x, number(0))
    case "HardSigmoid", "HardSwish":
      let isSwish = node.op == "HardSwish"
      let slope = isSwish ? 1 / Float(6) : attributes.float("alpha", 0.2)
      let line = try compute(
        .add, compute(.multiply, x, Double(slope)), isSwish ? 0.5 : Double(attributes.float("beta", 0.5)))
      let gate = try compute(.minimum, compute(.maximum, line, 0), 1)
      return isSwish ? try compute(.multiply, x, gate) : gate
    case "Softsign": return try compute(.divide, x, compute(.add, compute(.absolute, x), 1))
    case "Mish": return try compute(.multiply, x, compute(.tanh, compute(.softplus, x)))
    default:  // Swish
      let gate = try compute(.sigmoid, compute(.multiply, x, Double(attributes.float("alpha", 1))))
      return try compute(.multiply, x, gate)
    }
  }

  mutating func cast() throws(GraphError) -> ValueID {
    let x = try input(0)
    _ = (attributes.flag("saturate", true), attributes.string("round_mode", "up"))  // for types of eight bits only
    if node.op == "CastLike" {
      let like = try input(1)
      return try add(.cast(Cast(to: type(like).dataType)), x)
    }
    let number = attributes.int("to", 0)
    guard let type = ONNXTensor.dataTypes[number] else {
      throw GraphError("", "a graph does not compute in \(ONNXTensor.typeName(number))")
    }
    return try add(.cast(Cast(to: type)), x)
  }

  /// Dropout outside training gives its input, and a mask that is all true.
  mutating func dropout() throws(GraphError) -> [ValueID?] {
    _ = (attributes.float("ratio", 0.5), attributes.int("seed", 0))
    // How much is dropped matters in training only.
    let (x, _) = (try input(0), opset >= 12 ? try optional(1) : nil)
    if opset >= 12, let training = try constant(2), training.integers != [0] {
      throw GraphError("", "training is not supported")
    }
    guard node.outputs.count > 1, !node.outputs[1].isEmpty else { return [x] }
    let shape = try add(.shapeOf(ShapeOf()), x)
    return [x, try add(.expand(Expand()), number(1, opset >= 10 ? .bool : .float32), shape)]
  }
}
