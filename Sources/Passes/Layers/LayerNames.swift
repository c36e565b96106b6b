import Bytes
import IR

/// What things are called once layers are gone: layers count from 0 again.
struct LayerNames {
  private let graph: Graph
  private let blocks: LayerBlocks
  private let selection: LayerSelection
  private let stateNumbers: [Name: Int]
  private var names: Set<Name> = []
  /// What values will be called that belong to no layer or to one that is kept.
  private var reserved: Set<Name> = []

  init(_ graph: Graph, _ blocks: LayerBlocks, _ selection: LayerSelection) {
    (self.graph, self.blocks, self.selection) = (graph, blocks, selection)
    stateNumbers = Dictionary(blocks.states.indices.map { (Name(LayerBlocks.stateName($0)), $0) }) { first, _ in first }
    reserved = Set(graph.values.compactMap { renamed($0.name) }.map { Name($0) })
  }

  /// A name that stays.
  mutating func taken(_ name: String) -> String { fresh(name) }

  /// A constant's name; `layers` are those whose nodes use it. Throws where the name says that it belongs to a dropped
  /// layer and something else than layers needs it.
  mutating func constant(_ id: ValueID, in layers: [Int], user: String?) throws(GraphError) -> String {
    let name = graph[id].name
    if let renamed = renamed(name) { return fresh(renamed) }
    let kept = layers.filter { selection.place(of: $0) != nil }.min()
    // Exporters store equal constants once, under the name of one of them. What a scope is called matters to nobody.
    guard kept != nil || name.utf8.first == UInt8(ascii: "/") else {
      let layer = blocks.stacks.compactMap { $0.layer(of: name) }.first ?? 0
      throw GraphError(
        name,
        "this belongs to layer \(layer), and "
          + (user.map { "\"\($0)\", outside of the layers, uses it" } ?? "other layers use it")
          + ", so that the layer cannot be dropped")
    }
    return fresh(moved(name, to: kept), reserved)
  }

  /// A node's name.
  mutating func node(_ name: String) -> String {
    renamed(name).map { fresh($0) } ?? fresh(moved(name, to: nil), reserved)
  }

  /// A state's name; nil for one that goes.
  func state(_ state: NamedValue) -> String? {
    guard let number = stateNumbers[Name(state.name)] else { return renamed(state.name) }
    return (number == 0 ? 0 : selection.place(of: number - 1).map { $0 + 1 }).map(LayerBlocks.stateName)
  }

  /// The name with its layer's new number; nil where that layer is dropped.
  private func renamed(_ name: String) -> String? {
    for stack in blocks.stacks where stack.layer(of: name) != nil {
      return stack.renamed(name, keeping: selection)
    }
    return name
  }

  /// A dropped layer's name as it is of `layer`, or else of the first layer of its row that is kept.
  private func moved(_ name: String, to layer: Int?) -> String {
    for stack in blocks.stacks where stack.layer(of: name) != nil {
      let first =
        layer.flatMap { stack.layers.contains($0) ? $0 : nil } ?? stack.layers.first { selection.place(of: $0) != nil }
      return first.flatMap { stack.renamed(name, asOf: $0, keeping: selection) } ?? name
    }
    return name
  }

  private mutating func fresh(_ wanted: String, _ reserved: Set<Name> = []) -> String {
    var (name, number) = (wanted, 1)
    while reserved.contains(Name(name)) || !names.insert(Name(name)).inserted {
      number += 1
      name = "\(wanted).\(number)"
    }
    return name
  }
}
