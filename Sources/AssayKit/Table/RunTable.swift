import Bytes

extension RunResult {
  /// The result with the `count` labels of the largest values, largest first; all of them where there are no more. Labels
  /// of one value stay in the model's order, those without a number come last. Throws where there are no labels.
  public func keepingLargest(_ count: Int) throws -> RunResult {
    guard !labels.isEmpty else {
      throw Failure("\(input): the model gives no labelled values that --top-k could choose from")
    }
    var result = self
    result.labels = Array(sortedLabels.prefix(count))
    return result
  }

  /// The labels by falling value.
  var sortedLabels: [(name: String, value: Float)] {
    labels.enumerated().sorted { a, b in
      let (left, right) = (a.element.value, b.element.value)
      if left.isNaN != right.isNaN { return right.isNaN }
      return left == right || left.isNaN ? a.offset < b.offset : left > right
    }.map(\.element)
  }

  /// A table for people: labels with their values and bars, then the outputs' shapes and first numbers.
  public func text(_ style: TextStyle = TextStyle()) -> String {
    var lines = ["\(printable(input))  \(fixed(duration, 2)) s" + (preprocessing.map { ", \($0.text)" } ?? "")]
    lines += labelLines(style)
    for (name, tensor) in outputs where name != "logits" || labels.isEmpty {
      let first =
        tensor.integers.map { $0.prefix(4).map { "\($0)" } } ?? tensor.floats.prefix(4).map { fixed(Double($0), 4) }
      let more = tensor.count > 4 ? " ..." : ""
      lines.append("  \(printable(name)) \(tensor.shape)  \(first.joined(separator: " "))\(more)")
    }
    return lines.joined(separator: "\n")
  }

  /// Bars take no more columns than these, and no fewer while the name of a label can give way.
  private static let barColumns = (widest: 40, narrowest: 11)

  private func labelLines(_ style: TextStyle) -> [String] {
    let values = labels.map { RunResult.shown($0.value) }
    let valueWidth = values.map(\.count).max() ?? 0
    // Two spaces stand before each column.
    let room = style.width - 6 - valueWidth
    let names = labels.map {
      printable($0.name).clipped(to: room - RunResult.barColumns.narrowest, ellipsis: style.hasBlocks ? "…" : "..")
    }
    let nameWidth = names.map(\.displayWidth).max() ?? 0
    let bars = Bars(
      BarScale(labels.map(\.value)), columns: min(RunResult.barColumns.widest, room - nameWidth), style: style)
    var lines = zip(names, zip(values, labels)).map { name, row in
      let bar = bars.bar(row.1.value)
      let value = String(repeating: " ", count: valueWidth - row.0.count) + row.0
      return "  " + name.padded(to: nameWidth) + "  " + value + (bar.isEmpty ? "" : "  " + bar)
    }
    if let ends = bars.ends { lines.append(String(repeating: " ", count: nameWidth + valueWidth + 6) + ends) }
    return lines
  }

  /// A label's value: four decimals, or few digits where it is large.
  static func shown(_ value: Float) -> String {
    abs(value) < 1e6 ? fixed(Double(value), 4) : short(Double(value))
  }
}
