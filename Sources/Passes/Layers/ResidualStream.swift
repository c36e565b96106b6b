import IR

/// Where attention is added to what it was made of: the stream that runs through all blocks.
struct ResidualStream {
  /// One attention's sum.
  struct Sum {
    /// The place of the node that adds.
    let place: Int
    /// What is added to.
    let skip: ValueID
  }

  /// The sums in their order.
  private(set) var sums: [Sum] = []

  /// Searches look at this many nodes for each node of the graph; no model needs a tenth of them.
  private static let searchLimit = 64

  /// Follows each attention, or the softmax it is known by, to the first sum with something that it was made of.
  init(_ flow: DataFlow) {
    let graph = flow.graph
    var ancestors = AncestorSearch(flow, limit: ResidualStream.searchLimit * graph.nodes.count)
    /// For each value the attention that it comes of, before that was added to anything.
    var source: [Int?] = Array(repeating: nil, count: graph.values.count)
    var isAdded = Array(repeating: false, count: graph.nodes.count)
    for (place, node) in graph.nodes.enumerated() where flow.hears[node.output.index] {
      if node.op.isAttention {
        source[node.output.index] = place
        continue
      }
      let inputs = flow.inputs(of: place)
      guard let attention = inputs.compactMap({ source[$0.index] }).max(), !isAdded[attention] else { continue }
      if node.op == .binary(Binary(.add)), inputs.count == 2,
        let skip = inputs.first(where: { source[$0.index] != attention }),
        ancestors.search(from: attention, for: flow.viewed(skip))
      {
        sums.append(Sum(place: place, skip: skip))
        isAdded[attention] = true
      } else {
        source[node.output.index] = attention
      }
    }
  }

  /// What leaves the only block of a model, which no other block can be compared with: of blocks that start with a norm
  /// the sum with what the second half makes, of others the norm after that sum. Nil where it is neither.
  static func end(of sum: Sum, _ flow: DataFlow) -> ValueID? {
    let graph = flow.graph
    let middle = graph.nodes[sum.place].output
    var ancestors = AncestorSearch(flow, limit: searchLimit * graph.nodes.count)
    var isAfter = Array(repeating: false, count: graph.values.count)
    isAfter[middle.index] = true
    for place in graph.nodes.indices.dropFirst(sum.place + 1) {
      let node = graph.nodes[place]
      let inputs = flow.inputs(of: place)
      guard inputs.contains(where: { isAfter[$0.index] }) else { continue }
      isAfter[node.output.index] = true
      guard node.op == .binary(Binary(.add)), inputs.count == 2, inputs.allSatisfy({ isAfter[$0.index] }) else {
        continue
      }
      let (skip, branch) =
        flow.place(inputs[0]) < flow.place(inputs[1]) ? (inputs[0], inputs[1]) : (inputs[1], inputs[0])
      guard let start = flow.makers[branch.index], ancestors.search(from: start, for: skip) else { continue }
      if skip == middle { return node.output }
      let structure = BlockStructure(flow, cuts: [middle, node.output])
      guard structure.owners[skip.index] == 0 else { return nil }
      return structure.values(of: 1, like: structure.classes[skip.index]).first
    }
    return nil
  }
}

/// Asks whether one value was made of another; many questions together take a bounded time.
private struct AncestorSearch {
  private let flow: DataFlow
  private var budget: Int
  private var marks: [Int]
  private var round = 0

  init(_ flow: DataFlow, limit: Int) {
    (self.flow, budget) = (flow, limit)
    marks = Array(repeating: 0, count: flow.graph.nodes.count)
  }

  /// True where the node at `start` depends on `id`; false where that would take too long to tell.
  mutating func search(from start: Int, for id: ValueID) -> Bool {
    let last = flow.place(id)
    guard last < start else { return false }
    round += 1
    var open = [start]
    marks[start] = round
    while let place = open.popLast() {
      guard budget > 0 else { return false }
      budget -= 1
      for input in flow.inputs(of: place) {
        if input == id { return true }
        // What was made before it was not made of it.
        guard let maker = flow.makers[input.index], maker > last, marks[maker] != round else { continue }
        marks[maker] = round
        open.append(maker)
      }
    }
    return false
  }
}

extension Operator {
  /// True for attention, and for what stands in the middle of it where it is taken apart.
  fileprivate var isAttention: Bool {
    switch self {
    case .attention, .softmax: true
    default: false
    }
  }
}
