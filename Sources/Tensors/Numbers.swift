import Bytes

// Elements as numbers, whatever their type.

extension Tensor {
  /// Calls `body` with every element as a double; the two parts of a complex number follow each other.
  public func forEachNumber(_ body: (Double) -> Void) {
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

  /// Every element as a double; the two parts of a complex number follow each other.
  public var numbers: [Double] {
    var numbers: [Double] = []
    numbers.reserveCapacity(count)
    forEachNumber { numbers.append($0) }
    return numbers
  }

  /// Some elements in row-major order, as a vector.
  public func elements(_ range: Range<Int>) -> Tensor {
    Tensor(dataType, [range.count], bytes: bytes[range.lowerBound * dataType.size..<range.upperBound * dataType.size])
  }

  /// True when all elements have the same bits.
  public var isUniform: Bool {
    count < 2 || elements(0..<count - 1).bytes.hasSameBytes(as: elements(1..<count).bytes)
  }

  /// The places of the elements, counted row by row, whose bits are not those of `other`, which has the same type and
  /// as many.
  public func differingElements(from other: Tensor) -> [Int] {
    precondition(dataType == other.dataType && count == other.count)
    guard !bytes.hasSameBytes(as: other.bytes) else { return [] }
    let size = dataType.size
    return bytes.withUnsafeBytes { mine in
      other.bytes.withUnsafeBytes { theirs in
        (0..<count).filter { index in
          let bytes = index * size..<(index + 1) * size
          return !mine[bytes].elementsEqual(theirs[bytes])
        }
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
