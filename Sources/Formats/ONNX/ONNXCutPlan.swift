import Bytes
import Tensors

/// What stays of a graph when blocks go, and what uses what then.
struct ONNXCutPlan {
  let file: ONNXFile
  let flow: ONNXFlow
  /// What is done to sums over the states of all layers.
  let sums: ONNXStateSums
  /// The value that is used in the place of another one.
  private(set) var redirected: [Int: Int] = [:]
  /// Values that shapes are read of in the place of others, by node.
  private(set) var shapes: [Int: Int] = [:]
  /// Nodes that go.
  private(set) var isRemoved: [Bool]
  /// Values that go.
  private(set) var isGone: [Bool]
  /// Outputs whose value is a dropped border: they become copies of what is used in its place.
  private(set) var copies: [(output: String, value: Int)] = []
  private(set) var notes: [String] = []

  private let blocks: ONNXBlocks
  private var isDropped: [Bool]

  init(
    _ file: ONNXFile, borders: [String], rank: Int, keeping kept: [Int], _ rename: ONNXCut.Renaming
  ) throws(FormatError) {
    let graph = file.model.graph
    self.file = file
    flow = try ONNXFlow(graph)
    blocks = try ONNXBlocks(graph, flow, borders: borders)
    precondition(zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 } && kept.first.map { $0 >= 0 } == true)
    precondition(kept.last! < blocks.count)
    sums = try ONNXStateSums(graph, flow, blocks, ONNXNumbers(file, flow), rank: rank, kept: kept)
    isDropped = (0..<blocks.count).map { _ in true }
    for block in kept { isDropped[block] = false }
    (isRemoved, isGone) = (graph.nodes.map { _ in false }, flow.names.map { _ in false })
    try redirect()
    try checkUses()
    var live = liveNodes()
    try keepShapes(live)
    if !shapes.isEmpty { live = liveNodes() }
    try remove(live, rename)
  }

  /// What a node uses at each position; nil for what is left out, goes, or is another constant.
  func used(by node: Int) -> [Int?] {
    flow.inputs[node].enumerated().map { position, input in
      guard let input, sums.gone[node]?.contains(position) != true, sums.lengths[node]?.position != position else {
        return nil
      }
      if position == 0, let other = shapes[node] { return other }
      return redirected[input] ?? input
    }
  }

  /// The blocks for which nodes that use a value work.
  func blocks(using value: Int) -> Set<Int> { Set(flow.users[value].compactMap { blocks.end(of: $0) }) }

  /// The first kept block that uses a value; nil for one that only others use.
  func keptBlock(using value: Int) -> Int? { blocks(using: value).filter { !isDropped[$0] }.min() }

  /// True for a node that computes with the elements of a dropped block.
  private func isInDropped(_ node: Int) -> Bool { blocks.block(of: node).map { isDropped[$0] } ?? false }

  /// Uses of what leaves a dropped block become uses of what enters it.
  private mutating func redirect() throws(FormatError) {
    for block in 0..<blocks.count where isDropped[block] {
      let entry = blocks.borders[block]
      redirected[blocks.borders[block + 1]] = redirected[entry] ?? entry
    }
    for output in file.model.graph.outputs {
      if let value = flow.value(output.name), let other = redirected[value] { copies.append((output.name, other)) }
    }
  }

  /// Between two blocks a state is used by the next block, by sums over all states, or as an output: what else uses it
  /// may mean this very layer's, and what combines several may mean these very layers'.
  private func checkUses() throws(FormatError) {
    let nodes = file.model.graph.nodes
    for block in 0..<blocks.count - 1 where isDropped[block] {
      for user in flow.users[blocks.borders[block + 1]] {
        guard
          blocks.holds(user, in: block + 1) || sums.spared.contains(user) || sums.gone[user] != nil
            || ONNXBlocks.shapeOperators.contains(nodes[user].op)
        else { throw nodes[user].refused("uses what leaves layer \(block), which is not to be kept") }
      }
    }
    guard isDropped.contains(true) else { return }
    // The borders that a value outside of the blocks is made of: the first and the last of them.
    var made: [Int: ClosedRange<Int>] = Dictionary(
      uniqueKeysWithValues: blocks.borders.enumerated().map { ($1, $0...$0) })
    var hasMiddle = Set(blocks.borders.dropFirst().dropLast())
    for (index, node) in nodes.enumerated() {
      guard !blocks.isInside(index), sums.gone[index] == nil, !ONNXBlocks.shapeOperators.contains(node.op) else {
        continue
      }
      let needs = flow.needs(of: index).filter { made[$0] != nil }
      guard let first = needs.map({ made[$0]!.lowerBound }).min(), let last = needs.map({ made[$0]!.upperBound }).max()
      else { continue }
      let middle = needs.contains { hasMiddle.contains($0) }
      guard first == last || !middle else {
        throw node.refused("combines what leaves several layers, and not all layers are to be kept")
      }
      for value in flow.outputs[index] where made[value] == nil {
        made[value] = first...last
        if middle { hasMiddle.insert(value) }
      }
    }
  }

  /// The nodes that outputs need.
  private func liveNodes(ofSource: Bool = false) -> [Bool] {
    var live = isRemoved.map { _ in false }
    var open = file.model.graph.outputs.compactMap { flow.value($0.name) }
    if !ofSource { open = open.map { redirected[$0] ?? $0 } }
    while let value = open.popLast() {
      guard let maker = flow.maker[value], !live[maker] else { continue }
      live[maker] = true
      open +=
        ofSource
        ? flow.needs(of: maker)
        : used(by: maker).compactMap(\.self) + flow.captured[maker].map { redirected[$0] ?? $0 }
    }
    return live
  }

  /// A node of a dropped block may still be asked for the shape of what it makes; nothing else of it may be wanted.
  private mutating func keepShapes(_ live: [Bool]) throws(FormatError) {
    let nodes = file.model.graph.nodes
    let outputs = Set(file.model.graph.outputs.map { Name($0.name) })
    for (index, node) in nodes.enumerated() where live[index] {
      guard isInDropped(index), let block = blocks.block(of: index) else { continue }
      for value in flow.outputs[index] {
        if outputs.contains(Name(flow.names[value])), redirected[value] == nil {
          throw node.refused("makes an output inside layer \(block), which is not to be kept")
        }
        for user in flow.users[value] where live[user] && !isInDropped(user) && redirected[value] == nil {
          guard ONNXBlocks.shapeOperators.contains(nodes[user].op), nodes[user].domain.isEmpty else {
            throw nodes[user].refused("uses \"\(flow.names[value])\" of layer \(block), which is not to be kept")
          }
          if isShaped(value, as: block) {
            let entry = blocks.borders[block]
            shapes[user] = redirected[entry] ?? entry
          } else {
            notes.append("\(node.label) of layer \(block) stays: \(nodes[user].label) reads the shape of what it makes")
          }
        }
      }
    }
  }

  private static let shapeKeepers: Set<String> = [
    "Identity", "Cast", "Dropout", "LayerNormalization", "Gelu", "Relu", "Tanh", "Sigmoid", "Erf", "Softmax", "Sqrt",
    "Exp", "Neg", "Abs", "Reciprocal",
  ]

  /// True where it is plain that a value has the shape of what enters the block.
  private func isShaped(_ value: Int, as block: Int) -> Bool {
    var value = value
    while value != blocks.borders[block] {
      guard let maker = flow.maker[value], file.model.graph.nodes[maker].domain.isEmpty,
        ONNXCutPlan.shapeKeepers.contains(file.model.graph.nodes[maker].op), flow.outputs[maker].first == value,
        let input = flow.inputs[maker].first ?? nil
      else { return false }
      value = input
    }
    return true
  }

  /// What was of use and is no more goes, and what needs something that goes.
  private mutating func remove(_ live: [Bool], _ rename: ONNXCut.Renaming) throws(FormatError) {
    let graph = file.model.graph
    let before = liveNodes(ofSource: true)
    for index in graph.nodes.indices where !live[index] {
      let needs = used(by: index).compactMap(\.self) + flow.captured[index].map { redirected[$0] ?? $0 }
      guard
        before[index] || isInDropped(index) || needs.contains(where: { isGone[$0] })
      else { continue }
      isRemoved[index] = true
      for value in flow.outputs[index] { isGone[value] = true }
    }
    for copy in copies {
      let value = flow.value(copy.output)!
      guard isGone[value] else {
        throw graph.nodes[flow.maker[value]!].refused("makes an output and something that kept layers need")
      }
    }
    var needed = Set(graph.outputs.compactMap { flow.value($0.name) }.map { redirected[$0] ?? $0 })
    for index in graph.nodes.indices where !isRemoved[index] {
      needed.formUnion(used(by: index).compactMap(\.self))
      needed.formUnion(flow.captured[index].map { redirected[$0] ?? $0 })
    }
    for name in graph.initializers.map(\.name) + graph.sparseInitializers {
      let value = flow.value(name)!
      let isOfDropped = rename(name, nil) == nil
      if needed.contains(value) {
        // One that several layers share, as exporters store equal weights once, stays for the others.
        guard !isOfDropped || flow.users[value].contains(where: { isRemoved[$0] || isInDropped($0) }) else {
          throw FormatError(
            "onnx", .unsupported("others than its layer, which is not to be kept, use this initializer"), place: [name])
        }
      } else if isOfDropped || !flow.users[value].isEmpty {
        isGone[value] = true
      }
    }
  }
}
