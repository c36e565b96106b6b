import Bytes
import IR

/// A graph that cannot run on what it was given: names the node or input and says what is wrong.
public struct ExecutionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The node or input; empty when neither is to blame.
  public let place: String
  /// What is wrong.
  public let what: String

  /// Creates an error.
  public init(_ place: String, _ what: String) {
    self.place = place
    self.what = what
  }

  init(_ error: GraphError) { self.init(error.place, error.what) }

  /// One line.
  public var description: String { GraphError(place, what).description }
}
