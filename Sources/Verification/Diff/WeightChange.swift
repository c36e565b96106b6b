import Bytes
import Tensors

/// How far the numbers of two weights are apart.
public struct WeightChange: Sendable {
  /// How many elements were compared.
  public private(set) var count = 0
  /// How many have other bits.
  public private(set) var differing = 0
  /// The largest absolute difference; infinite where one number is a NaN or infinite and the other is not.
  public private(set) var difference = 0.0
  /// Where it is, an index for each axis of B's tensor.
  public private(set) var place: [Int] = []
  /// The numbers there.
  public private(set) var values = Both(0.0, 0.0)
  /// The cosine of the angle between the two as vectors; NaN where one of them is all zeros or not finite.
  public private(set) var cosine = Double.nan
  /// Why the elements could not be laid side by side, if they could not.
  public private(set) var mismatch: String?

  /// Elements that are made numbers at once.
  static let step = 1 << 16

  /// Weights that cannot be compared, and why.
  init(mismatch: String) {
    self.mismatch = mismatch
    difference = .infinity
  }

  /// Compares two tensors of one type and shape.
  init(_ a: Tensor, _ b: Tensor) {
    var (worst, worstIndex) = (-1.0, 0)
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for start in stride(from: 0, to: a.count, by: WeightChange.step) {
      let range = start..<min(start + WeightChange.step, a.count)
      let (x, y) = (a.elements(range), b.elements(range))
      let other = x.differingElements(from: y)
      let mine = x.numbers
      let theirs = other.isEmpty ? mine : y.numbers
      for (p, q) in zip(mine, theirs) {
        ab += p * q
        aa += p * p
        bb += q * q
      }
      // A complex number is two.
      let parts = range.isEmpty ? 1 : mine.count / range.count
      for index in other {
        for part in index * parts..<(index + 1) * parts {
          let distance = WeightChange.distance(mine[part], theirs[part])
          if distance > worst {
            (worst, worstIndex, values) = (distance, start + index, Both(mine[part], theirs[part]))
          }
        }
      }
      differing += other.count
    }
    count = a.count
    difference = max(worst, 0)
    cosine = ab / (aa.squareRoot() * bb.squareRoot())
    guard worst >= 0 else { return }
    place = zip(b.shape.strides, b.shape.dimensions).map { stride, length in worstIndex / stride % length }
  }

  /// Absolute difference; zero for equal infinities and two NaNs.
  private static func distance(_ a: Double, _ b: Double) -> Double {
    if a == b || a.isNaN && b.isNaN { return 0 }
    let distance = abs(a - b)
    return distance.isNaN ? .infinity : distance
  }

  /// The number of one side at `place`, in the shortest spelling of the narrowest type that holds it.
  public func spelling(_ side: Side) -> String {
    let (number, float) = (values[side], Float(values[side]))
    return Double(float) == number ? "\(float)" : "\(number)"
  }

  private func json(_ side: Side) -> JSON {
    values[side].isFinite ? JSON(.number(spelling(side))) : JSON(values[side])
  }

  /// The change as a report holds it.
  public var json: [(String, JSON?)] {
    if let mismatch { return [("mismatch", JSON(mismatch))] }
    return [
      ("difference", JSON(difference)), ("at", JSON(place)), ("values", [json(.a), json(.b)]),
      ("cosine", JSON(cosine)), ("differing", JSON(differing)), ("compared", JSON(count)),
    ]
  }
}

extension WeightChange {
  /// Lays the elements of two weights side by side, as far as they can be: the wider type is cast, a matrix turned.
  static func between(_ a: Weight, _ b: Weight) throws(FormatError) -> (WeightChange, [WeightDiff.Step]) {
    let (x, y) = (a.entry, b.entry)
    func mismatch(_ what: String, _ mine: String, _ theirs: String) -> (WeightChange, [WeightDiff.Step]) {
      (WeightChange(mismatch: "has the \(what) \(mine) in A and \(theirs) in B"), [])
    }
    var steps: [WeightDiff.Step] = a.parts.isEmpty == b.parts.isEmpty ? [] : [.fold]
    if x.shape != y.shape {
      if x.shape.rank == 2, x.shape.dimensions == y.shape.dimensions.reversed() {
        steps.append(.transpose)
      } else if x.shape.dimensions.filter({ $0 != 1 }) == y.shape.dimensions.filter({ $0 != 1 }) {
        steps.append(.reshape)
      } else {
        return mismatch("shape", "\(x.shape)", "\(y.shape)")
      }
    }
    var dataType = x.dataType
    if x.dataType != y.dataType {
      guard x.dataType.isFloat, y.dataType.isFloat else {
        return mismatch("type", x.dataType.rawValue, y.dataType.rawValue)
      }
      let (wide, narrow) = x.dataType.size >= y.dataType.size ? (x, y) : (y, x)
      dataType = narrow.dataType
      steps.append(.cast(from: wide.dataType, to: dataType))
    }
    let mine = try a.seen(as: dataType, transposed: steps.contains(.transpose)).rowMajor
    let theirs = try b.seen(as: dataType, transposed: false).rowMajor
    return (WeightChange(mine.reshaped(theirs.shape), theirs), steps)
  }
}
