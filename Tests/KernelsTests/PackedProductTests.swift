import Testing

@testable import Kernels

/// The packed product against sums in doubles, against OpenBLAS, and against itself on other numbers of workers.
struct PackedProductTests {
  @Test(arguments: [1, 5, 6, 7, 13, 49, 54], [1, 3, 15, 16, 17, 64, 1024])
  func productsAreWithinTheirBound(m: Int, n: Int) {
    for k in [1, 2, 7, 64, 1000, 4096] where m * n * k < 2_000_000 {
      let left = Noise(count: m * k, seed: UInt64(m &* 31 &+ k))
      let weight = Noise(count: n * k, seed: UInt64(n &* 17 &+ k))
      let bias = Noise(count: n, seed: 5)
      var results: [[Float]] = []
      for workers in [1, 2, 3].map(Workers.init) {
        let rows = ProductWeight(rows: weight.pointer, outputs: n, depth: k)
        let packed = ProductWeight(packing: weight.pointer, outputs: n, depth: k, workers: workers)
        for right in workers.count == 1 ? [rows, packed] : workers.count == 2 ? [rows] : [packed] {
          var result = [Float](repeating: .nan, count: m * n)
          result.withUnsafeMutableBufferPointer {
            multiply(
              Matrix(left.pointer, stride: k), by: right, ProductTail(bias: bias.pointer), into: $0.baseAddress!,
              columnStride: n, m: m, workers: workers)
          }
          results.append(result)
        }
      }
      // Same bits from rows and from panels, on one, two and three workers.
      #expect(results.allSatisfy { $0.map(\.bitPattern) == results[0].map(\.bitPattern) })

      var reference = [Float](repeating: .nan, count: m * n)
      reference.withUnsafeMutableBufferPointer {
        multiply(
          Matrix(left.pointer, stride: k), transposed: Matrix(weight.pointer, stride: k), plus: .row(bias.pointer),
          into: $0.baseAddress!, columnStride: n, m: m, n: n, k: k, workers: Workers(1))
      }
      var (worst, worstOfBLAS) = (0.0, 0.0)
      for row in Swift.stride(from: 0, to: m, by: max(1, m / 7)) {
        for column in Swift.stride(from: 0, to: n, by: max(1, n / 40)) {
          let exact = ExactSum(
            left.pointer + row * k, weight.pointer + column * k, count: k, plus: bias.pointer[column])
          worst = max(worst, exact.error(of: results[0][row * n + column]))
          worstOfBLAS = max(worstOfBLAS, exact.error(of: reference[row * n + column]))
        }
      }
      #expect(worst <= 1 && worstOfBLAS <= 1, "\(m) x \(n) x \(k)")
    }
  }

  @Test func rowsMayOverlapAndResultsMayBeAdded() {
    // Rows of 96 numbers that start every 32; the result lies between other numbers.
    let (m, n, k, step, columnStride) = (50, 35, 96, 32, 41)
    let left = Noise(count: (m - 1) * step + k, seed: 1)
    let weight = Noise(count: n * k, seed: 2)
    let addend = Noise(count: m * columnStride, seed: 3)
    for right in [
      ProductWeight(rows: weight.pointer, outputs: n, depth: k),
      ProductWeight(packing: weight.pointer, outputs: n, depth: k, workers: Workers(2)),
    ] {
      let own = Noise(count: m * columnStride, seed: 3)
      multiply(
        Matrix(left.pointer, stride: step), by: right,
        ProductTail(addend: Matrix(own.pointer, stride: columnStride)), into: own.pointer, columnStride: columnStride,
        m: m, workers: Workers(2))
      for row in 0..<m {
        for column in 0..<columnStride {
          let index = row * columnStride + column
          guard column < n else {
            #expect(own.pointer[index] == addend.pointer[index])
            continue
          }
          let exact = ExactSum(
            left.pointer + row * step, weight.pointer + column * k, count: k, plus: addend.pointer[index])
          #expect(exact.error(of: own.pointer[index]) <= 1)
        }
      }
    }
  }

