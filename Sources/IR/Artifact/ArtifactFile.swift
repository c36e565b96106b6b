import Bytes
import Tensors

/// An artifact as it lies in a file: mapped, its text checked and read, its tensors views of the mapping.
///
/// Opening checks the header, the sections' CRCs and the graph; the data is not touched. `checkIntegrity` reads all.
public struct ArtifactFile: Sendable {
  /// What the file says.
  public let artifact: Artifact
  /// The tensors as the index lists them: constants, then golden arrays.
  public let entries: [TensorEntry]

  private let view: ByteView
  private let sections: [ByteView]
  private let index: [ArtifactIndexEntry]
  private let storages: [Constant.Storage]
  private let footer: ArtifactFooter

  /// Opens the artifact at `path`.
  public init(path: String) throws(FormatError) {
    do throws(FormatError) { try self.init(ByteRegion.mapping(path)) } catch { throw error.inFile(path) }
  }

  /// Opens an artifact in memory or in a mapped file.
  public init(_ region: ByteRegion) throws(FormatError) {
    view = region.view
    let sections = try ArtifactFile.sections(view)
    self.sections = sections
    func section(_ section: ArtifactSection) -> ByteView { sections[section.rawValue] }

    guard let tensorCount = ArtifactFooter.tensorCount(size: section(.footer).count) else {
      throw FormatError(Artifact.format, .invalid("\(section(.footer).count) bytes are no footer"), offset: 56)
    }
    footer = try ArtifactFooter(section(.footer), tensorCount: tensorCount)
    let header = try view.slice(0, Artifact.headerSize, format: Artifact.format)
    let texts = [("header", header)] + ArtifactSection.allCases.prefix(4).map { ("\($0)", section($0)) }
    for ((name, bytes), crc) in zip(texts, footer.sectionCRCs) where bytes.withUnsafeBytes({ crc32($0) }) != crc {
      throw FormatError(
        Artifact.format, .digestMismatch("the \(name) is not what was written"), offset: bytes.offset)
    }

    index = try ArtifactFile.index(
      JSON.read(section(.index), format: Artifact.format), dataLength: section(.data).count, count: tensorCount)
    entries = index.map { TensorEntry(name: $0.name, dataType: $0.dataType, shape: $0.shape) }
    var storages: [Constant.Storage] = []
    var constants: [Name: Constant.Storage] = [:]
    var goldenTensors: [(name: String, tensor: Tensor)] = []
    for entry in index {
      let storage = entry.storage(try section(.data).slice(entry.offset, entry.bytes, format: Artifact.format))
      storages.append(storage)
      switch entry.role {
      case .constant: constants[Name(entry.name)] = storage
      case .golden: goldenTensors.append((entry.name, storage.rowMajor))
      }
    }
    self.storages = storages
    let goldens = try JSON.read(section(.goldens), format: Artifact.format)
    guard let cases = goldens.array else {
      throw FormatError(
        Artifact.format, .invalid("the goldens are a list, found \(goldens.kind)"), offset: goldens.offset)
    }
    artifact = Artifact(
      metadata: try Metadata(JSON.read(section(.metadata), format: Artifact.format)),
      graph: try Graph(coded: JSON.read(section(.graph), format: Artifact.format), numbers: constants),
      goldens: cases, goldenTensors: goldenTensors)
  }

  /// The stored digest of each tensor's elements, in the order of `entries`.
  public var digests: [Digest] { footer.records.map(\.digest) }

  /// The stored digest of the whole file.
  public var digest: Digest { footer.fileDigest }

  /// Splits a file into its sections: magic, version and lengths must be right, and gaps zero.
  private static func sections(_ view: ByteView) throws(FormatError) -> [ByteView] {
    var reader = ByteReader(view, format: Artifact.format)
    guard try reader.slice(8).array == Artifact.magic else {
      throw reader.error(.invalid("this is no artifact"), at: view.offset)
    }
    let version: UInt32 = try reader.read()
    guard version == Artifact.version else {
      throw reader.error(.unsupported("version \(version); this reader knows version 1"), at: reader.offset - 4)
    }
    let size: UInt32 = try reader.read()
    guard size == UInt32(Artifact.headerSize) else {
      throw reader.error(
        .invalid("a header of \(size) bytes; version 1 has \(Artifact.headerSize)"), at: reader.offset - 4)
    }
    var lengths: [Int] = []
    for section in ArtifactSection.allCases { lengths.append(try reader.readSize("the length of the \(section)")) }
    guard lengths.prefix(4).allSatisfy({ $0 <= Artifact.textLimit }) else {
      throw reader.error(.limitExceeded("a text section of \(Artifact.textLimit) bytes"), at: 16)
    }

    var sections: [ByteView] = []
    for length in lengths {
      let gap = try reader.slice(min(padding(after: reader.position, to: Artifact.alignment), reader.remaining))
      try checkZero(gap)
      sections.append(try reader.slice(length))
    }
    guard reader.remaining == 0 else { throw reader.error(.invalid("\(reader.remaining) bytes follow the footer")) }
    return sections
  }

