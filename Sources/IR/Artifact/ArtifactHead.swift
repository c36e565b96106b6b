import Bytes

/// Everything before the data: the header and the four texts.
struct ArtifactHead {
  /// The bytes up to the data, padding included.
  let bytes: [UInt8]
  /// CRC-32 of the header and of each text, without padding.
  let sectionCRCs: [UInt32]

  /// Where the data starts.
  var dataStart: Int { bytes.count }

  /// Puts the texts of metadata, graph, index and goldens one after the other.
  init(texts: [[UInt8]], dataLength: Int, tensorCount: Int) {
    var header = ByteWriter()
    header.write(Artifact.magic)
    header.write(Artifact.version)
    header.write(UInt32(Artifact.headerSize))
    for text in texts { header.write(UInt64(text.count)) }
    header.write(UInt64(dataLength))
    header.write(UInt64(ArtifactFooter.size(tensorCount: tensorCount)))
    var head = header
    for text in texts {
      head.pad(to: Artifact.alignment)
      head.write(text)
    }
    head.pad(to: Artifact.dataAlignment)
    bytes = head.bytes
    sectionCRCs = ([header.bytes] + texts).map { section in section.withUnsafeBytes { crc32($0) } }
  }

  /// Splits a file into its sections: magic, version and lengths must be right, and the gaps zero.
  static func sections(_ view: ByteView) throws(FormatError) -> [ByteView] {
    var reader = ByteReader(view, format: Artifact.format)
    guard view.hasPrefix(Artifact.magic) else {
      throw ArtifactRule.magic.broken(.invalid("this is no artifact"), at: view.offset)
    }
    guard view.count >= Artifact.headerSize else {
      throw ArtifactRule.header.broken(
        .truncated(needed: Artifact.headerSize, available: view.count), at: view.offset)
    }
    _ = try reader.slice(Artifact.magic.count)
    let version: UInt32 = try reader.read()
    guard version == Artifact.version else {
      throw ArtifactRule.version.broken(
        .unsupported("version \(version); this reader knows version 1"), at: reader.offset - 4)
    }
    let size: UInt32 = try reader.read()
    guard size == UInt32(Artifact.headerSize) else {
      throw ArtifactRule.header.broken(
        .invalid("a header of \(size) bytes; version 1 has \(Artifact.headerSize)"), at: reader.offset - 4)
    }
    return try ArtifactRule.sections.covers { () throws(FormatError) in
      var (sections, gaps): ([ByteView], [ByteView]) = ([], [])
      for (section, length) in try lengths(&reader) {
        gaps.append(try reader.slice(min(padding(after: reader.position, to: section.alignment), reader.remaining)))
        sections.append(try reader.slice(length))
      }
      guard reader.remaining == 0 else { throw reader.error(.invalid("\(reader.remaining) bytes follow the footer")) }
      for gap in gaps { try checkZero(gap) }
      return sections
    }
  }

  private static func lengths(_ reader: inout ByteReader) throws(FormatError) -> [(ArtifactSection, Int)] {
    var lengths: [(ArtifactSection, Int)] = []
    for section in ArtifactSection.allCases {
      let length = try reader.readSize("the length of the \(section)")
      if ArtifactSection.texts.contains(section), length > Artifact.textLimit {
        throw ArtifactRule.limits.broken(
          .limitExceeded("a text of more than \(Artifact.textLimit) bytes"), at: reader.offset - 8)
      }
      lengths.append((section, length))
    }
    return lengths
  }

  /// Throws unless all bytes of a gap are zero.
  static func checkZero(_ gap: ByteView) throws(FormatError) {
    guard let place = gap.withUnsafeBytes({ $0.firstIndex { $0 != 0 } }) else { return }
    throw ArtifactRule.padding.broken(.invalid("padding that is not zero"), at: gap.offset + place)
  }
}
