import IR
import Testing

@Suite struct AttentionTests {
  /// softmax(Q · Kᵀ · scale) · V of [batch, heads, time, width of a head].
  @Test func headsAreSplitAndJoined() throws {
    let inputs = [type("batch", "time", 12), type("batch", "keys", 12), type("batch", "keys", 12)]
    #expect(
      try Exported(single(.attention(Attention(heads: 3, scale: 0.5)), inputs)).lines == [
        "node/query_heads = Reshape(x, [0, 0, 3, 4])",
        "node/query = Transpose(node/query_heads) {perm=[0, 2, 1, 3]}",
        "node/key_heads = Reshape(x1, [0, 0, 3, 4])",
        "node/key = Transpose(node/key_heads) {perm=[0, 2, 3, 1]}",
        "node/value_heads = Reshape(x2, [0, 0, 3, 4])",
        "node/value = Transpose(node/value_heads) {perm=[0, 2, 1, 3]}",
        "node/products = MatMul(node/query, node/key)",
        "node/scores = Mul(node/products, 0.5)",
        "node/weights = Softmax(node/scores) {axis=-1}",
        "node/mixed = MatMul(node/weights, node/value)",
        "node/joined = Transpose(node/mixed) {perm=[0, 2, 1, 3]}",
        "y = Reshape(node/joined, [0, 0, 12])",
      ])
  }
}
