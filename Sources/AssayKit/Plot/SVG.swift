import Bytes

/// An SVG 1.1 document under construction: shapes and text on a white page, nothing that is run or fetched.
struct SVG {
  /// Where a text's place is in it.
  enum Anchor: String {
    case start, middle, end
  }

  /// The page's width.
  let width: Int
  private var body = ""

  init(width: Int) { self.width = width }

  /// The colour of lines and text.
  static let ink = "#222222"
  /// The colour of bars and curves.
  static let accent = "#2166ac"

  /// `content` as XML text: what markup is made of is escaped, and so is all that a terminal would not show.
  static func escaped(_ content: String) -> String {
    var escaped = ""
    for character in printable(content).unicodeScalars {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }

  /// Writes a line of text.
  mutating func text(_ content: String, x: Int, y: Int, _ anchor: Anchor = .start, size: Int = 12) {
    body += "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" text-anchor=\"\(anchor.rawValue)\">"
    body += SVG.escaped(content) + "</text>\n"
  }

  /// Fills a rectangle.
  mutating func rectangle(x: Double, y: Double, width: Double, height: Double, fill: String) {
    body += "<rect x=\"\(fixed(x, 2))\" y=\"\(fixed(y, 2))\" width=\"\(fixed(width, 2))\" "
    body += "height=\"\(fixed(height, 2))\" fill=\"\(fill)\"/>\n"
  }

  /// Draws lines along a path, whose unit is 1 by 1 or `scale`, from `x`, `y` on.
  mutating func path(
    _ d: String, x: Int = 0, y: Int = 0, scale: (x: Int, y: Int) = (1, 1), stroke: String = SVG.ink,
    isSharp: Bool = true
  ) {
    guard !d.isEmpty else { return }
    body += "<path "
    if (x, y) != (0, 0) || scale != (1, 1) {
      body += "transform=\"translate(\(x) \(y)) scale(\(scale.x) \(scale.y))\" "
    }
    body += "d=\"\(d)\" fill=\"none\" stroke=\"\(stroke)\"\(isSharp ? " shape-rendering=\"crispEdges\"" : "")/>\n"
  }

  /// The whole document.
  func document(height: Int, title: String) -> String {
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="\(width)" height="\(height)" \
    viewBox="0 0 \(width) \(height)" font-family="sans-serif" fill="\(SVG.ink)">
    <title>\(SVG.escaped(title))</title>
    <rect width="\(width)" height="\(height)" fill="#ffffff"/>
    \(body)</svg>

    """
  }
}
