/// Bytes put together in memory, little-endian.
public struct ByteWriter: Sendable {
  /// What was written.
  public private(set) var bytes: [UInt8] = []

  /// Starts empty.
  public init() {}

  /// How many bytes were written.
  public var count: Int { bytes.count }

  /// Appends an integer.
  public mutating func write<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Appends bytes.
  public mutating func write(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// Appends zeros until the length is a multiple of `alignment`.
  public mutating func pad(to alignment: Int) {
    bytes.append(contentsOf: repeatElement(0, count: padding(after: bytes.count, to: alignment)))
  }
}

/// How many bytes lie between `count` and the next multiple of `alignment`.
public func padding(after count: Int, to alignment: Int) -> Int {
  let over = count % alignment
  return over == 0 ? 0 : alignment - over
}
