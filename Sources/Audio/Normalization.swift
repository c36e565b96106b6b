/// What a model wants done to a waveform's level before it listens.
public enum WaveformNormalization: Hashable, Sendable {
  /// The samples as they are.
  case none
  /// (x − mean) / sqrt(variance + epsilon) over the whole clip, the variance biased.
  ///
  /// HuggingFace's feature extractor has epsilon 1e-7; layer norm over the clip (SpeechBrain, FunASR) has 1e-5. For
  /// quiet audio they differ: by 5 % at a standard deviation of 0.01.
  case zeroMeanUnitVariance(epsilon: Double)

  /// The samples, normalised.
  ///
  /// Computed in 32 bits in the order of numpy 2, so bit-equal to `Wav2Vec2FeatureExtractor`. Torch's `layer_norm` is
  /// within 1e-6, plus two units in the mean's last place over the deviation (5e-6 for a constant of 0.1). Samples that
  /// are not finite come out as they would there.
  public func callAsFunction(_ samples: [Float]) -> [Float] {
    guard case .zeroMeanUnitVariance(let epsilon) = self, !samples.isEmpty else { return samples }
    let count = Double(samples.count)
    func mean(_ sum: Float) -> Float { Float(Double(sum) / count) }

    let center = mean(samples.withUnsafeBufferPointer { pairwiseSum($0) })
    var result = samples
    result.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] -= center }
      let variance = mean(pairwiseSum(UnsafeBufferPointer(values), squared: true))
      let deviation = (variance + Float(epsilon)).squareRoot()
      for index in values.indices { values[index] /= deviation }
    }
    return result
  }
}
