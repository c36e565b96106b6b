// Numbers have one spelling each: the fewest digits that give the same float again, without an exponent from 0.0001 up to 10^16.

extension JSON {
  /// `shortest` is the number as Swift writes it, whose digits are the fewest; where it puts the exponent is its own.
  static func spelling(_ number: Double, _ shortest: String) -> Content {
    if number.isNaN { return .string("NaN") }
    if number.isInfinite { return .string(number < 0 ? "-Infinity" : "Infinity") }
    let sign = shortest.hasPrefix("-") ? "-" : ""
    let parts = shortest.dropFirst(sign.count).split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = String(mantissa[0]) + (mantissa.count > 1 ? mantissa[1] : "")
    // The number is 0.digits × 10^point.
    var point = mantissa[0].count + (parts.count > 1 ? Int(parts[1])! : 0)
    let zeros = digits.prefix { $0 == "0" }.count
    digits.removeFirst(zeros)
    point -= zeros
    while digits.last == "0" { digits.removeLast() }
    if digits.isEmpty { return .number(sign + "0") }
    if (-3...16).contains(point) {
      if point <= 0 { return .number(sign + "0." + String(repeating: "0", count: -point) + digits) }
      if point >= digits.count { return .number(sign + digits + String(repeating: "0", count: point - digits.count)) }
      return .number(sign + digits.prefix(point) + "." + digits.dropFirst(point))
    }
    let exponent = String(abs(point - 1))
    return .number(
      sign + digits.prefix(1) + (digits.count > 1 ? "." : "") + digits.dropFirst() + (point < 1 ? "e-" : "e+")
        + (exponent.count < 2 ? "0" : "") + exponent)
  }

  /// The same document with each number in its one spelling. Digits alone stay as they are up to sixteen of them.
  public var withCanonicalNumbers: JSON {
    switch content {
    case .null, .bool, .string: self
    case .number(let text):
      text.utf8.count <= 16
        && !text.utf8.contains { [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains($0) }
        ? self : JSON(Double(text)!)
    case .array(let elements): JSON(elements.map(\.withCanonicalNumbers))
    case .object(let members): JSON(.object(members.map { Member($0.name, $0.value.withCanonicalNumbers) }))
    }
  }
}
