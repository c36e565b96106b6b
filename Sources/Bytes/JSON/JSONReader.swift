extension JSON {
  /// How deep arrays and objects may nest.
  public static let depthLimit = 64
  /// How many values a document may have: each takes far more memory than the two bytes it may be written in.
  public static let valueLimit = 2_000_000

  /// Reads one JSON document (RFC 8259) that fills `view`; white space around it is allowed.
  ///
  /// Strict: UTF-8, no comments, no trailing commas, no name twice in one object, nesting up to `depthLimit`, at most `valueLimit` values.
  public static func read(_ view: ByteView, format: String) throws(FormatError) -> JSON {
    try view.withUnsafeBytes { (bytes) throws(FormatError) in
      var reader = JSONReader(bytes: bytes, start: view.offset, format: format)
      return try reader.document()
    }
  }
}

private struct JSONReader {
  let bytes: UnsafeRawBufferPointer
  let start: Int
  let format: String
  var position = 0
  var values = 0

  mutating func document() throws(FormatError) -> JSON {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw error("text after the end of the JSON document") }
    return value
  }

  func error(_ what: String, at place: Int? = nil) -> FormatError {
    FormatError(format, .invalid("JSON: " + what), offset: start + (place ?? position))
  }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  mutating func value(depth: Int) throws(FormatError) -> JSON {
    skipSpace()
    let place = position
    values += 1
    guard values <= JSON.valueLimit else {
      throw FormatError(format, .limitExceeded("JSON of more than \(JSON.valueLimit) values"), offset: start + place)
    }
    guard let byte = next else { throw error("the document ends where a value should stand") }
    let content: JSON.Content
    switch byte {
    case UInt8(ascii: "{"): content = try object(depth: depth)
    case UInt8(ascii: "["): content = try array(depth: depth)
    case UInt8(ascii: "\""): content = .string(try string())
    case UInt8(ascii: "t"): content = try word("true", .bool(true))
    case UInt8(ascii: "f"): content = try word("false", .bool(false))
    case UInt8(ascii: "n"): content = try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): content = .number(try number())
    default: throw error("this starts no value")
    }
    return JSON(content, offset: start + place)
  }

  mutating func word(_ text: String, _ value: JSON.Content) throws(FormatError) -> JSON.Content {
    guard bytes[position...].starts(with: text.utf8) else { throw error("this starts no value") }
    position += text.utf8.count
    return value
  }

  mutating func enter(_ depth: Int) throws(FormatError) {
    guard depth < JSON.depthLimit else {
      throw FormatError(
        format, .limitExceeded("JSON nested deeper than \(JSON.depthLimit)"), offset: start + position)
    }
    position += 1
  }

  /// True when `byte` comes next, which is then passed over.
  mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte else { return false }
    position += 1
    return true
  }

  mutating func array(depth: Int) throws(FormatError) -> JSON.Content {
    try enter(depth)
    var elements: [JSON] = []
    if take(UInt8(ascii: "]")) { return .array(elements) }
    repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw error("a \",\" or \"]\" is missing in an array") }
    return .array(elements)
  }

  mutating func object(depth: Int) throws(FormatError) -> JSON.Content {
    try enter(depth)
    var members: [JSON.Member] = []
    var names: Set<Name> = []
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipSpace()
      let place = position
      guard next == UInt8(ascii: "\"") else { throw error("an object's member starts with its name in quotes") }
      let name = try string()
      // A few names are quicker looked through than hashed.
      if members.count == JSONReader.fewMembers { names = Set(members.map { Name($0.name) }) }
      let isNew =
        members.count < JSONReader.fewMembers
        ? !members.contains { $0.name.hasSameBytes(as: name) } : names.insert(Name(name)).inserted
      guard isNew else {
        throw FormatError(format, .duplicateName(name), offset: start + place)
      }
      guard take(UInt8(ascii: ":")) else { throw error("a \":\" is missing after a member's name") }
      members.append(JSON.Member(name, try value(depth: depth + 1)))
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw error("a \",\" or \"}\" is missing in an object") }
    return .object(members)
  }

  private static let fewMembers = 16

  mutating func digits() throws(FormatError) {
    let first = position
    while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    if position == first { throw error("a digit is missing in a number") }
  }

  mutating func number() throws(FormatError) -> String {
    let first = position
    if next == UInt8(ascii: "-") { position += 1 }
    if next == UInt8(ascii: "0") { position += 1 } else { try digits() }
    if next == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    return String(decoding: bytes[first..<position], as: UTF8.self)
  }

  mutating func string() throws(FormatError) -> String {
    let opening = position
    position += 1
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    var text = Array(bytes[opening + 1..<position])
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw error("this string is not UTF-8", at: opening)
        }
        return string
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw error("a control character stands in a string")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw error("this string does not end", at: opening)
  }

  mutating func escape(into text: inout [UInt8]) throws(FormatError) {
    let place = position
    position += 1
    guard let byte = next else { throw error("this string does not end", at: place) }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = UInt32(try hexadecimal())
      if code >> 10 == 0x36, bytes[position...].starts(with: "\\u".utf8) {
        position += 2
        let low = UInt32(try hexadecimal())
        guard low >> 10 == 0x37 else { throw error("half of a surrogate pair", at: place) }
        code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair", at: place) }
      text.append(contentsOf: UTF8.encode(scalar)!)
    default: throw error("no such escape in a string", at: place)
    }
  }

  mutating func hexadecimal() throws(FormatError) -> UInt16 {
    guard bytes.count - position >= 4 else { throw error("four hexadecimal digits are missing") }
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw error("four hexadecimal digits are missing")
      }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }
}
