#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file under construction: it has its name only once it is whole.
///
/// Bytes go to a nameless file in the target's folder (a hidden temporary one where the file system has no nameless
/// files), are synced, and take the target's name in one step. Whatever stops the process before `publish`, no file
/// of that name appears and an older one stays as it was.
public final class FileWriter {
  /// The name the file will have.
  public let target: String
  /// How many bytes were written so far.
  public private(set) var count = 0

  private let file: FileDescriptor
  private var temporaryPath: String?
  private let folder: String
  private let name: String

  /// Starts a file that will be called `target`. A folder, or anything but a regular file, of that name is refused.
  public init(_ target: String) throws(FormatError) {
    self.target = target
    (folder, name) = splitPath(target)
    let kind = fileKind(target)
    guard !name.isEmpty, kind == .missing || kind == .file else {
      throw FormatError("file", .system("cannot write here: a folder or device has this name"), file: target)
    }
    #if os(Linux)
      // O_TMPFILE is __O_TMPFILE | O_DIRECTORY, a macro Swift does not import.
      if let nameless = try? FileDescriptor.open(folder, 0o20000000 | O_DIRECTORY | O_RDWR, mode: 0o644) {
        file = nameless
        return
      }
    #endif
    let path = joinPath(folder, FileWriter.temporaryName(name))
    do throws(FormatError) {
      file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o644)
    } catch {
      throw FormatError("file", error.reason, file: target)
    }
    temporaryPath = path
  }

  deinit { if let temporaryPath { unlink(temporaryPath) } }

  private static func temporaryName(_ name: String) -> String { ".\(name).\(getpid()).assay-part" }

  /// Appends bytes, however many calls the system needs.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest)
      let written = systemWrite(file.number, piece)
      if written < 0 {
        if errno == EINTR { continue }
        throw systemError("cannot write", target)
      }
      rest = rest.dropFirst(written)
      count += written
    }
  }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws(FormatError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in try write(UnsafeRawBufferPointer(buffer)) }
  }

  /// Appends bytes.
  public func write(_ view: ByteView) throws(FormatError) {
    try view.withUnsafeBytes { (raw) throws(FormatError) in try write(raw) }
  }

  /// Appends zeros up to the next multiple of `alignment`.
  public func pad(to alignment: Int) throws(FormatError) {
    try write([UInt8](repeating: 0, count: padding(after: count, to: alignment)))
  }

  /// What was written so far, read back from the file.
  public func readBack() throws(FormatError) -> ByteRegion {
    try ByteRegion.mapping(file, path: target)
  }

  /// Makes the bytes durable and gives the file its name, replacing an older one.
  public func publish() throws(FormatError) {
    if fsync(file.number) != 0 { throw systemError("cannot write", target) }
    if temporaryPath == nil {
      // A nameless file can be linked to a free name only, so it takes the target's in two steps.
      let path = joinPath(folder, FileWriter.temporaryName(name))
      unlink(path)
      if linkat(AT_FDCWD, "/proc/self/fd/\(file.number)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0 {
        throw systemError("cannot write", target)
      }
      temporaryPath = path
    }
    if rename(temporaryPath!, target) != 0 { throw systemError("cannot write", target) }
    temporaryPath = nil
    if let directory = try? FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY) { fsync(directory.number) }
  }
}
