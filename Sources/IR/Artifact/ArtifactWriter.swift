import Bytes
import Tensors

extension Artifact {
  /// Writes the artifact through `writer`; the same artifact gives the same bytes.
  ///
  /// Digests are computed on other threads while the data goes out, and constants are brought into the order they are
  /// stored in a piece at a time. The caller judges the file and publishes it.
  ///
  /// `progress` is called with the share of the data that is written, from 0 to 1.
  public func write(to writer: FileWriter, progress: (Double) -> Void = { _ in }) throws(FormatError) {
    let tensors =
      graph.constantOrder.map { id in
        (name: graph[id].name, role: ArtifactIndexEntry.Role.constant, storage: graph.constants[id]!.storage)
      } + goldenTensors.map { (name: $0.name, role: .golden, storage: .rowMajor($0.tensor)) }
    let index = ArtifactIndexEntry.layout(tensors)
    let dataLength = index.last.map { $0.offset + $0.bytes } ?? 0
    let head = ArtifactHead(
      metadata: metadata.json.lined(levels: 2), graph: graph.coded.lined(levels: 2),
      index: JSON(index.map(\.json)).lined(levels: 1), goldens: JSON(goldens).lined(levels: 1),
      dataLength: dataLength, tensorCount: index.count)

    let digests = ArtifactDigests(tensors.map(\.storage))
    try writer.write(head.bytes)
    digests.add(head.bytes)
    for (entry, tensor) in zip(index, tensors) {
      let gap = [UInt8](repeating: 0, count: head.dataStart + entry.offset - writer.count)
      try writer.write(gap)
      digests.add(gap)
      try tensor.storage.forEachStoredPiece { (piece) throws(FormatError) in
        digests.add(piece)
        try writer.write(piece)
      }
      digests.finishTensor()
      progress(Double(entry.offset + entry.bytes) / Double(max(dataLength, 1)))
    }

    var footer = ByteWriter()
    footer.write([UInt8](repeating: 0, count: padding(after: writer.count, to: Artifact.alignment)))
    for record in digests.records() {
      footer.write(record.crc)
      footer.write(UInt32(0))
      footer.write(record.digest.bytes)
    }
    for crc in head.sectionCRCs { footer.write(crc) }
    footer.write(UInt32(0))
    digests.add(footer.bytes)
    footer.write(digests.finish().bytes)
    footer.write(Artifact.endMagic)
    try writer.write(footer.bytes)
  }
}

/// Everything before the data: the header and the four text sections.
struct ArtifactHead {
  let bytes: [UInt8]
  let dataStart: Int
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
    sectionCRCs = ([header.bytes] + texts).map { section in section.withUnsafeBytes { crc32($0) } }
  }
}

extension Constant.Storage {
  /// About how many bytes of panels are made at a time.
  private static let pieceSize = 1 << 20

  /// Calls `body` with the bytes as a file holds them, in order.
  fileprivate func forEachStoredPiece(_ body: (ByteView) throws(FormatError) -> Void) throws(FormatError) {
    switch self {
    case .rowMajor(let tensor): try body(tensor.bytes)
    case .panels(let tensor):
      let all = tensor.layout.panels
      let step = max(1, Constant.Storage.pieceSize / (tensor.storedByteCount / all))
      for first in stride(from: 0, to: all, by: step) {
        try body(tensor.bytes(ofPanels: first..<min(first + step, all)))
      }
    }
  }
}
