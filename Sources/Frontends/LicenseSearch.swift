import Bytes
import Formats
import IR

extension ModelFiles {
  /// The licence that the files state: the model card's front matter, `license` in `config.json`, in
  /// `configuration.json` and in the weights' own metadata. Where they name different ones, all hold.
  public func license() throws(FormatError) -> Metadata.License? {
    var search = LicenseSearch()
    try search.readCard(in: folder)
    for file in ["config.json", FunASRFolder.name] {
      search.add([try configuration(file)?["license"]?.string ?? ""], from: file)
    }
    for (source, file) in sources {
      guard let weights = source as? SafetensorsFile else { continue }
      search.add(weights.metadata.filter { $0.name == "license" }.map(\.value), from: file)
    }
    return search.license
  }
}

extension AudonnxFolder {
  /// The licence that the files state: the model card's front matter, and `model_license` in the ONNX file's metadata
  /// (onnx/docs/IR.md). Where they name different ones, all hold.
  public func license() throws(FormatError) -> Metadata.License? {
    var search = LicenseSearch()
    try search.readCard(in: folder)
    let stated = onnx.model.metadata.filter { ["model_license", "license"].contains($0.name) }
    search.add(stated.map(\.value), from: splitPath(onnxPath).name)
    return search.license
  }
}

/// Collects what the files of a model say of its licence.
private struct LicenseSearch {
  private var found: [Metadata.License] = []

  mutating func add(_ ids: [String], from file: String) {
    for id in ids where !id.isEmpty && !found.contains(where: { $0.id.lowercased() == id.lowercased() }) {
      found.append(Metadata.License(id: id, from: file))
    }
  }

  /// What was found; several hold together.
  var license: Metadata.License? {
    guard let first = found.first else { return nil }
    guard found.count > 1 else { return first }
    var files: [String] = []
    for license in found where !files.contains(license.from) { files.append(license.from) }
    return Metadata.License(
      id: found.map { Metadata.License.operand($0.id) }.joined(separator: " AND "), from: files.joined(separator: ", "))
  }

  private static let card = "README.md"

  /// What the YAML front matter of the model card says under `license`; `license_name` where that says `other`.
  mutating func readCard(in folder: String) throws(FormatError) {
    let path = joinPath(folder, LicenseSearch.card)
    guard fileKind(path) == .file else { return }
    let view = try ByteRegion.mapping(path).view
    var head = view.withUnsafeBytes { String(decoding: $0.prefix(65536), as: UTF8.self)[...] }
    if head.unicodeScalars.first == "\u{FEFF}" { head = Substring(head.unicodeScalars.dropFirst()) }
    let lines = head.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.first?.trimmed == "---" else { return }
    let front = lines.dropFirst().prefix { $0.trimmed != "---" }
    let licenses = LicenseSearch.values(of: "license", in: front)
    let names = licenses.map { $0.lowercased() } == ["other"] ? LicenseSearch.values(of: "license_name", in: front) : []
    add(names.isEmpty ? licenses : names, from: LicenseSearch.card)
  }

  /// The scalar or the list of scalars under a top-level key. Nothing else of YAML is needed here, and nothing is
  /// resolved: licences are read as text.
  private static func values(of key: String, in lines: ArraySlice<Substring>) -> [String] {
    let spellings = [key, "\"\(key)\"", "'\(key)'"].map { $0 + ":" }
    let found = lines.indices.first { index in spellings.contains { lines[index].hasPrefix($0) } }
    guard let start = found, let spelling = spellings.first(where: lines[start].hasPrefix) else { return [] }
    let value = lines[start].dropFirst(spelling.count).trimmed
    let following = lines[lines.index(after: start)...]
    if value.hasPrefix("[") {
      // The list ends at its bracket, however many lines that takes.
      let list = ([value] + following.map { $0[...] }).joined(separator: "\n")
      let elements = list.dropFirst().prefix { $0 != "]" }.split { $0 == "," || $0 == "\n" }
      return elements.map(scalar).filter { !$0.isEmpty }
    }
    if !scalar(value).isEmpty { return [scalar(value)] }
    return following.filter { !$0.trimmed.isEmpty && !$0.trimmed.hasPrefix("#") }
      .prefix { $0.trimmed.hasPrefix("- ") }.map { scalar($0.trimmed.dropFirst(2)) }.filter { !$0.isEmpty }
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