  @Test(arguments: [16, 20]) func activationIsAppliedOnce(n: Int) {
    let (m, k) = (9, 1100)
    let (left, weight) = (Noise(count: m * k, seed: 1), Noise(count: n * k, seed: 2))
    let right = ProductWeight(rows: weight.pointer, outputs: n, depth: k)
    let (plain, active) = (Block(capacity: m * n), Block(capacity: m * n))
    let matrix = Matrix(left.pointer, stride: k)
    multiply(matrix, by: right, into: plain.pointer, columnStride: n, m: m, workers: Workers(1))
    multiply(
      matrix, by: right, ProductTail(activation: .gelu), into: active.pointer, columnStride: n, m: m,
      workers: Workers(1))
    gelu(plain.pointer, plain.pointer, count: m * n, workers: Workers(1))
    for index in 0..<m * n { #expect(plain.pointer[index].bitPattern == active.pointer[index].bitPattern) }
  }

  @Test func whatIsNoNumberStays() {
    // A zero that fills up a panel must not turn infinity into a NaN elsewhere.
    let left: [Float] = [.infinity, 1, 2, .nan]
    let weight: [Float] = [1, 1, -1, 0, 0.5, 3]
    let result = Block(capacity: 6)
    multiply(
      Matrix(left, stride: 2), by: ProductWeight(rows: weight, outputs: 3, depth: 2), into: result.pointer,
      columnStride: 3, m: 2, workers: Workers(1))
    #expect(result.pointer[0] == .infinity && result.pointer[1] == -.infinity && result.pointer[2] == .infinity)
    #expect((3..<6).allSatisfy { result.pointer[$0].isNaN })
  }

  @Test(arguments: [
    ConvShape(time: 100, channels: 32, outputs: 40, kernel: 3, stride: 2, before: 0, after: 0, dilation: 1, groups: 1),
    ConvShape(time: 30, channels: 1, outputs: 17, kernel: 10, stride: 5, before: 0, after: 0, dilation: 1, groups: 1),
    ConvShape(time: 51, channels: 8, outputs: 64, kernel: 32, stride: 1, before: 16, after: 15, dilation: 1, groups: 2),
    ConvShape(time: 3, channels: 12, outputs: 15, kernel: 4, stride: 3, before: 5, after: 2, dilation: 1, groups: 3),
    ConvShape(time: 1300, channels: 4, outputs: 6, kernel: 5, stride: 1, before: 2, after: 2, dilation: 1, groups: 1),
    ConvShape(time: 40, channels: 8, outputs: 8, kernel: 3, stride: 2, before: 1, after: 4, dilation: 3, groups: 2),
  ]) func convolutionsAreWithinTheirBound(_ shape: ConvShape) {
    let width = shape.channels / shape.groups
    let (depth, groupOutputs) = (shape.kernel * width, shape.outputs / shape.groups)
    let x = Noise(count: shape.time * shape.channels, seed: 1)
    let weight = Noise(count: shape.outputs * depth, seed: 2)
    let bias = Noise(count: shape.outputs, seed: 3)
    let packed = ProductWeight(
      packing: weight.pointer, outputs: groupOutputs, depth: depth, groups: shape.groups, workers: Workers(2))
    let count = shape.frames * shape.outputs
    let results = [1, 2, 3].map { workers in
      let y = Block(capacity: count)
      conv(x.pointer, weight: packed, bias: bias.pointer, into: y.pointer, shape, workers: Workers(workers))
      return (0..<count).map { y.pointer[$0] }
    }
    #expect(results.allSatisfy { $0.map(\.bitPattern) == results[0].map(\.bitPattern) })
    let reference = Block(capacity: count)
    conv(x.pointer, weight: weight.pointer, bias: bias.pointer, into: reference.pointer, shape, workers: Workers(2))

    for frame in 0..<shape.frames {
      for output in 0..<shape.outputs {
        var taps = [Float](repeating: 0, count: depth)
        for tap in 0..<shape.kernel {
          let source = frame * shape.stride + tap * shape.dilation - shape.before
          guard source >= 0 && source < shape.time else { continue }
          for channel in 0..<width {
            taps[tap * width + channel] = x.pointer[source * shape.channels + output / groupOutputs * width + channel]
          }
        }
        let exact = ExactSum(taps, weight.pointer + output * depth, count: depth, plus: bias.pointer[output])
        let index = frame * shape.outputs + output
        #expect(exact.error(of: results[0][index]) <= 1 && exact.error(of: reference.pointer[index]) <= 1)
      }
    }
  }
}

/// A sum of products in doubles, and how far a sum in floats may be from it.
private struct ExactSum {
  private var (value, magnitude, count) = (0.0, 0.0, 0)

  init(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int, plus addend: Float) {
    (value, magnitude, self.count) = (Double(addend), Double(abs(addend)), count)
    for index in 0..<count {
      let product = Double(a[index]) * Double(b[index])
      value += product
      magnitude += abs(product)
    }
  }

  /// The distance as a share of the bound for any order of k + 1 roundings of sums and one of each product.
  func error(of result: Float) -> Double {
    let unit = 0x1p-24
    let roundings = Double(count + 2) * unit
    return abs(Double(result) - value) / (roundings / (1 - roundings) * magnitude + 0x1p-140)
  }
}

/// Numbers between -1 and 1, the same every time.
private final class Noise {
  let pointer: UnsafeMutablePointer<Float>
  private let block: Block

  init(count: Int, seed: UInt64) {
    block = Block(capacity: count)
    pointer = block.pointer
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    for index in 0..<count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      pointer[index] = Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
    }
  }
}
