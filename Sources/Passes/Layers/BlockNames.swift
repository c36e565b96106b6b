import Bytes
import IR

/// What the names of constants and nodes say of the layers they stand in.
struct BlockNames {
  private let graph: Graph
  private let regions: [[Int]]

  init(_ graph: Graph, _ regions: [[Int]]) { (self.graph, self.regions) = (graph, regions) }

  /// A number inside a name, and the path before it.
  private struct Number: Hashable {
    let path: Name
    let value: Int
  }

  /// The rows that constants' names speak of, then those of nodes' scopes where they are called otherwise. Throws where
  /// names and the layers' order disagree.
  func stacks() throws(GraphError) -> [LayerStack] {
    var users: [ValueID: Int] = [:]
    for (layer, region) in regions.enumerated() {
      for place in region {
        for case .some(let input) in graph.nodes[place].inputs where graph.constants[input] != nil {
          // What several layers use says nothing of any.
          users[input] = users[input].map { $0 == layer ? layer : -1 } ?? layer
        }
      }
    }
    var constants = Array(repeating: [String](), count: regions.count)
    for (id, layer) in users where layer >= 0 && !BlockNames.isScope(graph[id].name) {
      constants[layer].append(graph[id].name)
    }
    let scopes = regions.map { region in region.map { graph.nodes[$0].name }.filter(BlockNames.isScope) }
    let own = try rows(constants)
    let strangers = own.isEmpty ? [] : graph.constantOrder.map { graph[$0].name }.filter { !BlockNames.isScope($0) }
    for stack in own {
      for name in strangers {
        guard let number = BlockNames.numbers(name).first(where: { $0.path == Name(stack.path) }),
          number.value >= stack.layers.count
        else { continue }
        throw GraphError(
          name, "the name speaks of layer \(number.value) of \(stack.path), and \(stack.layers.count) layers were found"
        )
      }
    }
    return own + (try rows(scopes)).filter { !own.contains($0) }
  }

  /// The rows that all names of all layers agree on.
  private func rows(_ names: [[String]]) throws(GraphError) -> [LayerStack] {
    let numbers = names.map { names in names.map { Set(BlockNames.numbers($0)) }.filter { !$0.isEmpty } }
    guard numbers.contains(where: { !$0.isEmpty }) else { return [] }
    var agreed: [Set<Number>] = []
    for (layer, sets) in numbers.enumerated() {
      let common = sets.dropFirst().reduce(sets.first ?? []) { $0.intersection($1) }
      guard !common.isEmpty else {
        let name = names[layer].sorted { Name($0) < Name($1) }.first { !BlockNames.numbers($0).isEmpty }
        throw GraphError(
          name ?? graph.nodes[regions[layer].last!].name,
          name == nil
            ? "names of other layers say their numbers, and those of layer \(layer), which ends here, do not"
            : "the names in layer \(layer) do not agree on its number")
      }
      agreed.append(common)
    }
    var stacks: [LayerStack] = []
    var first = 0
    while first < agreed.count {
      // The path along which most layers count from 0; of equal ones the deepest.
      var best: (path: Name, length: Int)?
      for start in agreed[first].filter({ $0.value == 0 }).sorted(by: { $0.path < $1.path }) {
        let length = agreed[first...].enumerated().prefix { $1.contains(Number(path: start.path, value: $0)) }.count
        if length >= best?.length ?? 1 { best = (start.path, length) }
      }
      guard let best, !stacks.contains(where: { Name($0.path) == best.path }) else {
        let found = agreed[first].sorted { $0.path < $1.path }.first!
        throw GraphError(
          found.path.text + ".\(found.value)",
          "names call so what is layer \(first) by the order of the graph; layers cannot be told")
      }
      stacks.append(LayerStack(best.path.text, first..<first + best.length))
      first += best.length
    }
    return stacks
  }

  /// True for a name in one of ONNX's scopes.
  private static func isScope(_ name: String) -> Bool { name.utf8.first == UInt8(ascii: "/") }

  /// The numbers in a name that have something before and after them.
  private static func numbers(_ name: String) -> [Number] {
    let parts = name.utf8.drop { $0 == UInt8(ascii: "/") }.split(omittingEmptySubsequences: false) {
      $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/")
    }
    return parts.indices.dropFirst().dropLast().compactMap { index in
      guard let value = LayerStack.number(parts[index]) else { return nil }
      let path = parts[..<index].map { String($0)! }.joined(separator: ".")
      return Number(path: Name(path), value: value)
    }
  }
}
