/// A cursor over the few Python literals that file headers use: strings, whole numbers, truth values, tuples, one dict.
///
/// Nothing is evaluated; each function returns nil where the text is anything else.
struct PythonLiteral {
  private let text: [UInt8]
  private var position = 0

  init(_ text: String) { self.text = Array(text.utf8) }

  private mutating func skipSpace() {
    while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
  }

  /// True when nothing but white space is left.
  var isAtEnd: Bool { text[position...].allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) } }

  /// Passes over `word` if it comes next.
  mutating func take(_ word: String) -> Bool {
    skipSpace()
    guard text[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  /// A string in single or double quotes; the only escapes are of quotes and the backslash.
  mutating func string() -> String? {
    skipSpace()
    guard position < text.count, text[position] == 0x22 || text[position] == 0x27 else { return nil }
    let quote = text[position]
    position += 1
    var bytes: [UInt8] = []
    while position < text.count, text[position] != quote {
      if text[position] == 0x5C {
        position += 1
        guard position < text.count, [0x22, 0x27, 0x5C].contains(text[position]) else { return nil }
      }
      bytes.append(text[position])
      position += 1
    }
    guard position < text.count else { return nil }
    position += 1
    return String(validating: bytes, as: UTF8.self)
  }

  /// `True` or `False`.
  mutating func bool() -> Bool? {
    if take("True") { return true }
    return take("False") ? false : nil
  }

  /// A tuple of whole numbers that are not negative; Python 2's `L` after a number is allowed.
  mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var numbers: [Int] = []
    while !take(")") {
      skipSpace()
      let digits = text[position...].prefix { $0 >= 0x30 && $0 <= 0x39 }
      guard let number = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
      numbers.append(number)
      position += digits.count
      _ = take("L")
      let more = take(",")
      // A tuple of one needs its comma: `(3)` is a number.
      if !more {
        guard numbers.count > 1, take(")") else { return nil }
        return numbers
      }
    }
    return numbers
  }
}
