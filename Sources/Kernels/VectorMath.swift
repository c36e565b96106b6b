/// Eight floats, the width of the vector loops here.
public typealias Vector = SIMD8<Float>

/// a · b + c, in one rounding where the build allows fused arithmetic and in two where it does not.
@inline(__always)
func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
  #if ASSAY_FMA
    c.addingProduct(a, b)
  #else
    a * b + c
  #endif
}

/// A float that holds its nearest whole number in its low bits: x + 1.5 · 2^23. No conversion could trap.
private let rounder: Float = 12_582_912

/// 2^part · 2^n for part in -0.5...0.5 and n in the low bits of `shifted`; the polynomial is within 2e-9.
@inline(__always)
private func power(_ part: Vector, _ shifted: Vector) -> Vector {
  var y = Vector(repeating: 0.000153458080603741_1)
  y = multiplyAdd(y, part, Vector(repeating: 0.00133999309036880_73))
  y = multiplyAdd(y, part, Vector(repeating: 0.00961848907172679_9))
  y = multiplyAdd(y, part, Vector(repeating: 0.0555032864212989_8))
  y = multiplyAdd(y, part, Vector(repeating: 0.240226462483406_07))
  y = multiplyAdd(y, part, Vector(repeating: 0.693147182464599_6))
  y = multiplyAdd(y, part, Vector(repeating: 1))
  return Vector(bitPattern: y.bits &+ (shifted.bits &<< 23))
}

/// 2^x for x in -126...126, about 1 ulp.
@inline(__always)
func exp2(_ x: Vector) -> Vector {
  let shifted = x + rounder
  return power(x - (shifted - rounder), shifted)
}

/// e^x for x of at most 87; below -87 it is 0. About 2 ulp where arithmetic is fused, 3e-6 of the value elsewhere.
@inline(__always)
func exp(_ x: Vector) -> Vector {
  let inside = larger(smaller(x, Vector(repeating: 87)), Vector(repeating: -87))
  // log2(e) in two parts: the power would magnify the rounding error of one.
  let log2e = Vector(repeating: 1.44269504)
  let shifted = inside * log2e + rounder
  let part = multiplyAdd(inside, log2e, -(shifted - rounder)) + inside * 1.92596299e-8
  return power(part, shifted).replacing(with: 0, where: x .< -87).replacing(with: x, where: x .!= x)
}

/// 1 - Φ(a) for a in 0...6, Φ being the normal distribution: 2^-(a · q(a)) / 2, q fitted to within 6e-9 of the result.
@inline(__always)
func normalTail(_ a: Vector) -> Vector {
  var q = Vector(repeating: 2.47868250369265_3e-08)
  q = multiplyAdd(q, a, Vector(repeating: -7.62084880534530_4e-07))
  q = multiplyAdd(q, a, Vector(repeating: 1.00066597970798_3e-05))
  q = multiplyAdd(q, a, Vector(repeating: -7.13047775207087_4e-05))
  q = multiplyAdd(q, a, Vector(repeating: 0.000263391673797741_5))
  q = multiplyAdd(q, a, Vector(repeating: 3.09416900563519_5e-05))
  q = multiplyAdd(q, a, Vector(repeating: -0.00698159355670213_7))
  q = multiplyAdd(q, a, Vector(repeating: 0.0524627454578876_5))
  q = multiplyAdd(q, a, Vector(repeating: 0.459214478731155_4))
  q = multiplyAdd(q, a, Vector(repeating: 1.15110480785369_87))
  return exp2(-(q * a)) * 0.5
}

// The library's pointwise minimum and maximum go lane by lane.

/// a where a < b, else b.
@inline(__always)
func smaller(_ a: Vector, _ b: Vector) -> Vector { b.replacing(with: a, where: a .< b) }

/// a where a > b, else b.
@inline(__always)
func larger(_ a: Vector, _ b: Vector) -> Vector { b.replacing(with: a, where: a .> b) }

extension Vector {
  @inline(__always)
  var bits: SIMD8<UInt32> { unsafeBitCast(self, to: SIMD8<UInt32>.self) }

  @inline(__always)
  init(bitPattern: SIMD8<UInt32>) { self = unsafeBitCast(bitPattern, to: Vector.self) }
}

/// Calls `body` for eight elements at a time, then with what is left, padded by zeros; both must be element by element.
@inline(__always)
func forEachVector(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int, _ body: (Vector) -> Vector
) {
  var index = 0
  while index &+ 8 <= count {
    let vector = UnsafeRawPointer(x + index).loadUnaligned(as: Vector.self)
    UnsafeMutableRawPointer(y + index).storeBytes(of: body(vector), as: Vector.self)
    index &+= 8
  }
  if index < count {
    var rest = Vector.zero
    for lane in 0..<count - index { rest[lane] = x[index + lane] }
    rest = body(rest)
    for lane in 0..<count - index { y[index + lane] = rest[lane] }
  }
}

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Vector { UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self) }

@inline(__always)
func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}
