import Kernels
import TestSupport
import Testing

@Suite struct CastsTests {
  private static let every = (0...UInt16.max).map { $0 }

  private func widened(_ halves: [UInt16], _ type: HalfWidth, threads: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: halves.count) { y, count in
      widen(halves, y.baseAddress!, count: halves.count, from: type, workers: Workers(threads))
      count = halves.count
    }
  }

  #if !arch(x86_64) || os(Linux)  // where Swift has Float16
    @Test func everyFloat16IsWidenedAsSwiftDoes() {
      for threads in 1...2 {
        for (half, float) in zip(CastsTests.every, widened(CastsTests.every, .float16, threads: threads)) {
          let expected = Float(Float16(bitPattern: half))
          let same =
            expected.isNaN ? float.isNaN && float.sign == expected.sign : float.bitPattern == expected.bitPattern
          #expect(same, "\(half): \(float), expected \(expected)")
        }
      }
    }
  #endif

  @Test func everyFloat16IsWidenedByItsDefinition() {
    for (half, float) in zip(CastsTests.every, widened(CastsTests.every, .float16, threads: 1)) {
      let (exponent, fraction) = (Int(half >> 10 & 31), Double(half & 1023))
      let magnitude: Double =
        switch exponent {
        case 0: fraction * 0x1p-24
        case 31: fraction == 0 ? .infinity : .nan
        default: (1024 + fraction) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
        }
      #expect(magnitude.isNaN ? float.isNaN : Double(float.magnitude) == magnitude, "\(half)")
      #expect((float.sign == .minus) == (half >= 0x8000), "\(half)")
    }
  }

  @Test func everyBFloat16IsTheUpperHalfOfAFloat() {
    for (half, float) in zip(CastsTests.every, widened(CastsTests.every, .bfloat16, threads: 2)) {
      #expect(float.bitPattern == UInt32(half) << 16)
    }
  }

  @Test func everyHalfNarrowsBackToItself() {
    for type in [HalfWidth.float16, .bfloat16] {
      let floats = widened(CastsTests.every, type, threads: 1)
      let (halves, counts) = narrowed(floats, type)
      for (half, float) in zip(CastsTests.every, floats) where !float.isNaN { #expect(halves[Int(half)] == half) }
      #expect(counts == CastCounts())
    }
  }

  @Test(arguments: [(HalfWidth.float16, "float16"), (.bfloat16, "bfloat16")])
  func narrowsAsTorchDoes(_ type: HalfWidth, _ name: String) throws {
    let file = try SafetensorsFixture(Repository.golden("casts/casts.safetensors"))
    let numbers = try file[name + ".numbers"].floats
    let expected = try file[name + ".narrowed"].bytes.array
    let (halves, counts) = narrowed(numbers, type)
    #expect(halves.count > 3000 && expected.count == 2 * halves.count)
    for (index, half) in halves.enumerated() {
      let torchs = UInt16(expected[2 * index]) | UInt16(expected[2 * index + 1]) << 8
      if numbers[index].isNaN {
        // Any NaN is as good as another: PyTorch gives one pattern to all, the processor keeps what it can.
        #expect(half & 0x7FFF > (type == .float16 ? 0x7C00 : 0x7F80))
      } else {
        #expect(half == torchs, "\(numbers[index])")
      }
    }
    let lost = try Repository.json(Repository.golden("casts/casts.json"))["lost"]?[name]
    #expect(counts.overflowed == lost?["overflowed"]?.int)
    #expect(counts.flushed == lost?["flushed"]?.int)
  }

  private func narrowed(_ x: [Float], _ type: HalfWidth) -> ([UInt16], CastCounts) {
    var counts = CastCounts()
    let halves = [UInt16](unsafeUninitializedCapacity: x.count) { y, count in
      counts = narrow(x, y.baseAddress!, count: x.count, to: type)
      count = x.count
    }
    return (halves, counts)
  }
}
