// Between widths of floats, by integer arithmetic: the same bits on every machine.

/// The half-width floating-point types a weight may be stored in.
public enum HalfWidth: Sendable { case float16, bfloat16 }

/// What narrowing lost.
public struct CastCounts: Hashable, Sendable {
  /// Finite numbers that became infinite.
  public var overflowed = 0
  /// Numbers other than zero that became zero.
  public var flushed = 0

  /// Nothing lost.
  public init() {}
}

/// y = x, widened exactly.
public func widen(
  _ x: UnsafePointer<UInt16>, _ y: UnsafeMutablePointer<Float>, count: Int, from type: HalfWidth, workers: Workers
) {
  workers.split(count, grain: 65536) { range in
    switch type {
    case .bfloat16: for index in range { y[index] = widened(x[index], from: .bfloat16) }
    case .float16: for index in range { y[index] = widened(x[index], from: .float16) }
    }
  }
}

/// One half-width number, widened exactly.
@inline(__always)
public func widened(_ half: UInt16, from type: HalfWidth) -> Float {
  if type == .bfloat16 { return Float(bitPattern: UInt32(half) << 16) }
  let sign = UInt32(half & 0x8000) << 16
  let magnitude = UInt32(half & 0x7FFF)
  // Moving the exponent by a power of two is exact and brings subnormals along; infinity and NaN are set apart.
  let moved = (Float(bitPattern: magnitude << 13) * 0x1p112).bitPattern
  let special = (magnitude << 13) | 0x7F80_0000
  return Float(bitPattern: sign | (magnitude >= 0x7C00 ? special : moved))
}

/// y = x, rounded to the nearest representable number, ties to even.
public func narrow(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt16>, count: Int, to type: HalfWidth
) -> CastCounts {
  var counts = CastCounts()
  for index in 0..<count {
    let bits = x[index].bitPattern
    let half = type == .float16 ? narrowedToFloat16(bits) : narrowedToBFloat16(bits)
    let infinity: UInt16 = type == .float16 ? 0x7C00 : 0x7F80
    if half & 0x7FFF == infinity && bits & 0x7FFF_FFFF < 0x7F80_0000 { counts.overflowed += 1 }
    if half & 0x7FFF == 0 && bits & 0x7FFF_FFFF != 0 { counts.flushed += 1 }
    y[index] = half
  }
  return counts
}

private func narrowedToBFloat16(_ bits: UInt32) -> UInt16 {
  if bits & 0x7FFF_FFFF > 0x7F80_0000 { return UInt16(bits >> 16) | 0x40 }
  return UInt16((bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}

private func narrowedToFloat16(_ bits: UInt32) -> UInt16 {
  let sign = UInt16(bits >> 16 & 0x8000)
  let magnitude = bits & 0x7FFF_FFFF
  if magnitude >= 0x7F80_0000 {
    return sign | 0x7C00 | (magnitude > 0x7F80_0000 ? UInt16(magnitude >> 13 & 0x3FF) | 0x200 : 0)
  }
  // From 65520 on the nearest number is beyond the largest, 65504.
  if magnitude >= 0x477F_F000 { return sign | 0x7C00 }
  if magnitude >= 0x3880_0000 {
    let rebiased = magnitude - 0x3800_0000
    return sign | UInt16((rebiased + 0xFFF + (rebiased >> 13 & 1)) >> 13)
  }
  // Subnormal: a multiple of 2^-24. Below half of that everything rounds to zero.
  let exponent = Int(magnitude >> 23)
  let shift = 126 - exponent
  guard shift <= 24 else { return sign }
  let significand = magnitude & 0x7F_FFFF | 0x80_0000
  let kept = significand >> UInt32(shift)
  let rest = significand & ((1 << UInt32(shift)) - 1)
  let half = UInt32(1) << UInt32(shift - 1)
  return sign | UInt16(kept + (rest > half || rest == half && kept & 1 == 1 ? 1 : 0))
}
