import Bytes
import IR
import Passes
import Tensors

/// Layers that were cut out of a graph, and what became of its constants.
struct GraphCut {
  /// Which layers stay.
  let selection: LayerSelection
  /// What became of the constants.
  let outcome: PruneLayers.Outcome
  /// The graph as it was, its layers named as states.
  let before: Graph

  /// What layers were called before anything was pruned.
  private let numbers: [Int]

  /// Cuts `graph`, which was read at `path`; `recipe` says what was pruned before.
  init(_ layers: LayerChoice, of graph: inout Graph, in path: String, after recipe: [Metadata.Step] = []) throws {
    guard let blocks = try LayerBlocks.find(in: graph) else {
      throw Failure("\(path): no transformer layers were found in the graph")
    }
    before = graph
    numbers =
      recipe.reduce(nil as [Int]?) { numbers, step in
        guard case .prune(_, let keep) = step else { return numbers }
        return numbers.map { numbers in keep.compactMap { numbers.indices.contains($0) ? numbers[$0] : nil } } ?? keep
      } ?? []
    selection = try layers.selection(of: blocks.count, in: path)
    outcome = try PruneLayers(selection).prune(&graph, blocks)
  }

  /// The recipe's step.
  var step: Metadata.Step { .prune(layers: selection.count, keep: selection.kept) }

  /// Why a constant is left behind.
  private func reason(_ layer: Int?) -> String {
    let number = layer.map { numbers.indices.contains($0) ? numbers[$0] : $0 }
    return number.map { "belongs to layer \($0), which was pruned" } ?? "only pruned layers used it"
  }

  /// True for the reason that pruning gives for what it leaves behind: names of the source, which may be those of other
  /// layers in the result.
  static func isReason(_ text: String) -> Bool {
    text.hasSuffix(", which was pruned") || text == "only pruned layers used it"
  }

  /// The names of all tensors that the graph's constants came from.
  var sources: [String] { before.constants.values.flatMap(\.provenance.sources).map(\.tensor) }

  /// Those of the source's tensors that went with their layers, each with the reason.
  func ignored(_ entries: [String]) -> [Metadata.Ignored] {
    let listed = Set(entries.map { Name($0) })
    let left = Set(outcome.kept.map { Name($0.from) })
    var seen = Set(
      before.constants.filter { left.contains(Name(before[$0.key].name)) }.values.flatMap(\.provenance.sources)
        .map { Name($0.tensor) })
    return outcome.dropped.flatMap { dropped in
      dropped.constant.provenance.sources.map(\.tensor).filter {
        listed.contains(Name($0)) && seen.insert(Name($0)).inserted
      }.map { Metadata.Ignored(tensor: $0, reason: reason(dropped.layer)) }
    }
  }

  /// The constants that are gone, each with the reason.
  var dropped: [Metadata.Ignored] {
    outcome.dropped.map { Metadata.Ignored(tensor: $0.name, reason: reason($0.layer)) }
  }

  /// What was done to each constant that is left, once it stands in `graph`, which may have been cast since: its name,
  /// what it was called, and the steps; none for one that is the same to the bit.
  func changes(in graph: Graph) -> [(id: ValueID, from: ValueID, steps: [String])] {
    let old = Dictionary(before.constants.keys.map { (Name(before[$0].name), $0) }) { first, _ in first }
    let names = Dictionary(outcome.kept.map { (Name($0.name), $0.from) }) { first, _ in first }
    return graph.constantOrder.compactMap { id in
      guard let from = names[Name(graph[id].name)].flatMap({ old[Name($0)] }) else { return nil }
      let steps = graph.constants[id]!.provenance.steps
      return (id, from, Array(steps.dropFirst(before.constants[from]!.provenance.steps.count)))
    }
  }
}

/// The constants of a graph as tensors, under names that may be others.
struct GraphTensors: TensorSource {
  private let graph: Graph
  private let places: [Name: ValueID]
  let entries: [TensorEntry]

  init(_ graph: Graph, calling name: (ValueID) -> String) {
    self.graph = graph
    let named = graph.constantOrder.map { ($0, name($0)) }
    places = Dictionary(named.map { (Name($1), $0) }) { first, _ in first }
    entries = named.map { id, name in
      TensorEntry(name: name, dataType: graph.constants[id]!.dataType, shape: graph.constants[id]!.shape)
    }
  }

  func tensor(_ name: String) throws(FormatError) -> Tensor {
    guard let id = places[Name(name)] else { throw FormatError("graph", .missing("no such constant"), place: [name]) }
    return graph.constants[id]!.tensor
  }
}
