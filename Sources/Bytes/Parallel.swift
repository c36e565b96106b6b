import Dispatch
import Synchronization

/// Calls `body` with each number below `count` once, shared out over up to `threads` threads in rising order.
///
/// Where several calls throw, the error of the lowest number is thrown; after the first no new ones are started.
public func inParallel(
  _ count: Int, threads: Int, _ body: @Sendable (Int) throws(FormatError) -> Void
) throws(FormatError) {
  let next = Atomic(0)
  let failure = Mutex<(number: Int, error: FormatError)?>(nil)
  DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
    while failure.withLock({ $0 == nil }) {
      let number = next.add(1, ordering: .relaxed).oldValue
      guard number < count else { return }
      do throws(FormatError) {
        try body(number)
      } catch {
        failure.withLock { first in
          if first.map({ number < $0.number }) ?? true { first = (number, error) }
        }
      }
    }
  }
  if let error = failure.withLock({ $0?.error }) { throw error }
}
