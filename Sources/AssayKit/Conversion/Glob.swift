import Bytes

/// A pattern of names, matched byte for byte against a whole name.
///
/// `*` stands for any bytes, dots among them, `?` for any one byte, `[a-z_]` for one byte of a set and `[!...]` for one
/// that is not in it. Every other byte stands for itself.
public struct Glob: Sendable {
  private enum Part: Sendable {
    case any
    case one(isNegated: Bool, ranges: [ClosedRange<UInt8>])
  }

  /// The pattern as it was given.
  public let text: String
  private let parts: [Part]

  /// Reads a pattern; a `[` that no `]` ends is a failure.
  public init(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    var parts: [Part] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "*"): parts.append(.any)
      case UInt8(ascii: "?"): parts.append(.one(isNegated: false, ranges: [0...255]))
      case UInt8(ascii: "["): parts.append(try Glob.set(&rest, of: text))
      default: parts.append(.one(isNegated: false, ranges: [byte...byte]))
      }
    }
    (self.text, self.parts) = (text, parts)
  }

  private static func set(_ rest: inout ArraySlice<UInt8>, of text: String) throws -> Part {
    let isNegated = rest.first == UInt8(ascii: "!")
    if isNegated { rest.removeFirst() }
    var ranges: [ClosedRange<UInt8>] = []
    while let byte = rest.popFirst() {
      // As the first of a set it is one of its bytes.
      if byte == UInt8(ascii: "]") && !ranges.isEmpty { return .one(isNegated: isNegated, ranges: ranges) }
      let next = rest.dropFirst().first
      if rest.first == UInt8(ascii: "-"), let next, next != UInt8(ascii: "]") {
        rest.removeFirst(2)
        if byte <= next {
          ranges.append(byte...next)
        } else {
          throw Failure("\"\(text)\": a set of bytes runs backwards")
        }
      } else {
        ranges.append(byte...byte)
      }
    }
    throw Failure("\"\(text)\": no ] ends the set that [ starts")
  }

  /// True when the pattern is `name`, all of it.
  public func matches(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    var (part, place) = (0, 0)
    // Where the last * stands, and what it took so far; it takes one byte more whenever the rest does not fit.
    var last: (part: Int, place: Int)?
    while place < bytes.count || part < parts.count {
      if part < parts.count {
        switch parts[part] {
        case .any:
          last = (part, place)
          part += 1
          continue
        case .one(let isNegated, let ranges):
          if place < bytes.count, ranges.contains(where: { $0.contains(bytes[place]) }) != isNegated {
            (part, place) = (part + 1, place + 1)
            continue
          }
        }
      }
      guard let star = last, star.place < bytes.count else { return false }
      last = (star.part, star.place + 1)
      (part, place) = (star.part + 1, star.place + 1)
    }
    return true
  }
}
