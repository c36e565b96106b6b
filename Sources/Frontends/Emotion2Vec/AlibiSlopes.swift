/// The slopes that attention with linear biases (Press et al., 2021) gives its heads.
enum AlibiSlopes {
  /// For 2ᵃ heads the powers 1, 2, ... of 2^(-2^(3 - a)); for other numbers those of the next smaller 2ᵃ, then every other
  /// one of 2ᵃ⁺¹. Doubles, rounded once.
  static func of(heads: Int) -> [Float] {
    var exponent = 0
    while 2 << exponent <= heads { exponent += 1 }
    let own = geometric(exponent)
    let others = geometric(exponent + 1).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    return (own + others.prefix(heads - own.count)).map { Float($0) }
  }

  private static func geometric(_ exponent: Int) -> [Double] {
    // Roots and powers of two are rounded alike by every machine.
    var ratio = exponent < 3 ? Double(sign: .plus, exponent: -(1 << (3 - exponent)), significand: 1) : 0.5
    for _ in 0..<max(exponent - 3, 0) { ratio = ratio.squareRoot() }
    var power = 1.0
    return (0..<1 << exponent).map { _ in
      power *= ratio
      return power
    }
  }
}
