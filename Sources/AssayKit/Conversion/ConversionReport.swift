import Bytes
import IR
import Kernels
import Passes
import Tensors
import Verification

/// What a conversion did.
public struct ConversionReport: Sendable {
  /// The file asked for.
  public let target: String
  /// Whether it is there now; false where a golden case failed.
  public let isPublished: Bool
  /// Its length in bytes.
  public let bytes: Int
  /// An artifact's root digest, which stands for every byte; nil for other files.
  public let root: Digest?
  /// What it holds.
  public let artifact: Artifact
  /// The type weights are stored in.
  public let dataType: DataType
  /// What became of each source tensor.
  public let accounting: Accounting
  /// What was done to bring the graph into canonical form, and what was left as it was.
  public let canonical: PassReport
  /// What narrowing lost, by constant.
  public let losses: [(name: String, counts: CastCounts)]
  /// Outcomes of the golden cases.
  public let cases: [CaseResult]
  /// Choices that were made, a line each.
  public let notes: [String]

  /// Parameters, in numbers.
  public var parameters: Int { artifact.graph.parameterCount }

  /// The report as a document.
  public var json: JSON {
    [
      "output": JSON(target), "published": JSON(isPublished), "bytes": JSON(bytes),
      "root": root.map { JSON($0.description) } ?? .null,
      "system": JSON(artifact.metadata.system), "dtype": JSON(dataType.rawValue),
      "tensors": JSON(artifact.graph.constants.count), "parameters": JSON(parameters),
      "license": artifact.metadata.license?.json ?? .null, "accounting": accounting.json,
      "losses": JSON(
        losses.map {
          ["tensor": JSON($0.name), "overflowed": JSON($0.counts.overflowed), "flushed": JSON($0.counts.flushed)]
        }),
      "canonical": ["changes": JSON(canonical.changes), "declined": JSON(canonical.declined)],
      "cases": JSON(cases.map(\.json)), "notes": JSON(notes),
    ]
  }

  /// What was written, what became of the source's tensors, what was lost.
  public var text: String {
    var lines: [String] = cases.map(\.text)
    lines.append(accounting.text)
    lines += canonicalText
    for (name, counts) in losses {
      lines.append(
        "\(printable(name)): \(counts.overflowed) numbers became infinite, \(counts.flushed) became zero")
    }
    lines.append(artifact.metadata.license?.text ?? "no licence is stated; --license states one")
    if isPublished {
      lines.append(
        "\(printable(target)): \(artifact.graph.constants.count) tensors, \(parameters) parameters, \(bytes) bytes"
          + (root.map { ", root \($0)" } ?? ""))
    } else {
      lines.append("\(printable(target)): not written, since a golden case does not hold")
    }
    return lines.joined(separator: "\n")
  }

  /// How often each pass changed something, and what passes left as it was.
  private var canonicalText: [String] {
    guard !canonical.changes.isEmpty || !canonical.declined.isEmpty else { return [] }
    var counts: [(pass: String, count: Int)] = []
    for change in canonical.changes {
      let pass = String(change.prefix { $0 != ":" })
      if let place = counts.firstIndex(where: { $0.pass == pass }) {
        counts[place].count += 1
      } else {
        counts.append((pass, 1))
      }
    }
    let shown = 8
    var lines = ["canonical form: " + counts.map { "\($0.pass) \($0.count)" }.joined(separator: ", ")]
    lines += canonical.declined.prefix(shown).map { "  left as it was: " + printable($0) }
    if canonical.declined.count > shown { lines.append("  and \(canonical.declined.count - shown) more (--json)") }
    return lines
  }
}
