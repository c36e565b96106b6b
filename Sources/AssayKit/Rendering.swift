import Bytes
import IR
import Tensors
import Verification

// Reports as text for people. Programs read the JSON.

extension Inspection {
  /// Metadata, then a line a tensor, then what a pickle names.
  public var text: String {
    var lines = ["\(printable(path)): \(format.rawValue)"]
    for member in metadata.object ?? [] {
      if let spelled = spelled[member.name] {
        lines += spelled.map { "  " + printable($0) }
        continue
      }
      lines.append("  \(printable(member.name)): \(printable(member.value.compact))")
    }
    if let license { lines.append(license.text) }
    let numbers = rows.reduce(0) { $0 + $1.entry.shape.count }
    let bytes = rows.reduce(0) { $0 + $1.entry.bytes }
    lines.append("\(rows.count) tensors, \(numbers) numbers, \(bytes) bytes")
    let width = min(rows.map { printable($0.entry.name).count }.max() ?? 0, 80)
    for row in rows {
      var line = padded(printable(row.entry.name), width) + "  " + padded(row.entry.dataType.rawValue, 4)
      line += "  \(row.entry.shape)  \(row.entry.bytes) bytes"
      if let digest = row.digest { line += "  \(digest)" }
      if let s = row.statistics {
        line += "  min \(short(s.minimum)) max \(short(s.maximum)) mean \(short(s.mean)) std \(short(s.deviation))"
        line += " nan \(s.nans) inf \(s.infinities) zeros \(s.zeros)"
      }
      lines.append(line)
    }
    if !globals.isEmpty {
      lines.append("the pickle names (nothing was called):")
      lines += globals.map { "  " + printable($0) }
    }
    for (name, reason) in leftOut { lines.append("not listed: \(printable(name)): \(printable(reason))") }
    if let graph { lines += ["graph:"] + graph.lines.map(printable) }
    return lines.joined(separator: "\n")
  }
}

extension Metadata.Preprocessing {
  /// How a waveform is prepared, in a few words.
  var text: String {
    let scaling = normalizationEpsilon.map { "zero mean, unit variance (epsilon \(JSON($0).compact))" } ?? "as it is"
    return "heard at \(sampleRate) Hz, \(scaling)"
  }
}

extension Forecast {
  /// A line for each kind of operator, then the sums.
  public var text: String {
    let width = rows.map(\.name.count).max() ?? 0
    var lines = ["\(printable(model)), \(fixed(seconds, 2)) s of audio: signal \(input), \(steps) steps"]
    for row in rows {
      lines.append(
        "  " + padded(row.name, width) + "  \(row.nodes) nodes  \(fixed(Double(row.operations) / 1e9, 3)) GFLOP")
    }
    lines.append("arithmetic: \(fixed(Double(operations) / 1e9, 1)) GFLOP")
    lines.append("weights: \(fixed(Double(weightBytes) / 1e6, 1)) MB")
    lines.append("values and scratch at peak: \(fixed(Double(peakBytes) / 1e6, 1)) MB")
    return lines.joined(separator: "\n")
  }
}

extension CaseResult {
  /// One line if the case holds; else every value that differs, and the first that is wrong by itself.
  public var text: String {
    let worst = comparisons.max { $0.difference < $1.difference }
    guard !holds else {
      let difference = worst.map { ", at most \(short($0.difference)) apart (\(printable($0.name)))" } ?? ""
      let own = golden.isReference ? "" : "; recorded by assay itself: the same as then, which is no reference"
      return "holds    \(printable(golden.name)): \(comparisons.count) values\(difference)\(own)"
    }
    var lines = ["DIFFERS  \(printable(golden.name)), made by \(printable(golden.maker))"]
    let reported = (golden.expected.map(\.name), Set(divergence?.inherited ?? []))
    for comparison in comparisons where !comparison.holds && !reported.1.contains(comparison.name) {
      lines.append("  " + comparison.text)
    }
    if let divergence {
      if let first = divergence.first {
        lines.append("  first value that is wrong by itself: \(printable(first.name))")
      } else {
        lines.append("  no known value is wrong by itself: the error lies before the first of them, or adds up")
      }
      if !divergence.inherited.isEmpty {
        lines.append(
          "  wrong only because of what comes before: \(divergence.inherited.map(printable).joined(separator: ", "))")
      }
    } else {
      lines.append("  the case knows no values inside the model, so the place cannot be told")
    }
    return lines.joined(separator: "\n")
  }
}

extension Comparison {
  /// One line: name, worst difference, place, limit and its reason.
  public var text: String {
    if let mismatch { return "\(printable(name)) \(mismatch)" }
    return "\(printable(name)): \(short(difference)) apart at \(place) (\(actual), expected \(expected)); "
      + "\(short(limit)) allowed: \(printable(tolerance.reason)); \(outliers) of \(count) beyond"
  }
}

extension Verdict {
  /// What was checked, a line each, and the verdict last.
  public var text: String {
    var lines: [String] = []
    if let root { lines.append("holds    integrity: every byte is what was written, root \(root)") }
    lines += cases.map(\.text)
    if let weights { lines.append(weights.text) }
    if let license { lines.append(license.text) }
    if cases.isEmpty, weights == nil { lines.append("no golden case: what it computes was not checked") }
    lines.append("\(printable(model)): \(holds ? "holds" : "DIFFERS")")
    return lines.joined(separator: "\n")
  }
}

extension WeightComparison {
  /// A text names so many of each kind.
  private static let shownNames = 16

  /// One line, and the names of what differs.
  public var text: String {
    var lines = ["\(holds ? "holds    " : "DIFFERS  ")weights of \(printable(source)): \(equal) equal"]
    for (names, what) in [
      (different, "differs"), (onlyInModel, "only in the model"), (onlyInSource, "only in the source"),
    ] {
      lines += names.prefix(WeightComparison.shownNames).map { "  \(printable($0)): \(what)" }
      let more = names.count - WeightComparison.shownNames
      if more > 0 { lines.append("  and \(more) more: \(what) (--json)") }
    }
    return lines.joined(separator: "\n")
  }
}

func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

/// A number with a fixed count of decimals.
func fixed(_ number: Double, _ decimals: Int) -> String {
  guard number.isFinite, abs(number) < 1e9 else { return "\(number)" }
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let units = (abs(number) * scale).rounded()
  let whole = (units / scale).rounded(.down)
  let fraction = String(Int(units - whole * scale))
  let sign = number < 0 && units > 0 ? "-" : ""
  return sign + String(Int(whole)) + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
}

/// A number in about four digits.
func short(_ number: Double) -> String {
  guard number.isFinite, number != 0 else { return "\(number)" }
  var (magnitude, exponent) = (abs(number), 0)
  while magnitude >= 10 { (magnitude, exponent) = (magnitude / 10, exponent + 1) }
  while magnitude < 1 { (magnitude, exponent) = (magnitude * 10, exponent - 1) }
  if (-3...4).contains(exponent) { return fixed(number, 4) }
  return (number < 0 ? "-" : "") + fixed(magnitude, 2) + "e\(exponent)"
}
