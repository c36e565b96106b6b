import Foundation
import Testing

@testable import Kernels

@Suite struct AttentionTests {
  private func softmax(_ x: [Float]) -> [Float] {
    var y = x
    y.withUnsafeMutableBufferPointer { Kernels.softmax($0.baseAddress!, count: x.count) }
    return y
  }

  @Test func softmaxIsTheDefinition() {
    for count in [1, 2, 7, 8, 9, 50, 1501] {
      let x = randomNumbers(count, seed: UInt64(count)).map { $0 * 30 }
      let largest = Double(x.max()!)
      let powers = x.map { Foundation.exp(Double($0) - largest) }
      let total = powers.reduce(0, +)
      for (y, power) in zip(softmax(x), powers) {
        // 3e-6 of the value for each power and for their sum, and 2e-6 for rounding a difference of up to 60; a power
        // below e^-87 is given as 0.
        #expect((Double(y) - power / total).magnitude <= 8e-6 * power / total + 1.2e-38, "\(count)")
      }
    }
    #expect(softmax([1000, 1000, 1000, 1000]) == [0.25, 0.25, 0.25, 0.25])
    #expect(softmax([-3e38, 3e38]) == [0, 1])
    #expect(softmax([-.infinity, 5]) == [0, 1])
  }

  @Test(arguments: [1, 5, 8, 12, 17]) func softmaxPassesOnWhatIsNoNumber(_ count: Int) {
    for place in 0..<count {
      for bad in [Float.nan, -.nan, .infinity] {
        var x = randomNumbers(count, seed: 5)
        x[place] = bad
        // torch.softmax: one NaN or +inf makes the row NaN.
        #expect(softmax(x).allSatisfy { $0.isNaN }, "\(bad) at \(place) of \(count)")
      }
    }
    #expect(softmax([Float](repeating: -.infinity, count: count)).allSatisfy { $0.isNaN })
  }

  @Test func aNaNInOneQueryStaysInItsRowAndHead() {
    let (time, width, heads) = (130, 8, 2)
    var query = randomNumbers(time * width, seed: 6)
    let (key, value) = (randomNumbers(time * width, seed: 7), randomNumbers(time * width, seed: 8))
    query[129 * width + 5] = .nan  // the second block, the second head
    var output = [Float](repeating: 0, count: time * width)
    attention(
      query: query, key: key, value: value, output: &output, time: time, keys: time, width: width, heads: heads,
      scale: 0.5, workers: Workers(2))
    let bad = output.indices.filter { output[$0].isNaN }
    #expect(bad == (4..<8).map { 129 * width + $0 })
  }
}
