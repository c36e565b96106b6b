import Executor
import IR
import Tensors

/// Before: queries, keys and values taken apart into heads by reshapes and transposes, in whatever order the exporter
/// chose; `softmax(q · kᵀ · scale) · v`; the heads put together again.
/// After: `Attention(q, k, v)` over [batch, time, width].
///
/// Where the region begins and ends, how many heads there are and the scale are read off the graph. Then the region is
/// computed for random numbers, and must agree with what takes its place.
struct FuseAttention: Pass {
  static let name = "fuse-attention"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: FuseAttention.name)
    for node in graph.nodes {
      guard case .softmax = node.op, editor.node(node.output) != nil else { continue }
      guard let region = AttentionRegion(around: node, editor) else {
        editor.decline(node.output, "what lies around this softmax is no attention that is known")
        continue
      }
      guard region.agrees(editor.graph) else {
        editor.decline(node.output, "random numbers come out differently from attention of \(region.op.heads) heads")
        continue
      }
      editor.replace(
        region.result, with: .attention(region.op), region.query, region.key, region.value,
        why: "attention of \(region.op.heads) heads")
    }
    return try editor.finish(&graph)
  }
}

/// What computes attention: where it begins, where it ends, and what would take its place.
private struct AttentionRegion {
  let query, key, value, result: ValueID
  let op: Attention

  /// Follows the graph back to what is taken apart into heads, and on to where they are together again.
  init?(around softmax: Node, _ editor: GraphEditor) {
    guard let scores = AttentionRegion.back(softmax.inputs[0]!, editor), let product = editor.node(scores.value),
      case .matMul = product.op, let q = AttentionRegion.back(product.inputs[0]!, editor),
      let k = AttentionRegion.back(product.inputs[1]!, editor),
      let mixed = AttentionRegion.forward(
        softmax.output, editor, until: { if case .matMul = $0.op { true } else { false } }),
      let v = AttentionRegion.back(mixed.inputs[1]!, editor), v.scale == 1
    else { return nil }
    let type = editor.type(q.value)
    guard type.rank == 3, let width = type.dimensions[2].value,
      let head = editor.type(mixed.inputs[1]!).dimensions.last?.value, head > 0, width % head == 0
    else { return nil }
    // Heads are together again where the shape can be the queries'.
    func isWhole(_ id: ValueID) -> Bool {
      let own = editor.type(id)
      return own.rank == 3 && zip(own.dimensions, type.dimensions).allSatisfy { $0.canEqual($1) }
    }
    var end: ValueID? = mixed.output
    while let id = end, !isWhole(id) || AttentionRegion.isApart(id, editor) {
      end = editor.user(of: id).flatMap(AttentionRegion.view)
    }
    guard let end, editor.type(k.value).dimensions[0] == type.dimensions[0],
      editor.type(k.value).dimensions.last == type.dimensions[2], editor.type(v.value) == editor.type(k.value)
    else { return nil }
    (query, key, value, result) = (q.value, k.value, v.value, end)
    let found = Float(scores.scale * q.scale * k.scale)
    // Exporters multiply two square roots; the last bit of what builders write is lost that way.
    let standard = Float(1 / Double(head).squareRoot())
    op = Attention(heads: width / head, scale: abs(found - standard) <= 2 * standard.ulp ? standard : found)
  }

  /// The value that reshapes, transposes and factors start from, and the product of the factors.
  private static func back(_ id: ValueID, _ editor: GraphEditor) -> (value: ValueID, scale: Double)? {
    var (id, scale) = (id, 1.0)
    while let node = editor.node(id) {
      if let (value, number) = editor.operands(id, .multiply) {
        (id, scale) = (value, scale * Double(number))
      } else if case .binary(let op) = node.op, op.function == .divide, let number = editor.number(node.inputs[1]) {
        (id, scale) = (node.inputs[0]!, scale / Double(number))
      } else if view(node) != nil {
        id = node.inputs[0]!
      } else {
        break
      }
    }
    return (id, scale)
  }

  /// The result of a node that only reorders elements.
  private static func view(_ node: Node) -> ValueID? {
    switch node.op {
    case .reshape, .transpose, .reshapeTo: node.output
    default: nil
    }
  }

  /// The first node after `id` that `isWanted`, views apart.
  private static func forward(_ id: ValueID, _ editor: GraphEditor, until isWanted: (Node) -> Bool) -> Node? {
    var id = id
    while let node = editor.user(of: id) {
      if isWanted(node) { return node.inputs[0] == id ? node : nil }
      guard let next = view(node) else { return nil }
      id = next
    }
    return nil
  }

  /// True where one user goes on to reorder the heads: the old way has them among the batch, in three axes as well.
  private static func isApart(_ id: ValueID, _ editor: GraphEditor) -> Bool {
    guard let user = editor.user(of: id), case .matMul = editor.node(id)?.op else { return false }
    return view(user) != nil
  }

  /// Random numbers of one input are at most this many: wider attention is nobody's.
  private static let sampleLimit = 1 << 22

  /// True where the region and the operator give the same for random numbers, at two lengths.
  func agrees(_ graph: Graph) -> Bool {
    guard let region = try? part(graph) else { return false }
    var attention = Graph()
    let inputs = [query, key, value].map { attention.addInput("\($0.index)", graph[$0].type) }
    guard let y = try? attention.addNode("attention", .attention(op), inputs) else { return false }
    attention.addOutput("y", y)
    guard let mine = try? Executor(region, threads: 1), let other = try? Executor(attention, threads: 1) else {
      return false
    }
    var random = SystemRandom(state: 20_260)
    return [3, 8].allSatisfy { time in
      var fed = NamedTensors()
      for id in [query, key, value] {
        let shape = Shape(
          graph[id].type.dimensions.enumerated().map { axis, length in length.value ?? (axis == 0 ? 2 : time) })
        guard let count = shape.checkedCount, count <= AttentionRegion.sampleLimit else { return false }
        fed["\(id.index)"] = Tensor((0..<shape.count).map { _ in random.next() }, shape: shape)
      }
      guard let a = try? mine.run(fed)["y"], let b = try? other.run(fed)["y"], a.shape == b.shape else { return false }
      return zip(a.floats, b.floats).allSatisfy { abs($0 - $1) <= 1e-5 }
    }
  }

  /// The region as a graph of its own.
  private func part(_ graph: Graph) throws -> Graph {
    var part = Graph()
    var copies: [ValueID: ValueID] = [:]
    for id in [query, key, value] where copies[id] == nil { copies[id] = part.addInput("\(id.index)", graph[id].type) }
    var needed: Set<ValueID> = [result]
    var nodes: [Node] = []
    for node in graph.nodes.reversed() where needed.contains(node.output) && copies[node.output] == nil {
      nodes.append(node)
      needed.formUnion(node.inputs.compactMap { $0 })
    }
    for node in nodes.reversed() {
      for case .some(let id) in node.inputs where copies[id] == nil {
        guard let constant = graph.constants[id] else {
          throw GraphError(graph[id].name, "is neither a constant nor a part of attention")
        }
        copies[id] = part.addConstant(graph[id].name, constant)
      }
      copies[node.output] = try part.addNode(node.name, node.op, node.inputs.map { $0.map { copies[$0]! } })
    }
    part.addOutput("y", copies[result]!)
    return part
  }
}

/// Numbers from -2 to 2 that are the same each time.
private struct SystemRandom {
  var state: UInt64

  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int64(state >> 40)) / Float(1 << 22) - 2
  }
}
