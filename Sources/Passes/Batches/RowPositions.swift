import IR
import Tensors

/// What each value of a graph has to do with the rows of a batch, and along which axis the positions of a row lie: what
/// is beyond a row's own positions came of padding.
///
/// Followed from a waveform [batch, ..., samples] on, operator by operator. The batch stays the first axis. A row's own
/// positions of every value are those that the row alone would have, with the same numbers, as long as padding enters
/// none of them: where it would - a convolution that reads beyond them, a mean, keys of attention - `MaskPadding` keeps
/// it out, and what cannot be followed is refused by the node's name.
struct RowPositions {
  /// What a value has to do with rows.
  enum Reach: Hashable {
    /// Nothing: it is the same whatever is heard, and however long.
    case nothing
    /// It says how long the longest row is, padding included.
    case length
    /// It belongs to a row as a whole.
    case row
    /// Positions of a row lie along an axis.
    case time(Extent)
  }

  /// Where a row's positions lie.
  struct Extent: Hashable {
    var axis: Int
    var count: FrameCount
  }

  /// Of each value that has to do with anything.
  private(set) var reach: [ValueID: Reach]
  /// Values whose positions beyond the rows' own must be zero, because a convolution reads them.
  private(set) var padded: Set<ValueID> = []

  let graph: Graph
  let promise: MaskPadding.Promise
  /// The number of rows.
  let batch: Dimension
  /// Values that are zero beyond the rows' own positions as they are made.
  private var isSilent: Set<ValueID> = []

  /// Follows `waveform`; throws where what is heard goes a way that is not known.
  init(_ graph: Graph, from waveform: ValueID, _ promise: MaskPadding.Promise) throws(GraphError) {
    let type = graph[waveform].type
    guard type.rank >= 2, type.dataType == .float32 else {
      throw GraphError(graph[waveform].name, "is no batch of waveforms: its type is \(type)")
    }
    self.graph = graph
    self.promise = promise
    batch = type.dimensions[0]
    reach = [waveform: .time(Extent(axis: type.rank - 1, count: .samples))]
    isSilent = [waveform]
    for node in graph.nodes {
      reach[node.output] = try follow(node)
    }
  }

  /// Where a value's positions lie; nil where it has none.
  func extent(_ id: ValueID) -> Extent? { if case .time(let extent)? = reach[id] { extent } else { nil } }

  private mutating func follow(_ node: Node) throws(GraphError) -> Reach {
    let inputs = node.inputs.map { $0.flatMap { reach[$0] } ?? .nothing }
    if case .shapeOf = node.op { return inputs[0] == .nothing ? .nothing : .length }
    if inputs.allSatisfy({ $0 == .nothing }) { return .nothing }
    if inputs.allSatisfy({ $0 == .nothing || $0 == .length }) { return .length }
    let step = RowStep(node, graph, inputs, batch)
    switch node.op {
    case .linear, .layerNormalization: return try step.alongLastAxis()
    case .conv(let op):
      let x = node.inputs[0]!
      if op.paddingAfter > 0, step.extent(0) != nil, !isSilent.contains(x) { padded.insert(x) }
      return try step.convolution(op)
    case .groupNormalization:
      guard promise == .framework || step.extent(0) == nil else {
        throw step.refusal("its statistics run over the padding, so that no padded batch equals single runs")
      }
      return inputs[0]
    case .attention(let op): return try step.attention(op)
    case .gelu, .unary, .cast: return inputs[0]
    case .binary, .select: return try step.elementwise()
    case .reduce(let op): return try step.reduction(op)
    case .softmax(let op): return try step.softmax(op)
    case .slice(let op): return try op.dropLast > 0 ? step.slice(op) : keepingSilence(node, step.slice(op))
    case .reshape, .reshapeTo, .expand: return try keepingSilence(node, step.reshape())
    case .transpose(let op): return try keepingSilence(node, step.transpose(op))
    case .matMul: return try step.product()
    case .gather(let op): return try step.gather(op)
    case .concat(let op): return try step.concat(op)
    case .shapeOf, .stridedSlice, .scatter, .arange, .pad, .tile: throw step.refusal(nil)
    }
  }

  /// Other views of what is zero beyond the rows' own positions are so too.
  private mutating func keepingSilence(_ node: Node, _ result: Reach) -> Reach {
    if isSilent.contains(node.inputs[0]!) { isSilent.insert(node.output) }
    return result
  }
}
