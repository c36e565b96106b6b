extension JSON {
  /// The document on one line, members in their order, without white space.
  public var compact: String {
    var text = ""
    write(to: &text, depth: 0, lined: 0)
    return text
  }

  /// The document with members and elements of the first `levels` levels on lines of their own, indented by two.
  public func lined(levels: Int) -> String {
    var text = ""
    write(to: &text, depth: 0, lined: levels)
    return text + "\n"
  }

  private func write(to text: inout String, depth: Int, lined: Int) {
    switch content {
    case .null: text += "null"
    case .bool(let bool): text += bool ? "true" : "false"
    case .number(let number): text += number
    case .string(let string): JSON.quote(string, to: &text)
    case .array(let elements):
      JSON.write("[", elements, "]", to: &text, depth: depth, lined: lined) { element, text in
        element.write(to: &text, depth: depth + 1, lined: lined)
      }
    case .object(let members):
      JSON.write("{", members, "}", to: &text, depth: depth, lined: lined) { member, text in
        JSON.quote(member.name, to: &text)
        text += depth < lined ? ": " : ":"
        member.value.write(to: &text, depth: depth + 1, lined: lined)
      }
    }
  }

  private static func write<Item>(
    _ opening: String, _ items: [Item], _ closing: String, to text: inout String, depth: Int, lined: Int,
    item: (Item, inout String) -> Void
  ) {
    text += opening
    let ownLines = depth < lined && !items.isEmpty
    for (index, element) in items.enumerated() {
      if index > 0 { text += "," }
      if ownLines { text += "\n" + String(repeating: "  ", count: depth + 1) }
      item(element, &text)
    }
    if ownLines { text += "\n" + String(repeating: "  ", count: depth) }
    text += closing
  }

  private static func quote(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
