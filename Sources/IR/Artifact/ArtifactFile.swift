import Bytes
import Tensors

/// An artifact as it lies in a file: mapped, its texts checked and read, its tensors views of the mapping.
///
/// Opening checks every rule that needs no byte of the data; `checkIntegrity` checks the others.
public struct ArtifactFile: Sendable {
  /// What the file says.
  public let artifact: Artifact
  /// The tensors as the index lists them: constants, then golden arrays.
  public let entries: [TensorEntry]

  let sections: [ByteView]
  let index: [ArtifactIndexEntry]
  let storages: [Constant.Storage]
  let footer: ArtifactFooter

  /// Opens the artifact at `path`.
  public init(path: String) throws(FormatError) {
    do throws(FormatError) { try self.init(ByteRegion.mapping(path)) } catch { throw error.inFile(path) }
  }

  /// Opens an artifact in memory or in a mapped file.
  public init(_ region: ByteRegion) throws(FormatError) {
    let sections = try ArtifactHead.sections(region.view)
    func section(_ section: ArtifactSection) -> ByteView { sections[section.rawValue] }
    let data = section(.data)
    guard let tensorCount = ArtifactFooter.tensorCount(size: section(.footer).count) else {
      throw ArtifactRule.footer.broken(.invalid("\(section(.footer).count) bytes are no footer"), at: 56)
    }
    let footer = try ArtifactFooter(section(.footer), tensorCount: tensorCount)
    try ArtifactFile.checkTexts(region.view, sections, footer)

    let index = try ArtifactIndexEntry.read(section(.index), dataLength: data.count, count: tensorCount)
    var storages: [Constant.Storage] = []
    var constants: [(name: String, storage: Constant.Storage)] = []
    var goldenTensors: [(name: String, tensor: Tensor)] = []
    for entry in index {
      let storage = entry.storage(data[entry.offset..<entry.offset + entry.bytes])
      storages.append(storage)
      switch entry.role {
      case .constant: constants.append((entry.name, storage))
      case .golden: goldenTensors.append((entry.name, storage.rowMajor))
      }
    }
    let metadata = try Metadata(JSON.readText(section(.metadata)))
    let graph = try Graph(coded: JSON.readText(section(.graph)), constants: constants, sources: metadata.sources)
    let goldens = try ArtifactGoldens.read(section(.goldens), arrays: goldenTensors.map(\.name))
    artifact = Artifact(metadata: metadata, graph: graph, goldens: goldens, goldenTensors: goldenTensors)
    entries = index.map { TensorEntry(name: $0.name, dataType: $0.dataType, shape: $0.shape) }
    (self.sections, self.index, self.storages, self.footer) = (sections, index, storages, footer)
  }

  /// The stored digest of each tensor's elements, in the order of `entries`.
  public var digests: [Digest] { footer.records.map(\.digest) }

  /// The root: it stands for every byte of the file.
  public var root: Digest { footer.root }

  /// Compares the digests of header, texts and footer.
  private static func checkTexts(
    _ view: ByteView, _ sections: [ByteView], _ footer: ArtifactFooter
  ) throws(FormatError) {
    let texts = ArtifactSection.texts.map { ("\($0)", sections[$0.rawValue]) }
    for ((name, bytes), crc) in zip([("header", view[0..<Artifact.headerSize])] + texts, footer.sectionCRCs)
    where bytes.withUnsafeBytes({ crc32($0) }) != crc {
      throw ArtifactRule.textCRC.broken(.digestMismatch("the \(name) is not what was written"), at: bytes.offset)
    }
    let end = sections[ArtifactSection.footer.rawValue]
    var hasher = DigestHasher()
    hasher.update(view[0..<sections[ArtifactSection.data.rawValue].offset])
    hasher.update(end[0..<end.count - ArtifactFooter.uncoveredSize])
    guard hasher.finish() == footer.root else {
      throw ArtifactRule.root.broken(
        .digestMismatch("the texts, the footer's digests or the root itself are not what was written"),
        at: end.offset + end.count - ArtifactFooter.uncoveredSize)
    }
  }
}

extension ArtifactFile: TensorSource {
  /// The tensor of that name, in rows: a view of the file, or a copy of what lies in panels.
  public func tensor(_ name: String) throws(FormatError) -> Tensor {
    guard let place = index.firstIndex(where: { Name($0.name) == Name(name) }) else {
      throw FormatError(Artifact.format, .missing("no such tensor"), place: [name])
    }
    return storages[place].rowMajor
  }
}
