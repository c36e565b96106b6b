import IR
import Tensors

/// What a graph between two cuts looks like from the first of them: values that are made alike are of one class.
struct BlockStructure {
  /// For each value the last cut that it depends on; -1 where it depends on none.
  private(set) var owners: [Int]
  /// For each value how it is made of the last cut before it; -1 where it depends on none.
  private(set) var classes: [Int]
  /// How each cut is made of the one before; -1 for the first.
  private(set) var cutClasses: [Int]

  private let flow: DataFlow
  private let cuts: [ValueID]

  /// What a value is made of, and how.
  private enum Making: Hashable {
    case cut
    case constant(isFloat: Bool, [Int], elements: [Int]?)
    case other(DataType, rank: Int)
    case node(Operator, [Int])
  }

  /// Cuts that stand in the order in which they are made.
  init(_ flow: DataFlow, cuts: [ValueID]) {
    (self.flow, self.cuts) = (flow, cuts)
    let graph = flow.graph
    owners = Array(repeating: -1, count: graph.values.count)
    classes = owners
    cutClasses = Array(repeating: -1, count: cuts.count)
    var known: [Making: Int] = [:]
    var count = 0
    func number(_ making: Making) -> Int {
      if let number = known[making] { return number }
      count += 1
      known[making] = count
      return count
    }
    let places = Dictionary(zip(cuts, cuts.indices)) { first, _ in first }
    let cut = number(.cut)
    if let first = cuts.first, flow.makers[first.index] == nil {
      (owners[first.index], classes[first.index]) = (0, cut)
    }
    for (place, node) in graph.nodes.enumerated() {
      var owner = -1
      for input in flow.inputs(of: place) { owner = max(owner, owners[input.index]) }
      if owner >= 0 {
        let parts = node.inputs.map { input -> Int in
          guard let input else { return 0 }
          if owners[input.index] == owner { return classes[input.index] }
          guard owners[input.index] < 0 else {
            // It comes from an earlier block: no other value is made so.
            count += 1
            return count
          }
          return number(BlockStructure.leaf(input, flow))
        }
        (owners[node.output.index], classes[node.output.index]) = (owner, number(.node(node.op, parts)))
      }
      guard let index = places[node.output] else { continue }
      if owner == index - 1 { cutClasses[index] = classes[node.output.index] }
      (owners[node.output.index], classes[node.output.index]) = (index, cut)
    }
  }

  /// What enters from beside: a constant's shape, and an integer's elements, which say axes and the like.
  private static func leaf(_ id: ValueID, _ flow: DataFlow) -> Making {
    let graph = flow.graph
    guard let constant = graph.constants[id] else { return .other(graph[id].type.dataType, rank: graph[id].type.rank) }
    let isFloat = constant.dataType.isFloat
    return .constant(
      isFloat: isFloat, constant.shape.dimensions, elements: isFloat ? nil : graph.smallConstant(id)?.integers)
  }

  /// The values after a cut that are made of it as `made` says.
  func values(of cut: Int, like made: Int) -> [ValueID] {
    flow.graph.nodes.map(\.output).filter { owners[$0.index] == cut && classes[$0.index] == made }
  }

  /// The places of the nodes between a cut and a value after it.
  func region(from cut: Int, to end: ValueID) -> [Int] {
    guard let last = flow.makers[end.index] else { return [] }
    var found: Set<Int> = [last]
    var open = [last]
    while let place = open.popLast() {
      for input in flow.inputs(of: place) where owners[input.index] == cut && input != cuts[cut] {
        if let maker = flow.makers[input.index], found.insert(maker).inserted { open.append(maker) }
      }
    }
    return found.sorted()
  }

  /// The values between two cuts that correspond to those between two others, the structure being the same; where it is
  /// not, `difference` is the first pair that is made differently.
  func pairs(_ a: ValueID, _ b: ValueID) -> (map: [ValueID: ValueID], difference: (ValueID, ValueID)?) {
    let graph = flow.graph
    var map = [a: b]
    var open = [(a, b)]
    while let (a, b) = open.popLast() {
      guard let first = flow.makers[a.index], let second = flow.makers[b.index] else { continue }
      let (mine, other) = (graph.nodes[first], graph.nodes[second])
      guard mine.op == other.op, mine.inputs.count == other.inputs.count else { return (map, (a, b)) }
      for case (.some(let x), .some(let y)) in zip(mine.inputs, other.inputs) where map[x] == nil {
        // Cuts end the walk, and so does what comes from beside.
        guard owners[x.index] >= 0 || owners[y.index] >= 0 else {
          if BlockStructure.leaf(x, flow) != BlockStructure.leaf(y, flow) { return (map, (x, y)) }
          continue
        }
        map[x] = y
        if !cuts.contains(x) { open.append((x, y)) }
      }
    }
    return (map, nil)
  }
}
