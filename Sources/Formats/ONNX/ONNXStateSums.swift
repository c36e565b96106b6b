import Bytes
import Tensors

/// What is done to a graph so that sums over the states of all layers go over those of the kept ones.
///
/// Such a sum joins the states along an axis of their own (`torch.stack`), multiplies by a weight for each, and sums the
/// axis away. Between the two may stand what keeps the axis in sight; anything else is refused with its node's name.
struct ONNXStateSums {
  /// Input positions of nodes that go.
  private(set) var gone: [Int: Set<Int>] = [:]
  /// Nodes between a dropped state and the place where states are joined: they go with it.
  private(set) var spared: Set<Int> = []
  /// Stored numbers of which a part is kept, and which part.
  private(set) var sliced: [Int: (tensor: Tensor, step: String)] = [:]
  /// Shapes for an input of a node, in the place of a constant that counts the states.
  private(set) var lengths: [Int: (position: Int, shape: Tensor)] = [:]
  /// Values that have fewer elements now.
  private(set) var shortened: Set<Int> = []

  private let graph: ONNXGraph
  private let flow: ONNXFlow
  private let numbers: ONNXNumbers
  /// The values that are outputs.
  private let results: Set<Int>
  /// How many states there are, and those that stay.
  private let count: Int
  private let kept: [Int]

  /// A value with the states along one axis.
  private struct Stack {
    let value: Int
    let rank: Int
    let axis: Int
  }

  /// Finds the sums in `graph`. States have `rank` axes; of the `blocks` those in `kept` stay.
  init(
    _ graph: ONNXGraph, _ flow: ONNXFlow, _ blocks: ONNXBlocks, _ numbers: ONNXNumbers, rank: Int, kept: [Int]
  ) throws(FormatError) {
    (self.graph, self.flow, self.numbers) = (graph, flow, numbers)
    results = Set(graph.outputs.compactMap { flow.value($0.name) })
    count = blocks.count + 1
    self.kept = [0] + kept.map { $0 + 1 }
    for (index, node) in graph.nodes.enumerated() where node.op == "Concat" && node.domain.isEmpty {
      guard flow.inputs[index].count == count, let joint = flow.outputs[index].first,
        let chains = chains(of: index, blocks)
      else { continue }
      let axes = try chains.map { (chain) throws(FormatError) in try axis(chain, rank: rank) }
      guard let axis = axes[0], axes.allSatisfy({ $0 == axis }),
        let joined = node.int("axis"), joined == axis || joined == axis - rank - 1
      else { throw node.refused("joins the states of all layers along an axis that they have") }
      // What stands for the last state may be more than the last border: some models end with a norm. It follows whatever
      // is the last kept layer.
      let staying = Set(self.kept.dropLast() + [count - 1])
      gone[index] = Set(0..<count).subtracting(staying)
      for position in gone[index]! {
        spared.formUnion(chains[position].filter { flow.outputs[$0].allSatisfy { flow.users[$0].count == 1 } })
      }
      try follow(Stack(value: joint, rank: rank + 1, axis: axis))
    }
  }

  /// Between states and what joins them may stand so many nodes.
  private static let chainLimit = 4
  private static let transparent: Set<String> = ["Unsqueeze", "Identity", "Cast"]

  /// The nodes between each state and its input of a node that joins all of them; nil for one that joins something else.
  private func chains(of node: Int, _ blocks: ONNXBlocks) -> [[Int]]? {
    var chains: [[Int]] = []
    for (position, input) in flow.inputs[node].enumerated() {
      guard var value = input else { return nil }
      var chain: [Int] = []
      while value != blocks.borders[position], chain.count < ONNXStateSums.chainLimit, let maker = flow.maker[value],
        ONNXStateSums.transparent.contains(graph.nodes[maker].op), let next = flow.inputs[maker].first ?? nil
      {
        chain.append(maker)
        value = next
      }
      let isLast = position == count - 1
      guard value == blocks.borders[position] || isLast && flow.maker[value].map(blocks.isBehind) == true else {
        return nil
      }
      chains.append(chain)
    }
    return chains
  }

