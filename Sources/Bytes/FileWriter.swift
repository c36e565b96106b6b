import Dispatch
import Synchronization

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
/// of that name appears and an older one stays as it was. Pieces may be written by several threads at once.
public final class FileWriter: Sendable {
  /// The name the file will have: what a link of the name asked for leads to.
  public let target: String

  /// What errors call it.
  private let shown: String
  private let file: FileDescriptor
  private let temporaryPath: Mutex<String?>
  private let folder: String
  private let name: String
  /// Those of the file that is replaced, if there is one.
  private let permissions: mode_t?
  private let progress = Mutex(Progress())
  private let flushing = DispatchQueue(label: "assay.flush")

  /// How far the file is.
  private struct Progress {
    var end = 0
    /// Bytes written since the disk was last asked to take them.
    var pending = 0
    /// Why the disk did not take something; the system says so once.
    var failure: FormatError?
  }

  /// The disk is asked to take what was written whenever it is so many bytes, so that little is left to wait for.
  private static let flushSize = 64 << 20

  /// How many bytes the file has so far.
  public var count: Int { progress.withLock { $0.end } }

  /// Starts a file that will be called `path`, or be what a link there leads to. A folder, or anything but a regular
  /// file, of that name is refused.
  ///
  /// What killed writers of it left is swept away, for which the whole folder is read; who writes very many files into one
  /// folder sweeps it once, by `sweep(folder:)`.
  public convenience init(_ path: String, sweeping: Bool = true) throws(FormatError) {
    let target = resolvedPath(path) ?? path
    try self.init(target, in: splitPath(target).folder, asked: path, sweeping: sweeping)
  }

  /// Starts a file that will be called `target`, in a folder of the same file system that is perhaps not there yet; until
  /// then it is in `folder`.
  init(_ target: String, in folder: String, asked path: String, sweeping: Bool = true) throws(FormatError) {
    (self.target, self.folder, name, shown) = (target, folder, splitPath(target).name, path)
    var status = stat()
    permissions = stat(target, &status) == 0 ? status.st_mode & 0o777 : nil
    let kind = fileKind(target)
    guard !name.isEmpty, kind == .missing || kind == .file else {
      throw FormatError("file", .system("cannot write here: a folder or device has this name"), file: path)
    }
    if sweeping { FileWriter.sweep(folder, name) }
    #if os(Linux)
      // O_TMPFILE is __O_TMPFILE | O_DIRECTORY, a macro Swift does not import.
      if let nameless = try? FileDescriptor.open(folder, 0o20000000 | O_DIRECTORY | O_RDWR, mode: 0o644) {
        file = nameless
        temporaryPath = Mutex(nil)
        return
      }
    #endif
    let own = joinPath(folder, FileWriter.temporaryName(name))
    while true {
      let opened: FileDescriptor
      do throws(FormatError) {
        opened = try FileDescriptor.open(own, O_RDWR | O_CREAT | O_EXCL, mode: 0o644)
      } catch {
        throw FormatError("file", error.reason, file: target)
      }
      flock(opened.number, LOCK_EX | LOCK_NB)
      // Somebody may have swept it away before it was locked.
      if try opened.status().st_nlink > 0 {
        file = opened
        break
      }
    }
    temporaryPath = Mutex(own)
  }

  deinit { abandon() }

  /// Gives the file up: nothing of it is left.
  public func abandon() {
    temporaryPath.withLock { path in
      if let path { unlink(path) }
      path = nil
    }
  }

  static let temporarySuffix = ".assay-part"

  private static func temporaryName(_ name: String) -> String { ".\(name).\(getpid())\(temporarySuffix)" }

  /// Removes what writers of this target left when they were killed: their files are no longer locked.
  private static func sweep(_ folder: String, _ name: String) {
    sweep(folder) { $0.hasPrefix(".\(name).") }
  }

  /// Removes what killed writers of any file in `folder` left.
  public static func sweep(folder: String) { sweep(folder) { $0.hasPrefix(".") } }

  private static func sweep(_ folder: String, _ isMeant: (String) -> Bool) {
    for entry in (try? folderEntries(folder)) ?? [] where isMeant(entry) && entry.hasSuffix(temporarySuffix) {
      let path = joinPath(folder, entry)
      guard let file = try? FileDescriptor.open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW) else { continue }
      if flock(file.number, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
    }
  }

  /// Takes room for `count` bytes at once, where the file system can, so that a full one is known before the work.
  public func reserve(_ count: Int) throws(FormatError) {
    #if os(Linux)
      guard count > 0 else { return }
      errno = posix_fallocate(file.number, 0, off_t(count))
      if [ENOSPC, EFBIG, EDQUOT].contains(errno) { throw systemError("cannot write \(count) bytes", shown) }
    #endif
  }

