import Bytes
import Testing

@Suite struct JSONNumbersTests {
  /// What Python's `repr` writes for each, without `.0` at its end.
  @Test(
    arguments: [
      (0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (0.1, "0.1"), (0.0001, "0.0001"), (0.00012345, "0.00012345"),
      (0.00009999, "9.999e-05"), (1e-5, "1e-05"), (1e-7, "1e-07"), (1.5e-10, "1.5e-10"), (5e-324, "5e-324"),
      (2.2250738585072014e-308, "2.2250738585072014e-308"), (123456.789, "123456.789"), (1e15, "1000000000000000"),
      (9_999_999_999_999_998, "9999999999999998"), (1e16, "1e+16"), (12_345_678_901_234_568, "1.2345678901234568e+16"),
      (1.5e16, "1.5e+16"), (1e22, "1e+22"), (1.7976931348623157e308, "1.7976931348623157e+308"),
      (-123.456, "-123.456"), (100, "100"), (0.3, "0.3"), (1.0 / 3, "0.3333333333333333"),
    ] as [(Double, String)])
  func doublesHaveOneSpelling(_ number: Double, _ spelling: String) throws {
    #expect(JSON(number).compact == spelling)
    #expect(Double(spelling)?.bitPattern == number.bitPattern)
    let read = JSON(.number(spelling)).withCanonicalNumbers
    #expect(read.compact == spelling)
  }

  @Test(
    arguments: [
      (0.35355338, "0.35355338"), (1e-5, "1e-05"), (1.4e-45, "1e-45"), (16_777_216, "16777216"), (2e7, "20000000"),
      (3.4028235e38, "3.4028235e+38"), (0.1, "0.1"), (-0.0, "-0"), (1e16, "1e+16"),
    ] as [(Float, String)])
  func floatsHaveTheFewestDigits(_ number: Float, _ spelling: String) {
    #expect(JSON(number).compact == spelling)
    #expect(Float(spelling)?.bitPattern == number.bitPattern)
  }

  @Test(arguments: [
    ("1.0", "1"), ("1e-5", "1e-05"), ("1E-05", "1e-05"), ("0.10", "0.1"), ("1e2", "100"), ("1e+16", "1e+16"),
    ("10000000000000000", "1e+16"), ("0.00001", "1e-05"), ("-0.0", "-0"), ("123", "123"), ("-7", "-7"),
    ("1e999", "\"Infinity\""),
  ])
  func otherSpellingsBecomeTheOne(_ text: String, _ spelling: String) {
    #expect(JSON(.array([JSON(.number(text))])).withCanonicalNumbers.compact == "[\(spelling)]")
  }
}
