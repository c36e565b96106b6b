import Bytes

/// The rules of `ArtifactFormat.md`, by their numbers there. Every refusal of an artifact names one.
public enum ArtifactRule: Int, CaseIterable, Sendable {
  // The file.
  case magic = 1
  case version, header, sections, padding, end
  // Texts.
  case json, canonical, fields, limits
  // Metadata.
  case preprocessing, sources, license, recipe
  // Graph.
  case inputs, constants, provenance, values, operators, types, outputs
  // Index and data.
  case names, roles, dtypes, shapes, encoding, order, fill, placement
  // Goldens.
  case goldens, arrays
  // Digests.
  case footer, textCRC, root, tensorCRC, tensorSHA256

  /// The name that the article and the corpus use.
  public var name: String {
    switch self {
    case .textCRC: "text-crc"
    case .tensorCRC: "tensor-crc"
    case .tensorSHA256: "tensor-sha256"
    default: "\(self)"
    }
  }

  /// Number and name, as errors carry them.
  public var label: String { "\(rawValue), \(name)" }

  /// Calls `body`; what it throws is a breach of this rule unless it names another.
  func covers<T>(_ body: () throws(FormatError) -> T) throws(FormatError) -> T {
    do throws(FormatError) { return try body() } catch { throw error.breaking(label) }
  }

  /// A breach of this rule at an absolute place of the file.
  func broken(_ reason: FormatError.Reason, at offset: Int?, place: [String] = []) -> FormatError {
    FormatError(Artifact.format, reason, offset: offset, place: place).breaking(label)
  }

  /// A breach of this rule at a value of a text.
  func broken(_ what: String, at json: JSON) -> FormatError { broken(.invalid(what), at: json.offset) }
}

extension JSON {
  /// Reads one of an artifact's texts.
  static func readText(_ text: ByteView) throws(FormatError) -> JSON {
    do throws(FormatError) {
      return try JSON.read(text, format: Artifact.format)
    } catch {
      if case .limitExceeded = error.reason { throw error.breaking(ArtifactRule.limits.label) }
      throw error.breaking(ArtifactRule.json.label)
    }
  }

  /// The members of an object of an artifact's text.
  func artifactFields() throws(FormatError) -> JSONFields {
    try JSONFields(self, format: Artifact.format, rule: ArtifactRule.fields.label)
  }
}

extension JSONFields {
  /// A name of 1 to 4,096 bytes.
  mutating func name(_ field: String) throws(FormatError) -> String {
    let name = try string(field)
    guard (1...Artifact.nameLimit).contains(name.utf8.count) else {
      throw ArtifactRule.limits.broken(
        "a name has 1 to \(Artifact.nameLimit) bytes, found \(name.utf8.count)", at: optional(field)!)
    }
    return name
  }
}
