import IR

extension Attention: ONNXOperator {
  /// softmax(query · keyᵀ · scale + bias) · value for each head, heads split off and joined again by Reshape and
  /// Transpose.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let width = onnx.type(node.output).dimensions[2].value!
    // 0 keeps batch and time as they are.
    let split = try onnx.ints([0, 0, heads, width / heads])
    func head(_ index: Int, _ what: String, _ axes: [Int], _ onnx: inout ONNXAssembly) throws(GraphError) -> String {
      let parts = try onnx.step(node, "\(what)_heads", "Reshape", [onnx.value(node.inputs[index]!), split])
      return try onnx.step(node, what, "Transpose", [parts], ["perm": .ints(axes)])
    }
    let query = try head(0, "query", [0, 2, 1, 3], &onnx)
    let key = try head(1, "key", [0, 2, 3, 1], &onnx)
    let value = try head(2, "value", [0, 2, 1, 3], &onnx)
    let products = try onnx.step(node, "products", "MatMul", [query, key])
    var scores = try onnx.step(node, "scores", "Mul", [products, onnx.float(scale)])
    if let alibi {
      scores = try onnx.step(node, "biased", "Add", [scores, bias(alibi, node, &onnx)])
    }
    if node.input(countsIndex) != nil { scores = try masked(scores, node, &onnx) }
    let weights = try onnx.step(node, "weights", "Softmax", [scores], ["axis": .int(-1)])
    let mixed = try onnx.step(node, "mixed", "MatMul", [weights, value])
    let joined = try onnx.step(node, "joined", "Transpose", [mixed], ["perm": .ints([0, 2, 1, 3])])
    try onnx.result(node, "Reshape", [joined, onnx.ints([0, 0, width])])
  }

  /// -slopes · |i - j|, [heads, time, time']: 0 where i or j is below the prefix.
  private func bias(_ alibi: Alibi, _ node: Node, _ onnx: inout ONNXAssembly) throws(GraphError) -> String {
    let rows = try places(0, "rows", along: 1, node, &onnx)
    let columns = try places(1, "columns", along: 0, node, &onnx)
    var distance = try onnx.step(
      node, "distances", "Abs", [onnx.step(node, "offsets", "Sub", [rows, columns])])
    if alibi.prefix > 0 {
      let prefix = try onnx.number(alibi.prefix, .int64)
      let near = try onnx.step(node, "nearest", "Min", [rows, columns])
      let isFree = try onnx.step(node, "is_free", "Less", [near, prefix])
      distance = try onnx.step(node, "spared", "Where", [isFree, onnx.number(0, .int64), distance])
    }
    let length = try onnx.step(node, "lengths", "Cast", [distance], ["to": .int(1)])
    let slopes = try onnx.step(node, "slopes", "Reshape", [onnx.value(node.inputs[3]!), onnx.ints([heads, 1, 1])])
    let falls = try onnx.step(node, "falls", "Neg", [slopes])
    return try onnx.step(node, "bias", "Mul", [falls, length])
  }

  /// `scores` [batch, heads, time, time'], -∞ for keys beyond a row's count.
  private func masked(
    _ scores: String, _ node: Node, _ onnx: inout ONNXAssembly
  ) throws(GraphError) -> String {
    let counts = try onnx.step(
      node, "counts", "Reshape", [onnx.int64(node, countsIndex), onnx.ints([-1, 1, 1, 1])])
    let keys = try places(1, "keys", along: 0, node, &onnx)
    let isHeard = try onnx.step(node, "is_heard", "Less", [keys, counts])
    return try onnx.step(node, "heard", "Where", [isHeard, scores, onnx.float(-.infinity)])
  }

  /// 0, 1, ... for the positions of query (0) or key (1), as a column (along 1) or a row (along 0).
  private func places(
    _ input: Int, _ what: String, along axis: Int, _ node: Node, _ onnx: inout ONNXAssembly
  ) throws(GraphError) -> String {
    let shape = try onnx.step(node, "\(what)_shape", "Shape", [onnx.value(node.inputs[input]!)])
    let count = try onnx.step(
      node, "\(what)_count", "Gather", [shape, onnx.number(1, .int64)], ["axis": .int(0)])
    let range = try onnx.step(
      node, "\(what)_range", "Range", [onnx.number(0, .int64), count, onnx.number(1, .int64)])
    return try onnx.step(node, what, "Unsqueeze", [range, onnx.ints([axis])])
  }
}
