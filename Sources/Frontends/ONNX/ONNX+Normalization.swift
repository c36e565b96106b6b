import IR
import Tensors

extension ONNXImporter {
  private mutating func checkStash() throws(GraphError) {
    guard attributes.int("stash_type", 1) == 1 else { throw GraphError("", "statistics are kept in F32 only") }
  }

  /// LayerNormalization-17: y, and the mean and 1 / deviation where they are wanted.
  mutating func layerNormalization() throws(GraphError) -> [ValueID?] {
    let (x, scale, bias) = (try input(0), try input(1), try optional(2))
    try checkStash()
    let rank = type(x).rank
    let axis = try self.axis(attributes.int("axis", -1), rank: rank)
    let epsilon = attributes.float("epsilon", 1e-5)
    let width = [type(x).dimensions.last ?? .fixed(1)]
    let wantsMore = node.outputs.dropFirst().contains { !$0.isEmpty }
    if axis == rank - 1, !wantsMore, type(scale).dimensions == width, bias.map({ type($0).dimensions == width }) ?? true
    {
      return [try add(.layerNormalization(LayerNormalization(epsilon: epsilon)), x, scale, bias)]
    }
    let axes = Array(axis..<rank)
    let mean = try add(.reduce(Reduce(.mean, axes: axes, keepsAxes: true)), x)
    let centered = try compute(.subtract, x, mean)
    let variance = try add(
      .reduce(Reduce(.mean, axes: axes, keepsAxes: true)), compute(.multiply, centered, centered))
    let factor = try compute(.divide, number(1), compute(.squareRoot, compute(.add, variance, Double(epsilon))))
    var y = try compute(.multiply, compute(.multiply, centered, factor), scale)
    if let bias { y = try compute(.add, y, bias) }
    return [y, mean, factor]
  }

  /// RMSNormalization-23
  mutating func rootMeanSquareNormalization() throws(GraphError) -> ValueID {
    let (x, scale) = (try input(0), try input(1))
    try checkStash()
    let rank = type(x).rank
    let axis = try self.axis(attributes.int("axis", -1), rank: rank)
    let squares = try add(
      .reduce(Reduce(.mean, axes: Array(axis..<rank), keepsAxes: true)), compute(.multiply, x, x))
    let root = try compute(.squareRoot, compute(.add, squares, Double(attributes.float("epsilon", 1e-5))))
    return try compute(.multiply, compute(.divide, x, root), scale)
  }

  /// x [batch, channels, ...] normalised over all axes after the channels, and over the channels of a group.
  private mutating func normalized(_ x: ValueID, _ op: GroupNormalization, _ scale: ValueID?, _ bias: ValueID?)
    throws(GraphError) -> ValueID
  {
    let rank = type(x).rank
    guard rank >= 3, type(x).dimensions[1].value != nil else {
      throw GraphError("", "[batch, channels, ...] with a known number of channels is needed, found \(type(x))")
    }
    var y = rank == 3 ? x : try add(.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .rest])), x)
    y = try add(.transpose(Transpose([0, 2, 1])), y)
    y = try add(.groupNormalization(op), y, scale, bias)
    y = try add(.transpose(Transpose([0, 2, 1])), y)
    return rank == 3 ? y : try add(.reshapeTo(ReshapeTo()), y, add(.shapeOf(ShapeOf()), x))
  }

  mutating func instanceNormalization() throws(GraphError) -> ValueID {
    let (x, scale, bias) = (try input(0), try input(1), try input(2))
    let channels = type(x).rank >= 2 ? type(x).dimensions[1].value ?? 1 : 1
    return try normalized(
      x, GroupNormalization(groups: channels, epsilon: attributes.float("epsilon", 1e-5)), scale, bias)
  }

  /// GroupNormalization-21: a scale and a bias for each channel. Version 18, with one for each group, was withdrawn.
  mutating func groupNormalization() throws(GraphError) -> ValueID {
    guard opset >= 21 else { throw GraphError("", "the operator is supported from version 21 on") }
    let (x, scale, bias) = (try input(0), try input(1), try input(2))
    try checkStash()
    guard let groups = attributes.optionalInt("num_groups") else { throw GraphError("", "num_groups is missing") }
    return try normalized(
      x, GroupNormalization(groups: groups, epsilon: attributes.float("epsilon", 1e-5)), scale, bias)
  }

  /// BatchNormalization outside training: the statistics are inputs.
  mutating func batchNormalization() throws(GraphError) -> ValueID {
    _ = attributes.float("momentum", 0.9)
    guard !attributes.flag("training_mode"), attributes.flag("spatial", true) else {
      throw GraphError("", "training, and statistics for each place, are not supported")
    }
    let x = try input(0)
    guard type(x).rank >= 2 else { throw GraphError("", "[batch, channels, ...] is needed, found \(type(x))") }
    let column: [Reshape.Length] = [.copy(axis: 0)] + [Reshape.Length](repeating: .fixed(1), count: type(x).rank - 2)
    func forChannels(_ index: Int, _ importer: inout ONNXImporter) throws(GraphError) -> ValueID {
      try importer.add(.reshape(Reshape(column)), importer.input(index))
    }
    let (scale, bias) = (try forChannels(1, &self), try forChannels(2, &self))
    let (mean, variance) = (try forChannels(3, &self), try forChannels(4, &self))
    let root = try compute(.squareRoot, compute(.add, variance, Double(attributes.float("epsilon", 1e-5))))
    let normal = try compute(.divide, compute(.subtract, x, mean), root)
    return try compute(.add, compute(.multiply, normal, scale), bias)
  }
}
