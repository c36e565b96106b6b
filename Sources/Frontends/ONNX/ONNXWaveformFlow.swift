import Bytes
import Formats

/// What becomes of a waveform in an ONNX graph up to each convolution that takes it first.
struct ONNXWaveformFlow {
  /// What a value is, by how it was made of the waveform.
  enum State: Hashable {
    case raw
    /// The waveform's mean, and the waveform without it.
    case mean, centred
    /// The square of `centred`, the mean of that, and its root.
    case square, variance, deviation
    /// `centred` by `deviation`, perhaps scaled and moved by constants.
    case normalized
    /// Anything else; the operator that made it so.
    case other(String)
  }

  /// What a convolution takes.
  struct Arrival {
    let state: State
    /// The operators that made it of the waveform, in the graph's order.
    let operators: [String]
  }

  /// What the convolutions take that no other stands before: each state once, and no more than two.
  private(set) var arrivals: [Arrival] = []

  private let nodes: [ONNXNode]
  private var states: [Name: State] = [:]
  /// Which node made a value, of those that carry the waveform.
  private var makers: [Name: Int] = [:]

  init(_ graph: ONNXGraph, from input: String) {
    nodes = graph.nodes
    states[Name(input)] = .raw
    for (index, node) in nodes.enumerated() {
      // What graphs inside a node take from outside are operands too.
      let operands = (node.inputs + node.captures).map { states[Name($0)] }
      guard operands.contains(where: { $0 != nil }) else { continue }
      if node.domain.isEmpty, node.op == "Conv" {
        guard let taken = node.inputs.first, let state = states[Name(taken)] else { continue }
        if arrivals.count < 2, !arrivals.contains(where: { $0.state == state }) {
          arrivals.append(Arrival(state: state, operators: path(to: taken)))
        }
        continue
      }
      guard let state = ONNXWaveformFlow.state(node, operands) else { continue }
      for output in node.outputs where !output.isEmpty {
        states[Name(output)] = state
        makers[Name(output)] = index
      }
    }
  }

  /// The operators between the waveform and `value`.
  private func path(to value: String) -> [String] {
    var found: Set<Int> = []
    var open = [value]
    while let value = open.popLast() {
      guard let maker = makers[Name(value)], found.insert(maker).inserted else { continue }
      open += nodes[maker].inputs + nodes[maker].captures
    }
    return found.sorted().map { nodes[$0].op }
  }

  /// What a node makes of its operands; nil for what no longer holds the waveform's values.
  private static func state(_ node: ONNXNode, _ operands: [State?]) -> State? {
    let other = State.other(node.domain.isEmpty ? node.op : node.domain + "::" + node.op)
    guard node.domain.isEmpty else { return other }
    let (first, second) = (operands[0], operands.count > 1 ? operands[1] : nil)
    switch node.op {
    case "Shape", "Size": return nil
    case "Identity", "Dropout", "Cast", "CastLike", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Transpose", "Expand":
      return first ?? other
    case "LayerNormalization", "InstanceNormalization", "GroupNormalization", "MeanVarianceNormalization":
      return first == .raw || first == .centred || first == .normalized ? .normalized : other
    case "ReduceMean":
      switch first {
      case .raw: return .mean
      case .square: return .variance
      case .mean, .variance, .deviation: return first
      default: return other
      }
    case "ReduceSumSquare": return first == .centred ? .variance : other
    case "ReduceSum": return first == .square ? .variance : other
    case "ReduceL2": return first == .centred ? .deviation : other
    case "Pow" where second == nil:
      return first == .centred ? .square : first == .variance ? .deviation : other
    case "Sqrt": return first == .variance ? .deviation : other
    case "Reciprocal": return first == .deviation ? .deviation : other
    case "Sub" where first == .raw && second == .mean: return .centred
    case "Mul" where first == .centred && second == .centred: return .square
    case "Div" where first == .centred && second == .deviation: return .normalized
    case "Mul" where Set([first, second]) == [.centred, .deviation]: return .normalized
    case "Add", "Sub", "Mul", "Div", "Max", "Clip": return withConstants(operands) ?? other
    default: return other
    }
  }

  /// Statistics and what is normalised stay what they are beside constants.
  private static func withConstants(_ operands: [State?]) -> State? {
    let carried = operands.compactMap(\.self)
    guard carried.count == 1 else { return nil }
    switch carried[0] {
    case .variance, .deviation, .normalized: return carried[0]
    default: return nil
    }
  }
}

extension ONNXNode {
  /// The names that graphs in the node's attributes use, their own among them.
  fileprivate var captures: [String] {
    attributes.flatMap { attribute -> [String] in
      let graphs: [ONNXGraph]
      switch attribute.value {
      case .graph(let graph): graphs = [graph]
      case .graphs(let several): graphs = several
      default: return []
      }
      return graphs.flatMap(\.nodes).flatMap { $0.inputs + $0.captures }
    }
  }
}
