import Bytes
import IR
import Tensors

/// Cuts transformer layers out of a graph: what used a dropped layer's result uses what entered that layer.
///
/// Before: `layer.0 -> block 0 -> layer.1 -> block 1 -> layer.2`.
/// After dropping block 0: `layer.0 -> block 1 -> layer.1`, names renumbered, a weighted sum of all states without the
/// dropped layer's weight, and nothing of block 0 left.
public struct PruneLayers: Pass {
  /// prune-layers
  public static let name = "prune-layers"

  /// Which layers stay.
  public let selection: LayerSelection

  /// What became of the constants.
  public struct Outcome: Sendable {
    /// What was done, a line each.
    public var report: PassReport
    /// The constants that are left, by what they are called now and were before, in the order of their use.
    public var kept: [Kept] = []
    /// The constants that are gone, as the graph had them.
    public var dropped: [(name: String, layer: Int?, constant: Constant)] = []

    /// A constant that is left.
    public struct Kept: Hashable, Sendable {
      /// What it is called now.
      public let name: String
      /// What it was called before.
      public let from: String
      /// What was done to its elements; nil for nothing.
      public let step: String?
    }
  }

  /// Creates the pass.
  public init(_ selection: LayerSelection) { self.selection = selection }

  /// Cuts the layers; throws, leaving `graph` as it is, where it has none, another number of them, or where something else
  /// uses what a dropped layer holds.
  public func run(on graph: inout Graph) throws -> PassReport { try prune(&graph).report }

  /// Cuts the layers, and tells what became of the constants.
  public func prune(_ graph: inout Graph) throws(GraphError) -> Outcome {
    guard let blocks = try LayerBlocks.find(in: graph) else {
      throw GraphError("", "the graph has no transformer layers: no attention is added to what it is made of")
    }
    return try prune(&graph, blocks)
  }

  /// Cuts the layers that were found before.
  public func prune(_ graph: inout Graph, _ blocks: LayerBlocks) throws(GraphError) -> Outcome {
    guard blocks.count == selection.count else {
      throw GraphError("", "the graph has \(blocks.count) layers, and layers are chosen of \(selection.count)")
    }
    var cut = try LayerCut(graph, blocks, selection)
    let pruned = try cut.rebuild()
    var outcome = Outcome(report: PassReport(pass: PruneLayers.name))
    outcome.kept = cut.kept
    let left = Set(cut.kept.map { Name($0.from) })
    for id in graph.constantOrder where !left.contains(Name(graph[id].name)) {
      outcome.dropped.append((graph[id].name, cut.layer(of: id), graph.constants[id]!))
    }
    let numbers = outcome.dropped.reduce(0) { $0 + $1.constant.count }
    outcome.report.changes =
      [
        "layers \(selection.dropped.map(String.init).joined(separator: ", ")) of \(selection.count) dropped: "
          + "\(outcome.dropped.count) constants, \(numbers) parameters, \(graph.nodes.count - pruned.nodes.count) nodes"
      ]
      + selection.kept.enumerated().filter { $0 != $1 }.map { "layer \($1) is layer \($0) now" }
      + outcome.kept.compactMap { kept in kept.step.map { "\(kept.from): \($0)" } }
    graph = pruned
    return outcome
  }
}
