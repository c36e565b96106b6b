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
  // The counters of a block have 32 bits, so that as many lanes count as convert.
  for start in stride(from: 0, to: count, by: 1 << 30) {
    let size = min(count - start, 1 << 30)
    switch type {
    case .float16: narrow(x + start, y + start, size, infinity: 0x7C00, &counts, narrowedToFloat16)
    case .bfloat16: narrow(x + start, y + start, size, infinity: 0x7F80, &counts, narrowedToBFloat16)
    }
  }
  return counts
}

/// No branch depends on a number: the compiler makes vectors of this.
@inline(__always)
private func narrow(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt16>, _ count: Int, infinity: UInt32,
  _ counts: inout CastCounts, _ convert: (UInt32) -> UInt32
) {
  var (overflowed, flushed) = (UInt32(0), UInt32(0))
  for index in 0..<count {
    let bits = x[index].bitPattern
    let magnitude = bits & 0x7FFF_FFFF
    let half = convert(bits)
    let result = half & 0x7FFF
    overflowed &+= (result == infinity ? 1 : 0) & (magnitude < infinite ? 1 : 0)
    flushed &+= (result == 0 ? 1 : 0) & (magnitude != 0 ? 1 : 0)
    y[index] = UInt16(truncatingIfNeeded: half)
  }
  counts.overflowed += Int(overflowed)
  counts.flushed += Int(flushed)
}

/// The bits of infinity; above them are NaNs.
private let infinite: UInt32 = 0x7F80_0000

@inline(__always)
private func narrowedToBFloat16(_ bits: UInt32) -> UInt32 {
  let rounded = (bits &+ 0x7FFF &+ (bits &>> 16 & 1)) &>> 16
  return bits & 0x7FFF_FFFF > infinite ? bits &>> 16 | 0x40 : rounded
}

@inline(__always)
private func narrowedToFloat16(_ bits: UInt32) -> UInt32 {
  let magnitude = bits & 0x7FFF_FFFF
  // A normal number: the exponent's bias changes, the last 13 bits are rounded away.
  let rebiased = magnitude &- 0x3800_0000
  let normal = (rebiased &+ 0xFFF &+ (rebiased &>> 13 & 1)) &>> 13
  // A subnormal one is a multiple of 2^-24, which is the last place of numbers from 0.5 on: one sum rounds to it.
  let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
  let finite = magnitude < 0x3880_0000 ? subnormal : normal
  // From 65520 on the nearest number is beyond the largest, 65504.
  let bounded = magnitude >= 0x477F_F000 ? 0x7C00 : finite
  return bits &>> 16 & 0x8000 | (magnitude > infinite ? magnitude &>> 13 & 0x3FF | 0x7E00 : bounded)
}