  /// The axis that the one Unsqueeze of a chain adds; nil for other chains.
  private func axis(_ chain: [Int], rank: Int) throws(FormatError) -> Int? {
    let nodes = chain.filter { graph.nodes[$0].op == "Unsqueeze" }
    guard nodes.count == 1, let axes = try axes(of: nodes[0]), axes.count == 1 else { return nil }
    return axes[0] < 0 ? axes[0] + rank + 1 : axes[0]
  }

  /// The axes that a node names, by its attribute or, in later operator sets, by its second input.
  private func axes(of node: Int) throws(FormatError) -> [Int]? {
    if let axes = graph.nodes[node].ints("axes") { return axes }
    return try integers(node, 1)
  }

  /// The integers that a node is given at a position; nil where they are computed.
  private func integers(_ node: Int, _ position: Int) throws(FormatError) -> [Int]? {
    guard position < flow.inputs[node].count, let input = flow.inputs[node][position] else { return nil }
    return try numbers.integers(input)
  }

  /// Goes on from the joined states until their axis is summed away.
  private mutating func follow(_ start: Stack) throws(FormatError) {
    var open = [start]
    var seen: Set<Int> = []
    while let stack = open.popLast() {
      guard seen.insert(stack.value).inserted else { continue }
      shortened.insert(stack.value)
      guard !results.contains(stack.value) else {
        throw FormatError(
          "onnx", .unsupported("an output that holds the states of all layers"), place: [flow.names[stack.value]])
      }
      for user in flow.users[stack.value] {
        if let next = try step(stack, graph.nodes[user], user) { open.append(next) }
      }
    }
  }

  /// What a node makes of the joined states; nil where they are states no more.
  private mutating func step(_ stack: Stack, _ node: ONNXNode, _ index: Int) throws(FormatError) -> Stack? {
    func refused() -> FormatError { node.refused("computes with the states of all layers in a way that is not known") }
    guard node.domain.isEmpty, flow.captured[index].isEmpty, let output = flow.outputs[index].first else {
      throw refused()
    }
    let inputs = flow.inputs[index]
    guard inputs.count(where: { $0 == stack.value }) == 1 else { throw refused() }
    switch node.op {
    case "Identity", "Cast": return Stack(value: output, rank: stack.rank, axis: stack.axis)
    case "Mul":
      guard inputs.count == 2, let other = inputs[inputs[0] == stack.value ? 1 : 0] else { throw refused() }
      try slice(other, behind: stack.rank - stack.axis, for: index)
      return Stack(value: output, rank: stack.rank, axis: stack.axis)
    case "LayerNormalization":
      let axis = node.int("axis") ?? -1
      guard inputs[0] == stack.value, (axis < 0 ? axis + stack.rank : axis) > stack.axis else { throw refused() }
      return Stack(value: output, rank: stack.rank, axis: stack.axis)
    case "Transpose":
      guard let order = node.ints("perm"), order.count == stack.rank, let axis = order.firstIndex(of: stack.axis)
      else { throw refused() }
      return Stack(value: output, rank: stack.rank, axis: axis)
    case "Reshape":
      guard stack.axis == 0, inputs[0] == stack.value, var shape = try integers(index, 1), let first = shape.first
      else { throw refused() }
      if first > 0 {
        guard first == count else { throw refused() }
        shape[0] = kept.count
        lengths[index] = (1, Tensor(shape.map(Int64.init)))
      }
      return Stack(value: output, rank: shape.count, axis: 0)
    case "ReduceSum", "ReduceMean":
      let axes = try axes(of: index)?.map { $0 < 0 ? $0 + stack.rank : $0 }
      guard inputs[0] == stack.value, axes?.contains(stack.axis) == true else { throw refused() }
      if node.op == "ReduceSum" { try checkScale(output) }
      return nil
    default: throw refused()
    }
  }

