#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Bytes that stay where they are: a file mapped read-only, or a block on the heap. Freed with the last view of it.
public final class ByteRegion: Sendable {
  /// The file the bytes are from, or what they are, for messages.
  public let name: String
  /// How many bytes there are.
  public let count: Int
  nonisolated(unsafe) let base: UnsafeRawPointer
  let isMapped: Bool
  /// The mapped file, where it was to stay open.
  let file: FileDescriptor?

  private init(name: String, base: UnsafeRawPointer, count: Int, isMapped: Bool, file: FileDescriptor? = nil) {
    self.name = name
    self.base = base
    self.count = count
    self.isMapped = isMapped
    self.file = file
  }

  deinit {
    if isMapped { munmap(UnsafeMutableRawPointer(mutating: base), count) } else { base.deallocate() }
  }

  /// Maps the regular file at `path`; no byte is read yet. Pipes and devices are refused, without waiting for them.
  ///
  /// With `locked` the file stays open, and who else asks for it locked waits.
  public static func mapping(_ path: String, locked: Bool = false) throws(FormatError) -> ByteRegion {
    while true {
      let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
      guard locked else { return try mapping(file, path: path) }
      if flock(file.number, LOCK_EX) != 0, errno == EINTR { continue }
      let region = try mapping(file, path: path, staysOpen: true)
      // Whoever held the lock may have put another file in this one's place.
      if region.isStill(at: path) { return region }
    }
  }

  /// True while `path` names the file that is mapped; false for a file that was not to stay open.
  public func isStill(at path: String) -> Bool {
    guard let file, let mine = try? file.status() else { return false }
    var now = stat()
    return stat(path, &now) == 0 && now.st_dev == mine.st_dev && now.st_ino == mine.st_ino
  }

  static func mapping(
    _ file: FileDescriptor, path: String, staysOpen: Bool = false
  ) throws(FormatError) -> ByteRegion {
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FormatError("file", .unsupported("this is no regular file"), file: path)
    }
    let count = Int(status.st_size)
    // An empty file cannot be mapped.
    guard count > 0 else { return ByteRegion(copying: [], name: path) }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.number, 0), base != MAP_FAILED else {
      throw systemError("cannot map", path)
    }
    return ByteRegion(
      name: path, base: UnsafeRawPointer(base), count: count, isMapped: true, file: staysOpen ? file : nil)
  }

  /// A heap block with a copy of `bytes`.
  public convenience init(copying bytes: some Collection<UInt8>, name: String = "memory") {
    let count = bytes.count
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: ByteRegion.alignment)
    block.copyBytes(from: bytes)
    self.init(name: name, base: UnsafeRawPointer(block.baseAddress!), count: count, isMapped: false)
  }

  /// A heap block of `count` bytes that `fill` writes, every one of them.
  public convenience init<E: Error>(
    count: Int, name: String = "memory", filledBy fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    precondition(count >= 0)
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: ByteRegion.alignment)
    do {
      try fill(UnsafeMutableRawBufferPointer(rebasing: block[..<count]))
    } catch {
      block.deallocate()
      throw error
    }
    self.init(name: name, base: UnsafeRawPointer(block.baseAddress!), count: count, isMapped: false)
  }

  /// Heap blocks start on a cache line, as tensors in an artifact do.
  public static let alignment = 64

  /// All bytes as one view.
  public var view: ByteView { ByteView(region: self, range: 0..<count) }
}
