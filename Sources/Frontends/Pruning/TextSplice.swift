import Bytes

/// A text with some places of it replaced; every other byte stays as it was.
struct TextSplice {
  private let text: [UInt8]
  private var pieces: [(place: Range<Int>, with: [UInt8])] = []

  init(_ view: ByteView) { text = view.array }

  /// Replaces the bytes at some places, counted from the text's start; places must not overlap.
  mutating func replace(_ place: Range<Int>, with new: String) { pieces.append((place, Array(new.utf8))) }

  /// True where these bytes stand at `start`.
  func has(_ expected: String, at start: Int) -> Bool {
    start >= 0 && start <= text.count && text[start...].starts(with: expected.utf8)
  }

  /// The bytes from `start` up to the first that `isEnd`.
  func run(from start: Int, until isEnd: (UInt8) -> Bool) -> String {
    String(decoding: text[start...].prefix { !isEnd($0) }, as: UTF8.self)
  }

  /// The text with the replacements.
  var result: [UInt8] {
    var made: [UInt8] = []
    var place = 0
    for piece in pieces.sorted(by: { $0.place.lowerBound < $1.place.lowerBound }) {
      made += text[place..<piece.place.lowerBound] + piece.with
      place = piece.place.upperBound
    }
    return made + text[place...]
  }

  /// The byte at which a line and a column of YAML lie; nil where the text has no such place.
  ///
  /// Lines end as YAML 1.1 says: LF, CR, both, NEL, LS or PS. Columns are characters; a byte order mark is none.
  func place(line: Int, column: Int) -> Int? {
    guard let string = String(validating: text, as: UTF8.self) else { return nil }
    let scalars = string.unicodeScalars
    var index = scalars.first == "\u{FEFF}" ? scalars.index(after: scalars.startIndex) : scalars.startIndex
    var (row, character) = (1, 1)
    while row < line || character < column {
      guard index < scalars.endIndex, row <= line else { return nil }
      let scalar = scalars[index]
      scalars.formIndex(after: &index)
      switch scalar {
      case "\r" where index < scalars.endIndex && scalars[index] == "\n": continue
      case "\r", "\n", "\u{85}", "\u{2028}", "\u{2029}": (row, character) = (row + 1, 1)
      default: character += 1
      }
    }
    return row == line && character == column ? string.utf8.distance(from: string.startIndex, to: index) : nil
  }
}
