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
  /// SHA-256 of all bytes before it.
  let fileDigest: Digest

  /// Bytes after the tensors' records: section CRCs, a zero, the file's digest, the end magic.
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
        throw reader.error(.invalid("a reserved field of the footer is not zero"), at: reader.offset - 4)
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
    fileDigest = Digest(bytes: try reader.slice(Digest.size).array)!
    guard try reader.slice(8).array == Artifact.endMagic else {
      throw reader.error(.invalid("the file does not end as an artifact does"), at: reader.offset - 8)
    }
  }

  /// How many bytes at the end of the file its digest does not cover: the digest and the end magic.
  static let uncoveredSize = Digest.size + 8
}
