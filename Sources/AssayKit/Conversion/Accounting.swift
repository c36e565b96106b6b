import Bytes
import IR
import Tensors

/// What became of each tensor of a source: used as it is, changed by which steps, or ignored by which rule.
public struct Accounting: Sendable {
  /// A constant that is not simply one source tensor.
  public struct Change: Sendable {
    /// The constant.
    public let name: String
    /// What it is made of, and how.
    public let provenance: Provenance
  }

  /// How many tensors the source holds.
  public let sourceTensors: Int
  /// Those that a constant holds bit for bit.
  public let kept: [String]
  /// Constants made of source tensors by steps.
  public let changed: [Change]
  /// Those left behind, and the rule.
  public let ignored: [Metadata.Ignored]
  /// Source tensors that none of the others names; a conversion that has any is refused.
  public let unaccounted: [String]

  /// Accounts for the tensors called `sources` in `graph`.
  init(_ sources: [TensorEntry], _ graph: Graph, ignored: [Metadata.Ignored]) {
    var kept: [String] = []
    var changed: [Change] = []
    var seen = Set(ignored.map { Name($0.tensor) })
    for id in graph.constantOrder {
      let provenance = graph.constants[id]!.provenance
      for source in provenance.sources { seen.insert(Name(source.tensor)) }
      if provenance.steps.isEmpty, provenance.sources.count == 1 {
        kept.append(provenance.sources[0].tensor)
      } else if provenance != Provenance() {
        // What a builder wrote itself is made of no tensor.
        changed.append(Change(name: graph[id].name, provenance: provenance))
      }
    }
    sourceTensors = sources.count
    self.kept = kept
    self.changed = changed
    self.ignored = ignored
    unaccounted = sources.map(\.name).filter { !seen.contains(Name($0)) }
  }

  /// Accounts for the constants that `source`, the graph of the artifact `file`, has in `graph`.
  init(of source: Graph, in graph: Graph, file: String) {
    var kept: [String] = []
    var changed: [Change] = []
    for id in source.constantOrder {
      let (name, before) = (source[id].name, source.constants[id]!.provenance)
      let steps = graph.constants[id]!.provenance.steps.dropFirst(before.steps.count)
      if steps.isEmpty {
        kept.append(name)
      } else {
        changed.append(
          Change(name: name, provenance: Provenance(sources: [.init(file: file, tensor: name)], steps: Array(steps))))
      }
    }
    (sourceTensors, self.kept, self.changed) = (source.constants.count, kept, changed)
    (ignored, unaccounted) = ([], [])
  }

  /// Accounts for the constants that the artifact `file` has, once layers are cut out of it and the rest is in `graph`.
  init(_ cut: GraphCut, in graph: Graph, file: String) {
    var kept: [String] = []
    var changed: [Change] = []
    for (id, from, steps) in cut.changes(in: graph) {
      let source = cut.before[from].name
      if steps.isEmpty {
        kept.append(source)
      } else {
        let provenance = Provenance(sources: [.init(file: file, tensor: source)], steps: steps)
        changed.append(Change(name: graph[id].name, provenance: provenance))
      }
    }
    (sourceTensors, self.kept, self.changed) = (cut.before.constants.count, kept, changed)
    (ignored, unaccounted) = (cut.dropped, [])
  }

  var json: JSON {
    [
      "source_tensors": JSON(sourceTensors), "kept": JSON(kept),
      "changed": JSON(
        changed.map { change in
          [
            "constant": JSON(change.name),
            "sources": JSON(change.provenance.sources.map(\.json)),
            "steps": JSON(change.provenance.steps),
          ]
        }),
      "ignored": JSON(ignored.map(\.json)),
    ]
  }

  /// The sums, then each kind of change and each rule with what it was applied to.
  var text: String {
    var lines = ["\(sourceTensors) source tensors: \(kept.count) kept bit for bit"]
    func list(_ names: [String]) -> String {
      names.prefix(3).map(printable).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }
    func lists(_ pairs: [(key: String, name: String)], _ line: (String, [String]) -> String) {
      var keys: [String] = []
      for pair in pairs where !keys.contains(pair.key) { keys.append(pair.key) }
      for key in keys { lines.append("  " + line(key, pairs.filter { $0.key == key }.map(\.name))) }
    }
    let single = changed.filter { $0.provenance.sources.count == 1 }
    lists(single.map { (key: $0.provenance.steps.joined(separator: ", "), name: $0.name) }) { steps, names in
      "\(names.count) changed, \(printable(steps)): \(list(names))"
    }
    for change in changed where change.provenance.sources.count != 1 {
      let sources = change.provenance.sources.map(\.tensor)
      lines.append("  \(sources.count) changed: \(printable(change.name)) is made of \(list(sources)):")
      lines += change.provenance.steps.map { "    " + printable($0) }
    }
    lists(ignored.map { (key: $0.reason, name: $0.tensor) }) { reason, names in
      "\(names.count) ignored, \(printable(reason)): \(list(names))"
    }
    return lines.joined(separator: "\n")
  }
}
