import Bytes

/// The part of JSON Schema (2020-12) that this project's schemas use; another keyword is a complaint of its own.
public struct JSONSchema {
  private let root: JSON

  /// Reads the schema at `path`.
  public init(_ path: String) throws { root = try Repository.json(path) }

  /// What is wrong with `document`, a line each.
  public func complaints(_ document: JSON) -> [String] { complaints(document, root, "$") }

  private static let annotations: Set<String> = ["$schema", "title", "description"]

  private func complaints(_ value: JSON, _ schema: JSON, _ place: String) -> [String] {
    var found: [String] = []
    for keyword in schema.object ?? [] where !Self.annotations.contains(keyword.name) {
      switch keyword.name {
      case "type":
        let names = keyword.value.array?.compactMap(\.string) ?? [keyword.value.string ?? ""]
        if !names.contains(where: { Self.isA($0, value) }) { found.append("\(place) is \(value.kind), not \(names)") }
      case "enum":
        let words = keyword.value.array?.map(\.compact) ?? []
        if !words.contains(value.compact) { found.append("\(place) is \(value.compact), none of \(words)") }
      case "pattern":
        if Digest(hex: value.string ?? "") == nil { found.append("\(place) is no digest") }
      case "anyOf":
        let choices = keyword.value.array ?? []
        if !choices.contains(where: { complaints(value, $0, place).isEmpty }) {
          found.append("\(place) fits no choice: \(value.compact.prefix(80))")
        }
      case "items":
        for (index, element) in (value.array ?? []).enumerated() {
          found += complaints(element, keyword.value, "\(place)[\(index)]")
        }
      case "required":
        for name in keyword.value.array?.compactMap(\.string) ?? [] where value.object != nil && value[name] == nil {
          found.append("\(place).\(name) is missing")
        }
      case "properties":
        for member in value.object ?? [] {
          if let own = keyword.value[member.name] { found += complaints(member.value, own, place + "." + member.name) }
        }
      case "additionalProperties":
        for member in value.object ?? [] where schema["properties"]?[member.name] == nil {
          if keyword.value.bool == false {
            found.append("\(place).\(member.name) is not in the schema")
          } else {
            found += complaints(member.value, keyword.value, place + "." + member.name)
          }
        }
      default: found.append("the schema's keyword \(keyword.name) is not checked")
      }
    }
    return found
  }

  private static func isA(_ type: String, _ value: JSON) -> Bool {
    switch value.content {
    case .null: type == "null"
    case .bool: type == "boolean"
    case .number: type == "number" || type == "integer" && value.int != nil
    case .string: type == "string"
    case .array: type == "array"
    case .object: type == "object"
    }
  }
}
