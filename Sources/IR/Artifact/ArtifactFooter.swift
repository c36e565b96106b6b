import Bytes

/// The end of the file: digests, known last and so written last.
struct ArtifactFooter {
  /// Digests of one tensor.
  struct Record {
    /// CRC-32 of the stored bytes.
    var crc: UInt32
    /// SHA-256 of the logical elements.
    var digest: Digest
  }

  /// One record for each entry of the index.
  let records: [Record]
  /// CRC-32 of the header, metadata, graph, index and goldens.
  let sectionCRCs: [UInt32]
  /// SHA-256 of all bytes before the data and of the footer's own before it.
  let root: Digest

  /// Bytes after the tensors' records: section CRCs, a zero, the root, the end magic.
  private static let fixedSize = 5 * 4 + 4 + Digest.size + 8
  private static let recordSize = 8 + Digest.size

  static func size(tensorCount: Int) -> Int { tensorCount * recordSize + fixedSize }

  /// How many tensors a footer of `size` bytes speaks of; nil if it is no footer's size.
  static func tensorCount(size: Int) -> Int? {
    let records = size - fixedSize
    return records >= 0 && records % recordSize == 0 ? records / recordSize : nil
  }

  /// Reads a footer of the right size for `tensorCount` tensors.
  init(_ view: ByteView, tensorCount: Int) throws(FormatError) {
    var reader = ByteReader(view, format: Artifact.format)
    func zero() throws(FormatError) {
      guard try reader.read(UInt32.self) == 0 else {
        throw ArtifactRule.footer.broken(.invalid("a reserved field of the footer is not zero"), at: reader.offset - 4)
      }
    }
    var records: [Record] = []
    for _ in 0..<tensorCount {
      let crc = try reader.read(UInt32.self)
      try zero()
      records.append(Record(crc: crc, digest: Digest(bytes: try reader.slice(Digest.size).array)!))
    }
    self.records = records
    var crcs: [UInt32] = []
    for _ in 0..<5 { crcs.append(try reader.read()) }
    sectionCRCs = crcs
    try zero()
    root = Digest(bytes: try reader.slice(Digest.size).array)!
    guard try reader.slice(8).array == Artifact.endMagic else {
      throw ArtifactRule.end.broken(.invalid("the file does not end as an artifact does"), at: reader.offset - 8)
    }
  }

  /// The footer of a file that starts with `head`: everything before the data.
  init(records: [Record], head: ArtifactHead) {
    self.records = records
    sectionCRCs = head.sectionCRCs
    var hasher = DigestHasher()
    hasher.update(head.bytes)
    hasher.update(ArtifactFooter.bytes(records, head.sectionCRCs))
    root = hasher.finish()
  }

  /// The footer as a file holds it.
  var bytes: [UInt8] { ArtifactFooter.bytes(records, sectionCRCs) + root.bytes + Artifact.endMagic }

  /// What stands before the root.
  private static func bytes(_ records: [Record], _ sectionCRCs: [UInt32]) -> [UInt8] {
    var writer = ByteWriter()
    for record in records {
      writer.write(record.crc)
      writer.write(UInt32(0))
      writer.write(record.digest.bytes)
    }
    for crc in sectionCRCs { writer.write(crc) }
    writer.write(UInt32(0))
    return writer.bytes
  }

  /// How many bytes at the end of the footer its root does not cover: the root and the end magic.
  static let uncoveredSize = Digest.size + 8
}
