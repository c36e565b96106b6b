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

extension Tensor {
  /// Calls `body` with every element as a double; the two parts of a complex number follow each other.
  func forEachNumber(_ body: (Double) -> Void) {
    bytes.withUnsafeBytes { raw in
      func each<T>(_ type: T.Type, _ convert: (T) -> Double) where T: BitwiseCopyable {
        for offset in stride(from: 0, to: raw.count, by: MemoryLayout<T>.size) {
          body(convert(raw.loadUnaligned(fromByteOffset: offset, as: T.self)))
        }
      }
      switch dataType {
      case .float64, .complex128: each(Double.self) { $0 }
      case .float32, .complex64: each(Float.self) { Double($0) }
      case .float16: each(UInt16.self) { $0.miniFloat(exponentBits: 5, fractionBits: 10) }
      case .bfloat16: each(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
      case .float8E5M2: each(UInt8.self) { UInt16($0).miniFloat(exponentBits: 5, fractionBits: 2) }
      case .float8E4M3:
        // No infinities: only all ones in exponent and fraction is set apart, as NaN.
        each(UInt8.self) { bits in
          bits & 0x7F == 0x7F ? .nan : UInt16(bits).miniFloat(exponentBits: 4, fractionBits: 3, hasSpecials: false)
        }
      case .int64: each(Int64.self) { Double($0) }
      case .int32: each(Int32.self) { Double($0) }
      case .int16: each(Int16.self) { Double($0) }
      case .int8: each(Int8.self) { Double($0) }
      case .uint64: each(UInt64.self) { Double($0) }
      case .uint32: each(UInt32.self) { Double($0) }
      case .uint16: each(UInt16.self) { Double($0) }
      case .uint8, .bool: each(UInt8.self) { Double($0) }
      }
    }
  }
}

extension UInt16 {
  /// The bits as a small IEEE-like float: sign, exponent, fraction.
  fileprivate func miniFloat(exponentBits: Int, fractionBits: Int, hasSpecials: Bool = true) -> Double {
    let bits = Int(self)
    let exponent = bits >> fractionBits & ((1 << exponentBits) - 1)
    let fraction = bits & ((1 << fractionBits) - 1)
    let sign = bits >> (exponentBits + fractionBits) & 1 == 1 ? -1.0 : 1.0
    let bias = (1 << (exponentBits - 1)) - 1
    if hasSpecials, exponent == (1 << exponentBits) - 1 { return fraction == 0 ? sign * .infinity : .nan }
    let significand = Double(exponent == 0 ? fraction : fraction | 1 << fractionBits)
    return Double(
      sign: sign < 0 ? .minus : .plus, exponent: Swift.max(exponent, 1) - bias - fractionBits, significand: significand)
  }
}
