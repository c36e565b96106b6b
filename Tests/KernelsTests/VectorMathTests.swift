import Foundation
import Testing

@testable import Kernels

@Suite struct VectorMathTests {
  /// Applies a function of eight numbers to a whole array.
  private func each(_ x: [Float], _ function: (Vector) -> Vector) -> [Float] {
    stride(from: 0, to: x.count, by: 8).flatMap { start in
      var vector = Vector.zero
      for lane in 0..<min(8, x.count - start) { vector[lane] = x[start + lane] }
      let result = function(vector)
      return (0..<min(8, x.count - start)).map { result[$0] }
    }
  }

  private func dense(from low: Float, to high: Float, steps: Int) -> [Float] {
    (0...steps).map { low + (high - low) * Float($0) / Float(steps) }
  }

  @Test func powersOfEAreWithinTheirBound() {
    #if ASSAY_FMA
      let bound = 2.5 * 0x1p-23  // "about 2 ulp where arithmetic is fused"
    #else
      let bound = 3e-6  // "3e-6 of the value elsewhere"
    #endif
    let x = dense(from: -87, to: 87, steps: 40_000) + dense(from: -1, to: 1, steps: 8_000)
    for (x, y) in zip(x, each(x) { Kernels.exp($0) }) {
      let truth = Foundation.exp(Double(x))
      #expect((Double(y) - truth).magnitude <= bound * truth, "exp(\(x)) = \(y)")
    }
  }

  @Test func powersOfEAtTheEdges() {
    #expect(each([0, -0.0, -87.5, -1e30, -.infinity]) { Kernels.exp($0) } == [1, 1, 0, 0, 0])
    #expect(each([.nan, -.nan]) { Kernels.exp($0) }.allSatisfy { $0.isNaN })
  }

  @Test func powersOfTwoAreWithinAnUlpAndAHalf() {
    let x = dense(from: -126, to: 126, steps: 30_000)
    for (x, y) in zip(x, each(x) { Kernels.exp2($0) }) {
      #expect(ulps(y, from: Foundation.exp2(Double(x))) <= 1.5, "exp2(\(x)) = \(y)")
    }
    let whole = (-126...126).map { Float($0) }
    #expect(each(whole) { Kernels.exp2($0) } == whole.map { Foundation.exp2($0) })
  }

  @Test func theNormalTailIsWithinItsBound() {
    let a = dense(from: 0, to: 6, steps: 20_000)
    for (a, y) in zip(a, each(a) { normalTail($0) }) {
      let truth = 0.5 * erfc(Double(a) / 2.0.squareRoot())
      // The fit's 6e-9, and the roundings of a result of at most a half.
      #expect((Double(y) - truth).magnitude <= 6e-9 + 3 * 0x1p-24 * max(truth, 0.25), "tail(\(a)) = \(y)")
    }
  }

  @Test func whatIsLeftAfterTheLastEightIsComputedToo() {
    for count in 0..<25 {
      let x = (0..<count).map { Float($0) }
      var y = [Float](repeating: -1, count: count + 1)
      x.withUnsafeBufferPointer { x in
        y.withUnsafeMutableBufferPointer { y in
          guard let source = x.baseAddress else { return }
          forEachVector(source, y.baseAddress!, count: count) { $0 + 1 }
        }
      }
      #expect(y == x.map { $0 + 1 } + [-1], "\(count)")
    }
  }
}
