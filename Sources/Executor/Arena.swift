/// Places in one block of memory, given out and taken back while a plan is made: where every value will lie is known
/// before anything runs.
struct Arena {
  /// How many floats the block needs.
  private(set) var count = 0
  /// Ranges nobody uses, in order, never touching each other.
  private var free: [Range<Int>] = []

  /// Values begin on cache lines: sixteen floats.
  private static let alignment = 16

  /// A place for `length` floats: the smallest gap that fits, else the end.
  mutating func take(_ length: Int) -> Range<Int> {
    let length = max(1, (length + Arena.alignment - 1) / Arena.alignment) * Arena.alignment
    let fitting = free.indices.filter { free[$0].count >= length }
    if let best = fitting.min(by: { free[$0].count < free[$1].count }) {
      let gap = free.remove(at: best)
      if gap.count > length { free.insert(gap.lowerBound + length..<gap.upperBound, at: best) }
      return gap.lowerBound..<gap.lowerBound + length
    }
    // A gap at the very end grows.
    let start = free.last.map { $0.upperBound == count ? $0.lowerBound : count } ?? count
    if start < count { free.removeLast() }
    count = start + length
    return start..<count
  }

  /// Takes a place back.
  mutating func give(back range: Range<Int>) {
    let index = free.firstIndex { $0.lowerBound > range.lowerBound } ?? free.count
    free.insert(range, at: index)
    if index + 1 < free.count, free[index].upperBound == free[index + 1].lowerBound { join(index) }
    if index > 0, free[index - 1].upperBound == free[index].lowerBound { join(index - 1) }
  }

  private mutating func join(_ index: Int) {
    free[index] = free[index].lowerBound..<free[index + 1].upperBound
    free.remove(at: index + 1)
  }
}
