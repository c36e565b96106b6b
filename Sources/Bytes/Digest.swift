import CZlib
import Crypto

/// A SHA-256 digest.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  /// The 32 bytes.
  public let bytes: [UInt8]

  /// How many bytes a digest has.
  public static let size = 32

  /// Takes 32 bytes; nil for another number of them.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == Digest.size else { return nil }
    self.bytes = Array(bytes)
  }

  /// Reads 64 lower-case hexadecimal digits; nil for anything else.
  public init?(hex: String) {
    var bytes: [UInt8] = []
    let digits = Array(hex.utf8)
    guard digits.count == 2 * Digest.size else { return nil }
    for pair in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Digest.value(digits[pair]), let low = Digest.value(digits[pair + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    self.bytes = bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  /// 64 lower-case hexadecimal digits.
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The digest of one run of bytes.
  public static func of(_ view: ByteView) -> Digest {
    var hasher = DigestHasher()
    hasher.update(view)
    return hasher.finish()
  }
}

/// SHA-256 over bytes that arrive in pieces.
public struct DigestHasher: Sendable {
  private var state = SHA256()

  /// Starts with no bytes.
  public init() {}

  /// Adds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) { state.update(bufferPointer: bytes) }

  /// Adds bytes.
  public mutating func update(_ view: ByteView) { view.withUnsafeBytes { update($0) } }

  /// Adds bytes.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The digest of all bytes so far.
  public func finish() -> Digest { Digest(bytes: Array(state.finalize()))! }
}

/// The CRC-32 that zip and zlib use, continued from `seed`.
public func crc32(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
  UInt32(truncatingIfNeeded: crc32_z(uLong(seed), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
}