  /// Throws where what was added up is divided by the number of states, which would be another one then.
  private func checkScale(_ sum: Int) throws(FormatError) {
    for user in flow.users[sum] where ["Div", "Mul"].contains(graph.nodes[user].op) {
      for case .some(let other) in flow.inputs[user] where other != sum {
        guard let tensor = try numbers.tensor(other), tensor.count == 1, let number = tensor.numbers.first,
          abs(number - Double(count)) < 1e-4 || abs(number * Double(count) - 1) < 1e-4
        else { continue }
        throw graph.nodes[user].refused(
          "divides a sum over the states of all layers by their number, \(count), which would be another one")
      }
    }
  }

  /// Slices the weights behind `value`, along the axis that has `axes` axes from its start to the end of the shape.
  private mutating func slice(_ value: Int, behind axes: Int, for user: Int) throws(FormatError) {
    var (value, user, isDirect, isNormalized) = (value, user, true, false)
    while true {
      let node = graph.nodes[user]
      guard flow.users[value] == [user] else {
        throw node.refused("weighs the states of all layers by \"\(flow.names[value])\", which others use too")
      }
      guard !results.contains(value) else {
        throw node.refused("weighs the states of all layers by \"\(flow.names[value])\", which is an output")
      }
      shortened.insert(value)
      if let stored = try numbers.tensor(value) {
        let axis = isDirect ? stored.shape.rank - axes : stored.shape.dimensions.firstIndex(of: count) ?? -1
        guard axis >= 0, stored.shape[axis] == count, isDirect || stored.count == count else { break }
        sliced[value] = try part(of: stored, along: axis, isNormalized: isNormalized, node)
        return
      }
      guard let maker = flow.maker[value], graph.nodes[maker].domain.isEmpty, let input = flow.inputs[maker].first,
        let input
      else { break }
      switch graph.nodes[maker].op {
      case "Softmax": isNormalized = true
      case "Identity", "Cast", "Unsqueeze", "Squeeze", "Flatten": break
      case "Reshape":
        guard let shape = try integers(maker, 1) else {
          throw node.refused("weighs the states of all layers by numbers of a shape that is computed")
        }
        if let place = shape.firstIndex(of: count) {
          let mine = shape.enumerated().map { Int64($0 == place ? kept.count : $1) }
          lengths[maker] = (1, Tensor(mine))
        }
      default:
        throw graph.nodes[maker].refused("computes weights for the states of all layers in a way that is not known")
      }
      (value, user, isDirect) = (input, maker, false)
    }
    throw graph.nodes[user].refused("weighs the states of all layers by something that is not one number for each")
  }

  /// The kept states' part of a tensor. Weights that softmax made once add up to one again.
  private func part(
    of tensor: Tensor, along axis: Int, isNormalized: Bool, _ node: ONNXNode
  ) throws(FormatError) -> (tensor: Tensor, step: String) {
    let lengths = tensor.shape.dimensions
    let row = lengths[(axis + 1)...].reduce(1, *)
    let rows = (0..<lengths[..<axis].reduce(1, *)).flatMap { outer in kept.map { outer * count + $0 } }
    var shape = lengths
    shape[axis] = kept.count
    let part = Tensor(
      tensor.dataType, Shape(shape), pieces: rows.map { tensor.elements($0 * row..<($0 + 1) * row).bytes })
    let step = "states " + kept.map(String.init).joined(separator: ", ") + " of \(count)"
    guard !isNormalized, tensor.count == count else { return (part, step) }
    let numbers = tensor.numbers
    // Softmax in half width adds up to one within a thousandth and a few.
    guard numbers.allSatisfy({ $0 >= 0 }), abs(numbers.reduce(0, +) - 1) < 4e-3 else { return (part, step) }
    let sum = part.numbers.reduce(0, +)
    guard part.dataType == .float32, sum > 0 else {
      throw node.refused("weighs the states by \(part.dataType.rawValue) numbers whose sum is 1; only F32 can stay so")
    }
    return (Tensor(part.numbers.map { Float($0 / sum) }, shape: part.shape), step + ", divided by their sum")
  }
}
