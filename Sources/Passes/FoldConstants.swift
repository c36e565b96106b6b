import Executor
import IR
import Tensors

/// Computes what depends on constants alone.
///
/// Before: `w = Mul(v, Div(g, ReduceL2(v)))`, `y = Conv(x, w, bias)`.
/// After: `y = Conv(x, w, bias)` with w a constant whose provenance names v and g and the steps.
///
/// Only operators whose kernels round each number once and add in a fixed order are folded, so that an artifact's
/// bytes do not depend on the machine or the number of threads.
public struct FoldConstants: Pass {
  /// fold-constants
  public static let name = "fold-constants"

  /// A folded constant is at most this many times as large as the constants it is made of, so that a small file
  /// cannot unfold into a large one.
  public static let growthLimit = 4

  /// Creates the pass.
  public init() {}

  /// Replaces every node that can be computed now.
  public func run(on graph: inout Graph) throws -> PassReport {
    var report = PassReport(pass: FoldConstants.name)
    for node in graph.nodes {
      let inputs = node.inputs.compactMap { $0 }
      guard !inputs.isEmpty, inputs.allSatisfy({ graph.constants[$0] != nil }) else { continue }
      guard node.op.isReproducible else {
        report.declined.append("\(node.name): its bits may differ between machines")
        continue
      }
      guard let shape = graph[node.output].type.shape,
        let count = shape.checkedCount,
        count <= FoldConstants.growthLimit * inputs.reduce(0, { $0 + graph.constants[$1]!.count })
      else {
        report.declined.append("\(node.name): the result would be too large")
        continue
      }
      let step = "\(node.name) = " + graph.describe(node).split(separator: " = ", maxSplits: 1)[1]
      graph.store(try evaluate(node, inputs, in: graph, step: step), for: node.output)
      report.changes.append(step)
    }
    graph.removeStoredNodes()
    graph.removeUnusedConstants()
    // What is constant now may say shapes.
    try graph.inferTypes()
    return report
  }

  private func evaluate(_ node: Node, _ inputs: [ValueID], in graph: Graph, step: String) throws -> Constant {
    var small = Graph()
    var copies: [ValueID: ValueID] = [:]
    var provenance = Provenance()
    for id in inputs where copies[id] == nil {
      let constant = graph.constants[id]!
      copies[id] = small.addConstant(graph[id].name, constant)
      provenance.sources += constant.provenance.sources.filter { !provenance.sources.contains($0) }
      provenance.steps += constant.provenance.steps.filter { !provenance.steps.contains($0) }
    }
    provenance.steps.append(step)
    let output = try small.addNode(node.name, node.op, node.inputs.map { $0.flatMap { copies[$0] } })
    small.addOutput("folded", output)
    return Constant(try Executor(small, threads: 1).run([:])["folded"]!, provenance: provenance)
  }
}

extension Operator {
  /// True where the kernel gives the same bits on every machine: single roundings, fixed order, no BLAS, no fusing.
  fileprivate var isReproducible: Bool {
    switch self {
    case .binary(let op): op.function != .power
    case .unary(let op):
      switch op.function {
      case .cosine, .erf, .exponential, .logarithm, .sigmoid, .sine, .softplus, .tanh: false
      case .absolute, .ceiling, .floor, .isInfinite, .isNaN, .negate, .not, .relu, .round, .sign, .squareRoot: true
      }
    case .reduce, .slice, .reshape, .transpose, .cast, .select, .shapeOf, .reshapeTo, .stridedSlice, .expand, .gather,
      .scatter, .concat, .arange, .pad, .tile:
      true
    case .linear, .conv, .attention, .layerNormalization, .groupNormalization, .gelu, .matMul, .softmax: false
    }
  }
}
