// Half-width numbers to floats, eight at a time, on the calling thread. Widening is exact, so that whatever does it gives
// the same numbers as `widened`.

/// y = x, widened; `count` is a multiple of eight.
func widen(
  _ x: UnsafePointer<UInt16>, _ y: UnsafeMutablePointer<Float>, count: Int, from type: HalfWidth
) {
  var index = 0
  switch type {
  case .bfloat16:
    while index < count {
      store(Vector(bitPattern: SIMD8<UInt32>(truncatingIfNeeded: loadHalves(x + index)) &<< 16), y + index)
      index &+= 8
    }
  case .float16:
    while index < count {
      store(widenedFloat16(x + index), y + index)
      index &+= 8
    }
  }
}

@inline(__always)
private func loadHalves(_ pointer: UnsafePointer<UInt16>) -> SIMD8<UInt16> {
  UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<UInt16>.self)
}

#if ASSAY_F16C
  /// One instruction.
  @inline(__always)
  private func widenedFloat16(_ x: UnsafePointer<UInt16>) -> Vector {
    Vector(UnsafeRawPointer(x).loadUnaligned(as: SIMD8<Float16>.self))
  }
#else
  /// As `widened` does it; compared as floats, since comparing unsigned integers is not done in vectors.
  @inline(__always)
  private func widenedFloat16(_ x: UnsafePointer<UInt16>) -> Vector {
    let bits = SIMD8<UInt32>(truncatingIfNeeded: loadHalves(x))
    let sign = (bits & 0x8000) &<< 16
    let magnitude = (bits & 0x7FFF) &<< 13
    let moved = Vector(bitPattern: magnitude) * 0x1p112
    let special = Vector(bitPattern: magnitude | 0x7F80_0000)
    return Vector(bitPattern: sign | moved.replacing(with: special, where: moved .>= 65536).bits)
  }
#endif
