import Bytes
import IR
import Tensors

/// Lets a graph hear how long each row of a batch is, so that no row hears the padding behind it.
///
/// Before: `c = Conv(x) {padding}`, `a = Attention(q, k, v)`, `m = ReduceMean(y) {time}`.
/// After: an input `lengths` [batch] (I64), the samples of each row; `c = Conv(Where(own, x, 0))`, and whoever uses x
/// beside it sees zeros too; `a = Attention(q, k, v, counts)`; `m = Div(ReduceSum(Where(own, y, 0)), counts)`.
///
/// That is what transformers does with an attention mask. `own` is true for positions below a row's count, which follows
/// from its samples as the axis's length does: through convolutions ((n + padding - span) / stride + 1), slices, and
/// tokens put before the first position. Values keep their names; what is beyond a row's own positions means nothing.
public struct MaskPadding: Pass {
  /// mask-padding
  public static let name = "mask-padding"

  /// What a masked batch is to be equal to.
  public enum Promise: Hashable, Sendable {
    /// Each row alone. A norm whose statistics run over time is refused.
    case singleRuns
    /// What a framework computes that is given a mask: norms over time hear the padding.
    case framework
  }

  /// What the batch is to be equal to.
  public let promise: Promise

  /// Creates the pass.
  public init(_ promise: Promise = .singleRuns) { self.promise = promise }

  /// What came of a graph.
  public struct Masked: Sendable {
    /// What was done.
    public let report: PassReport
    /// What the input is called that takes each row's samples.
    public let lengths: String
    /// Of each value that has positions of rows their axis, and how many are a row's own.
    public let extents: [ValueID: (axis: Int, count: FrameCount)]
  }

  /// Masks what is padded.
  public func run(on graph: inout Graph) throws -> PassReport { try mask(&graph).report }

  /// Masks what is padded; throws, with a node's name, where padding goes a way that is not known. The graph's one input
  /// of floats is the waveform, [batch, ..., samples].
  public func mask(_ graph: inout Graph) throws(GraphError) -> Masked {
    let waveforms = graph.inputs.filter { graph[$0].type.dataType == .float32 }
    guard waveforms.count == 1, graph.inputs.count == 1 else {
      throw GraphError("", "the graph has \(graph.inputs.count) inputs; padding is followed from one waveform")
    }
    graph.removeUnusedNodes()
    let rows = try RowPositions(graph, from: waveforms[0], promise)
    var writer = MaskWriter(graph, rows)
    try writer.write()
    var masked = writer.graph
    try masked.inferTypes()
    graph = masked
    return Masked(report: writer.report, lengths: graph[writer.lengths].name, extents: writer.extents)
  }
}

/// Writes the nodes of a masked graph.
private struct MaskWriter {
  private(set) var graph: Graph
  let lengths: ValueID
  private(set) var report = PassReport(pass: MaskPadding.name)

  private let rows: RowPositions
  private var nodes: [Node] = []
  private var names: Set<Name>
  /// What stands for a value now.
  private var silent: [ValueID: ValueID] = [:]
  private var counts: [FrameCount: ValueID] = [:]
  private var masks: [MaskKey: ValueID] = [:]
  private var constantCount = 0

  private struct MaskKey: Hashable {
    let extent: RowPositions.Extent
    let rank: Int
  }

  init(_ graph: Graph, _ rows: RowPositions) {
    (self.graph, self.rows) = (graph, rows)
    names = Set(graph.values.map { Name($0.name) })
    let name = fresh("lengths", &names)
    lengths = self.graph.addInput(name, TensorType(.int64, [rows.batch]))
    counts[.samples] = lengths
  }

  /// Of each value, zeroed ones included.
  var extents: [ValueID: (axis: Int, count: FrameCount)] {
    var result: [ValueID: (axis: Int, count: FrameCount)] = [:]
    for id in rows.reach.keys {
      guard let extent = rows.extent(id) else { continue }
      result[id] = (extent.axis, extent.count)
      if let zeroed = silent[id] { result[zeroed] = (extent.axis, extent.count) }
    }
    return result
  }

  mutating func write() throws(GraphError) {
    for id in graph.inputs { try zero(id) }
    for old in rows.graph.nodes {
      var node = old
      node.inputs = node.inputs.map { $0.map { silent[$0] ?? $0 } }
      switch node.op {
      case .attention(let op):
        guard let extent = rows.extent(old.inputs[1]!) else { break }
        node.inputs += [ValueID?](repeating: nil, count: op.countsIndex + 1 - node.inputs.count)
        node.inputs[op.countsIndex] = try count(extent.count)
        report.changes.append("\(node.name): keys beyond a row's own do not count")
      case .reduce(let op):
        guard let extent = rows.extent(old.inputs[0]!), op.axes.contains(extent.axis) else { break }
        try reduce(&node, op, old.inputs[0]!, extent)
      default: break
      }
      nodes.append(node)
      try zero(node.output)
    }
    graph.setNodes(nodes)
    for (old, new) in silent { graph.showInstead(of: old, new) }
  }

