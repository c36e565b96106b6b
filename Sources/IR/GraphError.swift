import Bytes

/// A graph that cannot be: names the node and says what was found and what would be accepted.
public struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The node, value or weight in question; empty when the whole graph is.
  public let place: String
  /// What is wrong.
  public let what: String

  /// Creates an error.
  public init(_ place: String, _ what: String) {
    self.place = place
    self.what = what
  }

  /// One line: place and what is wrong.
  public var description: String {
    place.isEmpty ? printable(what) : "\"" + printable(place) + "\": " + printable(what)
  }
}
