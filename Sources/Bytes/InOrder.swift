import Dispatch
import Synchronization

/// Calls `make` with each number below `count` once, on `threads` threads in rising order, and hands what it made to
/// `take`, on the calling thread and in that order.
///
/// At most `window` numbers are under way or wait for an earlier one, so that a long list needs no more memory than a
/// short one. Where `take` throws, no further call of `make` is started; the error comes out once those that run have
/// ended.
public func inOrder<Value: Sendable>(
  _ count: Int, threads: Int, window: Int, make: @escaping @Sendable (Int) -> Value,
  take: (_ number: Int, _ value: Value) throws -> Void
) throws {
  let window = max(1, min(window, count))
  let line = Line<Value>(count: count, window: window, make: make)
  let workers = DispatchGroup()
  for _ in 0..<max(1, min(threads, window)) {
    // A queue of its own gets a thread even while others sleep.
    DispatchQueue(label: "assay.line").async(group: workers) { line.work() }
  }
  defer {
    line.stop()
    workers.wait()
  }
  for number in 0..<count { try take(number, line.next(number)) }
}

/// What workers and the caller share.
private final class Line<Value: Sendable>: Sendable {
  private let count: Int
  private let window: Int
  private let make: @Sendable (Int) -> Value
  private let state: Mutex<(started: Int, made: [Value?])>
  /// Counts the numbers that may be started.
  private let room = DispatchSemaphore(value: 0)
  /// One for each place in the window: its value is there.
  private let ready: [DispatchSemaphore]

  init(count: Int, window: Int, make: @escaping @Sendable (Int) -> Value) {
    (self.count, self.window, self.make) = (count, window, make)
    state = Mutex((0, [Value?](repeating: nil, count: window)))
    ready = (0..<window).map { _ in DispatchSemaphore(value: 0) }
    for _ in 0..<window { room.signal() }
  }

  /// Makes values until none is left to start. The last room is handed on: the next worker is to see the end too.
  func work() {
    while true {
      room.wait()
      let number = state.withLock { state -> Int? in
        guard state.started < count else { return nil }
        state.started += 1
        return state.started - 1
      }
      guard let number else {
        room.signal()
        return
      }
      let value = make(number)
      state.withLock { $0.made[number % window] = value }
      ready[number % window].signal()
    }
  }

  /// Waits for a number's value; its place is free afterwards.
  func next(_ number: Int) -> Value {
    ready[number % window].wait()
    let value = state.withLock { state in
      defer { state.made[number % window] = nil }
      return state.made[number % window]!
    }
    room.signal()
    return value
  }

  /// Starts nothing more.
  func stop() {
    state.withLock { $0.started = count }
    room.signal()
  }
}
