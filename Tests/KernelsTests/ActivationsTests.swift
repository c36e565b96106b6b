import Foundation
import Kernels
import Testing

@Suite struct ActivationsTests {
  private static func dense(_ range: ClosedRange<Float>, steps: Int) -> [Float] {
    (0...steps).map { range.lowerBound + (range.upperBound - range.lowerBound) * Float($0) / Float(steps) }
  }

  private func gelu(_ x: [Float], threads: Int = 1) -> [Float] {
    mapped(x, threads: threads) { Kernels.gelu($0, $1, count: $2, workers: $3) }
  }

  /// The definition by the C library's double-precision complementary error function, which cancels nowhere.
  private func exact(_ x: Float) -> Double { Double(x) * 0.5 * erfc(-Double(x) / 2.0.squareRoot()) }

  @Test func geluIsWithinItsBound() {
    let x = ActivationsTests.dense(-8...8, steps: 60_000) + ActivationsTests.dense(-0.01...0.01, steps: 4_000)
    for (x, y) in zip(x, gelu(x)) {
      let truth = exact(x)
      #expect((Double(y) - truth).magnitude <= 4e-7, "gelu(\(x)) = \(y)")
      if x > 0 { #expect(ulps(y, from: truth) <= 2, "gelu(\(x)) = \(y)") }
    }
  }

  @Test func geluFarFromZero() {
    // Beyond 6 on the left the value is above -6e-9 and may be given as -0; on the right it is x.
    for (x, y) in zip([-6.001, -7, -8, -20, -1e10, -3e38], gelu([-6.001, -7, -8, -20, -1e10, -3e38])) {
      #expect(y <= 0 && y >= -6e-9, "gelu(\(x)) = \(y)")
    }
    #expect(gelu([6.001, 8, 100, 3e38, .infinity]) == [6.001, 8, 100, 3e38, .infinity])
    // The limit; PyTorch's own -inf · 0 is NaN.
    #expect(gelu([-.infinity]) == [0])
    #expect(gelu([.nan, 1, -.nan]).map(\.isNaN) == [true, false, true])
    #expect(gelu([0, -0.0]).map(\.bitPattern) == [0, 0x8000_0000])
    // Half of a subnormal number, ties to even.
    #expect(gelu([0x1p-148, 0x1p-140, -0x1p-140]) == [0x1p-149, 0x1p-141, -0x1p-141])
  }

  @Test func geluTanhIsWithinASmallMultipleOfFloatRounding() {
    let x = ActivationsTests.dense(-8...8, steps: 20_000)
    let y = mapped(x) { geluTanh($0, $1, count: $2, workers: $3) }
    for (x, y) in zip(x, y) {
      let wide = Double(x)
      let truth =
        0.5 * wide * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (wide + 0.044715 * wide * wide * wide)))
      // A rounding of 1 + tanh, and of its argument, times x.
      #expect((Double(y) - truth).magnitude <= 5e-7 + 3e-7 * truth.magnitude, "geluTanh(\(x)) = \(y)")
    }
  }

  @Test func sigmoidAndTanhAreCloseToTheDefinition() {
    let x = ActivationsTests.dense(-80...80, steps: 8_000)
    let sigmoids = mapped(x) { sigmoid($0, $1, count: $2, workers: $3) }
    let tanhs = mapped(x) { tanh($0, $1, count: $2, workers: $3) }
    for index in x.indices {
      let wide = Double(x[index])
      #expect(ulps(sigmoids[index], from: 1 / (1 + Foundation.exp(-wide))) <= 3, "sigmoid(\(x[index]))")
      #expect(ulps(tanhs[index], from: Foundation.tanh(wide)) <= 2, "tanh(\(x[index]))")
    }
  }

  @Test func reluAndRootAreExact() {
    let x: [Float] = [-1, 0, 2, .nan, .infinity, -.infinity, 0x1p-149, 3, -0x1p-149]
    let relus = mapped(x) { relu($0, $1, count: $2, workers: $3) }
    #expect(relus.map { $0.isNaN ? -1 : $0 } == [0, 0, 2, -1, .infinity, 0, 0x1p-149, 3, 0])
    let positive = randomNumbers(4_001, seed: 3).map { $0.magnitude * 1e3 }
    #expect(mapped(positive) { squareRoot($0, $1, count: $2, workers: $3) } == positive.map { $0.squareRoot() })
  }

  /// Enough numbers that three workers share them, and a length that is no multiple of eight.
  @Test func workersAndPlacesInAVectorDoNotMatter() {
    let x = randomNumbers(40_003, seed: 4).map { $0 * 9 }
    let one = gelu(x).map(\.bitPattern)
    for threads in 2...3 { #expect(gelu(x, threads: threads).map(\.bitPattern) == one) }
    for start in 1..<9 {
      #expect(gelu(Array(x[start..<start + 20])).map(\.bitPattern) == Array(one[start..<start + 20]))
    }
  }
}
