/// What bars of several values are measured by: 0 to 1 where all values lie there; else up to a round number, and as far
/// down where one is negative.
struct BarScale {
  /// The end of the scale; nil for 0 to 1.
  let end: RoundNumber?
  /// True where bars may go to either side of zero.
  let isSigned: Bool

  /// Sums of a softmax are off 1 by so little.
  private static let slack: Float = 1e-5

  init(_ values: [Float]) {
    let finite = values.filter(\.isFinite)
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 0)
    isSigned = low < -BarScale.slack
    end = isSigned || high > 1 + BarScale.slack ? RoundNumber(atLeast: Double(max(-low, high))) : nil
  }

  /// A value's part of the scale on its side of zero, -1 to 1; nil for what is not finite.
  func share(_ value: Float) -> Double? {
    guard value.isFinite else { return nil }
    return min(max(Double(value) / (end?.value ?? 1), isSigned ? -1 : 0), 1)
  }
}

/// Bars of text, each in the same columns.
struct Bars {
  let scale: BarScale
  let style: TextStyle
  /// Columns of a bar that goes all the way to one side.
  private let side: Int

  /// Bars of at most `columns` columns.
  init(_ scale: BarScale, columns: Int, style: TextStyle) {
    (self.scale, self.style) = (scale, style)
    side = scale.isSigned ? (columns - 1) / 2 : columns
  }

  private var axis: String { style.hasBlocks ? "│" : "|" }

  /// The value's bar, without trailing spaces: eighths of a column to the right, halves to the left, as there are blocks.
  func bar(_ value: Float) -> String {
    guard let share = scale.share(value) else { return "" }
    guard scale.isSigned else { return right(share) }
    guard share < 0 else { return String(repeating: " ", count: side) + axis + right(share) }
    let left = left(-share)
    return String(repeating: " ", count: side - left.count) + left + axis
  }

  private func right(_ share: Double) -> String {
    guard style.hasBlocks else { return String(repeating: "#", count: rounded(share, parts: 1)) }
    let eighths = rounded(share, parts: 8)
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    return String(repeating: "█", count: eighths / 8) + rest
  }

  private func left(_ share: Double) -> String {
    guard style.hasBlocks else { return String(repeating: "#", count: rounded(share, parts: 1)) }
    let halves = rounded(share, parts: 2)
    return (halves % 2 == 1 ? "▐" : "") + String(repeating: "█", count: halves / 2)
  }

  private func rounded(_ share: Double, parts: Int) -> Int { Int((share * Double(side * parts)).rounded()) }

  /// The numbers below the bars that say where they end; nil for 0 to 1, which the values themselves show.
  var ends: String? {
    guard let end = scale.end else { return nil }
    let text = end.text()
    guard scale.isSigned else { return "0" + String(repeating: " ", count: max(1, side - 1 - text.count)) + text }
    let low = "-" + text
    return low + String(repeating: " ", count: max(1, side - low.count)) + "0"
      + String(repeating: " ", count: max(1, side - text.count)) + text
  }
}
