/// 1, 2 or 5 times a power of ten: what scales end at and axes are marked with.
struct RoundNumber {
  let digit: Int
  let exponent: Int

  /// The smallest that is not below `number`, which is positive and finite.
  init(atLeast number: Double) {
    var exponent = 0
    while RoundNumber.value(1, exponent) > number { exponent -= 1 }
    while RoundNumber.value(1, exponent + 1) <= number { exponent += 1 }
    let digit = [1, 2, 5].first { RoundNumber.value($0, exponent) >= number }
    (self.digit, self.exponent) = digit.map { ($0, exponent) } ?? (1, exponent + 1)
  }

  var value: Double { RoundNumber.value(digit, exponent) }

  /// `count` times the number, in decimal digits where they are few.
  func text(times count: Int = 1) -> String {
    let number = digit * count
    guard number != 0 else { return "0" }
    if !(-6...6).contains(exponent) { return "\(number)e\(exponent)" }
    return exponent < 0
      ? fixed(RoundNumber.value(number, exponent), -exponent)
      : "\(number)" + String(repeating: "0", count: exponent)
  }

  private static func value(_ digit: Int, _ exponent: Int) -> Double {
    let power = (0..<abs(exponent)).reduce(1.0) { product, _ in product * 10 }
    return exponent < 0 ? Double(digit) / power : Double(digit) * power
  }
}
