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
  public static func == (a: Name, b: Name) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

  /// Order by UTF-8 bytes.
  public static func < (a: Name, b: Name) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

  /// Hashes the UTF-8 bytes.
  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
