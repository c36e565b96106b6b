import IR

/// Where the time of a run went.
public struct Profile: Sendable {
  /// Steps of one kind.
  public struct Row: Sendable {
    /// The operators of the step, `Conv+LayerNormalization+Gelu`.
    public let name: String
    /// How many steps there are of it.
    public internal(set) var steps: Int
    /// Seconds they took together.
    public internal(set) var seconds: Double
  }

  /// Kinds of steps, the slowest first.
  public var rows: [Row] { kinds.values.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) } }

  private var kinds: [String: Row] = [:]

  mutating func add(_ step: Plan.Step, _ graph: Graph, _ time: Duration) {
    var names: [String] = []
    for node in step.nodes {
      let name = graph.operatorName(graph.nodes[node])
      if !names.contains(name) { names.append(name) }
    }
    let name = names.joined(separator: "+")
    kinds[name, default: Row(name: name, steps: 0, seconds: 0)].steps += 1
    kinds[name]!.seconds += time / .seconds(1)
  }
}
