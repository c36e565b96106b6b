import Bytes
import IR

/// Changes to an artifact's metadata. Graph, goldens and tensors keep their bytes.
public struct MetadataEdit: Sendable {
  /// What was changed, and the file's new root.
  public struct Report: Sendable {
    /// The file.
    public let path: String
    /// The metadata it has now.
    public let metadata: Metadata
    /// The fields that were changed now.
    public let changed: [String]
    /// The root digest before.
    public let oldRoot: Digest
    /// The root digest now.
    public let root: Digest

    /// The report as a document.
    public var json: JSON {
      [
        "output": JSON(path), "old_root": JSON(oldRoot.description), "root": JSON(root.description),
        "metadata": metadata.json,
      ]
    }

    /// One line.
    public var text: String {
      "\(printable(path)): \(changed.map(printable).joined(separator: ", ")) edited, root \(root)"
    }
  }

  private var metadata: Metadata
  private var changed: [String] = []
  private let file: ArtifactFile
  private let region: ByteRegion
  private let path: String

  /// Opens the artifact at `path`. Another edit of it waits until this one is done.
  public init(_ path: String) throws {
    self.path = path
    region = try inFile(path) { try ByteRegion.mapping(path, locked: true) }
    let file = try inFile(path) { [region] in try ArtifactFile(region) }
    _ = try inFile(path) { try EmbeddedGoldens.cases(file.artifact) }
    self.file = file
    metadata = file.artifact.metadata
  }

  /// What may be edited.
  public static let keys = "labels, license, about.NAME"

  /// Sets a field from its text: labels as `a,b,c` or a JSON list, the rest as it is.
  public mutating func set(_ key: String, to text: String) throws {
    switch key {
    case "labels": metadata.labels = try labels(text)
    case "license":
      metadata.license = try .stating(text, by: "assay edit", over: metadata.license)
    default:
      let name = try aboutName(key)
      if let index = metadata.about.firstIndex(where: { Name($0.name) == Name(name) }) {
        metadata.about[index].text = text
      } else {
        metadata.about.append(Metadata.Note(name: name, text: text))
        metadata.about.sort { Name($0.name) < Name($1.name) }
      }
    }
    mark(key)
  }

  /// Takes a note away.
  public mutating func unset(_ key: String) throws {
    let name = try aboutName(key)
    guard let index = metadata.about.firstIndex(where: { Name($0.name) == Name(name) }) else {
      throw Failure("\(path): there is no \(key) to take away")
    }
    metadata.about.remove(at: index)
    mark(key)
  }

  /// Writes the file anew with the changed metadata, the data shared with the old one where the file system can, and
  /// gives it the old one's name. The data is not read; `verify` does that.
  public func save() throws -> Report {
    try inFile(path) {
      let writer = try FileWriter(path)
      let root = try file.write(metadata, to: writer)
      let written = try ArtifactFile(writer.readBack())
      guard written.root == root, written.artifact.metadata == metadata else {
        throw Failure("\(path): what was written does not read back")
      }
      guard region.isStill(at: path) else {
        throw Failure("\(path): somebody else has replaced the file meanwhile; it stays as it is now")
      }
      try writer.publish()
      return Report(path: path, metadata: metadata, changed: changed, oldRoot: file.root, root: root)
    }
  }

  private mutating func mark(_ key: String) {
    if !changed.contains(where: { Name($0) == Name(key) }) { changed.append(key) }
    guard !metadata.edited.contains(where: { Name($0) == Name(key) }) else { return }
    metadata.edited = (metadata.edited + [key]).sorted { Name($0) < Name($1) }
  }

  private func aboutName(_ key: String) throws -> String {
    let prefix = Metadata.aboutPrefix.utf8
    guard key.utf8.starts(with: prefix), key.utf8.count > prefix.count,
      let name = String(key.utf8.dropFirst(prefix.count))
    else { throw Failure("\(path): \"\(key)\" cannot be edited; \(MetadataEdit.keys) can") }
    return name
  }

  private func labels(_ text: String) throws -> [String] {
    var labels = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if text.hasPrefix("[") {
      let list = try JSON.read(ByteRegion(copying: Array(text.utf8)).view, format: "labels").array ?? []
      labels = list.compactMap(\.string)
      guard labels.count == list.count else { throw Failure("labels are a list of texts, found \(text)") }
    }
    if text.isEmpty { labels = [] }
    let graph = file.artifact.graph
    let width = graph.outputs.first { $0.name == "logits" }.flatMap { graph[$0.value].type.dimensions.last?.value }
    if let width, !labels.isEmpty, labels.count != width {
      throw Failure("\(path): \(labels.count) labels do not fit the \(width) columns of logits")
    }
    return labels
  }
}
