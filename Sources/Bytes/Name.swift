#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A name compared byte by byte.
///
/// Swift's `String ==` treats canonically equal spellings (NFC and NFD) as one; two tensors of a file may differ
/// only there, so every look-up by a name from a file goes through this type.
public struct Name: Hashable, Comparable, Sendable {
  /// The name's text.
  public let text: String

  /// Creates a name.
  public init(_ text: String) { self.text = text }

  /// True when both have the same UTF-8 bytes.
  public static func == (a: Name, b: Name) -> Bool { a.text.hasSameBytes(as: b.text) }

  /// Order by UTF-8 bytes.
  public static func < (a: Name, b: Name) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

  /// Hashes the UTF-8 bytes.
  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension String {
  /// True when both have the same UTF-8 bytes.
  func hasSameBytes(as other: String) -> Bool {
    let (mine, theirs) = (utf8, other.utf8)
    guard mine.count == theirs.count else { return false }
    // Nearly every string lies in one piece.
    let same = mine.withContiguousStorageIfAvailable { mine in
      theirs.withContiguousStorageIfAvailable { theirs in
        mine.isEmpty || memcmp(mine.baseAddress!, theirs.baseAddress!, mine.count) == 0
      }
    }
    return (same ?? nil) ?? mine.elementsEqual(theirs)
  }
}
