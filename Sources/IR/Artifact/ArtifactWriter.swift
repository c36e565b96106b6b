import Bytes
import Synchronization
import Tensors

extension Artifact {
  /// Everything in the data section, in its order.
  var tensors: [(name: String, role: ArtifactIndexEntry.Role, storage: Constant.Storage)] {
    graph.constantOrder.map { id in (graph[id].name, .constant, graph.constants[id]!.storage) }
      + goldenTensors.map { ($0.name, .golden, .rowMajor($0.tensor)) }
  }

  /// Writes the artifact through `writer`; the same artifact gives the same bytes, on however many threads.
  ///
  /// Tensors are shared out over `threads`. A piece is brought into the order it is stored in, hashed and written while
  /// it is in the cache; memory for a few pieces is enough. The caller judges the file and publishes it.
  ///
  /// `digests` may give the sources' digests, which are wanted only when the data is written: until then any do.
  /// `progress` is called with the share of the data that is written, from 0 to 1, by one thread at a time.
  public func write(
    to writer: FileWriter, threads: Int = 1, digests: () throws(FormatError) -> [Digest]? = { nil },
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws(FormatError) {
    let tensors = tensors
    let index = ArtifactIndexEntry.layout(tensors)
    let dataLength = index.last.map { $0.offset + $0.bytes } ?? 0
    let texts = [graph.text, ArtifactIndexEntry.text(index), ArtifactGoldens.text(goldens)].map { Array($0.utf8) }
    func head(_ metadata: Metadata) -> ArtifactHead {
      ArtifactHead(texts: [Array(metadata.text.utf8)] + texts, dataLength: dataLength, tensorCount: index.count)
    }
    let dataStart = head(metadata).dataStart
    let footerStart = dataStart + dataLength + padding(after: dataLength, to: Artifact.alignment)
    try writer.reserve(footerStart + ArtifactFooter.size(tensorCount: index.count))

    let records = Mutex([ArtifactFooter.Record?](repeating: nil, count: index.count))
    let written = Mutex(0)
    try inParallel(index.count, threads: threads) { (number) throws(FormatError) in
      var hasher = DigestHasher()
      var (crc, place) = (UInt32(0), dataStart + index[number].offset)
      let storage = tensors[number].storage
      for number in 0..<storage.pieceCount {
        let piece = storage.piece(number)
        hasher.update(piece.rows)
        crc = piece.stored.withUnsafeBytes { crc32($0, seed: crc) }
        try writer.write(piece.stored, at: place)
        place += piece.stored.count
      }
      let record = ArtifactFooter.Record(crc: crc, digest: hasher.finish())
      records.withLock { $0[number] = record }
      written.withLock { bytes in
        bytes += index[number].bytes
        progress(Double(bytes) / Double(max(dataLength, 1)))
      }
    }
    var metadata = metadata
    if let digests = try digests() {
      for number in metadata.sources.indices { metadata.sources[number].digest = digests[number] }
    }
    let last = head(metadata)
    precondition(last.dataStart == dataStart)
    try writer.write(last.bytes, at: 0)
    let footer = ArtifactFooter(records: records.withLock { $0.map { $0! } }, head: last)
    try writer.write(footer.bytes, at: footerStart)
  }
}

extension ArtifactFile {
  /// Throws unless the file's tensors, read as any reader would, have the elements of `artifact`'s, bit for bit.
  ///
  /// What was cast is cast again. Tensors are shared out over `threads`.
  public func check(holds artifact: Artifact, threads: Int = 1) throws(FormatError) {
    let tensors = artifact.tensors
    guard tensors.count == storages.count else {
      throw FormatError(Artifact.format, .digestMismatch("\(storages.count) tensors of \(tensors.count) are there"))
    }
    try inParallel(tensors.count, threads: threads) { (number) throws(FormatError) in
      let (found, expected) = (storages[number], tensors[number].storage)
      let same =
        found.dataType == expected.dataType && found.shape == expected.shape
        && (0..<found.pieceCount).allSatisfy { found.rows(ofPiece: $0).hasSameBytes(as: expected.rows(ofPiece: $0)) }
      guard same else {
        throw FormatError(
          Artifact.format, .digestMismatch("what was written does not read back as the source's elements"),
          place: [tensors[number].name])
      }
    }
  }
}

extension ArtifactFile {
  /// Writes the same artifact with other metadata through `writer`; graph, goldens and data keep their bytes, and the
  /// data is not read. Returns the new root.
  public func write(_ metadata: Metadata, to writer: FileWriter) throws(FormatError) -> Digest {
    let data = sections[ArtifactSection.data.rawValue]
    let kept = [ArtifactSection.graph, .index, .goldens].map { sections[$0.rawValue].array }
    let head = ArtifactHead(
      texts: [Array(metadata.text.utf8)] + kept, dataLength: data.count, tensorCount: index.count)
    let footer = ArtifactFooter(records: footer.records, head: head)
    try writer.write(head.bytes, at: 0)
    try writer.share(data, at: head.dataStart)
    try writer.write(footer.bytes, at: head.dataStart + data.count + padding(after: data.count, to: Artifact.alignment))
    return footer.root
  }
}
