import Kernels
import Testing

@Suite struct MatrixProductTests {
  private static let shapes =
    [(1, 1, 1), (1, 70, 1), (70, 1, 1), (1, 1, 70), (1, 33, 20), (33, 1, 20), (2, 3, 5), (16, 16, 16), (17, 33, 9)]
    + [(49, 64, 256), (49, 100, 127), (8, 8, 300), (129, 15, 31), (100, 7, 3), (7, 130, 64)]

  /// How far a product of floats may be: two roundings of the sum of absolute values, times the root of its terms.
  private func agrees(_ value: Float, _ truth: Double, _ magnitude: Double, _ k: Int) -> Bool {
    (Double(value) - truth).magnitude <= 0x1p-23 * Double(k).squareRoot() * magnitude + 0x1p-149
  }

  /// Rows further apart than they are long, as in a convolution or a head; what lies between must stay.
  @Test(arguments: shapes) func isTheSumOfProducts(_ m: Int, _ n: Int, _ k: Int) {
    let (strideA, strideB, strideC) = (k + 3, k + 1, n + 2)
    let a = randomNumbers(m * strideA, seed: 1)
    let b = randomNumbers(n * strideB, seed: 2)
    let row = randomNumbers(n, seed: 3)
    let before = randomNumbers(m * strideC, seed: 4)
    for threads in 1...3 {
      for kind in 0..<4 {
        var c = before
        row.withUnsafeBufferPointer { row in
          let addend: Addend = [.zero, .row(nil), .row(row.baseAddress), .result][kind]
          a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
              c.withUnsafeMutableBufferPointer { c in
                multiply(
                  Matrix(a.baseAddress!, stride: strideA), transposed: Matrix(b.baseAddress!, stride: strideB),
                  plus: addend, into: c.baseAddress!, columnStride: strideC, m: m, n: n, k: k,
                  workers: Workers(threads))
              }
            }
          }
        }
        var wrong = 0
        for i in 0..<m {
          for j in 0..<strideC {
            guard j < n else {
              wrong += c[i * strideC + j] == before[i * strideC + j] ? 0 : 1
              continue
            }
            var truth = kind == 2 ? Double(row[j]) : kind == 3 ? Double(before[i * strideC + j]) : 0
            var magnitude = truth.magnitude
            for term in 0..<k {
              let product = Double(a[i * strideA + term]) * Double(b[j * strideB + term])
              truth += product
              magnitude += product.magnitude
            }
            wrong += agrees(c[i * strideC + j], truth, magnitude, k) ? 0 : 1
          }
        }
        #expect(wrong == 0, "addend \(kind), \(threads) threads")
      }
    }
  }

  /// Long enough that products are cut, on both sides and at odd places.
  @Test(arguments: [(300, 150, 70), (150, 300, 70), (129, 1000, 33), (2111, 40, 65), (1, 777, 64)])
  func anyNumberOfWorkersGivesTheSameBits(_ m: Int, _ n: Int, _ k: Int) {
    let (a, b) = (randomNumbers(m * k, seed: 1), randomNumbers(n * k, seed: 2))
    func products(_ workers: Workers) -> [[UInt32]] {
      var (first, second) = ([Float](repeating: 0, count: m * n), [Float](repeating: 0, count: m * n))
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          first.withUnsafeMutableBufferPointer {
            multiply(
              Matrix(a.baseAddress!, stride: k), transposed: Matrix(b.baseAddress!, stride: k), plus: .zero,
              into: $0.baseAddress!, columnStride: n, m: m, n: n, k: k, workers: workers)
          }
          second.withUnsafeMutableBufferPointer {
            multiply(a.baseAddress!, b.baseAddress!, into: $0.baseAddress!, m: m, n: n, k: k, workers: workers)
          }
        }
      }
      return [first, second].map { $0.map(\.bitPattern) }
    }
    let expected = products(Workers(1))
    for count in [2, 3, 4, 5, 16, 64] { #expect(products(Workers(count)) == expected, "\(count) workers") }
  }

  @Test func sayWhatItRunsOn() { #expect(matrixProductDescription().contains("OpenBLAS")) }
}
