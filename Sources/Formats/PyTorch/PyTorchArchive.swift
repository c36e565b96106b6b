import Bytes

/// The zip layout that torch writes since 1.6: `ROOT/data.pkl`, `ROOT/data/KEY`, `ROOT/byteorder`, `ROOT/version`.
struct PyTorchArchive {
  let archive: ZipArchive
  /// The folder everything is in; any name.
  let root: String

  /// The marker of a TorchScript archive.
  var isScript: Bool { archive.member(root + "/constants.pkl") != nil }

  init(_ view: ByteView) throws(FormatError) {
    archive = try ZipArchive(view)
    let roots = archive.members.compactMap { member -> String? in
      let parts = member.name.split(separator: "/", omittingEmptySubsequences: false)
      return parts.count == 2 && parts[1] == "data.pkl" ? String(parts[0]) : nil
    }
    guard let root = roots.first else {
      if archive.members.contains(where: { $0.name.hasSuffix("/model.json") }) {
        throw FormatError("pytorch", .unsupported("a TorchScript archive from before torch 1.1"), offset: view.offset)
      }
      throw FormatError("pytorch", .missing("the archive has no member ROOT/data.pkl"), offset: view.offset)
    }
    guard roots.count == 1 else {
      throw FormatError("pytorch", .invalid("the archive has two members ROOT/data.pkl"), offset: view.offset)
    }
    self.root = root
    if let order = try word("byteorder"), order != "little" {
      throw FormatError("pytorch", .unsupported("byte order \"\(order)\"; \"little\" is"), place: [root + "/byteorder"])
    }
  }

  /// A small member's text: a version, a byte order.
  func word(_ name: String) throws(FormatError) -> String? {
    guard let member = archive.member(root + "/" + name) else { return nil }
    guard member.size <= 64 else {
      throw FormatError("pytorch", .invalid("more than 64 bytes"), offset: member.offset, place: [member.name])
    }
    let text = try archive.contents(member).withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    guard let text else {
      throw FormatError("pytorch", .invalid("this is not UTF-8"), offset: member.offset, place: [member.name])
    }
    return String(text.reversed().drop { $0.isWhitespace }.reversed())
  }

  /// The pickle in `ROOT/name`.
  func pickle(_ name: String) throws(FormatError) -> Pickle {
    let path = root + "/" + name
    guard let member = archive.member(path) else { throw FormatError("pytorch", .missing("the member \(path)")) }
    guard member.size <= PickleMachine.sizeLimit else {
      throw FormatError(
        "pickle", .limitExceeded("a pickle of more than \(PickleMachine.sizeLimit) bytes"), offset: member.offset,
        place: [path])
    }
    let bytes = try archive.contents(member)
    do throws(FormatError) {
      let pickle = try Pickle.read(bytes)
      guard pickle.view.count == bytes.count else {
        throw FormatError("pickle", .invalid("bytes after the pickle's end"), offset: pickle.view.range.upperBound)
      }
      return pickle
    } catch { throw error.inside(path) }
  }

  /// The member of a storage: in `folder`, of exactly the size that the pickle says.
  func member(_ storage: PyTorchStorage, in folder: String) throws(FormatError) -> ZipMember {
    let path = root + "/" + folder + "/" + storage.key
    guard !storage.key.isEmpty, !storage.key.contains("/"), storage.key != ".", storage.key != ".." else {
      throw FormatError("pytorch", .invalid("a storage's key must be a plain name"), place: [path])
    }
    guard let member = archive.member(path) else { throw FormatError("pytorch", .missing("the member \(path)")) }
    guard member.size == storage.size else {
      throw FormatError(
        "pytorch", .invalid("a storage of \(storage.size) bytes in a member of \(member.size)"), offset: member.offset,
        place: [path])
    }
    return member
  }
}
