import IR
import Tensors

/// What running a graph on inputs of known shapes will take: every shape, every lifetime.
public struct Plan: Sendable {
  /// One node's turn.
  public struct Step: Sendable {
    /// The node's place in the graph.
    public let node: Int
    /// The input whose memory the result takes over, because nobody needs that input afterwards.
    public let reusedInput: Int?
    /// Values that nobody needs after this step.
    public let released: [ValueID]
  }

  /// The shape of each value; nil for values that nothing makes.
  public let shapes: [Shape?]
  /// The nodes' turns, in order.
  public let steps: [Step]
  /// The most bytes that computed values take at one time.
  public let peakBytes: Int

  /// Plans `graph` for inputs of `shapes`, in the graph's order of inputs.
  public init(_ graph: Graph, inputs: [Shape]) throws(ExecutionError) {
    let types: [TensorType?]
    do throws(GraphError) {
      types = try graph.inferTypes(zip(graph.inputs, inputs).map { TensorType(graph[$0].type.dataType, $1) })
    } catch {
      throw ExecutionError(error)
    }
    let shapes = types.map { $0?.shape }
    var lastUse: [ValueID: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for case .some(let input) in node.inputs { lastUse[input] = index }
    }
    for output in graph.outputs { lastUse[output.value] = graph.nodes.count }

    let computed = Set(graph.nodes.map(\.output))
    var steps: [Step] = []
    var (held, peak) = (0, 0)
    for (index, node) in graph.nodes.enumerated() {
      func bytes(_ id: ValueID) -> Int { shapes[id.index]!.count * MemoryLayout<Float>.size }
      let dying = Set(node.inputs.compactMap { $0 }.filter { computed.contains($0) && lastUse[$0] == index })
      let reused = node.op.evaluation.inPlaceInputs.first { input in
        guard let id = node.inputs[input] else { return false }
        return dying.contains(id) && shapes[id.index] == shapes[node.output.index]
          && node.inputs.filter { $0 == id }.count == 1
      }
      var released = dying.filter { reused == nil || $0 != node.inputs[reused!] }.sorted { $0.index < $1.index }
      if reused == nil { held += bytes(node.output) }
      peak = max(peak, held)
      if lastUse[node.output] == nil { released.append(node.output) }
      for id in released { held -= bytes(id) }
      steps.append(Step(node: index, reusedInput: reused, released: released))
    }
    self.shapes = shapes
    self.steps = steps
    peakBytes = peak
  }
}
