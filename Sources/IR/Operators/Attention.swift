import Tensors

/// Scaled dot-product attention of several heads, no mask.
///
/// query [batch, time, width], key and value [batch, time', width] -> [batch, time, width]. For each head, a block of
/// width / heads columns: softmax(scale · q · kᵀ) · v, the softmax over keys. Equals ONNX Attention-23 with 3-D inputs
/// and q_num_heads = kv_num_heads = heads.
public struct Attention: OperatorDefinition {
  /// How many heads share the width.
  public var heads: Int
  /// What products of queries and keys are multiplied by before the softmax.
  public var scale: Float

  /// Creates the operator.
  public init(heads: Int, scale: Float) {
    self.heads = heads
    self.scale = scale
  }

  /// query, key, value
  public var inputNames: [String] { ["query", "key", "value"] }

  /// At least one head.
  public func checkAttributes() throws(Mismatch) {
    guard (1...1 << 40).contains(heads) else { throw Mismatch("attention has at least one head, found \(heads)") }
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
    return TensorType(.float32, query)
  }
}