  /// Puts zeros beyond the rows' own positions of a value that a padded convolution reads.
  private mutating func zero(_ id: ValueID) throws(GraphError) {
    guard rows.padded.contains(id), let extent = rows.extent(id) else { return }
    silent[id] = try filled(id, extent, with: 0)
    report.changes.append("\(graph[id].name): zero beyond a row's own positions, as a padded convolution reads it")
  }

  /// A mean or another reduction over time as one over a row's own positions.
  private mutating func reduce(
    _ node: inout Node, _ op: Reduce, _ old: ValueID, _ extent: RowPositions.Extent
  ) throws(GraphError) {
    let fill = op.neutral!
    let own = try fill == 0 && rows.padded.contains(old) ? node.inputs[0]! : filled(old, extent, with: fill)
    report.changes.append("\(node.name): over a row's own positions")
    guard op.function == .mean else {
      node.inputs = [own]
      return
    }
    let sum = try add("sum", .reduce(Reduce(.sum, axes: op.axes, keepsAxes: op.keepsAxes)), [own], of: node.output)
    let ones = [Reshape.Length](repeating: .fixed(1), count: graph[node.output].type.rank - 1)
    let shaped = try add("rows", .reshape(Reshape([.copy(axis: 0)] + ones)), [count(extent.count)], of: node.output)
    let divisor = try add("count", .cast(Cast(to: .float32)), [shaped], of: node.output)
    node.op = .binary(Binary(.divide))
    node.inputs = [sum, divisor]
  }

  /// A value with another number beyond the rows' own positions.
  private mutating func filled(
    _ id: ValueID, _ extent: RowPositions.Extent, with fill: Float
  ) throws(GraphError) -> ValueID {
    try add("own", .select(Select()), [mask(id, extent), id, number(fill)], of: id)
  }

  /// True at a row's own positions, [batch, 1..., time, 1...].
  private mutating func mask(_ id: ValueID, _ extent: RowPositions.Extent) throws(GraphError) -> ValueID {
    let rank = graph[id].type.rank
    let key = MaskKey(extent: extent, rank: rank)
    if let known = masks[key] { return known }
    let shape = try add("shape", .shapeOf(ShapeOf()), [id], of: id)
    let length = try add("length", .gather(Gather(axis: 0)), [shape, number(Int64(extent.axis))], of: id)
    let places = try add("positions", .arange(Arange()), [number(Int64(0)), length, number(Int64(1))], of: id)
    let column = try add(
      "count", .reshape(Reshape([.copy(axis: 0), .fixed(1)])), [count(extent.count)], of: id)
    let isOwn = try add("is_own", .binary(Binary(.less)), [places, column], of: id)
    var lengths = [Reshape.Length](repeating: .fixed(1), count: rank)
    (lengths[0], lengths[extent.axis]) = (.copy(axis: 0), .copy(axis: 1))
    let mask = try add("mask", .reshape(Reshape(lengths)), [isOwn], of: id)
    masks[key] = mask
    return mask
  }

  /// How many positions each row has, [batch].
  private mutating func count(_ count: FrameCount) throws(GraphError) -> ValueID {
    if let known = counts[count] { return known }
    let made: ValueID
    if count.offset != 0 {
      let whole = try self.count(count.adding(-count.offset))
      made = try add("plus", .binary(Binary(.add)), [whole, number(Int64(count.offset))], of: lengths)
    } else {
      let dividend = try self.count(count.dividend!)
      let divisor = Int64(count.divisions.last!.divisor)
      made = try add("over", .binary(Binary(.divide)), [dividend, number(divisor)], of: lengths)
    }
    counts[count] = made
    return made
  }

  private mutating func number(_ value: Float) -> ValueID { constant(Tensor([value], shape: [])) }
  private mutating func number(_ value: Int64) -> ValueID { constant(Tensor([value], shape: [])) }

  private mutating func constant(_ tensor: Tensor) -> ValueID {
    constantCount += 1
    return graph.addConstant(
      fresh("mask.number.\(constantCount)", &names), Constant(tensor, provenance: Provenance()))
  }

  private mutating func add(
    _ part: String, _ op: Operator, _ inputs: [ValueID?], of id: ValueID
  ) throws(GraphError) -> ValueID {
    let node = try graph.makeNode(fresh(graph[id].name + "." + part, &names), op, inputs)
    nodes.append(node)
    return node.output
  }
}

/// The name, or with a number where it is taken.
private func fresh(_ wanted: String, _ names: inout Set<Name>) -> String {
  var (name, number) = (wanted, 1)
  while !names.insert(Name(name)).inserted {
    number += 1
    name = "\(wanted).\(number)"
  }
  return name
}
