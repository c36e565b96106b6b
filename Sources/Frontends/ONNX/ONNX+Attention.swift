import IR
import Tensors

/// Attention-23 to 25, taken apart: masks, caches, grouped heads and windows are sums and joins of what is there.
extension ONNXImporter {
  /// y, the keys and values with what was remembered, and the scores where they are wanted.
  mutating func attention() throws(GraphError) -> [ValueID?] {
    let settings = AttentionSettings(&attributes)
    guard settings.precision == 1 || settings.precision == 11 else {
      throw GraphError("", "a softmax in less than F32 is not supported")
    }
    let x = try input(0)
    let isFlat = type(x).rank == 3
    let query = try heads(x, settings.queryHeads)
    var (key, value) = (try heads(input(1), settings.keyHeads), try heads(input(2), settings.keyHeads))
    guard let width = type(query).dimensions[3].value, width > 0, let outputs = type(value).dimensions[3].value else {
      throw GraphError("", "the width of a head is not known")
    }
    let past = try optional(4)
    if let past { key = try add(.concat(Concat(axis: 2, count: 2)), past, key) }
    if let past = try optional(5) { value = try add(.concat(Concat(axis: 2, count: 2)), past, value) }
    let present = (key: key, value: value)

    let bias = try bias(settings, query, key, past)
    let (queryHeads, keyHeads) = (type(query).dimensions[1].value, type(key).dimensions[1].value)
    if let queryHeads, let keyHeads, queryHeads != keyHeads {
      guard keyHeads > 0, queryHeads % keyHeads == 0, queryHeads <= 1 << 16 else {
        throw GraphError("", "\(keyHeads) heads of keys do not serve \(queryHeads) of queries")
      }
      guard queryHeads <= Graph.knownLimit else { throw GraphError("", "there are too many heads") }
      let repeats = list((0..<queryHeads).map { $0 / (queryHeads / keyHeads) })
      key = try add(.gather(Gather(axis: 1)), key, repeats)
      value = try add(.gather(Gather(axis: 1)), value, repeats)
    }
    let root = Double(Float((settings.scale.map(Double.init) ?? 1 / Double(width).squareRoot()).squareRoot()))
    var scores = try add(
      .matMul(MatMul()), compute(.multiply, query, root),
      compute(.multiply, add(.transpose(Transpose([0, 1, 3, 2])), key), root))
    if settings.cap > 0 {
      scores = try compute(.tanh, compute(.divide, scores, Double(settings.cap)))
      scores = try compute(.multiply, scores, Double(settings.cap))
    }
    var shown = scores
    if let bias { scores = try compute(.add, scores, bias) }
    if settings.shownScores == 2 { shown = scores }
    var weights = try add(.softmax(Softmax(axis: 3)), scores)
    if let bias {
      // A query that may look at nothing looks at nothing.
      let best = try add(.reduce(Reduce(.maximum, axes: [type(bias).rank - 1], keepsAxes: true)), bias)
      weights = try add(.select(Select()), compute(.equal, best, -.infinity), number(0), weights)
    }
    if settings.shownScores == 3 { shown = weights }
    var y = try add(.matMul(MatMul()), weights, value)
    if isFlat {
      y = try add(.transpose(Transpose([0, 2, 1, 3])), y)
      let joined = TensorType(.float32, [type(y).dimensions[2], .fixed(outputs)]).shape?.checkedCount
      let width = joined.map { Reshape.Length.fixed($0) } ?? .rest
      y = try add(.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), width])), y)
    }
    return [y, present.key, present.value, shown]
  }

  /// [batch, heads, time, width], whichever way the heads were given.
  private mutating func heads(_ x: ValueID, _ count: Int?) throws(GraphError) -> ValueID {
    guard type(x).rank == 3 else {
      guard type(x).rank == 4 else { throw GraphError("", "three or four axes are needed, found \(type(x))") }
      return x
    }
    guard let count, count > 0, let width = type(x).dimensions[2].value, width % count == 0 else {
      throw GraphError("", "the number of heads is missing or does not divide the width of \(type(x))")
    }
    let apart = try add(
      .reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(count), .fixed(width / count)])), x)
    return try add(.transpose(Transpose([0, 2, 1, 3])), apart)
  }

  /// What is added to the scores: 0 where a query may look, minus infinity where it may not; nil where it may anywhere.
  private mutating func bias(
    _ settings: AttentionSettings, _ query: ValueID, _ key: ValueID, _ past: ValueID?
  ) throws(GraphError) -> ValueID? {
    var bias: ValueID?
    func limit(_ condition: ValueID, _ importer: inout ONNXImporter) throws(GraphError) {
      let part = try importer.add(.select(Select()), condition, importer.number(0), importer.number(-.infinity))
      bias = try bias.map { (sum) throws(GraphError) in try importer.compute(.add, sum, part) } ?? part
    }
    func length(_ x: ValueID, _ importer: inout ONNXImporter) throws(GraphError) -> ValueID {
      let shape = try importer.add(.shapeOf(ShapeOf()), x)
      return try importer.add(.gather(Gather(axis: 0)), shape, importer.number(2, .int64))
    }
    func places(_ length: ValueID, _ shape: [Reshape.Length], _ importer: inout ONNXImporter)
      throws(GraphError) -> ValueID
    {
      let (zero, one) = (importer.number(0, .int64), importer.number(1, .int64))
      return try importer.add(.reshape(Reshape(shape)), importer.add(.arange(Arange()), zero, length, one))
    }
    if var mask = try optional(3) {
      mask = try padded(mask, type(key).dimensions[2])
      if type(mask).dataType == .bool { try limit(mask, &self) } else { bias = mask }
    }
    let (queries, keys) = (try length(query, &self), try length(key, &self))
    let filled = try optional(6).map { (counts) throws(GraphError) in
      try add(.reshape(Reshape([.copy(axis: 0), .fixed(1), .fixed(1), .fixed(1)])), counts)
    }
    let columns = try places(keys, [.fixed(1), .copy(axis: 0)], &self)
    if settings.isCausal || settings.window.left >= 0 || settings.window.right >= 0 {
      var rows = try places(queries, [.copy(axis: 0), .fixed(1)], &self)
      if let past {
        rows = try compute(.add, rows, length(past, &self))
      } else if let filled {
        rows = try compute(.add, rows, compute(.subtract, filled, queries))
      }
      if settings.isCausal { try limit(compute(.lessOrEqual, columns, rows), &self) }
      let distance = try compute(.subtract, rows, columns)
      if settings.window.left >= 0 {
        try limit(compute(.lessOrEqual, distance, Double(settings.window.left)), &self)
      }
      if settings.window.right >= 0 {
        try limit(compute(.greaterOrEqual, distance, Double(-settings.window.right)), &self)
      }
    }
    if let filled { try limit(compute(.less, columns, filled), &self) }
    return bias
  }

  /// A mask that is shorter than the keys forbids the rest.
  private mutating func padded(_ mask: ValueID, _ keys: Dimension) throws(GraphError) -> ValueID {
    guard let keys = keys.value, let own = type(mask).dimensions.last?.value, own < keys, own > 1 || keys == 1 else {
      return mask
    }
    let rank = type(mask).rank
    let pads = list([Int](repeating: 0, count: 2 * rank - 1) + [keys - own])
    return try add(.pad(Pad(.constant)), mask, pads, number(type(mask).dataType == .bool ? 0 : -.infinity, like: mask))
  }
}

/// The attributes of Attention.
private struct AttentionSettings {
  let queryHeads, keyHeads: Int?
  let scale: Float?
  let cap: Float
  let isCausal: Bool
  let precision: Int
  /// Which scores come out: 0 as multiplied, 1 capped, 2 with what is added, 3 after the softmax.
  let shownScores: Int
  /// How far a query looks back and ahead; negative for as far as there is.
  let window: (left: Int, right: Int)

  init(_ attributes: inout ONNXAttributes) {
    (queryHeads, keyHeads) = (attributes.optionalInt("q_num_heads"), attributes.optionalInt("kv_num_heads"))
    (scale, cap) = (attributes.optionalFloat("scale"), attributes.float("softcap", 0))
    isCausal = attributes.flag("is_causal")
    precision = attributes.int("softmax_precision", 1)
    shownScores = attributes.int("qk_matmul_output_mode", 0)
    window = (attributes.int("left_window_size", -1), attributes.int("right_window_size", -1))
  }
}
