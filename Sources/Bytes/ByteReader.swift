/// A cursor that reads little-endian values and never passes the end.
public struct ByteReader: Sendable {
  /// What is being read.
  public let view: ByteView
  /// The format named in errors.
  public let format: String
  /// The next byte to read, counted from the view's start.
  public private(set) var position = 0

  /// Starts at the first byte of `view`.
  public init(_ view: ByteView, format: String) {
    self.view = view
    self.format = format
  }

  /// How many bytes are left.
  public var remaining: Int { view.count - position }
  /// The next byte's absolute place in the file.
  public var offset: Int { view.offset + position }

  /// An error at the cursor, or at `offset`.
  public func error(_ reason: FormatError.Reason, at offset: Int? = nil) -> FormatError {
    FormatError(format, reason, offset: offset ?? self.offset)
  }

  /// The next little-endian integer.
  @inlinable
  public mutating func read<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type = T.self) throws(FormatError) -> T {
    let bytes = try slice(MemoryLayout<T>.size)
    return T(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(as: T.self) })
  }

  /// The next little-endian unsigned 64-bit integer as a size.
  public mutating func readSize(_ what: String) throws(FormatError) -> Int {
    let start = offset
    let value = try read(UInt64.self)
    guard let size = Int(exactly: value) else { throw error(.overflow(what), at: start) }
    return size
  }

  /// The next `count` bytes.
  public mutating func slice(_ count: Int) throws(FormatError) -> ByteView {
    let slice = try view.slice(position, count, format: format)
    position += count
    return slice
  }

  /// The next `count` bytes as UTF-8.
  public mutating func text(_ count: Int) throws(FormatError) -> String {
    let start = offset
    let bytes = try slice(count)
    guard let text = bytes.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw error(.invalid("this is not UTF-8"), at: start)
    }
    return text
  }

  /// The bytes up to the next line feed, which is passed over.
  public mutating func line() throws(FormatError) -> ByteView {
    let length = view.withUnsafeBytes { bytes in bytes[position...].firstIndex(of: 0x0A).map { $0 - position } }
    guard let length else { throw error(.truncated(needed: 1, available: 0), at: view.range.upperBound) }
    let line = try slice(length)
    position += 1
    return line
  }
}
