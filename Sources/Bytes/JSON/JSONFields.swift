/// The members of one JSON object, each asked for once by name and kind.
///
/// `finish` refuses what nobody asked for, so that an unknown field is never passed over by accident.
public struct JSONFields: Sendable {
  private let json: JSON
  private let format: String
  /// What a missing, unknown or wrong field breaks, if the format has numbered rules.
  public let rule: String?
  private let members: [JSON.Member]
  /// Which members were asked for.
  private var asked: [Bool]

  /// Opens an object; anything else throws.
  ///
  /// Fields that are missing, unknown or of a wrong kind are breaches of `rule`; what `error` makes names no rule.
  public init(_ json: JSON, format: String, rule: String? = nil) throws(FormatError) {
    guard let members = json.object else {
      throw FormatError(format, .invalid("an object is needed here, found \(json.kind)"), offset: json.offset)
        .breaking(rule)
    }
    self.json = json
    self.format = format
    self.rule = rule
    self.members = members
    asked = [Bool](repeating: false, count: members.count)
  }

  /// An error at this object, or at `place` inside it.
  public func error(_ what: String, at place: JSON? = nil) -> FormatError {
    FormatError(format, .invalid(what), offset: (place ?? json).offset)
  }

  /// The member called `name`, if there is one.
  public mutating func optional(_ name: String) -> JSON? {
    guard let place = members.firstIndex(where: { $0.name.hasSameBytes(as: name) }) else { return nil }
    asked[place] = true
    return members[place].value
  }

  /// The member called `name`.
  public mutating func any(_ name: String) throws(FormatError) -> JSON {
    guard let value = optional(name) else { throw error("the field \"\(name)\" is missing").breaking(rule) }
    return value
  }

  private mutating func value<T>(
    _ name: String, _ needed: String, _ kind: (JSON) -> T?
  ) throws(FormatError) -> T {
    let json = try any(name)
    guard let value = kind(json) else {
      throw error("\"\(name)\" needs \(needed), found \(json.kind)", at: json).breaking(rule)
    }
    return value
  }

  /// An integer.
  public mutating func integer(_ name: String) throws(FormatError) -> Int {
    try value(name, "an integer") { $0.int }
  }

  /// A list of integers, of exactly `count` if that is given.
  public mutating func integers(_ name: String, count: Int? = nil) throws(FormatError) -> [Int] {
    try value(name, "a list of \(count.map { "\($0) " } ?? "")integers") { json in
      guard let elements = json.array else { return nil }
      let numbers = elements.compactMap(\.int)
      return numbers.count == elements.count && (count == nil || count == numbers.count) ? numbers : nil
    }
  }

  /// A number.
  public mutating func double(_ name: String) throws(FormatError) -> Double {
    try value(name, "a number") { $0.double }
  }

  /// A number that a 32-bit float holds; its decimal spelling is rounded once.
  public mutating func float(_ name: String) throws(FormatError) -> Float {
    try value(name, "a finite number") { json in
      guard case .number(let text) = json.content, let float = Float(text), float.isFinite else { return nil }
      return float
    }
  }

  /// A truth value.
  public mutating func bool(_ name: String) throws(FormatError) -> Bool {
    try value(name, "true or false") { $0.bool }
  }

  /// A text.
  public mutating func string(_ name: String) throws(FormatError) -> String {
    try value(name, "a text") { $0.string }
  }

  /// A list.
  public mutating func array(_ name: String) throws(FormatError) -> [JSON] {
    try value(name, "a list") { $0.array }
  }

  /// A list of texts.
  public mutating func strings(_ name: String) throws(FormatError) -> [String] {
    try value(name, "a list of texts") { json in
      guard let elements = json.array else { return nil }
      let texts = elements.compactMap(\.string)
      return texts.count == elements.count ? texts : nil
    }
  }

  /// A list of objects, each read by `element` and then closed.
  public mutating func list<Element>(
    _ name: String, _ element: (inout JSONFields) throws(FormatError) -> Element
  ) throws(FormatError) -> [Element] {
    var elements: [Element] = []
    for json in try array(name) {
      var fields = try JSONFields(json, format: format, rule: rule)
      elements.append(try element(&fields))
      try fields.finish()
    }
    return elements
  }

  /// An object.
  public mutating func object(_ name: String) throws(FormatError) -> JSONFields {
    try JSONFields(any(name), format: format, rule: rule)
  }

  /// One of the words of a closed set.
  public mutating func choice<T: RawRepresentable & CaseIterable>(
    _ name: String, _ type: T.Type = T.self
  ) throws(FormatError) -> T where T.RawValue == String {
    let word = try string(name)
    guard let choice = T(rawValue: word) else {
      let words = T.allCases.map(\.rawValue).joined(separator: ", ")
      throw error("\"\(name)\" needs one of \(words), found \"\(word)\"", at: optional(name))
    }
    return choice
  }

  /// Throws if a member is left that nobody asked for.
  public func finish() throws(FormatError) {
    if let place = asked.firstIndex(of: false) {
      let member = members[place]
      throw error("unknown field \"\(member.name)\"", at: member.value).breaking(rule)
    }
  }
}
