#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// The operating system's calls that this house makes, with errors as values. Nothing else imports the C library for files.

/// An open file descriptor that is closed when its last owner goes.
final class FileDescriptor: Sendable {
  let number: Int32

  init(number: Int32) { self.number = number }

  deinit { close(number) }

  /// Opens `path`; a signal in between is retried.
  static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(FormatError) -> FileDescriptor {
    while true {
      let number = systemOpen(path, flags | O_CLOEXEC, mode)
      if number >= 0 { return FileDescriptor(number: number) }
      if errno != EINTR { throw systemError("cannot open", path) }
    }
  }

  func status() throws(FormatError) -> stat {
    var status = stat()
    if fstat(number, &status) != 0 { throw systemError("cannot read the state of", "the open file") }
    return status
  }
}

// Inside types with methods of the same name the system's functions cannot be spelled.
private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }

/// One call of `pwrite`: at most 1 GiB, perhaps fewer bytes than asked for, -1 for an error.
func systemWrite(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
  pwrite(file, bytes.baseAddress, min(bytes.count, 1 << 30), off_t(offset))
}

/// The last failed call as an error: what could not be done, to which file, and the system's reason.
func systemError(_ action: String, _ path: String) -> FormatError {
  let code = errno
  return FormatError("file", .system("\(action): " + String(cString: strerror(code))), file: path)
}

/// What a path names.
public enum FileKind: Sendable {
  case missing, file, folder, other
}

/// What `path` names, links followed.
public func fileKind(_ path: String) -> FileKind {
  var status = stat()
  guard stat(path, &status) == 0 else { return .missing }
  switch status.st_mode & S_IFMT {
  case S_IFREG: return .file
  case S_IFDIR: return .folder
  default: return .other
  }
}

/// True where `path` itself is a link, wherever it leads.
public func isLink(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
}

/// Makes the folder `path`, and those above it, unless they are there.
public func makeFolder(_ path: String) throws(FormatError) {
  guard fileKind(path) != .folder else { return }
  let parent = splitPath(path).folder
  if parent != path, fileKind(parent) == .missing { try makeFolder(parent) }
  // Somebody else may have made it in between.
  if mkdir(path, 0o777) != 0, errno != EEXIST || fileKind(path) != .folder {
    throw systemError("cannot make the folder", path)
  }
}

/// Takes the file `path` away, if it is there.
public func remove(_ path: String) throws(FormatError) {
  if unlink(path) != 0, errno != ENOENT { throw systemError("cannot remove", path) }
}

/// Calls `body` while nobody else holds the lock of the folder at `path`, wherever it can be locked.
public func withLock<R>(on path: String, _ body: () throws(FormatError) -> R) throws(FormatError) -> R {
  // Where a folder may not be read, and on file systems without locks, it goes on without one.
  guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) else { return try body() }
  while flock(folder.number, LOCK_EX) != 0, errno == EINTR {}
  defer { flock(folder.number, LOCK_UN) }
  return try body()
}

/// The path of what `path` names, without links or dots; nil where nothing is there.
public func resolvedPath(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}

/// The names in the folder `path`, sorted by their bytes.
public func folderEntries(_ path: String) throws(FormatError) -> [String] {
  guard let directory = opendir(path) else { throw systemError("cannot open the folder", path) }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted { Name($0) < Name($1) }
}

/// Folder and last component of `path`, as the system would walk them.
public func splitPath(_ path: String) -> (folder: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  let folder = slash == path.startIndex ? "/" : String(path[..<slash])
  return (folder, String(path[path.index(after: slash)...]))
}

/// `name` inside `folder`.
public func joinPath(_ folder: String, _ name: String) -> String {
  if folder == "." || name.hasPrefix("/") { return name }
  return folder.hasSuffix("/") ? folder + name : folder + "/" + name
}

/// How many processors this process may use.
public func activeProcessorCount() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

/// The most memory this process held so far, in bytes, mapped pages included.
public func peakResidentBytes() -> Int {
  var usage = rusage()
  #if canImport(Darwin)
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  #endif
}

/// All bytes of a file that perhaps cannot be mapped, as a pipe; of standard input where `path` is nil. More than `limit`
/// are refused.
public func readWhole(_ path: String?, limit: Int) throws(FormatError) -> [UInt8] {
  let name = path ?? "standard input"
  let file: FileDescriptor? = if let path { try FileDescriptor.open(path, O_RDONLY) } else { nil }
  var bytes: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let step = piece.withUnsafeMutableBytes { read(file?.number ?? STDIN_FILENO, $0.baseAddress, $0.count) }
    if step < 0, errno == EINTR { continue }
    guard step >= 0 else { throw systemError("cannot read", name) }
    guard step > 0 else { return bytes }
    bytes += piece[..<step]
    guard bytes.count <= limit else {
      throw FormatError("file", .limitExceeded("more than \(limit) bytes"), file: name)
    }
  }
}

/// Up to `count` bytes from the start of a file that cannot be mapped, as the system's own are; nil if it is not there.
public func readStart(of path: String, count: Int) -> [UInt8]? {
  guard let file = try? FileDescriptor.open(path, O_RDONLY) else { return nil }
  var bytes = [UInt8](repeating: 0, count: count)
  var length = 0
  while length < count {
    let step = bytes.withUnsafeMutableBytes { read(file.number, $0.baseAddress! + length, count - length) }
    if step <= 0 { break }
    length += step
  }
  return Array(bytes[..<length])
}
