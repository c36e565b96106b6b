import Bytes

/// What the values and nodes of a cut graph are called: those of kept blocks by their new numbers, and no two alike.
struct ONNXCutNames {
  /// Each value's name; for one that goes, whatever it was.
  private var values: [String]
  /// Each node's name.
  private(set) var nodes: [String]
  /// What a constant for a node's input is called, by node.
  private(set) var lengths: [Int: String] = [:]

  init(_ plan: ONNXCutPlan, _ rename: ONNXCut.Renaming) {
    let (graph, flow) = (plan.file.model.graph, plan.flow)
    values = flow.names
    nodes = graph.nodes.map(\.name)
    // Inputs and outputs are what others call the model by; an initializer among the inputs is none.
    let stored = Set((graph.initializers.map(\.name) + graph.sparseInitializers).map { Name($0) })
    let fixed = Set(
      graph.inputs.map { Name($0.name) }.filter { !stored.contains($0) } + graph.outputs.map { Name($0.name) })
    let open = values.indices.filter { !plan.isGone[$0] && !fixed.contains(Name(values[$0])) }
    var taken = fixed.union(flow.inner)
    ONNXCutNames.assign(open, &values, &taken) { rename(flow.names[$0], $1 ? plan.keptBlock(using: $0) : nil) }
    for node in plan.sums.lengths.keys.sorted() where !plan.isRemoved[node] {
      lengths[node] = ONNXCutNames.unique("\(graph.nodes[node].label)/shape", &taken)
    }
    var takenByNodes: Set<Name> = []
    let named = nodes.indices.filter { !plan.isRemoved[$0] && !nodes[$0].isEmpty }
    ONNXCutNames.assign(named, &nodes, &takenByNodes) { place, isShared in
      isShared ? nil : rename(graph.nodes[place].name, nil)
    }
  }

  /// The name of a value.
  subscript(value: Int) -> String { values[value] }

  /// Gives those of `names` at some `places` their names afterwards: first what keeps its name, then what is renumbered,
  /// last what is named after a dropped block and stays for others, which may give it a name of theirs.
  private static func assign(
    _ places: [Int], _ names: inout [String], _ taken: inout Set<Name>,
    _ name: (_ place: Int, _ isShared: Bool) -> String?
  ) {
    var (renumbered, orphaned) = ([(Int, String)](), [Int]())
    for place in places {
      guard let new = name(place, false) else {
        orphaned.append(place)
        continue
      }
      if Name(new) == Name(names[place]) { taken.insert(Name(new)) } else { renumbered.append((place, new)) }
    }
    for (place, name) in renumbered { names[place] = unique(name, &taken) }
    for place in orphaned { names[place] = unique(name(place, true) ?? names[place], &taken) }
  }

  /// `name`, or where it is taken the first of `name_1`, `name_2`, ... that is not.
  private static func unique(_ name: String, _ taken: inout Set<Name>) -> String {
    if taken.insert(Name(name)).inserted { return name }
    var number = 1
    while !taken.insert(Name("\(name)_\(number)")).inserted { number += 1 }
    return "\(name)_\(number)"
  }
}
