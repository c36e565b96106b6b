import IR

/// Graph in, graph out: changes form or storage, never meaning beyond what it declares.
public protocol Pass: Sendable {
  /// The pass's name in reports.
  static var name: String { get }

  /// Changes `graph` and says what was done.
  func run(on graph: inout Graph) throws -> PassReport
}

/// What a pass did and what it left, with the reason.
public struct PassReport: Sendable {
  /// The pass's name.
  public let pass: String
  /// What was changed, a line each.
  public var changes: [String] = []
  /// What was looked at and left as it was, and why, a line each.
  public var declined: [String] = []

  /// Nothing done yet.
  public init(pass: String) { self.pass = pass }
}
