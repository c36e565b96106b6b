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
    }
  }
}

/// What every operator says of itself.
public protocol OperatorDefinition: Hashable, Sendable {
  /// The inputs in their order; a trailing `?` marks one that may be left out.
  var inputNames: [String] { get }

  /// Throws one sentence if an attribute can fit no input.
  func checkAttributes() throws(Mismatch)

  /// The type of what comes out; throws one sentence if the inputs do not fit, naming what would. The attributes are
  /// checked already.
  func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType
}

extension OperatorDefinition {
  /// Nothing to check.
  public func checkAttributes() throws(Mismatch) {}
}

/// Why inputs do not fit an operator; the graph adds the node's name.
public struct Mismatch: Error, Hashable, Sendable {
  /// One sentence: what was found, what is needed.
  public let what: String

  /// Creates a mismatch.
  public init(_ what: String) { self.what = what }
}

/// The input types of one node, with the checks that operators share.
public struct InputTypes {
  let names: [String]
  let types: [TensorType?]

  init(names: [String], types: [TensorType?]) throws(Mismatch) {
    guard types.count <= names.count else {
      throw Mismatch("takes at most \(names.count) inputs, found \(types.count)")
    }
    for (index, name) in names.enumerated() where !name.hasSuffix("?") {
      guard index < types.count, types[index] != nil else { throw Mismatch("the input \(name) is missing") }
    }
    for case (let name, .some(let type)) in zip(names, types) where type.dataType != .float32 {
      throw Mismatch("\(name) is \(type.dataType.rawValue); a graph computes in F32")
    }
    self.names = names
    self.types = types
  }

  /// The input at `index`, which is not optional.
  func callAsFunction(_ index: Int) -> TensorType { types[index]! }

  /// Throws unless input `index` has `rank` axes.
  func check(_ index: Int, rank: Int) throws(Mismatch) {
    guard self(index).rank == rank else {
      throw Mismatch("\(names[index]) needs \(rank) axes, found \(self(index))")
    }
  }

  /// Throws unless input `index` is left out or has exactly `dimensions`.
  func check(_ index: Int, is dimensions: [Dimension]) throws(Mismatch) {
    guard index < types.count, let type = types[index] else { return }
    guard type.dimensions == dimensions else {
      throw Mismatch("\(names[index]) needs the shape \(dimensions), found \(type.dimensions)")
    }
  }
}
