/// The frame of a panel whose width is time.
struct Axes {
  let x: Int
  let y: Int
  let width: Int
  let height: Int
  /// Time from the left end to the right one, in seconds or frames.
  let span: Double
  let unit: String

  /// A panel of a series.
  init(_ series: TimeSeries, x: Int, y: Int, width: Int, height: Int) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
    span = Double(series.frames) * (series.hop ?? 1)
    unit = series.hop == nil ? "frame" : "seconds"
  }

  /// How far below the panel its marks reach.
  static let room = 32

  /// Draws the frame and the marks of time below it.
  func draw(into svg: inout SVG) {
    let step = RoundNumber(atLeast: span / Double(max(width / 80, 1)))
    var d = "M\(x - 1) \(y)v\(height + 1)h\(width + 1)"
    for count in 0...Int(span / step.value + 1e-9) {
      let place = x + Int((Double(count) * step.value / span * Double(width)).rounded())
      d += "M\(place) \(y + height + 1)v4"
      svg.text(step.text(times: count), x: place, y: y + height + 16, .middle, size: 10)
    }
    svg.path(d)
    svg.text(unit, x: x + width, y: y + height + 28, .end, size: 10)
  }

  /// Draws a curve of equal steps over the whole width; it is broken where a number is not finite.
  func drawCurve(_ values: [Double], into svg: inout SVG) {
    let top = values.filter(\.isFinite).max() ?? 0
    let end = top > 0 ? RoundNumber(atLeast: top) : nil
    var (d, isDrawn) = ("", false)
    for (index, value) in values.enumerated() {
      guard value.isFinite else {
        isDrawn = false
        continue
      }
      let place = (Double(index) + 0.5) / Double(values.count) * Double(width)
      let level = Double(height) * (1 - value / (end?.value ?? 1))
      d += (isDrawn ? "L" : "M") + fixed(Double(x) + place, 1) + " " + fixed(Double(y) + level, 1)
      // A number between two gaps is a dash.
      if !isDrawn { d += "h.5" }
      isDrawn = true
    }
    svg.path(d, stroke: SVG.accent, isSharp: false)
    svg.text("0", x: x - 5, y: y + height, .end, size: 10)
    if let end { svg.text(end.text(), x: x - 5, y: y + 9, .end, size: 10) }
  }
}
