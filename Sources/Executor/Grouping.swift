import IR
import Tensors

/// Which nodes run together, so that what passes between them never leaves the caches.
///
/// Products with what follows them. Before: `h = Linear(x, w, b)`, `y = Gelu(h)` or `y = Add(x', h)`.
/// After: one step, the function or the sum applied while the product's tile is in registers.
///
/// Chains in time. Before: `a = Conv(signal)`, `b = LayerNormalization(a)`, `c = Gelu(b)`, `d = Conv(c)`, ...
/// After: one step that takes a tile of the last value's frames through the whole chain, each tile with the few frames
/// before and after it that it needs (its halo). Group norms get their statistics from a pass of their own first.
///
/// Values that somebody wants to see are never hidden inside a group.
struct Grouping {
  /// How a group is computed.
  enum Form: Hashable, Sendable {
    /// One node by itself.
    case single
    /// A product, then GELU or an addition.
    case product(gelu: Bool, addend: ValueID?)
    /// Tiles of time.
    case tiles
  }

  /// Some nodes and how they are computed together; the last one's result is the group's.
  struct Group {
    var nodes: [Int]
    var form: Form
  }

  private let graph: Graph
  private let consumers: [ValueID: [Int]]
  private let kept: Set<ValueID>
  private let nodeOf: [ValueID: Int]

  private init(_ graph: Graph, keeping kept: Set<ValueID>) {
    self.graph = graph
    var consumers: [ValueID: [Int]] = [:]
    var nodeOf: [ValueID: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for case .some(let input) in node.inputs { consumers[input, default: []].append(index) }
      nodeOf[node.output] = index
    }
    (self.consumers, self.nodeOf) = (consumers, nodeOf)
    self.kept = kept.union(graph.outputs.map(\.value))
  }

  /// Every node in a group by itself, but for those of `skipped`.
  static func none(_ graph: Graph, _ skipped: Set<Int>) -> [Group] {
    graph.nodes.indices.filter { !skipped.contains($0) }.map { Group(nodes: [$0], form: .single) }
  }

  /// Groups that compute what `graph` does, in an order in which they can run. `shapes` are the values' shapes; what
  /// the nodes of `skipped` make is known already.
  static func of(_ graph: Graph, shapes: [Shape?], keeping kept: Set<ValueID>, skipping skipped: Set<Int>) -> [Group] {
    let grouping = Grouping(graph, keeping: kept)
    var done = skipped
    var groups: [Group] = []
    for index in graph.nodes.indices where !done.contains(index) {
      let group =
        grouping.chain(from: index) ?? grouping.product(at: index, shapes) ?? Group(nodes: [index], form: .single)
      done.formUnion(group.nodes)
      groups.append(group)
    }
    return groups
  }

  /// The one node that uses a node's result, if nobody else looks at it.
  private func onlyConsumer(_ index: Int) -> Int? {
    let output = graph.nodes[index].output
    guard !kept.contains(output), let users = consumers[output], users.count == 1 else { return nil }
    return users[0]
  }

  private func isConstant(_ id: ValueID?) -> Bool { id.map { graph.constants[$0] != nil } ?? true }

  private func product(at index: Int, _ shapes: [Shape?]) -> Group? {
    let node = graph.nodes[index]
    guard case .linear = node.op, isConstant(node.inputs[1]), let next = onlyConsumer(index) else { return nil }
    let follower = graph.nodes[next]
    switch follower.op {
    case .gelu(let gelu) where gelu.approximation == .none:
      return Group(nodes: [index, next], form: .product(gelu: true, addend: nil))
    case .binary(let binary) where binary.function == .add:
      guard let other = follower.inputs.first(where: { $0 != node.output }) ?? nil, !isConstant(other),
        nodeOf[other].map({ $0 < index }) ?? true, shapes[other.index] == shapes[node.output.index]
      else { return nil }
      return Group(nodes: [index, next], form: .product(gelu: false, addend: other))
    default: return nil
    }
  }

  /// The longest run of time-local nodes from `index` on that holds at least two convolutions.
  private func chain(from index: Int) -> Group? {
    var nodes: [Int] = []
    var next: Int? = index
    while let node = next, isTimeLocal(graph.nodes[node], isFirst: nodes.isEmpty) {
      nodes.append(node)
      next = onlyConsumer(node)
    }
    let convolutions = nodes.filter { if case .conv = graph.nodes[$0].op { true } else { false } }
    return convolutions.count >= 2 ? Group(nodes: nodes, form: .tiles) : nil
  }

  /// True where a frame of the result needs a bounded run of frames of the one input that is no constant.
  private func isTimeLocal(_ node: Node, isFirst: Bool) -> Bool {
    guard node.inputs.dropFirst().allSatisfy(isConstant), !isConstant(node.inputs[0]) else { return false }
    let rank = graph[node.output].type.rank
    switch node.op {
    case .conv(let conv): return conv.groups == 1 && conv.paddingBefore == 0 && conv.paddingAfter == 0
    case .reshape(let reshape):
      return isFirst && reshape.lengths == [.copy(axis: 0), .copy(axis: 1), .fixed(1)]
    case .groupNormalization: return !isFirst
    case .layerNormalization, .gelu, .linear: return rank == 3
    case .unary: return rank == 3 && graph[node.output].type.dataType == .float32
    case .attention, .binary, .reduce, .slice, .matMul, .softmax, .transpose, .cast, .select, .shapeOf, .reshapeTo,
      .stridedSlice, .expand, .gather, .scatter, .concat, .arange, .pad, .tile:
      return false
    }
  }
}
