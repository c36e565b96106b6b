/// Which of a model's layers are kept; layers are counted from 0.
public struct LayerSelection: Hashable, Sendable {
  /// How many layers the model has.
  public let count: Int
  /// The layers that stay, rising; at least one.
  public let kept: [Int]

  /// A selection; nil unless `kept` rises, is not empty, and names only layers that are there.
  public init?(of count: Int, keeping kept: [Int]) {
    guard let first = kept.first, let last = kept.last, first >= 0, last < count,
      zip(kept, kept.dropFirst()).allSatisfy({ $0 < $1 })
    else { return nil }
    self.count = count
    self.kept = kept
  }

  /// The layers that go, rising.
  public var dropped: [Int] {
    let kept = Set(kept)
    return (0..<count).filter { !kept.contains($0) }
  }

  /// The number that a layer has afterwards; nil for one that goes.
  public func place(of layer: Int) -> Int? {
    var (low, high) = (0, kept.count)
    while low < high {
      let middle = (low + high) / 2
      if kept[middle] < layer { low = middle + 1 } else { high = middle }
    }
    return low < kept.count && kept[low] == layer ? low : nil
  }

  /// Where each state stands afterwards: state 0 enters the first layer, state i + 1 leaves layer i. A state that leaves
  /// a dropped layer goes.
  public var keptStates: [Int] { [0] + kept.map { $0 + 1 } }
}
