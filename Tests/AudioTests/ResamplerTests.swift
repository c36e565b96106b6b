import Audio
import Bytes
import TestSupport
import Testing

@Suite struct ResamplerTests {
  static let rates = (Golden.manifest["resample"]?["rates"]?.array ?? []).compactMap(\.int)
  static let pairs = (Golden.frontendManifest["pairs"]?.array ?? []).compactMap { $0.array?.compactMap(\.int) }

  @Test func hasTheRatesOfTheContract() {
    #expect(Set([8000, 11025, 22050, 44100, 48000]).isSubset(of: ResamplerTests.rates))
    #expect(ResamplerTests.pairs.count == 6)
  }

  @Test(arguments: rates) func tapsAreTorchaudiosToTheLastBit(rate: Int) throws {
    let golden = try SafetensorsFixture(Golden.path("resample.safetensors"))["taps.\(rate)"]
    let resampler = try Resampler(from: rate, to: 16000)
    #expect(golden.shape == [resampler.phases, resampler.kernelLength])
    let taps = (0..<resampler.phases).flatMap { phase in
      (0..<resampler.kernelLength).map { resampler.tap(phase: phase, $0) }
    }
    #expect(zip(bits(taps), bits(golden.floats)).count { $0 != $1 } == 0)
  }

  @Test(arguments: rates) func waveformsAreTorchaudios(rate: Int) throws {
    let golden = try SafetensorsFixture(Golden.path("resample.safetensors"))
    let output = try Resampler(from: rate, to: 16000)(golden["input.\(rate)"].floats)
    #expect(worst(output, try golden["output.\(rate)"].floats) < 1e-6)
  }

  @Test(arguments: pairs) func otherPairsAreTorchaudios(pair: [Int]) throws {
    let golden = try Golden.frontend()
    let output = try Resampler(from: pair[0], to: pair[1])(golden["resample.input.\(pair[0]).\(pair[1])"].floats)
    #expect(worst(output, try golden["resample.output.\(pair[0]).\(pair[1])"].floats) < 1e-6)
  }

  @Test func lengthsAreTorchaudios() throws {
    let lengths = try #require(Golden.frontendManifest["lengths"]?.array)
    #expect(lengths.count > 8)
    for row in lengths {
      let (rate, count) = try (#require(row["rate"]?.int), #require(row["samples"]?.int))
      let resampler = try Resampler(from: rate, to: 16000)
      #expect(resampler.resampledCount(count) == row["resampled"]?.int, "\(rate) \(count)")
    }
  }

  @Test func emptyAndOneSample() throws {
    #expect(try Resampler(from: 44100, to: 16000)([]) == [])
    let one = try Resampler(from: 8000, to: 16000)([1])
    #expect(one.count == 2)
    let centre = try Resampler(from: 8000, to: 16000).tap(phase: 0, 7)
    #expect(one[0] == centre)
  }

  @Test func equalRatesPassThrough() throws {
    #expect(try Resampler(from: 16000, to: 16000)([1, -0.0, .infinity]) == [1, -0.0, .infinity])
    #expect(try Resampler(from: 1, to: 1)([3]) == [3])
  }

  @Test(arguments: [0, -1, .min, .max, 1, 999, 1_000_001]) func refusesAbsurdRates(rate: Int) {
    #expect(throws: FormatError.self) { try Resampler(from: rate, to: 16000) }
    #expect(throws: FormatError.self) { try Resampler(from: 16000, to: rate) }
  }

  @Test(arguments: [1000, 1009, 44101, 999_983, 1_000_000]) func coprimeRatesStaySmall(rate: Int) throws {
    let output = try Resampler(from: rate, to: 16000)([Float](repeating: 0.5, count: 3000))
    #expect(output.allSatisfy { $0.magnitude < 1 })
    // Away from the ends a constant stays one.
    if output.count > 1000 { #expect((output[output.count / 2] - 0.5).magnitude < 2e-3) }
  }

  @Test func refusesLengthsWithoutEnd() throws {
    let resampler = try Resampler(from: 1000, to: 1_000_000)
    #expect(resampler.resampledCount(.max) == .max)
    #expect(throws: FormatError.self) { try resampler([Float](repeating: 0, count: 600_000)) }
  }
}
