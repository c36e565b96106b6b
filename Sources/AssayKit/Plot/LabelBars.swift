import Bytes

/// Labels with their values as a chart of bars.
struct LabelBars {
  let labels: [(name: String, value: Float)]
  /// What is said above the bars.
  let heading: String

  /// A page shows so many labels; of more the largest.
  private static let most = 40
  private static let step = 20

  /// The bars of a result; nil where it has no labels.
  init?(_ result: RunResult) {
    guard !result.labels.isEmpty else { return nil }
    let all = result.labels.count
    labels = all > LabelBars.most ? Array(result.sortedLabels.prefix(LabelBars.most)) : result.labels
    let name = result.outputs.contains { $0.name == "scores" } ? "scores" : "values"
    heading = all > LabelBars.most ? "\(name) (the largest \(LabelBars.most) of \(all))" : name
  }

  /// How much of the page the chart takes.
  var height: Int { labels.count * LabelBars.step + 56 }

  /// Draws the chart from `y` on.
  func draw(into svg: inout SVG, y: Int) {
    let scale = BarScale(labels.map(\.value))
    let (x, width, top) = (250, 480, y + 26)
    let zero = scale.isSigned ? x + width / 2 : x
    let side = Double(x + width - zero)
    svg.text(heading, x: 20, y: y + 14)
    for (index, label) in labels.enumerated() {
      let row = top + index * LabelBars.step
      svg.text(label.name.clipped(to: 32, ellipsis: "…"), x: x - 10, y: row + 13, .end)
      svg.text(RunResult.shown(label.value), x: x + width + 90, y: row + 13, .end)
      guard let share = scale.share(label.value) else { continue }
      svg.rectangle(
        x: Double(zero) + min(share, 0) * side, y: Double(row) + 3, width: abs(share) * side, height: 14,
        fill: SVG.accent)
    }
    let bottom = top + labels.count * LabelBars.step
    let end = scale.end?.text() ?? "1"
    svg.path("M\(zero) \(top)v\(bottom - top)M\(x) \(bottom)h\(width)")
    svg.text(end, x: x + width, y: bottom + 14, .middle, size: 10)
    svg.text("0", x: zero, y: bottom + 14, .middle, size: 10)
    if scale.isSigned { svg.text("-" + end, x: x, y: bottom + 14, .middle, size: 10) }
  }
}