  static func checkZero(_ gap: ByteView) throws(FormatError) {
    guard let place = gap.withUnsafeBytes({ $0.firstIndex { $0 != 0 } }) else { return }
    throw FormatError(Artifact.format, .invalid("padding that is not zero"), offset: gap.offset + place)
  }

  /// Reads the index: names unique, tensors in order, each where the one before it ends.
  private static func index(_ json: JSON, dataLength: Int, count: Int) throws(FormatError) -> [ArtifactIndexEntry] {
    guard let elements = json.array, elements.count == count else {
      throw FormatError(Artifact.format, .invalid("the index is a list of \(count) tensors"), offset: json.offset)
    }
    var entries: [ArtifactIndexEntry] = []
    var names: Set<Name> = []
    var end = 0
    for element in elements {
      var fields = try JSONFields(element, format: Artifact.format)
      let name = try fields.string("name")
      guard names.insert(Name(name)).inserted else { throw fields.error("two tensors are called \"\(name)\"") }
      var entry = ArtifactIndexEntry(
        name: name, role: try fields.choice("role"), dataType: try fields.choice("dtype"),
        shape: try Shape.checked(fields.integers("shape"), format: Artifact.format, offset: element.offset),
        offset: try fields.integer("offset"))
      guard try fields.string("encoding") == "raw" else { throw fields.error("the only encoding is \"raw\"") }
      if try fields.choice("order", ArtifactIndexEntry.Order.self) == .panels {
        entry.panels = try panels(entry, &fields)
      }
      let start = end + padding(after: end, to: Artifact.alignment)
      guard try fields.integer("bytes") == entry.bytes, entry.offset == start, entry.bytes <= dataLength - start else {
        throw fields.error("\"\(name)\" needs the \(entry.bytes) bytes at \(start) of \(dataLength)")
      }
      try fields.finish()
      end = start + entry.bytes
      entries.append(entry)
    }
    guard end == dataLength else {
      throw FormatError(
        Artifact.format, .invalid("the tensors end at \(end) of \(dataLength) bytes"), offset: json.offset)
    }
    return entries
  }

  /// Reads what an entry in panels says beside the others.
  private static func panels(
    _ entry: ArtifactIndexEntry, _ fields: inout JSONFields
  ) throws(FormatError) -> PanelLayout {
    let groups = try fields.integer("groups")
    guard entry.role == .constant, PanelTensor.dataTypes.contains(entry.dataType),
      let layout = PanelLayout(entry.shape, groups: groups)
    else {
      throw fields.error(
        "\"\(entry.name)\" cannot lie in panels of \(groups) groups: that needs a constant of F32, F16 or BF16 with "
          + "two or three axes, none of them 0, the first a multiple of the groups")
    }
    return layout
  }
}

extension ArtifactFile {
  /// Reads every byte and throws at the first that is not what was written, naming its tensor or section.
  public func checkIntegrity() throws(FormatError) {
    // The file's digest is computed on a second thread; where both find damage, the tensor's name says more.
    let whole = Background { () throws(FormatError) in try checkDigest() }
    try checkTensors()
    try whole.wait()
  }

  /// Throws unless the file's SHA-256 is that of its bytes.
  public func checkDigest() throws(FormatError) {
    let covered = try view.slice(0, view.count - ArtifactFooter.uncoveredSize, format: Artifact.format)
    guard Digest.of(covered) == footer.fileDigest else {
      throw FormatError(
        Artifact.format, .digestMismatch("the file's SHA-256 is not that of its bytes"),
        offset: sections[ArtifactSection.footer.rawValue].offset)
    }
  }

  private func checkTensors() throws(FormatError) {
    let data = sections[ArtifactSection.data.rawValue]
    var end = 0
    for ((entry, storage), record) in zip(zip(index, storages), footer.records) {
      try ArtifactFile.checkZero(data.slice(end, entry.offset - end, format: Artifact.format))
      let stored = try data.slice(entry.offset, entry.bytes, format: Artifact.format)
      guard stored.withUnsafeBytes({ crc32($0) }) == record.crc else {
        throw FormatError(
          Artifact.format, .digestMismatch("the tensor's bytes are not what was written"), offset: stored.offset,
          place: [entry.name])
      }
      if case .panels(let tensor) = storage, let place = tensor.wrongFill {
        throw FormatError(
          Artifact.format, .invalid("a panel that is not filled up with zeros"), offset: place, place: [entry.name])
      }
      guard storage.digest == record.digest else {
        throw FormatError(
          Artifact.format, .digestMismatch("the tensor's SHA-256 in the footer is not that of its elements"),
          offset: stored.offset, place: [entry.name])
      }
      end = entry.offset + entry.bytes
    }
  }
}
