import Bytes

extension RunResult {
  /// Draws the result as an SVG document: the labels as bars, then for each value [1, time, channels] - frames, layer
  /// states - a heat map of its channels over time and the norm of its frames.
  ///
  /// Times come from the frames' number and the recording's length. Less than 1 MB whatever the result is. Throws where the
  /// result has neither labels nor anything over time, or more than 64 values over time.
  public func plot() throws -> String {
    let (bars, series) = (LabelBars(self), TimeSeries.all(of: self))
    guard bars != nil || !series.isEmpty else {
      throw Failure(
        "\(input): the model gives neither labels nor anything over time to draw; --layers may add layer states")
    }
    guard series.count <= PlotLayout.mostSeries else {
      throw Failure(
        "\(input): \(series.count) values over time do not fit one page; at most \(PlotLayout.mostSeries) do")
    }
    var svg = SVG(width: 960)
    svg.text(PlotLayout.shortened(printable(input)), x: 20, y: 28, size: 16)
    svg.text(
      "\(fixed(duration, 2)) s" + (preprocessing.map { ", \($0.text)" } ?? ", graph inputs as they are"), x: 20, y: 48)
    var y = 64
    if let bars {
      bars.draw(into: &svg, y: y)
      y += bars.height
    }
    let layout = PlotLayout(count: series.count)
    for one in series { layout.draw(one, into: &svg, y: &y) }
    if !series.isEmpty {
      svg.text(
        "Colours end where \(Int(HeatMap.share * 100)) % of a map's cells do; what is beyond has the last colour, what is "
          + "not finite is grey. Norms are L2.", x: 20, y: y + 14, size: 10)
      y += 20
    }
    return svg.document(height: y + 10, title: input)
  }

  /// Writes the plot to `path`: whole, or not at all.
  public func writePlot(to path: String) throws {
    let bytes = Array(try plot().utf8)
    try inFile(path) {
      let file = try FileWriter(path)
      try file.write(bytes)
      try file.publish()
    }
  }
}

/// Where the panels of values over time stand: one alone has the page's width, several have a row each.
struct PlotLayout {
  private let isAlone: Bool
  private let count: Int

  init(count: Int) { (self.count, isAlone) = (count, count == 1) }

  static let mostSeries = 64
  /// So many cells together make a file of less than 1 MB.
  private static let mostCells = 40_000
  private static let mostColumns = 200

  /// The end of a long name, which says more than its start.
  static func shortened(_ name: String) -> String { name.count > 100 ? "…" + name.suffix(99) : name }

  /// Draws a series' panels from `y` on and moves `y` behind them.
  func draw(_ series: TimeSeries, into svg: inout SVG, y: inout Int) {
    let columns = min(series.frames, PlotLayout.mostColumns)
    let rows = min(series.channels, isAlone ? 128 : 64, max(PlotLayout.mostCells / count / columns, 1))
    let size = isAlone ? (width: 800, height: 256) : (width: 440, height: 64)
    let cell = (width: max(size.width / columns, 1), height: max(size.height / rows, 1))

    svg.text(PlotLayout.heading(series, rows: rows, columns: columns), x: 20, y: y + 14)
    let map = Axes(series, x: 70, y: y + 24, width: columns * cell.width, height: rows * cell.height)
    HeatMap(series.means(rows: rows, columns: columns), columns: columns)
      .draw(into: &svg, x: map.x, y: map.y, cell: cell)
    map.draw(into: &svg)
    svg.text("channel 0", x: map.x - 5, y: map.y + 9, .end, size: 10)
    if rows > 1 { svg.text("\(series.channels - 1)", x: map.x - 5, y: map.y + map.height, .end, size: 10) }

    let below = map.y + map.height + Axes.room
    let norm =
      isAlone
      ? Axes(series, x: map.x, y: below + 22, width: map.width, height: 90)
      : Axes(series, x: 670, y: map.y, width: 260, height: map.height)
    svg.text("norm of a frame", x: norm.x, y: norm.y - 10)
    norm.draw(into: &svg)
    norm.drawCurve(series.norms(columns: columns), into: &svg)
    y = max(norm.y + norm.height + Axes.room, below) + 8
  }

  private static func heading(_ series: TimeSeries, rows: Int, columns: Int) -> String {
    func each(_ count: Int, _ bins: Int, _ what: String) -> String {
      let (low, high) = (count / bins, (count + bins - 1) / bins)
      return (low == high ? "\(low)" : "\(low) to \(high)") + " \(what)" + (high == 1 ? "" : "s")
    }
    let cell = "\(each(series.frames, columns, "frame")), \(each(series.channels, rows, "channel"))"
    let isPlain = rows == series.channels && columns == series.frames
    let tokens = series.tokens > 0 ? ", the \(series.tokens) tokens before the frames left out" : ""
    return "\(shortened(series.name)) \(series.tensor.shape)" + (isPlain ? "" : "; a cell is the mean of \(cell)")
      + tokens
  }
}
