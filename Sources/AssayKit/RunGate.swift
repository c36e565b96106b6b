import Dispatch
import Synchronization

/// Lets runs begin, in the order they come, while there are threads and memory for them.
final class RunGate: Sendable {
  private struct State {
    var threads: Int
    var bytes: Int
    var running = 0
    var waiting: [(threads: Int, bytes: Int, opened: DispatchSemaphore)] = []
  }

  private let state: Mutex<State>

  /// Has so many threads and bytes to give.
  init(threads: Int, bytes: Int) { state = Mutex(State(threads: threads, bytes: bytes)) }

  /// Calls `body` with so many threads and bytes taken; what asks for more than there is runs alone.
  func run<R>(threads: Int, bytes: Int, _ body: () throws -> R) rethrows -> R {
    let opened = DispatchSemaphore(value: 0)
    change { $0.waiting.append((threads, bytes, opened)) }
    opened.wait()
    defer {
      change { state in
        state.running -= 1
        state.threads += threads
        state.bytes += bytes
      }
    }
    return try body()
  }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { state in
      body(&state)
      while let first = state.waiting.first,
        state.running == 0 || first.threads <= state.threads && first.bytes <= state.bytes
      {
        state.waiting.removeFirst()
        state.running += 1
        state.threads -= first.threads
        state.bytes -= first.bytes
        first.opened.signal()
      }
    }
  }
}
