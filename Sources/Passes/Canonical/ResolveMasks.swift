import IR
import Tensors

/// Leaves out masks that mask nothing, and other sums and products with one number that changes nothing.
///
/// Before: `valid = Expand(GreaterOrEqual(Range(0, n, 1), 0), ...)`, `mask = Where(valid, 0, -3.4e38)`,
/// `y = Add(scores, mask)`.
/// After: `y` is `scores`. An Expand or a slice whose result is as long as its input is left out too.
///
/// Where the names of lengths do not say that the mask makes the scores no larger, the graph is planned for sixteen
/// lengths of its inputs, and the shapes must agree for all of them.
struct ResolveMasks: Pass {
  static let name = "resolve-masks"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: ResolveMasks.name)
    let uniform = UniformValues(graph)
    var samples: ShapeSamples?
    func fits(_ id: ValueID, _ other: ValueID, _ graph: Graph) -> Bool {
      if graph[id].type == graph[other].type { return true }
      guard graph[id].type.dataType == graph[other].type.dataType, graph[id].type.rank == graph[other].type.rank else {
        return false
      }
      samples = samples ?? ShapeSamples(graph)
      return samples!.areEqual(id, other)
    }
    for node in graph.nodes {
      var kept: ValueID?
      switch node.op {
      case .select:
        guard let truth = uniform.of[node.inputs[0]!] else { continue }
        kept = node.inputs[truth != 0 ? 1 : 2]
      case .binary(let op):
        let (a, b) = (node.inputs[0]!, node.inputs[1]!)
        // Constants are somebody else's business.
        if editor.number(a) != nil || editor.number(b) != nil { continue }
        switch op.function {
        case .add: kept = uniform.of[b] == 0 ? a : uniform.of[a] == 0 ? b : nil
        case .multiply: kept = uniform.of[b] == 1 ? a : uniform.of[a] == 1 ? b : nil
        default: break
        }
      case .expand: kept = node.inputs[0]
      case .stridedSlice where node.input(4) == nil || uniform.of[node.input(4)!] == 1: kept = node.inputs[0]
      default: break
      }
      guard let kept else { continue }
      if fits(kept, node.output, graph) {
        editor.redirect(node.output, to: kept, why: "what it adds or chooses changes nothing")
      } else if case .binary = node.op {
        editor.decline(node.output, "the result may have another shape")
      }
    }
    return try editor.finish(&graph)
  }
}

/// Values all of whose elements are one number, whatever is fed; truth values are 1 and 0.
struct UniformValues {
  private(set) var of: [ValueID: Double] = [:]
  /// Integers that are never negative.
  private var positive: Set<ValueID> = []

  init(_ graph: Graph) {
    for id in graph.constants.keys {
      guard let tensor = graph.smallConstant(id), DataType.computed.contains(tensor.dataType) else { continue }
      let numbers = tensor.integers?.map(Double.init) ?? tensor.numbers
      guard let first = numbers.first else {
        continue
      }
      if numbers.allSatisfy({ $0 == first }) { of[id] = first }
      if numbers.allSatisfy({ $0 >= 0 }) { positive.insert(id) }
    }
    for node in graph.nodes { learn(node) }
  }

  private mutating func learn(_ node: Node) {
    let inputs = node.inputs.map { $0.flatMap { of[$0] } }
    switch node.op {
    case .reshape, .reshapeTo, .expand, .transpose, .slice, .stridedSlice, .gather:
      of[node.output] = inputs[0]
      if positive.contains(node.inputs[0]!) { positive.insert(node.output) }
    case .cast(let op) where op.dataType == .bool: of[node.output] = inputs[0].map { $0 == 0 ? 0 : 1 }
    case .cast(let op) where op.dataType == .float32: of[node.output] = inputs[0]
    case .reduce(let op) where op.function == .maximum || op.function == .minimum: of[node.output] = inputs[0]
    case .arange:
      guard let start = inputs[0], start >= 0, let delta = inputs[2], delta > 0 else { return }
      positive.insert(node.output)
    case .select:
      if let truth = inputs[0] {
        of[node.output] = inputs[truth != 0 ? 1 : 2]
      } else if let a = inputs[1], a == inputs[2] {
        of[node.output] = a
      }
    case .binary(let op): of[node.output] = compare(op.function, node, inputs)
    default: break
    }
  }

  private func compare(_ function: Binary.Function, _ node: Node, _ inputs: [Double?]) -> Double? {
    if function == .greaterOrEqual, positive.contains(node.inputs[0]!), let b = inputs[1], b <= 0 { return 1 }
    guard let a = inputs[0], let b = inputs[1] else { return nil }
    switch function {
    case .equal: return a == b ? 1 : 0
    case .less: return a < b ? 1 : 0
    case .lessOrEqual: return a <= b ? 1 : 0
    case .greater: return a > b ? 1 : 0
    case .greaterOrEqual: return a >= b ? 1 : 0
    case .and: return a * b
    case .or: return max(a, b)
    case .add: return a + b
    default: return nil
    }
  }
}
