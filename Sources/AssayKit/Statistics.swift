import Bytes
import Tensors

/// A tensor's numbers in short.
public struct Statistics: Hashable, Sendable {
  /// The smallest number; NaNs are left out here and below, infinities in mean and deviation too.
  public private(set) var minimum = Double.infinity
  /// The largest number.
  public private(set) var maximum = -Double.infinity
  /// The average of the finite numbers.
  public private(set) var mean = 0.0
  /// The root of the average squared distance from the mean.
  public private(set) var deviation = 0.0
  /// How many are NaN.
  public private(set) var nans = 0
  /// How many are infinite.
  public private(set) var infinities = 0
  /// How many are zero.
  public private(set) var zeros = 0

  /// Counts through `tensor`, twice; complex numbers count as two real ones.
  public init(_ tensor: Tensor) {
    var (sum, finite) = (0.0, 0)
    tensor.forEachNumber { number in
      if number.isNaN {
        nans += 1
        return
      }
      minimum = min(minimum, number)
      maximum = max(maximum, number)
      if number == 0 { zeros += 1 }
      if number.isInfinite {
        infinities += 1
      } else {
        sum += number
        finite += 1
      }
    }
    guard finite > 0 else { return }
    let mean = sum / Double(finite)
    var squares = 0.0
    tensor.forEachNumber { if $0.isFinite { squares += ($0 - mean) * ($0 - mean) } }
    self.mean = mean
    deviation = (squares / Double(finite)).squareRoot()
  }

  /// The statistics as a document.
  public var json: JSON {
    [
      "min": JSON(minimum), "max": JSON(maximum), "mean": JSON(mean), "std": JSON(deviation), "nan": JSON(nans),
      "inf": JSON(infinities), "zeros": JSON(zeros),
    ]
  }
}
