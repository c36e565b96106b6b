import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder under construction: it has its name only once it and all its files are whole.
///
/// The files are built nameless beside the target. `publish` makes a hidden folder there, gives them their names in it, and
/// the folder its own, in one step. Whatever stops the process before, no folder of that name appears; what `publish` leaves
/// when it is killed is taken away by the next writer of the same target.
public final class FolderWriter: Sendable {
  /// The name the folder will have.
  public let target: String

  private let parent: String
  private let building: String
  /// Those of the empty folder that is replaced, if there is one.
  private let permissions: mode_t?
  private let files = Mutex<[FileWriter]>([])

  /// Starts a folder that will be called `path`. Anything but an empty folder of that name is refused, and a place where
  /// nothing can be written.
  public init(_ path: String) throws(FormatError) {
    target = resolvedPath(path) ?? FolderWriter.plain(path)
    let (parent, name) = splitPath(target)
    (self.parent, building) = (parent, joinPath(parent, ".\(name).\(getpid())\(FileWriter.temporarySuffix)"))
    guard !name.isEmpty, name != ".", name != ".." else {
      throw FormatError("file", .system("cannot write here: the folder needs a name"), file: path)
    }
    var status = stat()
    permissions = stat(target, &status) == 0 ? status.st_mode & 0o7777 : nil
    switch fileKind(target) {
    case .missing:
      guard lstat(target, &status) != 0 else {
        throw FormatError("file", .system("cannot write here: a link of this name leads nowhere"), file: path)
      }
    case .folder:
      var above = stat()
      guard resolvedPath(".") != target, stat(parent, &above) != 0 || above.st_dev == status.st_dev else {
        throw FormatError(
          "file",
          .system(
            "cannot write here: the folder appears as a whole, and one that is worked in or mounted cannot be "
              + "exchanged; a new folder inside it would do"), file: path)
      }
      guard try folderEntries(target).isEmpty else {
        throw FormatError(
          "file", .system("cannot write here: a folder of this name is there, and not empty"), file: path)
      }
    case .file, .other:
      throw FormatError("file", .system("cannot write here: a file or device has this name"), file: path)
    }
    FolderWriter.sweep(parent, name)
    // A nameless file tells whether anything can be written.
    do throws(FormatError) {
      _ = try FileWriter(joinPath(building, "x"), in: parent, asked: path)
    } catch { throw FormatError("file", error.reason, file: path) }
  }

  deinit { abandon() }

  private static func plain(_ path: String) -> String {
    let end = path.utf8.lastIndex { $0 != UInt8(ascii: "/") }
    return end.map { String(path.utf8[...$0])! } ?? path
  }

  /// Starts a file of the folder; it gets its name together with the folder.
  public func file(_ name: String) throws(FormatError) -> FileWriter {
    guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
    else { throw FormatError("file", .invalid("a file of a folder needs a plain name"), file: name) }
    let file = try FileWriter(joinPath(building, name), in: parent, asked: joinPath(target, name))
    files.withLock { $0.append(file) }
    return file
  }

  /// Gives files and folder their names.
  public func publish() throws(FormatError) {
    let files = files.withLock { $0 }
    for file in files { try file.sync() }
    guard mkdir(building, 0o755) == 0 else { throw systemError("cannot write", target) }
    do throws(FormatError) {
      let folder = try FileDescriptor.open(building, O_RDONLY | O_DIRECTORY)
      // Who sweeps leaves it alone.
      flock(folder.number, LOCK_EX | LOCK_NB)
      if let permissions, fchmod(folder.number, permissions) != 0 { throw systemError("cannot write", target) }
      for file in files { try file.publish() }
      fsync(folder.number)
      if rename(building, target) != 0 { throw systemError("cannot write", target) }
    } catch {
      FolderWriter.clear(building)
      throw FormatError("file", error.reason, file: target)
    }
    if let directory = try? FileDescriptor.open(parent, O_RDONLY | O_DIRECTORY) { fsync(directory.number) }
  }

  /// Gives the folder up: nothing of it is left.
  public func abandon() {
    for file in files.withLock({ $0 }) { file.abandon() }
  }

  /// Takes a folder of files away.
  private static func clear(_ path: String) {
    for entry in (try? folderEntries(path)) ?? [] { unlink(joinPath(path, entry)) }
    rmdir(path)
  }

  /// Removes what writers of this target left when they were killed: their folders are no longer locked.
  private static func sweep(_ parent: String, _ name: String) {
    for entry in (try? folderEntries(parent)) ?? []
    where entry.hasPrefix(".\(name).") && entry.hasSuffix(FileWriter.temporarySuffix) {
      let path = joinPath(parent, entry)
      guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { continue }
      if flock(folder.number, LOCK_EX | LOCK_NB) == 0 { clear(path) }
    }
  }
}
