import Bytes
import Dispatch
import Foundation
import Synchronization
import Testing

@Suite struct InOrderTests {
  @Test(arguments: [(0, 3, 4), (1, 3, 4), (7, 1, 1), (100, 4, 6), (100, 8, 2), (3, 8, 100)])
  func everyNumberIsMadeOnceAndTakenInOrder(_ count: Int, _ threads: Int, _ window: Int) throws {
    let calls = Mutex([Int](repeating: 0, count: count))
    var taken: [Int] = []
    try inOrder(count, threads: threads, window: window) { number in
      // The earlier ones of each few take longer.
      usleep(UInt32((5 - number % 5) * 300))
      calls.withLock { $0[number] += 1 }
      return number * number
    } take: { number, value in
      #expect(value == number * number)
      taken.append(number)
    }
    #expect(taken == Array(0..<count))
    #expect(calls.withLock { $0 } == [Int](repeating: 1, count: count))
  }

  @Test func noMoreThanTheWindowIsUnderWay() throws {
    let started = Atomic(0)
    let most = Atomic(0)
    let taken = Atomic(0)
    try inOrder(60, threads: 8, window: 5) { number in
      let ahead = started.add(1, ordering: .relaxed).newValue - taken.load(ordering: .relaxed)
      _ = most.max(ahead, ordering: .relaxed)
      // The first holds up all others.
      if number % 20 == 0 { usleep(20_000) }
      return number
    } take: { _, _ in
      taken.add(1, ordering: .relaxed)
    }
    // One may be counted while it is handed over.
    #expect((2...6).contains(most.load(ordering: .relaxed)), "\(most.load(ordering: .relaxed))")
  }

  @Test func severalRunAtATime() throws {
    let meeting = DispatchSemaphore(value: 0)
    try inOrder(2, threads: 2, window: 2) { number in
      // Each waits for the other.
      if number == 0 { meeting.wait() } else { meeting.signal() }
      return number
    } take: { _, _ in
    }
  }

  @Test func anErrorEndsIt() {
    struct Stop: Error {}
    let started = Atomic(0)
    let running = Atomic(0)
    #expect(throws: Stop.self) {
      try inOrder(10_000, threads: 4, window: 8) { number in
        started.add(1, ordering: .relaxed)
        running.add(1, ordering: .relaxed)
        usleep(500)
        running.subtract(1, ordering: .relaxed)
        return number
      } take: { number, _ in
        if number == 10 { throw Stop() }
      }
    }
    #expect(started.load(ordering: .relaxed) <= 11 + 8)
    // What had begun has ended.
    #expect(running.load(ordering: .relaxed) == 0)
  }
}
