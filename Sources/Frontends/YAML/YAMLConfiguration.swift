import Bytes

/// Reads one mapping of a YAML configuration; keys that nobody asked for are told at the end.
///
/// Words and numbers are what OmegaConf takes them for: `1e-05` is a number, although YAML 1.1 has it a text.
struct YAMLConfiguration {
  private let yaml: YAML
  /// The keys that lead to this mapping.
  private let path: [String]
  private var known: Set<Name> = []

  /// Throws unless `yaml` is a mapping.
  init(_ yaml: YAML, path: [String] = []) throws(FormatError) {
    guard yaml.mapping != nil else {
      throw FormatError("configuration", .invalid("needs a mapping, found \(yaml.kind)"), line: yaml.line, place: path)
    }
    (self.yaml, self.path) = (yaml, path)
  }

  func error(_ key: String, _ what: String) -> FormatError {
    FormatError("configuration", .invalid(what), line: (yaml[key] ?? yaml).line, place: [place(key)])
  }

  private func place(_ key: String) -> String { (path + [key]).joined(separator: ".") }

  /// The value of a key; nil if it is left out or null.
  mutating func value(_ key: String) -> YAML? {
    known.insert(Name(key))
    guard let value = yaml[key], !value.isNull else { return nil }
    return value
  }

  /// The mapping under a key.
  mutating func mapping(_ key: String) throws(FormatError) -> YAMLConfiguration {
    guard let value = value(key) else { throw missing(key, "a mapping") }
    return try YAMLConfiguration(value, path: path + [key])
  }

  private func missing(_ key: String, _ needed: String) -> FormatError {
    FormatError(
      "configuration", .missing("\(needed); FunASR needs this key too"), line: yaml.line, place: [place(key)])
  }

  private mutating func value<T>(
    _ key: String, _ needed: String, _ kind: (YAML) -> T?
  ) throws(FormatError) -> T {
    guard let found = value(key) else { throw missing(key, needed) }
    guard let value = kind(found) else { throw error(key, "needs \(needed), found \(found.kind)") }
    return value
  }

  mutating func size(_ key: String, from least: Int = 1) throws(FormatError) -> Int {
    try value(key, "a number from \(least) to \(ConfigurationReader.sizeLimit)") { yaml in
      yaml.number.flatMap { Int(exactly: $0) }.flatMap {
        (least...ConfigurationReader.sizeLimit).contains($0) ? $0 : nil
      }
    }
  }

  mutating func number(_ key: String, _ range: ClosedRange<Double>) throws(FormatError) -> Double {
    try value(key, "a number from \(range.lowerBound) to \(range.upperBound)") { yaml in
      yaml.number.flatMap { range.contains($0) ? $0 : nil }
    }
  }

  mutating func bool(_ key: String) throws(FormatError) -> Bool {
    try value(key, "true or false") { $0.bool }
  }

  mutating func text(_ key: String) throws(FormatError) -> String { try value(key, "a text") { $0.text } }

  /// Throws unless the key says `true`. Python takes what is left out, and null, for the opposite.
  mutating func requireTrue(_ key: String) throws(FormatError) {
    guard let found = value(key) else {
      throw error(key, "needs true: left out, or null, it is false to FunASR, which is not supported")
    }
    guard found.bool == true else { throw unsupported(key, found, "true") }
  }

  /// Throws if the key says anything but `false`; leaving it out, and null, says that, too.
  mutating func refuseTrue(_ key: String) throws(FormatError) {
    guard let found = value(key), found.bool != false else { return }
    throw unsupported(key, found, "false")
  }

  /// Throws if the key says anything but `accepted`; leaving it out says that, too.
  mutating func refuse(_ key: String, unless accepted: String) throws(FormatError) {
    guard let found = value(key), found.text.map({ Name($0) != Name(accepted) }) ?? true else { return }
    throw unsupported(key, found, accepted)
  }

  private func unsupported(_ key: String, _ found: YAML, _ accepted: String) -> FormatError {
    error(key, "\(found.kind) changes the result and is not supported; \(accepted) is")
  }

  /// Keys that were neither read nor are on the list of those without effect, with the path to them, sorted.
  func unknownKeys(withoutEffect list: Set<String>) -> [String] {
    let list = Set(list.map { Name($0) })
    return (yaml.mapping ?? []).map { Name($0.name) }.filter { !known.contains($0) && !list.contains($0) }.sorted()
      .map { place($0.text) }
  }
}

extension YAML {
  /// The number that a plain word is, with or without a dot and an exponent.
  fileprivate var number: Double? {
    guard case .scalar(let text, isPlain: true) = content,
      text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "+-.eE".utf8.contains($0) })
    else { return nil }
    return Double(text)
  }

  /// The truth that a plain word is in YAML 1.1.
  fileprivate var bool: Bool? {
    guard case .scalar(let text, isPlain: true) = content else { return nil }
    switch text {
    case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return true
    case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return false
    default: return nil
    }
  }
}
