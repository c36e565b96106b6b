/// How many positions along an axis belong to one row of a batch: as many as there would be if the row were alone.
///
/// Starts as the row's samples; operators that make an axis shorter or longer say how, as they do of its length. Two
/// counts that came about in the same way are equal.
public struct FrameCount: Hashable, Sendable {
  /// n becomes (n + offset) / divisor, rounded down.
  struct Division: Hashable, Sendable {
    let offset: Int
    let divisor: Int
  }

  /// A chain of more convolutions and what else divides is refused.
  static let divisionLimit = 64

  /// What is done to the samples, in order.
  private(set) var divisions: [Division] = []
  /// What is added at last.
  private(set) var offset = 0

  /// The samples themselves.
  static let samples = FrameCount()

  /// This and `count` more.
  func adding(_ count: Int) -> FrameCount {
    var result = self
    result.offset += count
    return result
  }

  /// This divided by `divisor`, rounded down.
  func divided(by divisor: Int) -> FrameCount {
    guard divisor > 1 else { return self }
    var result = self
    result.divisions.append(Division(offset: offset, divisor: divisor))
    result.offset = 0
    return result
  }

  /// What the last division divides; nil where there is none.
  var dividend: FrameCount? {
    guard let last = divisions.last else { return nil }
    var result = self
    result.divisions.removeLast()
    result.offset = last.offset
    return result
  }

  /// The count of a row of so many samples.
  public func callAsFunction(samples: Int) -> Int {
    divisions.reduce(samples) { ($0 + $1.offset) / $1.divisor } + offset
  }
}
