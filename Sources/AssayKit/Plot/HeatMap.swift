/// Numbers as colours: blue below zero, red above, grey where there is none.
struct HeatMap {
  /// The numbers, row by row.
  let cells: [Double]
  let columns: Int
  /// What the strongest colours stand for: `share` of all cells are not beyond.
  let limit: Double

  var rows: Int { cells.count / columns }
  var hasGaps: Bool { cells.contains { !$0.isFinite } }

  /// So much of all cells has colours of its own; a few that stand out would leave the rest white.
  static let share = 0.98

  /// Steps of colour on each side of zero.
  private static let steps = 10

  init(_ cells: [Double], columns: Int) {
    (self.cells, self.columns) = (cells, columns)
    let magnitudes = cells.filter(\.isFinite).map(abs).sorted()
    let robust = magnitudes.isEmpty ? 0 : magnitudes[Int((Double(magnitudes.count - 1) * HeatMap.share).rounded(.up))]
    limit = robust > 0 ? robust : magnitudes.last ?? 0
  }

  private func level(_ cell: Double) -> Int? {
    guard cell.isFinite else { return nil }
    guard limit > 0 else { return 0 }
    return Int((min(max(cell / limit, -1), 1) * Double(HeatMap.steps)).rounded())
  }

  /// The colour of -10 to 10, from blue over white to red.
  private static func color(_ level: Int?) -> String {
    guard let level else { return "#9e9e9e" }
    let end = level < 0 ? [33, 102, 172] : [178, 24, 43]
    let part = Double(abs(level)) / Double(steps)
    let digits = end.map { channel in
      let value = Int((247 + (Double(channel) - 247) * part).rounded())
      return (value < 16 ? "0" : "") + String(value, radix: 16)
    }
    return "#" + digits.joined()
  }

  /// Draws the cells, each `cell.width` by `cell.height`, and right of them what the colours mean.
  func draw(into svg: inout SVG, x: Int, y: Int, cell: (width: Int, height: Int)) {
    let levels = cells.map(level)
    // One path a colour, cells of one colour in a row as one line: each from where the last ended.
    var paths: [Int?: (d: String, x: Int, y: Int)] = [:]
    for row in 0..<rows {
      var column = 0
      while column < columns {
        let (start, level) = (column, levels[row * columns + column])
        while column < columns, levels[row * columns + column] == level { column += 1 }
        var path = paths[level] ?? ("M0 .5", 0, 0)
        path.d += "m\(start - path.x) \(row - path.y)h\(column - start)"
        (path.x, path.y) = (column, row)
        paths[level] = path
      }
    }
    for level in [nil] + (-HeatMap.steps...HeatMap.steps).map(Optional.some) {
      guard let path = paths[level] else { continue }
      svg.path(path.d, x: x, y: y, scale: (cell.width, cell.height), stroke: HeatMap.color(level))
    }
    drawLegend(into: &svg, x: x + columns * cell.width + 10, y: y, height: rows * cell.height)
  }

  private func drawLegend(into svg: inout SVG, x: Int, y: Int, height: Int) {
    let count = 2 * HeatMap.steps + 1
    let step = Double(height) / Double(count)
    for index in 0..<count {
      svg.rectangle(
        x: Double(x), y: Double(y) + Double(index) * step, width: 10, height: step,
        fill: HeatMap.color(HeatMap.steps - index))
    }
    svg.text("\u{2265} " + short(limit), x: x + 14, y: y + 9, size: 10)
    if height >= 40 { svg.text("0", x: x + 14, y: y + height / 2 + 4, size: 10) }
    svg.text("\u{2264} " + (limit > 0 ? "-" : "") + short(limit), x: x + 14, y: y + height, size: 10)
  }
}
