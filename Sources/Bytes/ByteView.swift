#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A slice of a region that knows its absolute place: an error in it can name the byte of the file.
public struct ByteView: Sendable {
  /// The bytes' owner.
  public let region: ByteRegion
  /// The slice, in bytes from the region's start.
  public let range: Range<Int>

  init(region: ByteRegion, range: Range<Int>) {
    self.region = region
    self.range = range
  }

  /// How many bytes there are.
  public var count: Int { range.count }
  /// The absolute place of the first byte.
  public var offset: Int { range.lowerBound }

  /// The bytes `start..<start + count`, counted from this view's start; `format` is named if they are not there.
  public func slice(_ start: Int, _ count: Int, format: String) throws(FormatError) -> ByteView {
    guard start >= 0, count >= 0, start <= self.count else {
      throw FormatError(format, .truncated(needed: max(count, 0), available: 0), offset: range.upperBound)
    }
    guard count <= self.count - start else {
      throw FormatError(
        format, .truncated(needed: count, available: self.count - start), offset: range.lowerBound + start)
    }
    let lower = range.lowerBound + start
    return ByteView(region: region, range: lower..<lower + count)
  }

  /// Calls `body` with the bytes; the pointer is good only inside.
  @inlinable
  public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(region) {} }
    return try body(UnsafeRawBufferPointer(start: pointer, count: count))
  }

  /// The first byte's address; the caller keeps the region alive.
  @usableFromInline var pointer: UnsafeRawPointer { region.base + range.lowerBound }

  /// The byte at `index`, counted from this view's start.
  public subscript(_ index: Int) -> UInt8 {
    precondition(index >= 0 && index < count)
    return pointer.load(fromByteOffset: index, as: UInt8.self)
  }

  /// The bytes at some places that are known to be there, counted from this view's start.
  public subscript(_ places: Range<Int>) -> ByteView {
    precondition(places.lowerBound >= 0 && places.upperBound <= count)
    return ByteView(region: region, range: offset + places.lowerBound..<offset + places.upperBound)
  }

  /// A copy of the bytes.
  public var array: [UInt8] { withUnsafeBytes { Array($0) } }

  /// True when the first bytes are `prefix`.
  public func hasPrefix(_ prefix: [UInt8]) -> Bool {
    count >= prefix.count && withUnsafeBytes { $0.prefix(prefix.count).elementsEqual(prefix) }
  }

  /// Brings the pages of a mapped file into reach at once, where the system can; reading them one by one is slower.
  public func populate() {
    #if os(Linux)
      guard region.isMapped, count > 0 else { return }
      let page = 4096
      let start = Int(bitPattern: pointer) / page * page
      let populateRead: Int32 = 22  // MADV_POPULATE_READ, from Linux 5.14; an older one says no, and all is as before
      madvise(UnsafeMutableRawPointer(bitPattern: start), Int(bitPattern: pointer) + count - start, populateRead)
    #endif
  }

  /// True when both have the same bytes.
  public func hasSameBytes(as other: ByteView) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { mine in
      other.withUnsafeBytes { theirs in count == 0 || memcmp(mine.baseAddress!, theirs.baseAddress!, count) == 0 }
    }
  }

  /// True when the first byte stands on a multiple of `alignment` in memory.
  public func isAligned(to alignment: Int) -> Bool { Int(bitPattern: pointer) % alignment == 0 }
}
