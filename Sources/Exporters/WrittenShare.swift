import Synchronization

/// How much of a file is written, told to whoever waits for it.
final class WrittenShare: Sendable {
  private let total: Int
  private let progress: @Sendable (Double) -> Void
  private let written = Mutex(0)

  /// Starts at none of `total` bytes.
  init(of total: Int, _ progress: @escaping @Sendable (Double) -> Void) {
    self.total = max(total, 1)
    self.progress = progress
  }

  /// Tells that `bytes` more are written.
  func add(_ bytes: Int) {
    written.withLock { written in
      written += bytes
      progress(Double(written) / Double(total))
    }
  }
}
