import Bytes
import IR
import Verification

/// What a pruning did, or would do.
public struct PruneReport: Sendable {
  /// The file or folder asked for; empty for a plan without one.
  public let target: String
  /// What became of tensors and files.
  public let plan: PrunePlan
  /// The proof, as it lies beside the result; nil for a plan.
  public let manifest: PruneManifest?
  /// Where the proof lies; nil for a plan.
  public let manifestPath: String?

  /// Outcomes of golden cases; one that does not hold keeps the result from appearing.
  public let cases: [CaseResult]
  /// An artifact's root digest.
  public let root: Digest?

  /// A plan that was not carried out.
  public init(_ plan: PrunePlan, target: String, cases: [CaseResult] = []) {
    (self.target, self.plan, manifest, manifestPath) = (target, plan, nil, nil)
    (self.cases, root) = (cases, nil)
  }

  /// A pruning that was carried out.
  public init(_ manifest: PruneManifest, target: String, at manifestPath: String) {
    (self.target, plan, self.manifest, self.manifestPath) = (target, manifest.plan, manifest, manifestPath)
    (cases, root) = ([], nil)
  }

  /// The same with what golden cases said.
  init(_ report: PruneReport, cases: [CaseResult], root: Digest?) {
    (target, plan, manifest, manifestPath) = (report.target, report.plan, report.manifest, report.manifestPath)
    (self.cases, self.root) = (cases, root)
  }

  /// False where a golden case does not hold.
  public var holds: Bool { cases.allSatisfy(\.holds) }

  /// Choices that were made, a line each.
  public var notes: [String] { plan.notes }

  /// The manifest and where things are; of a plan what is known of it.
  public var json: JSON {
    JSON(
      members: [
        ("output", target.isEmpty ? .null : JSON(target)), ("published", JSON(manifest != nil)),
        ("manifest", manifestPath.map { JSON($0) } ?? .null),
        ("bytes", manifest.map { JSON($0.output.bytes) } ?? .null),
        ("prune", 1), ("tool", JSON(Conversion.tool)), ("source", manifest?.sourceJSON ?? .null),
      ] + plan.members(manifest?.kept, manifest?.changed) + [
        ("root", root.map { JSON($0.description) } ?? .null), ("cases", JSON(cases.map(\.json))),
        ("notes", JSON(notes)),
      ])
  }

  /// The sums before and after, the map, what goes, what is left and what was copied.
  public var text: String {
    let (before, after) = (plan.before, plan.after)
    func row(_ what: String, _ a: Int, _ b: Int) -> String { "  \(what) \(a) -> \(b) (\(a - b) fewer)" }
    var lines =
      cases.map(\.text) + [
        row("layers", plan.selection.count, plan.selection.kept.count),
        row("tensors", before.tensors, after.tensors), row("parameters", before.parameters, after.parameters),
        row("bytes", before.bytes, after.bytes), "  layers kept: " + plan.selection.mapText,
      ]
    lines += plan.droppedLines.map { "  " + $0 }
    lines += plan.changed.map { "  changed: \(printable($0.source)): \(printable($0.step))" }
    lines += plan.rewritten.map { "  rewritten: \(printable($0.name)): \(printable($0.step))" }
    if !plan.copied.isEmpty { lines.append("  copied: " + plan.copied.map(printable).joined(separator: ", ")) }
    lines += plan.leftLines.map { "  " + $0 }
    guard let manifest, let manifestPath else {
      let end = target.isEmpty ? "" : "\(printable(target)): "
      let head = holds ? "plan; nothing is written" : "nothing is written, since a golden case does not hold"
      return ([head] + lines + ["\(end)not written"]).joined(separator: "\n")
    }
    return
      (lines + [
        "holds    \(manifest.kept.count) tensors are the source's bit for bit, as read back",
        "\(printable(target)): \(manifest.output.bytes) bytes"
          + (root.map { ", root \($0)" } ?? "") + "; the proof is \(printable(manifestPath))",
      ]).joined(separator: "\n")
  }
}

extension LayerSelection {
  /// Runs of layers that stay neighbours, with their new numbers: `0-3 -> 0-3, 8 -> 4`.
  var mapText: String {
    var runs: [(from: ClosedRange<Int>, to: Int)] = []
    for (place, layer) in kept.enumerated() {
      if let last = runs.last, last.from.upperBound == layer - 1 {
        runs[runs.count - 1].from = last.from.lowerBound...layer
      } else {
        runs.append((layer...layer, place))
      }
    }
    return runs.map { run in
      let after = run.to...run.to + run.from.count - 1
      return "\(LayerSelection.runs(Array(run.from))) -> \(LayerSelection.runs(Array(after)))"
    }.joined(separator: ", ")
  }

  /// Rising numbers as a user would list them: `0-3,7`.
  static func runs(_ layers: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for layer in layers {
      if let last = runs.last, last.upperBound == layer - 1 {
        runs[runs.count - 1] = last.lowerBound...layer
      } else {
        runs.append(layer...layer)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }
}

extension PrunePlan {
  /// A line for all layers that go and are of one size.
  fileprivate var droppedLines: [String] {
    var groups: [(sums: Sums, layers: [Int])] = []
    for (layer, tensors) in Dictionary(grouping: dropped, by: \.layer).sorted(by: {
      ($0.key ?? .max) < ($1.key ?? .max)
    }) {
      let sums = Sums(tensors.map(\.entry))
      guard let layer else {
        groups.append((sums, []))
        continue
      }
      if let place = groups.firstIndex(where: { $0.sums == sums }) {
        groups[place].layers.append(layer)
      } else {
        groups.append((sums, [layer]))
      }
    }
    return groups.map { sums, layers in
      let what = layers.isEmpty ? "what only they used" : "layers " + LayerSelection.runs(layers)
      return "dropped: \(what): \(sums.tensors) tensors, \(sums.parameters) parameters, \(sums.bytes) bytes"
        + (layers.count > 1 ? " each" : "")
    }
  }

  /// A line for each reason, with what it is the reason for.
  fileprivate var leftLines: [String] {
    var reasons: [(reason: String, names: [String])] = []
    for left in leftOut {
      if let place = reasons.firstIndex(where: { Name($0.reason) == Name(left.reason) }) {
        reasons[place].names.append(left.name)
      } else {
        reasons.append((left.reason, [left.name]))
      }
    }
    return reasons.map { reason, names in
      let more = names.count > 3 ? " and \(names.count - 3) more (--json)" : ""
      return "left: " + names.prefix(3).map(printable).joined(separator: ", ") + more + ": " + printable(reason)
    }
  }
}
