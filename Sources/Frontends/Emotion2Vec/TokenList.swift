import Bytes

/// The words that FunASR's tokenizers number: the lines of a text, or a list in JSON.
enum TokenList {
  /// Reads the list in a file; no word may be there twice.
  static func read(_ path: String) throws(FormatError) -> [String] {
    do throws(FormatError) {
      let region = try ByteRegion.mapping(path)
      guard region.count <= ModelFiles.configurationLimit else {
        throw FormatError("tokens", .limitExceeded("a list of \(ModelFiles.configurationLimit) bytes"))
      }
      let tokens = path.hasSuffix(".json") ? try list(region.view) : try lines(region.view)
      var places: [Name: Int] = [:]
      for (index, token) in tokens.enumerated() {
        if places.updateValue(index, forKey: Name(token)) != nil {
          throw FormatError("tokens", .duplicateName(token), line: path.hasSuffix(".json") ? nil : index + 1)
        }
      }
      return tokens
    } catch { throw error.inFile(path) }
  }

  /// Lines as Python reads them, without the space at their end.
  static func lines(_ view: ByteView) throws(FormatError) -> [String] {
    guard let text = view.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw FormatError("tokens", .invalid("this is no UTF-8"))
    }
    var lines = text.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" }.map { line in
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
