import IR
import Tensors

// The list of ONNX's operators that are known here; what each becomes stands in the files beside this one.

extension ONNXImporter {
  /// What the node makes, in its order of outputs; nil where something is not supported that may not be wanted.
  mutating func results() throws(GraphError) -> [ValueID?] {
    if let function = ONNXImporter.unary[node.op] { return [try add(.unary(Unary(function)), input(0))] }
    if let function = ONNXImporter.binary[node.op] { return [try binary(function)] }
    switch node.op {
    case "Pow": return [try power()]
    case "Mod": return [try binary(attributes.flag("fmod") ? .remainder : .modulo)]
    case "Max", "Min", "Sum", "Mean": return [try variadic()]
    case "Clip": return [try clip()]
    case "IsInf": return [try isInfinite()]
    case "Gelu": return [try gelu()]
    case "Elu", "LeakyRelu", "PRelu", "Selu", "Celu", "ThresholdedRelu", "HardSigmoid", "HardSwish", "Softsign", "Mish",
      "Swish", "Reciprocal":
      return [try activation()]
    case "Where": return [try add(.select(Select()), input(0), input(1), input(2))]
    case "Cast", "CastLike": return [try cast()]
    case "Identity": return [try input(0)]
    case "Dropout": return try dropout()

    case "Shape": return [try shape()]
    case "Size": return [try size()]
    case "Reshape": return [try reshape()]
    case "Flatten": return [try flatten(input(0), at: attributes.int("axis", 1))]
    case "Squeeze": return [try squeeze()]
    case "Unsqueeze": return [try unsqueeze()]
    case "Transpose": return [try transpose()]
    case "Expand": return [try add(.expand(Expand()), input(0), input(1))]
    case "ConstantOfShape": return [try constantOfShape()]
    case "Range": return [try range()]
    case "Tile": return [try add(.tile(Tile()), input(0), input(1))]
    case "Pad": return [try pad()]
    case "Trilu": return [try triangle()]

    case "Concat": return [try concat()]
    case "Split": return try split()
    case "Slice": return [try slice()]
    case "Gather": return [try gather()]
    case "ScatterND": return [try scatter()]

    case "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
      "ReduceLogSum", "ReduceLogSumExp", "GlobalAveragePool", "GlobalMaxPool":
      return [try reduce()]

    case "MatMul": return [try add(.matMul(MatMul()), input(0), input(1))]
    case "Gemm": return [try gemm()]
    case "Conv": return [try conv()]
    case "Softmax", "LogSoftmax": return [try softmax()]
    case "LayerNormalization": return try layerNormalization()
    case "RMSNormalization": return [try rootMeanSquareNormalization()]
    case "GroupNormalization": return [try groupNormalization()]
    case "InstanceNormalization": return [try instanceNormalization()]
    case "BatchNormalization": return [try batchNormalization()]
    case "Attention": return try attention()
    default: throw GraphError("", "this operator is not supported")
    }
  }

  /// Operators of one input that are ours by another name.
  private static let unary: [String: Unary.Function] = [
    "Abs": .absolute, "Ceil": .ceiling, "Cos": .cosine, "Erf": .erf, "Exp": .exponential, "Floor": .floor,
    "IsNaN": .isNaN, "Log": .logarithm, "Neg": .negate, "Not": .not, "Relu": .relu, "Round": .round,
    "Sigmoid": .sigmoid, "Sign": .sign, "Sin": .sine, "Softplus": .softplus, "Sqrt": .squareRoot, "Tanh": .tanh,
  ]

  /// Operators of two inputs that are ours by another name.
  private static let binary: [String: Binary.Function] = [
    "Add": .add, "Sub": .subtract, "Mul": .multiply, "Div": .divide, "Equal": .equal, "Less": .less,
    "LessOrEqual": .lessOrEqual, "Greater": .greater, "GreaterOrEqual": .greaterOrEqual, "And": .and, "Or": .or,
    "Xor": .xor,
  ]
}
