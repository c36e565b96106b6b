import Bytes
import Tensors

extension ArtifactFile {
  /// Checks the rules that opening leaves: every byte of the data, and that the texts are written the one way.
  ///
  /// Throws at the first that does not hold, naming its tensor or place. Tensors are shared out over `threads`.
  public func checkIntegrity(threads: Int = 1) throws(FormatError) {
    try checkCanonical()
    let data = sections[ArtifactSection.data.rawValue]
    var end = 0
    for entry in index {
      try ArtifactHead.checkZero(data[end..<entry.offset])
      end = entry.offset + entry.bytes
    }
    try inParallel(index.count, threads: threads) { (number) throws(FormatError) in try checkTensor(number) }
  }

  private func checkTensor(_ number: Int) throws(FormatError) {
    let (entry, storage, record) = (index[number], storages[number], footer.records[number])
    let data = sections[ArtifactSection.data.rawValue]
    let stored = data[entry.offset..<entry.offset + entry.bytes]
    guard stored.withUnsafeBytes({ crc32($0) }) == record.crc else {
      throw ArtifactRule.tensorCRC.broken(
        .digestMismatch("the tensor's bytes are not what was written"), at: stored.offset, place: [entry.name])
    }
    if case .panels(let tensor) = storage, let place = tensor.wrongFill {
      throw ArtifactRule.fill.broken(
        .invalid("a panel that is not filled up with zeros"), at: place, place: [entry.name])
    }
    guard storage.digest == record.digest else {
      throw ArtifactRule.tensorSHA256.broken(
        .digestMismatch("the tensor's SHA-256 in the footer is not that of its elements"), at: stored.offset,
        place: [entry.name])
    }
  }

  private func checkCanonical() throws(FormatError) {
    let texts = [
      artifact.metadata.text, artifact.graph.text, ArtifactIndexEntry.text(index),
      ArtifactGoldens.text(artifact.goldens),
    ]
    for (section, text) in zip(ArtifactSection.texts, texts) {
      let found = sections[section.rawValue]
      let place = found.withUnsafeBytes { found in
        var text = text
        return text.withUTF8 { text -> Int? in
          if found.elementsEqual(text) { return nil }
          return zip(found, text).enumerated().first { $1.0 != $1.1 }?.offset ?? min(found.count, text.count)
        }
      }
      guard let place else { continue }
      throw ArtifactRule.canonical.broken(
        .invalid("the \(section) is not written in the one way"), at: found.offset + place)
    }
  }
}
