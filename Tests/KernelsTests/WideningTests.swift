import Testing

@testable import Kernels

@Suite struct WideningTests {
  @Test(arguments: [HalfWidth.float16, .bfloat16])
  func everyNumberIsWidenedAsOneByOne(_ type: HalfWidth) {
    let halves = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: halves.count)
    floats.withUnsafeMutableBufferPointer { target in
      halves.withUnsafeBufferPointer {
        widen($0.baseAddress!, target.baseAddress!, count: halves.count, from: type)
      }
    }
    for (half, float) in zip(halves, floats) {
      let expected = widened(half, from: type)
      #expect(float.bitPattern == expected.bitPattern || float.isNaN && expected.isNaN, "\(half)")
    }
  }
}
