import IR
import Tensors

/// One node on the way of rows through a graph: where the positions of its result lie, by where those of its inputs do.
struct RowStep {
  typealias Reach = RowPositions.Reach
  typealias Extent = RowPositions.Extent

  private let node: Node
  private let graph: Graph
  private let inputs: [Reach]
  private let batch: Dimension

  init(_ node: Node, _ graph: Graph, _ inputs: [Reach], _ batch: Dimension) {
    (self.node, self.graph, self.inputs, self.batch) = (node, graph, inputs, batch)
  }

  /// Where the positions of an input lie; nil where it has none.
  func extent(_ index: Int) -> Extent? { if case .time(let extent) = inputs[index] { extent } else { nil } }

  /// Why the node cannot be in a batch of rows of different lengths.
  func refusal(_ why: String?) -> GraphError {
    GraphError(
      node.name,
      why
        ?? "how \(graph.operatorName(node)) mixes the rows' own positions with padding is not known, so that clips of "
        + "different lengths cannot be one batch")
  }

  private func type(_ index: Int) -> TensorType { graph[node.inputs[index]!].type }
  private var result: TensorType { graph[node.output].type }

  /// Throws unless all inputs from `first` on are the same for every row and length.
  private func checkOthers(from first: Int = 1) throws(GraphError) {
    guard inputs.dropFirst(first).allSatisfy({ $0 == .nothing }) else { throw refusal(nil) }
  }

  /// Products and norms over the last axis.
  func alongLastAxis() throws(GraphError) -> Reach {
    try checkOthers()
    guard type(0).rank > 1, extent(0)?.axis != type(0).rank - 1 else { throw refusal(nil) }
    return inputs[0]
  }

  func convolution(_ op: Conv) throws(GraphError) -> Reach {
    try checkOthers()
    guard let extent = extent(0) else { return inputs[0] }
    guard extent.axis == 1, let kernel = type(1).dimensions[2].value else { throw refusal(nil) }
    guard op.stride == 1 || extent.count.divisions.count < FrameCount.divisionLimit else {
      throw refusal("more than \(FrameCount.divisionLimit) strides before it; own positions are not followed further")
    }
    let span = op.dilation * (kernel - 1) + 1
    let count = extent.count.adding(op.paddingBefore + op.paddingAfter - span).divided(by: op.stride).adding(1)
    return .time(Extent(axis: 1, count: count))
  }

  func attention(_ op: Attention) throws(GraphError) -> Reach {
    try checkOthers(from: 3)
    guard inputs[1] == inputs[2], (0..<3).allSatisfy({ extent($0).map { $0.axis == 1 } ?? true }),
      node.inputs.count <= op.countsIndex || node.inputs[op.countsIndex] == nil
    else { throw refusal(nil) }
    return inputs[0] == .nothing ? .row : inputs[0]
  }

  /// Operands that broadcast: positions of all of them lie along one axis, as many in each.
  func elementwise() throws(GraphError) -> Reach {
    var found: Extent?
    for (index, reach) in inputs.enumerated() {
      guard reach != .length else { throw refusal(nil) }
      guard reach == .nothing || type(index).rank == result.rank else { throw refusal(nil) }
      guard let extent = extent(index) else { continue }
      guard found == nil || found == extent else { throw refusal(nil) }
      found = extent
    }
    guard let found else { return .row }
    for index in inputs.indices where extent(index) == nil {
      let axis = found.axis - (result.rank - type(index).rank)
      guard axis < 0 || type(index).dimensions[axis] == .fixed(1) else { throw refusal(nil) }
    }
    return .time(found)
  }

  func reduction(_ op: Reduce) throws(GraphError) -> Reach {
    guard !op.axes.contains(0) else { throw refusal(nil) }
    guard var extent = extent(0) else { return .row }
    guard !op.axes.contains(extent.axis) else {
      guard op.neutral != nil, op.function != .mean || op.axes.count == 1, result.dataType == .float32 else {
        throw refusal(nil)
      }
      return .row
    }
    if !op.keepsAxes { extent.axis -= op.axes.count { $0 < extent.axis } }
    return .time(extent)
  }

  func softmax(_ op: Softmax) throws(GraphError) -> Reach {
    guard op.axis != 0, op.axis != extent(0)?.axis else { throw refusal(nil) }
    return inputs[0]
  }

  func slice(_ op: Slice) throws(GraphError) -> Reach {
    guard op.axis != 0 else { throw refusal(nil) }
    guard var extent = extent(0), extent.axis == op.axis else { return inputs[0] }
    extent.count = extent.count.adding(-op.dropFirst - op.dropLast)
    return .time(extent)
  }

  /// The axis in the result before which as many elements lie; the rows stay rows.
  func reshape() throws(GraphError) -> Reach {
    let (x, y) = (type(0).dimensions, result.dimensions)
    guard inputs[0] != .nothing, inputs[0] != .length, x.first == y.first,
      inputs.dropFirst().allSatisfy({ $0 == .nothing || $0 == .length })
    else { throw refusal(nil) }
    guard var extent = extent(0) else { return inputs[0] }
    let place = y.indices.first { axis in
      y[axis] == x[extent.axis] && Elements(y[..<axis]) == Elements(x[..<extent.axis])
    }
    guard let place else { throw refusal(nil) }
    extent.axis = place
    return .time(extent)
  }

  /// How many elements axes have: the product of the known lengths, and the others.
  private struct Elements: Hashable {
    var product = 1.0
    var others: [Dimension: Int] = [:]

    init(_ lengths: ArraySlice<Dimension>) {
      for length in lengths {
        if let value = length.value { product *= Double(value) } else { others[length, default: 0] += 1 }
      }
    }
  }

  func transpose(_ op: Transpose) throws(GraphError) -> Reach {
    guard op.permutation[0] == 0 else { throw refusal(nil) }
    guard var extent = extent(0) else { return inputs[0] }
    extent.axis = op.permutation.firstIndex(of: extent.axis)!
    return .time(extent)
  }

  /// A product with one matrix for all rows, over the last axis.
  func product() throws(GraphError) -> Reach {
    guard type(1).rank == 2 else { throw refusal(nil) }
    return try alongLastAxis()
  }

  func gather(_ op: Gather) throws(GraphError) -> Reach {
    try checkOthers()
    guard op.axis != 0, op.axis != extent(0)?.axis else { throw refusal(nil) }
    guard var extent = extent(0) else { return inputs[0] }
    if op.axis < extent.axis { extent.axis += type(1).rank - 1 }
    return .time(extent)
  }

  /// Side by side, or behind what every row has the same number of.
  func concat(_ op: Concat) throws(GraphError) -> Reach {
    guard op.axis != 0, !inputs.contains(.length) else { throw refusal(nil) }
    let extents = inputs.indices.map(extent)
    guard var found = extents.compactMap({ $0 }).first else { return .row }
    if op.axis != found.axis {
      guard extents.allSatisfy({ $0 == found }) else { throw refusal(nil) }
      return .time(found)
    }
    guard extents.count(where: { $0 != nil }) == 1, extent(inputs.count - 1) != nil else { throw refusal(nil) }
    for index in inputs.indices.dropLast() {
      guard let length = type(index).dimensions[op.axis].value else { throw refusal(nil) }
      found.count = found.count.adding(length)
    }
    return .time(found)
  }
}

extension Reduce {
  /// The number that changes nothing where it is reduced with others (of a mean, with its sum); nil where there is none
  /// that could stand for padding.
  var neutral: Float? {
    switch function {
    case .mean, .sum, .l2: 0
    case .maximum: -.infinity
    case .minimum: .infinity
    case .product: nil
    }
  }
}
