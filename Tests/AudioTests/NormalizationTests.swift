import Audio
import TestSupport
import Testing

@Suite struct NormalizationTests {
  static let clips = (Golden.frontendManifest["clips"]?.array ?? []).compactMap(\.string)

  @Test(arguments: clips) func isTheFeatureExtractorsToTheLastBit(clip: String) throws {
    let golden = try Golden.frontend()
    let input = try golden["normalize.input." + clip].floats
    let output = WaveformNormalization.zeroMeanUnitVariance(epsilon: 1e-7)(input)
    #expect(bits(output) == bits(try golden["normalize.zero-mean." + clip].floats))
  }

  @Test(arguments: clips) func isTorchsLayerNorm(clip: String) throws {
    let golden = try Golden.frontend()
    let input = try golden["normalize.input." + clip].floats
    let expected = try golden["normalize.layer-norm." + clip].floats
    let output = WaveformNormalization.zeroMeanUnitVariance(epsilon: 1e-5)(input)
    // Ours takes the mean in 32 bits: where the clip is a constant and no more, its rounding is all there is.
    let mean = input.reduce(0, +) / Float(input.count)
    let square = input.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(input.count)
    #expect(worst(output, expected) < 1e-6 + 2 * mean.ulp / (square + 1e-5).squareRoot())
  }

  @Test func noneLeavesTheSamples() {
    #expect(WaveformNormalization.none([3, 1, 2]) == [3, 1, 2])
  }

  @Test func anySamplesAreSurvived() {
    let normalization = WaveformNormalization.zeroMeanUnitVariance(epsilon: 1e-7)
    #expect(normalization([]) == [])
    #expect(normalization([1, .nan, 2]).allSatisfy { $0.isNaN })
    #expect(normalization([1, .infinity]).count == 2)
    #expect(normalization([.greatestFiniteMagnitude, -.greatestFiniteMagnitude]).count == 2)
    #expect(WaveformNormalization.zeroMeanUnitVariance(epsilon: -1)([0, 0])[0].isNaN)
  }
}
