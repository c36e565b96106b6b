import Bytes

/// Something a user can mend: one line with what is wrong, where, and what would do.
public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The line.
  public let description: String

  /// Creates a failure; control characters in names are escaped.
  public init(_ description: String) { self.description = printable(description) }

  /// A failure of anything below, in the file or folder `path`.
  init(_ path: String, _ error: any Error) {
    if let error = error as? Failure {
      self = error
    } else if let error = error as? FormatError {
      self.init("\(error.inFile(path))")
    } else {
      self.init("\(path): \(error)")
    }
  }
}

/// Calls `body`; what it throws comes out as a failure in `path`.
func inFile<R>(_ path: String, _ body: () throws -> R) throws -> R {
  do { return try body() } catch { throw Failure(path, error) }
}

/// The contract's exit codes.
public enum ExitStatus: Int32, CaseIterable, Sendable {
  /// It holds.
  case holds = 0
  /// It was compared, and numbers or weights differ.
  case differs = 1
  /// Unreadable, damaged, unsupported, unjudgeable or unwritable.
  case failed = 2
  /// Wrong usage.
  case usage = 64
}
