import Bytes

/// A YAML value that knows its line. Scalars stay the text they are: `no` is "no", `1e-05` is "1e-05".
///
/// YAML would make numbers, truth values and dates of plain words; who reads a value says what it must be.
public struct YAML: Sendable {
  /// What the value is. Members keep their order.
  public indirect enum Content: Sendable {
    /// Text; `isPlain` where it stands without quotes.
    case scalar(String, isPlain: Bool)
    case sequence([YAML])
    case mapping([Member])
  }

  /// A name and its value in a mapping.
  public struct Member: Sendable {
    /// The member's name.
    public let name: String
    /// The member's value.
    public let value: YAML
  }

  /// What the value is.
  public let content: Content
  /// The line it starts in, counted from 1.
  public let line: Int
  /// The character of the line it starts with, counted from 1; an anchor counts to its value.
  public let column: Int
}

// Reading: nil where the value is of another kind.
extension YAML {
  /// The text of a scalar, also of one that `isNull`.
  public var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
  /// The elements.
  public var sequence: [YAML]? { if case .sequence(let elements) = content { elements } else { nil } }
  /// The members, in their order.
  public var mapping: [Member]? { if case .mapping(let members) = content { members } else { nil } }

  /// The member called `name`, byte for byte.
  subscript(_ name: String) -> YAML? { mapping?.first { Name($0.name) == Name(name) }?.value }

  /// True for the plain words that YAML has for nothing, and for nothing itself (YAML 1.1, `null`).
  public var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// What kind of value this is, for messages.
  public var kind: String {
    switch content {
    case .scalar(let text, _): isNull ? "nothing" : "\"\(text.prefix(60))\""
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}
