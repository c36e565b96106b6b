import Tensors

/// Everything a node can do. Closed: the compiler lists every room that a new case must furnish.
///
/// Each case's type lives in `Operators/` under its own name and says what the operator means; how it is computed
/// stands in the Executor under the same name.
public enum Operator: Hashable, Sendable {
  case linear(Linear)
  case conv(Conv)
  case attention(Attention)
  case layerNormalization(LayerNormalization)
  case groupNormalization(GroupNormalization)
  case gelu(Gelu)
  case unary(Unary)
  case binary(Binary)
  case reduce(Reduce)
  case slice(Slice)
  case reshape(Reshape)
  case matMul(MatMul)
  case softmax(Softmax)
  case transpose(Transpose)
  case cast(Cast)
  case select(Select)
  case shapeOf(ShapeOf)
  case reshapeTo(ReshapeTo)
  case stridedSlice(StridedSlice)
  case expand(Expand)
  case gather(Gather)
  case scatter(Scatter)
  case concat(Concat)
  case arange(Arange)
  case pad(Pad)
  case tile(Tile)

  /// The case's contents as what they have in common.
  public var definition: any OperatorDefinition {
    switch self {
    case .linear(let op): op
    case .conv(let op): op
    case .attention(let op): op
    case .layerNormalization(let op): op
    case .groupNormalization(let op): op
    case .gelu(let op): op
    case .unary(let op): op
    case .binary(let op): op
    case .reduce(let op): op
    case .slice(let op): op
    case .reshape(let op): op
    case .matMul(let op): op
    case .softmax(let op): op
    case .transpose(let op): op
    case .cast(let op): op
    case .select(let op): op
    case .shapeOf(let op): op
    case .reshapeTo(let op): op
    case .stridedSlice(let op): op
    case .expand(let op): op
    case .gather(let op): op
    case .scatter(let op): op
    case .concat(let op): op
    case .arange(let op): op
    case .pad(let op): op
    case .tile(let op): op
    }
  }
}

/// What every operator says of itself.
public protocol OperatorDefinition: Hashable, Sendable {
  /// The inputs in their order; a trailing `?` marks one that may be left out.
  var inputNames: [String] { get }

  /// The element types that the input at `index` may have.
  func dataTypes(ofInput index: Int) -> [DataType]

  /// Throws one sentence if an attribute can fit no input.
  func checkAttributes() throws(Mismatch)

  /// The type of what comes out; throws one sentence if the inputs do not fit, naming what would. The attributes are
  /// checked already.
  func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType
}

extension OperatorDefinition {
  /// Nothing to check.
  public func checkAttributes() throws(Mismatch) {}

  /// Floats.
  public func dataTypes(ofInput index: Int) -> [DataType] { [.float32] }
}

extension DataType {
  /// What a graph computes with: floats, the integers of shapes and indices, truth values.
  public static let computed: [DataType] = [.float32, .int64, .int32, .bool]
  /// What arithmetic is done with.
  public static let numbers: [DataType] = [.float32, .int64, .int32]
  /// What shapes, axes and indices are.
  public static let indices: [DataType] = [.int64, .int32]
}

/// Why inputs do not fit an operator; the graph adds the node's name.
public struct Mismatch: Error, Hashable, Sendable {
  /// One sentence: what was found, what is needed.
  public let what: String

  /// Creates a mismatch.
  public init(_ what: String) { self.what = what }
}
