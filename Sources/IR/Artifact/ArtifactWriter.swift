import Bytes
import Dispatch
import Tensors

extension Artifact {
  /// Writes the artifact through `writer`; the same artifact gives the same bytes.
  ///
  /// Digests are computed on a second thread while the data goes out. The caller judges the file and publishes it.
  ///
  /// `progress` is called with the share of the data that is written, from 0 to 1.
  public func write(to writer: FileWriter, progress: (Double) -> Void = { _ in }) throws(FormatError) {
    let tensors =
      graph.constantOrder.map { id in
        (name: graph[id].name, role: ArtifactIndexEntry.Role.constant, tensor: graph.constants[id]!.tensor)
      } + goldenTensors.map { (name: $0.name, role: ArtifactIndexEntry.Role.golden, tensor: $0.tensor) }
    let index = ArtifactIndexEntry.layout(tensors)
    let head = ArtifactHead(
      metadata: metadata.json.lined(levels: 2), graph: graph.coded.lined(levels: 2),
      index: JSON(index.map(\.json)).lined(levels: 1), goldens: JSON(goldens).lined(levels: 1),
      dataLength: index.last.map { $0.offset + $0.bytes } ?? 0, tensorCount: index.count)

    // Both hashes read the same mapped bytes while this thread copies them out.
    let fileHash = BackgroundDigest()
    let records = BackgroundRecords(tensors.map(\.tensor))
    try writer.write(head.bytes)
    fileHash.add(head.bytes)
    for (entry, tensor) in zip(index, tensors) {
      let gap = [UInt8](repeating: 0, count: head.dataStart + entry.offset - writer.count)
      try writer.write(gap)
      try writer.write(tensor.tensor.bytes)
      fileHash.add(gap)
      fileHash.add(tensor.tensor.bytes)
      progress(Double(entry.offset + entry.bytes) / Double(max(head.dataLength, 1)))
    }

    var footer = ByteWriter()
    footer.write([UInt8](repeating: 0, count: padding(after: writer.count, to: Artifact.alignment)))
    for record in records.wait() {
      footer.write(record.crc)
      footer.write(UInt32(0))
      footer.write(record.digest.bytes)
    }
    for crc in head.sectionCRCs { footer.write(crc) }
    footer.write(UInt32(0))
    fileHash.add(footer.bytes)
    footer.write(fileHash.finish().bytes)
    footer.write(Artifact.endMagic)
    try writer.write(footer.bytes)
  }
}

/// Everything before the data: the header and the four text sections.
struct ArtifactHead {
  let bytes: [UInt8]
  let dataStart: Int
  let dataLength: Int
  /// CRC-32 of the header and of each text section, without padding.
  let sectionCRCs: [UInt32]

  init(metadata: String, graph: String, index: String, goldens: String, dataLength: Int, tensorCount: Int) {
    let texts = [metadata, graph, index, goldens].map { Array($0.utf8) }
    var header = ByteWriter()
    header.write(Artifact.magic)
    header.write(Artifact.version)
    header.write(UInt32(Artifact.headerSize))
    for text in texts { header.write(UInt64(text.count)) }
    header.write(UInt64(dataLength))
    header.write(UInt64(ArtifactFooter.size(tensorCount: tensorCount)))
    var head = header
    for text in texts {
      head.write(text)
      head.pad(to: Artifact.alignment)
    }
    bytes = head.bytes
    dataStart = head.count
    self.dataLength = dataLength
    sectionCRCs = ([header.bytes] + texts).map { section in section.withUnsafeBytes { crc32($0) } }
  }
}

/// SHA-256 of bytes handed over in order, computed on another thread.
private final class BackgroundDigest: Sendable {
  private let queue = DispatchQueue(label: "assay.digest")
  private nonisolated(unsafe) var hasher = DigestHasher()  // touched on the queue only

  func add(_ bytes: [UInt8]) { queue.async { self.hasher.update(bytes) } }
  func add(_ view: ByteView) { queue.async { self.hasher.update(view) } }
  func finish() -> Digest { queue.sync { hasher.finish() } }
}

/// CRC-32 and SHA-256 of tensors, computed on another thread.
private final class BackgroundRecords: Sendable {
  private let queue = DispatchQueue(label: "assay.records")
  private nonisolated(unsafe) var records: [ArtifactFooter.Record] = []  // touched on the queue only

  init(_ tensors: [Tensor]) {
    queue.async {
      self.records = tensors.map { tensor in
        ArtifactFooter.Record(crc: tensor.bytes.withUnsafeBytes { crc32($0) }, digest: tensor.digest)
      }
    }
  }

  func wait() -> [ArtifactFooter.Record] { queue.sync { records } }
}
