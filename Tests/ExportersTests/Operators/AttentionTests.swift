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

  /// The bias by distance, and keys beyond a row's count: what stands between products and softmax.
  @Test func biasAndCountsAreAddedToTheScores() throws {
    let inputs = [
      type("batch", "time", 12), type("batch", "keys", 12), type("batch", "keys", 12), type(3),
      TensorType(.int64, [.symbol("batch")]),
    ]
    let op = Attention(heads: 3, scale: 0.5, alibi: .init(prefix: 10))
    let lines = try Exported(single(.attention(op), inputs)).lines
    let start = lines.firstIndex { $0.hasPrefix("node/scores") }!
    let end = lines.firstIndex { $0.hasPrefix("node/weights") }!
    #expect(
      lines[start...end] == [
        "node/scores = Mul(node/products, 0.5)",
        "node/rows_shape = Shape(x)",
        "node/rows_count = Gather(node/rows_shape, 1) {axis=0}",
        "node/rows_range = Range(0, node/rows_count, 1)",
        "node/rows = Unsqueeze(node/rows_range, [1])",
        "node/columns_shape = Shape(x1)",
        "node/columns_count = Gather(node/columns_shape, 1) {axis=0}",
        "node/columns_range = Range(0, node/columns_count, 1)",
        "node/columns = Unsqueeze(node/columns_range, [0])",
        "node/offsets = Sub(node/rows, node/columns)",
        "node/distances = Abs(node/offsets)",
        "node/nearest = Min(node/rows, node/columns)",
        "node/is_free = Less(node/nearest, 10)",
        "node/spared = Where(node/is_free, 0, node/distances)",
        "node/lengths = Cast(node/spared) {to=1}",
        "node/slopes = Reshape(x3, [3, 1, 1])",
        "node/falls = Neg(node/slopes)",
        "node/bias = Mul(node/falls, node/lengths)",
        "node/biased = Add(node/scores, node/bias)",
        "node/counts = Reshape(x4, [-1, 1, 1, 1])",
        "node/keys_shape = Shape(x1)",
        "node/keys_count = Gather(node/keys_shape, 1) {axis=0}",
        "node/keys_range = Range(0, node/keys_count, 1)",
        "node/keys = Unsqueeze(node/keys_range, [0])",
        "node/is_heard = Less(node/keys, node/counts)",
        "node/heard = Where(node/is_heard, node/biased, -inf)",
        "node/weights = Softmax(node/heard) {axis=-1}",
      ])
  }
}
