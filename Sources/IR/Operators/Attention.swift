import Tensors

/// Scaled dot-product attention of several heads.
///
/// query [batch, time, width], key and value [batch, time', width] -> [batch, time, width]. For each head, a block of
/// width / heads columns: softmax(scale · q · kᵀ + bias) · v, the softmax over keys. Without `alibi` there is no bias and
/// no input `slopes`, and this equals ONNX Attention-23 with 3-D inputs and q_num_heads = kv_num_heads = heads.
///
/// `counts` [batch] says how many keys each row has, from the first one on; the others do not count, as if the bias
/// were -∞ there. Without it every row has all of them.
public struct Attention: OperatorDefinition {
  /// Attention with linear biases (Press et al., 2021): the farther a key is from the query, the less it counts.
  public struct Alibi: Hashable, Sendable {
    /// So many positions at the start have no distance to any other.
    public var prefix: Int

    /// Creates the bias -slopes[head] · |i - j| of query i and key j, 0 where i or j is below `prefix`.
    public init(prefix: Int) { self.prefix = prefix }
  }

  /// How many heads share the width.
  public var heads: Int
  /// What products of queries and keys are multiplied by before the softmax.
  public var scale: Float
  /// The bias by distance; nil for none.
  public var alibi: Alibi?

  /// Creates the operator.
  public init(heads: Int, scale: Float, alibi: Alibi? = nil) {
    self.heads = heads
    self.scale = scale
    self.alibi = alibi
  }

  /// query, key, value, then slopes [heads] where there is a bias, then counts?
  public var inputNames: [String] { ["query", "key", "value"] + (alibi == nil ? [] : ["slopes"]) + ["counts?"] }

  /// Which input is `counts`.
  public var countsIndex: Int { alibi == nil ? 3 : 4 }

  /// Integers for counts, else floats.
  public func dataTypes(ofInput index: Int) -> [DataType] { index == countsIndex ? DataType.indices : [.float32] }

  /// At least one head, and a length.
  public func checkAttributes() throws(Mismatch) {
    guard (1...1 << 40).contains(heads) else { throw Mismatch("attention has at least one head, found \(heads)") }
    if let alibi, !(0...1 << 40).contains(alibi.prefix) { throw Mismatch("\(alibi.prefix) positions are no prefix") }
  }

  /// [batch, time, width]
  public func outputType(_ inputs: InputTypes) throws(Mismatch) -> TensorType {
    for index in 0..<3 { try inputs.check(index, rank: 3) }
    let (query, key) = (inputs(0).dimensions, inputs(1).dimensions)
    guard let width = query[2].value, width >= 1, width % heads == 0 else {
      throw Mismatch("the width \(query[2]) does not divide into \(heads) heads")
    }
    guard key[0] == query[0], key[2] == query[2] else {
      throw Mismatch("key \(key) needs the batch and width of query \(query)")
    }
    try inputs.check(2, is: key)
    if alibi != nil { try inputs.check(3, is: [.fixed(heads)]) }
    try inputs.check(countsIndex, is: [query[0]])
    return TensorType(.float32, query)
  }
}
