import Dispatch

/// A fixed number of threads that share loops.
///
/// Work is cut by the number of workers, never by who is free, so that a number of workers always gives the same bits.
public struct Workers: Sendable {
  /// How many threads share a loop.
  public let count: Int

  /// More threads than this are never used.
  public static let limit = 64

  /// Creates `count` workers, at least 1 and at most `limit`.
  public init(_ count: Int) { self.count = min(max(count, 1), Workers.limit) }

  /// Calls `body` once for each task, several at a time; tasks must not touch each other's results.
  public func run(tasks: Int, _ body: (Int) -> Void) {
    if count == 1 || tasks <= 1 {
      for task in 0..<tasks { body(task) }
      return
    }
    // Each worker takes every count-th task: which worker does what depends on nothing else.
    withoutActuallyEscaping(body) { body in
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: min(count, tasks)) { worker in
        for task in stride(from: worker, to: tasks, by: min(count, tasks)) { body(task) }
      }
    }
  }

  /// Cuts `0..<length` into at most `count` ranges that start on multiples of `grain`, and calls `body` for each.
  public func split(_ length: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let pieces = max(1, min(count, (length + grain - 1) / grain))
    let size = ((length + pieces - 1) / pieces + grain - 1) / grain * grain
    run(tasks: pieces) { piece in
      let range = min(piece * size, length)..<min((piece + 1) * size, length)
      if !range.isEmpty { body(range) }
    }
  }
}
