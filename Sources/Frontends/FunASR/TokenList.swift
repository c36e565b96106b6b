import Bytes

/// The words that FunASR's tokenizers number: the lines of a text, or a list in JSON.
enum TokenList {
  /// Reads the list in a file; no word may be there twice.
  static func read(_ path: String) throws(FormatError) -> [String] {
    try ModelFiles.reading(path) { (view) throws(FormatError) in
      let tokens = path.hasSuffix(".json") ? try list(view) : try lines(view)
      var places: [Name: Int] = [:]
      for (index, token) in tokens.enumerated() {
        if places.updateValue(index, forKey: Name(token)) != nil {
          throw FormatError("tokens", .duplicateName(token), line: path.hasSuffix(".json") ? nil : index + 1)
        }
      }
      return tokens
    }
  }

  /// Lines as Python reads them, without the space at their end.
  static func lines(_ view: ByteView) throws(FormatError) -> [String] {
    guard let text = view.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw FormatError("tokens", .invalid("this is no UTF-8"))
    }
    // "\r\n" leaves white space at a line's end, which goes.
    let ends = text.unicodeScalars.contains("\n") ? "\n" : "\r" as Unicode.Scalar
    var lines = text.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == ends }.map { line in
      var line = line
      while let last = line.last, last.properties.isWhitespace { line.removeLast() }
      return String(line)
    }
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  private static func list(_ view: ByteView) throws(FormatError) -> [String] {
    let json = try JSON.read(view, format: "tokens")
    guard let elements = json.array else { throw FormatError("tokens", .invalid("needs a list, found \(json.kind)")) }
    return try elements.map { (element) throws(FormatError) in
      guard let text = element.string else {
        throw FormatError("tokens", .invalid("a token is a text, found \(element.kind)"), offset: element.offset)
      }
      return text
    }
  }
}