  /// Writes bytes at a place, however many calls the system needs.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FormatError) {
    // One at a time: the system would let the others spin for the file, here they sleep and leave the processor.
    let isMuch = try progress.withLock { (progress) throws(FormatError) -> Bool in
      var done = 0
      while done < bytes.count {
        let written = systemWrite(file.number, UnsafeRawBufferPointer(rebasing: bytes[done...]), at: offset + done)
        if written < 0 {
          if errno == EINTR { continue }
          throw systemError("cannot write", shown)
        }
        done += written
      }
      progress.end = max(progress.end, offset + bytes.count)
      progress.pending += bytes.count
      guard progress.pending >= FileWriter.flushSize else { return false }
      progress.pending = 0
      return true
    }
    if isMuch { flushing.async { self.flush() } }
  }

  /// Writes bytes at a place.
  public func write(_ bytes: [UInt8], at offset: Int) throws(FormatError) {
    try bytes.withUnsafeBufferPointer { (raw) throws(FormatError) in
      try write(UnsafeRawBufferPointer(raw), at: offset)
    }
  }

  /// Writes bytes at a place.
  public func write(_ view: ByteView, at offset: Int) throws(FormatError) {
    for start in stride(from: 0, to: view.count, by: FileWriter.pieceSize) {
      let piece = view[start..<min(start + FileWriter.pieceSize, view.count)]
      piece.populate()
      try piece.withUnsafeBytes { (raw) throws(FormatError) in try write(raw, at: offset + start) }
    }
  }

  /// A mapped file is written so many bytes at a time.
  private static let pieceSize = 4 << 20

  /// Writes bytes of a mapped file at a place. File systems that can let two files share blocks do so: nothing is copied
  /// then but what is left of the last block.
  public func share(_ view: ByteView, at offset: Int) throws(FormatError) {
    var shared = 0
    #if os(Linux)
      let whole = view.count - view.count % FileWriter.blockSize
      if let source = view.region.file, offset % FileWriter.blockSize == 0, view.offset % FileWriter.blockSize == 0,
        whole > 0
      {
        // struct file_clone_range, and the request FICLONERANGE.
        var range = [Int64(source.number), Int64(view.offset), Int64(whole), Int64(offset)]
        if ioctl(file.number, 0x4020_940D, &range) == 0 { shared = whole }
      }
    #endif
    try write(view[shared..<view.count], at: offset + shared)
    progress.withLock { $0.end = max($0.end, offset + view.count) }
  }

  /// What file systems share between files are blocks of this many bytes.
  private static let blockSize = 4096

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws(FormatError) { try write(bytes, at: count) }

  /// Appends bytes.
  public func write(_ view: ByteView) throws(FormatError) { try write(view, at: count) }

  /// Appends zeros up to the next multiple of `alignment`.
  public func pad(to alignment: Int) throws(FormatError) {
    try write([UInt8](repeating: 0, count: padding(after: count, to: alignment)))
  }

  /// What was written so far, read back from the file.
  public func readBack() throws(FormatError) -> ByteRegion {
    try ByteRegion.mapping(file, path: target)
  }

  private func flush() {
    guard fsync(file.number) != 0 else { return }
    let error = systemError("cannot write", shown)
    progress.withLock { $0.failure = $0.failure ?? error }
  }

  /// Makes durable what was written so far.
  public func sync() throws(FormatError) {
    flushing.sync { flush() }
    if let error = progress.withLock({ $0.failure }) { throw error }
  }

  /// Makes the bytes durable and gives the file its name, replacing an older one.
  public func publish() throws(FormatError) {
    if let permissions, fchmod(file.number, permissions) != 0 { throw systemError("cannot write", shown) }
    try sync()
    try temporaryPath.withLock { (path) throws(FormatError) in
      if path == nil {
        let source = "/proc/self/fd/\(file.number)"
        // A nameless file can be linked to a free name only; where the target is there, it takes its in two steps.
        if linkat(AT_FDCWD, source, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0 { return }
        let own = joinPath(folder, FileWriter.temporaryName(name))
        unlink(own)
        flock(file.number, LOCK_EX | LOCK_NB)
        if linkat(AT_FDCWD, source, AT_FDCWD, own, AT_SYMLINK_FOLLOW) != 0 { throw systemError("cannot write", shown) }
        path = own
      }
      if rename(path!, target) != 0 { throw systemError("cannot write", shown) }
      path = nil
    }
    if let directory = try? FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY) { fsync(directory.number) }
  }
}
