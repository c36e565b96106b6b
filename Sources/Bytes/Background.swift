import Dispatch

/// A call that runs on another thread while this one goes on.
public final class Background<Value: Sendable>: Sendable {
  private let queue = DispatchQueue(label: "assay.background")
  private nonisolated(unsafe) var result: Result<Value, FormatError>?  // touched on the queue only

  /// Starts `body`.
  public init(_ body: @escaping @Sendable () throws(FormatError) -> Value) {
    queue.async {
      do throws(FormatError) { self.result = .success(try body()) } catch { self.result = .failure(error) }
    }
  }

  /// Waits for the call to end; hands back what it made, or throws what it threw.
  public func wait() throws(FormatError) -> Value { try queue.sync { result! }.get() }
}
