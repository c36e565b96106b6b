import Bytes

/// Where the result of a pruning goes, and the proof with it: both appear once they are whole, a file before its proof.
struct PruneOutput {
  /// The file or folder asked for.
  let target: String
  /// What the model's file is called in the folder that is written; nil where a file is.
  let nameInFolder: String?

  /// Throws where `target` is the source, or one of the `files` that are read, or lies inside it.
  init(_ target: String, of source: String, files: [String], nameInFolder: String? = nil) throws(Failure) {
    (self.target, self.nameInFolder) = (target, nameInFolder)
    let (folder, name) = splitPath(target.utf8.last == UInt8(ascii: "/") ? String(target.utf8.dropLast())! : target)
    guard let home = resolvedPath(folder), let from = resolvedPath(source) else { return }
    let place = Name(resolvedPath(target) ?? joinPath(home, name))
    try WritePlace.check(target, isNoneOf: files + [source])
    try checkProof(files + [source])
    let root = from == "/" ? from : from + "/"
    guard fileKind(source) != .folder || !place.text.utf8.starts(with: root.utf8) else {
      throw Failure("\(target): this lies inside the source \(source); another place would do")
    }
  }

  /// Writes the model by `write`, what lies beside it in a folder by `describe`, then the proof, and publishes.
  func publish(
    _ write: (_ file: FileWriter, _ name: String) throws -> PruneManifest,
    beside describe: (FolderWriter) throws -> Void = { _ in }
  ) throws -> PruneReport {
    try inFile(target) {
      guard let nameInFolder else { return try publishFile(write) }
      let place = try FolderWriter(target)
      defer { place.abandon() }
      let manifest = try write(place.file(nameInFolder), nameInFolder)
      try describe(place)
      try place.file(PruneManifest.nameInFolder).write(Array(manifest.text.utf8))
      try place.publish()
      return PruneReport(manifest, target: target, at: joinPath(target, PruneManifest.nameInFolder))
    }
  }

  /// Throws where the proof of a file would take the place of something that is none.
  private func checkProof(_ files: [String]) throws(Failure) {
    guard nameInFolder == nil else { return }
    let path = PruneManifest.path(beside: target)
    try WritePlace.check(path, isNoneOf: files)
    guard let start = readStart(of: path, count: 64) else { return }
    guard start.isEmpty || PruneManifest.starts(start) else {
      throw Failure("\(path): here the proof would be written, and there is a file that is none; another name would do")
    }
  }

  /// Throws, without a trace, where nothing could be written.
  func probe() throws {
    try inFile(target) {
      if nameInFolder == nil { try FileWriter(target).abandon() } else { try FolderWriter(target).abandon() }
    }
  }

  private func publishFile(_ write: (FileWriter, String) throws -> PruneManifest) throws -> PruneReport {
    let path = PruneManifest.path(beside: target)
    let (writer, proof) = (try FileWriter(target), try FileWriter(path))
    defer {
      writer.abandon()
      proof.abandon()
    }
    let manifest = try write(writer, splitPath(writer.target).name)
    try proof.write(Array(manifest.text.utf8))
    try proof.sync()
    try writer.sync()
    // Another pruning to the same name waits until both have theirs.
    try withLock(on: splitPath(writer.target).folder) { () throws(FormatError) in
      // An older proof must not stand beside another file; where the file cannot be put there, it comes back.
      let older = try? ByteRegion.mapping(path).view.array
      try remove(proof.target)
      do throws(FormatError) { try writer.publish() } catch {
        if let older, let again = try? FileWriter(path), (try? again.write(older)) != nil { try? again.publish() }
        throw error
      }
      try proof.publish()
    }
    return PruneReport(manifest, target: target, at: path)
  }
}
