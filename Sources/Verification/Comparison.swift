import Bytes
import Tensors

/// Computed numbers beside expected ones: how far apart, where, and whether that is allowed.
public struct Comparison: Sendable {
  /// The tensor's name in the golden case.
  public let name: String
  /// How many numbers were compared.
  public let count: Int
  /// How many are further apart than allowed.
  public let outliers: Int
  /// The largest absolute difference; infinite where one number is finite or a NaN and the other is not.
  public let difference: Double
  /// Where it is, an index for each axis.
  public let place: [Int]
  /// What was computed there.
  public let actual: Float
  /// What was expected there.
  public let expected: Float
  /// The largest difference allowed.
  public let limit: Double
  /// Where `limit` comes from.
  public let tolerance: Tolerance
  /// Why the numbers could not be laid side by side, if they could not.
  public let mismatch: String?

  /// True when every number is close enough.
  public var holds: Bool { mismatch == nil && outliers == 0 }

  /// Compares a computed tensor with what a case expects of it.
  public init(_ expected: GoldenCase.Expected, actual: Tensor) {
    name = expected.name
    tolerance = expected.tolerance
    // Documents write all numbers as floats; arrays have types.
    let isTyped = expected.values.dataType != .float32
    guard actual.shape == expected.shape, !isTyped || actual.dataType == expected.values.dataType else {
      mismatch =
        "is \(actual.dataType.rawValue) \(actual.shape), expected \(expected.values.dataType.rawValue) \(expected.shape)"
      (count, outliers, difference, place, self.actual, self.expected, limit) = (0, 0, .infinity, [], 0, 0, 0)
      return
    }
    mismatch = nil
    let numbers = actual.integers?.map { Float($0) } ?? actual.floats
    let wanted = expected.values.integers?.map { Float($0) } ?? expected.values.floats
    // What floats cannot tell apart, integers can.
    let exact = actual.integers.flatMap { own in expected.values.integers.map { (own, $0) } }
    let finite = wanted.filter(\.isFinite)
    let largest = Double(finite.reduce(0) { max($0, abs($1)) })
    limit = tolerance.limit(largest: largest)
    var (worst, worstIndex, beyond) = (-1.0, 0, 0)
    for (index, value) in wanted.enumerated() {
      let position = expected.position(index)
      let distance =
        exact.map { (Double($0[position]) - Double($1[index])).magnitude + ($0[position] == $1[index] ? 0 : 0.5) }
        ?? Comparison.distance(numbers[position], value)
      if distance > limit { beyond += 1 }
      if distance > worst { (worst, worstIndex) = (distance, index) }
    }
    count = wanted.count
    outliers = beyond
    difference = max(worst, 0)
    if wanted.isEmpty {
      (place, self.actual, self.expected) = ([], 0, 0)
    } else {
      place = expected.index(worstIndex)
      self.actual = numbers[expected.position(worstIndex)]
      self.expected = wanted[worstIndex]
    }
  }

  /// Absolute difference; zero for equal infinities and for a NaN where a NaN is expected.
  private static func distance(_ actual: Float, _ expected: Float) -> Double {
    if actual == expected || actual.isNaN && expected.isNaN { return 0 }
    let distance = abs(Double(actual) - Double(expected))
    return distance.isNaN ? .infinity : distance
  }

  /// The comparison as a report holds it.
  public var json: JSON {
    [
      "name": JSON(name), "holds": JSON(holds), "difference": JSON(difference), "limit": JSON(limit),
      "at": JSON(place), "actual": JSON(actual), "expected": JSON(expected), "compared": JSON(count),
      "outliers": JSON(outliers), "tolerance": tolerance.json, "mismatch": mismatch.map { JSON($0) },
    ]
  }
}
