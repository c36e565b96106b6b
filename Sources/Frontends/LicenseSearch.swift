import Bytes
import Formats
import IR

extension ModelFiles {
  /// The licence that the files state: the model card's front matter, `license` in `config.json` and in the weights'
  /// own metadata. Where they name different ones, all hold.
  public func license() throws(FormatError) -> Metadata.License? {
    var found: [Metadata.License] = []
    func add(_ ids: [String], from file: String) {
      for id in ids where !id.isEmpty && !found.contains(where: { $0.id.lowercased() == id.lowercased() }) {
        found.append(Metadata.License(id: id, from: file))
      }
    }
    add(try cardLicenses(), from: ModelFiles.card)
    add([try configuration("config.json")?["license"]?.string ?? ""], from: "config.json")
    if let file = weights as? SafetensorsFile {
      add(file.metadata.filter { $0.name == "license" }.map(\.value), from: weightFiles[0])
    }
    guard let first = found.first else { return nil }
    guard found.count > 1 else { return first }
    var files: [String] = []
    for license in found where !files.contains(license.from) { files.append(license.from) }
    return Metadata.License(id: found.map(\.id).joined(separator: " AND "), from: files.joined(separator: ", "))
  }

  private static let card = "README.md"

  /// What the YAML front matter of the model card says under `license`; `license_name` where that says `other`.
  private func cardLicenses() throws(FormatError) -> [String] {
    let path = joinPath(folder, ModelFiles.card)
    guard fileKind(path) == .file else { return [] }
    let view = try ByteRegion.mapping(path).view
    let head = view.withUnsafeBytes { String(decoding: $0.prefix(65536), as: UTF8.self) }
    let lines = head.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.first?.trimmed == "---" else { return [] }
    let front = lines.dropFirst().prefix { $0.trimmed != "---" }
    let licenses = ModelFiles.values(of: "license", in: front)
    if licenses.map({ $0.lowercased() }) == ["other"] {
      let names = ModelFiles.values(of: "license_name", in: front)
      if !names.isEmpty { return names }
    }
    return licenses
  }

  /// The scalar or the list of scalars under a top-level key. Nothing else of YAML is needed here, and nothing is
  /// resolved: licences are read as text.
  private static func values(of key: String, in lines: ArraySlice<Substring>) -> [String] {
    guard let start = lines.firstIndex(where: { $0.hasPrefix(key + ":") }) else { return [] }
    let value = lines[start].dropFirst(key.count + 1).trimmed
    if value.hasPrefix("[") {
      return value.drop { $0 == "[" }.prefix { $0 != "]" }.split(separator: ",").map(scalar).filter { !$0.isEmpty }
    }
    if !scalar(value).isEmpty { return [scalar(value)] }
    return lines[lines.index(after: start)...].prefix { $0.trimmed.hasPrefix("- ") }
      .map { scalar($0.trimmed.dropFirst(2)) }.filter { !$0.isEmpty }
  }

  /// A scalar without its quotes or the comment after it.
  private static func scalar(_ text: Substring) -> String {
    let text = text.trimmed
    if let quote = text.first, quote == "\"" || quote == "'" { return String(text.dropFirst().prefix { $0 != quote }) }
    let comment = text.firstRange(of: " #")?.lowerBound ?? text.endIndex
    return text.hasPrefix("#") ? "" : String(text[..<comment].trimmed)
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    let start = drop { $0 == " " || $0 == "\t" }
    return start.prefix(upTo: start.lastIndex { $0 != " " && $0 != "\t" }.map(start.index(after:)) ?? start.startIndex)
  }
}
