import Kernels
import Synchronization
import Testing

@Suite struct WorkersTests {
  @Test func splitCoversEveryIndexOnce() {
    for length in [0, 1, 2, 3, 7, 8, 9, 16, 31, 64, 100, 127, 1000] {
      for grain in [1, 2, 3, 7, 8, 16, 64, 1000] {
        for count in [1, 2, 3, 4, 5, 8, 64] {
          let ranges = Mutex<[Range<Int>]>([])
          Workers(count).split(length, grain: grain) { range in ranges.withLock { $0.append(range) } }
          let sorted = ranges.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
          let what = "\(length) by \(grain) for \(count)"
          #expect(sorted.flatMap { Array($0) } == Array(0..<length), "\(what)")
          #expect(sorted.allSatisfy { !$0.isEmpty && $0.lowerBound % grain == 0 }, "\(what)")
          #expect(sorted.count <= count, "\(what)")
        }
      }
    }
  }

  @Test func runCallsEveryTaskOnce() {
    for tasks in [0, 1, 2, 3, 10, 97] {
      for count in [1, 2, 3, 64] {
        let calls = Mutex([Int](repeating: 0, count: tasks))
        Workers(count).run(tasks: tasks) { task in calls.withLock { $0[task] += 1 } }
        #expect(calls.withLock { $0 } == [Int](repeating: 1, count: tasks))
      }
    }
  }

  @Test func theNumberOfWorkersHasLimits() {
    #expect([-5, 0, 1, 64, 65, Int.max].map { Workers($0).count } == [1, 1, 1, 64, 64, 64])
  }
}
