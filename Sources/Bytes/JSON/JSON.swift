/// A JSON value that knows where in the file it stands.
public struct JSON: Sendable {
  /// What the value is. Numbers keep their spelling; members keep their order.
  public indirect enum Content: Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])
  }

  /// A name and its value in an object.
  public struct Member: Sendable {
    /// The member's name.
    public let name: String
    /// The member's value.
    public let value: JSON

    /// Creates a member.
    public init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// What the value is.
  public let content: Content
  /// Its first byte's absolute place in the file it was read from; 0 for values made in memory.
  public let offset: Int

  /// Creates a value.
  public init(_ content: Content, offset: Int = 0) {
    self.content = content
    self.offset = offset
  }
}

// Reading: nil where the value is of another kind.
extension JSON {
  /// True for `null`.
  public var isNull: Bool { if case .null = content { true } else { false } }
  /// The truth value.
  public var bool: Bool? { if case .bool(let bool) = content { bool } else { nil } }
  /// The text.
  public var string: String? { if case .string(let string) = content { string } else { nil } }
  /// The elements.
  public var array: [JSON]? { if case .array(let array) = content { array } else { nil } }
  /// The members, in their order.
  public var object: [Member]? { if case .object(let members) = content { members } else { nil } }
  /// The number as an integer; nil if it has a fraction or exponent, or does not fit.
  public var int: Int? { if case .number(let text) = content { Int(text) } else { nil } }
  /// The number, rounded to the nearest double; also the strings that stand for numbers JSON lacks.
  public var double: Double? {
    switch content {
    case .number(let text): Double(text)
    case .string("NaN"): .nan
    case .string("Infinity"): .infinity
    case .string("-Infinity"): -.infinity
    default: nil
    }
  }

  /// The member called `name`, byte for byte.
  public subscript(_ name: String) -> JSON? {
    object?.first { Name($0.name) == Name(name) }?.value
  }

  /// What kind of value this is, for messages.
  public var kind: String {
    switch content {
    case .null: "null"
    case .bool: "a truth value"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

// Making.
extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A string.
  public init(stringLiteral text: String) { self.init(.string(text)) }
  /// A number.
  public init(integerLiteral number: Int) { self.init(.number(String(number))) }
  /// A truth value.
  public init(booleanLiteral bool: Bool) { self.init(.bool(bool)) }
  /// An array.
  public init(arrayLiteral elements: JSON...) { self.init(.array(elements)) }
  /// An object, its members in the order written; those whose value is nil are left out.
  public init(dictionaryLiteral members: (String, JSON?)...) {
    self.init(members: members)
  }
  /// Null.
  public static let null = JSON(.null)

  /// A string.
  public init(_ text: String) { self.init(.string(text)) }
  /// A number.
  public init(_ number: Int) { self.init(.number(String(number))) }
  /// A truth value.
  public init(_ bool: Bool) { self.init(.bool(bool)) }
  /// A number in its shortest spelling; the strings "NaN", "Infinity" and "-Infinity" for what JSON lacks.
  public init(_ number: Double) { self.init(JSON.spelling(number, number.description)) }
  /// A number in its shortest spelling; the strings "NaN", "Infinity" and "-Infinity" for what JSON lacks.
  public init(_ number: Float) { self.init(JSON.spelling(Double(number), number.description)) }
  /// An array.
  public init(_ elements: [JSON]) { self.init(.array(elements)) }
  /// An array of integers.
  public init(_ numbers: [Int]) { self.init(.array(numbers.map { JSON($0) })) }
  /// An array of strings.
  public init(_ texts: [String]) { self.init(.array(texts.map { JSON($0) })) }
  /// An object; members whose value is nil are left out.
  public init(members: [(String, JSON?)]) {
    self.init(.object(members.compactMap { name, value in value.map { Member(name, $0) } }))
  }
}
