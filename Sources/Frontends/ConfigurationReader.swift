import Bytes

/// Reads a configuration file that other tools also write to: missing keys have defaults, unknown ones are listed.
struct ConfigurationReader {
  private let json: JSON
  private var known: Set<String> = []

  /// No length in a configuration is larger.
  static let sizeLimit = 1 << 20

  init(_ json: JSON) throws(FormatError) {
    guard json.object != nil else {
      throw FormatError("configuration", .invalid("an object is needed, found \(json.kind)"), offset: json.offset)
    }
    self.json = json
  }

  func error(_ key: String, _ what: String) -> FormatError {
    FormatError("configuration", .invalid(what), offset: json[key]?.offset, place: [key])
  }

  /// The value of a key; nil if it is left out or null.
  private mutating func value(_ key: String) -> JSON? {
    known.insert(key)
    guard let value = json[key], !value.isNull else { return nil }
    return value
  }

  private mutating func value<T>(
    _ key: String, default fallback: T, _ needed: String, _ kind: (JSON) -> T?
  ) throws(FormatError) -> T {
    guard let json = value(key) else { return fallback }
    guard let value = kind(json) else { throw error(key, "needs \(needed), found \(json.compact)") }
    return value
  }

  mutating func size(_ key: String, default fallback: Int) throws(FormatError) -> Int {
    try value(key, default: fallback, "a number from 1 to \(ConfigurationReader.sizeLimit)") {
      ConfigurationReader.size($0)
    }
  }

  private static func size(_ json: JSON) -> Int? {
    json.int.flatMap { (1...sizeLimit).contains($0) ? $0 : nil }
  }

  mutating func sizes(_ key: String, default fallback: [Int]) throws(FormatError) -> [Int] {
    try value(key, default: fallback, "a list of numbers from 1 to \(ConfigurationReader.sizeLimit)") { json in
      guard let elements = json.array, !elements.isEmpty else { return nil }
      let sizes = elements.compactMap(ConfigurationReader.size)
      return sizes.count == elements.count ? sizes : nil
    }
  }

  mutating func bool(_ key: String, default fallback: Bool) throws(FormatError) -> Bool {
    try value(key, default: fallback, "true or false") { $0.bool }
  }

  mutating func text(_ key: String, default fallback: String) throws(FormatError) -> String {
    try value(key, default: fallback, "a text") { $0.string }
  }

  mutating func number(_ key: String, default fallback: Double) throws(FormatError) -> Double {
    try value(key, default: fallback, "a number") { $0.double }
  }

  mutating func epsilon(_ key: String, default fallback: Float) throws(FormatError) -> Float {
    try value(key, default: fallback, "a number from 0 to 1") { json in
      json.double.flatMap { (0...1).contains($0) ? Float($0) : nil }
    }
  }

  mutating func choice<T: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: T
  ) throws(FormatError) -> T where T.RawValue == String {
    let words = T.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    return try value(key, default: fallback, "one of \(words)") { $0.string.flatMap(T.init(rawValue:)) }
  }

  /// Throws unless the key says exactly `text`.
  mutating func require(_ key: String, _ text: String) throws(FormatError) {
    let found = value(key)
    guard found?.string == text else {
      throw error(key, "needs \"\(text)\", found \(found?.compact ?? "nothing")")
    }
  }

  /// Throws if the key asks for anything but `accepted`, which is also what leaving it out means.
  mutating func refuse(_ key: String, unless accepted: JSON.Content) throws(FormatError) {
    guard let found = value(key) else { return }
    let accepted = JSON(accepted).compact
    guard found.compact == accepted else {
      throw error(key, "\(found.compact) changes the result and is not supported; \(accepted) is")
    }
  }

  /// The labels of `id2label`, in the order of their numbers, which must run from 0 without a gap.
  mutating func labels() throws(FormatError) -> [String]? {
    guard let value = value("id2label") else { return nil }
    guard let members = value.object else {
      throw error("id2label", "needs an object of numbers and texts, found \(value.kind)")
    }
    var labels = [String?](repeating: nil, count: members.count)
    for member in members {
      guard let index = Int(member.name), labels.indices.contains(index), labels[index] == nil,
        let label = member.value.string
      else {
        throw error("id2label", "needs a text for each number from 0 to \(members.count - 1)")
      }
      labels[index] = label
    }
    let names = labels.compactMap { $0 }
    guard Set(names.map { Name($0) }).count == names.count else {
      throw error("id2label", "gives two outputs one name, so that nobody could tell them apart")
    }
    return names
  }

  /// Keys that were neither read nor are on the list of those without effect, sorted.
  func unknownKeys(withoutEffect list: Set<String>) -> [String] {
    (json.object ?? []).map(\.name).filter { !known.contains($0) && !list.contains($0) }.sorted { Name($0) < Name($1) }
  }
}
