/// The mean over the channels of interleaved samples [frames][channels], in 32-bit arithmetic: one sample a frame.
///
/// Bit-equal to numpy's `mean(axis=1)` for any number of channels, and to torch's up to three; samples that fill no frame
/// are left out.
public func downmix(_ interleaved: [Float], channels: Int) -> [Float] {
  guard channels > 0 else { return [] }
  guard channels > 1 else { return interleaved }
  let frames = interleaved.count / channels
  let divisor = Float(channels)
  return interleaved.withUnsafeBufferPointer { samples in
    [Float](unsafeUninitializedCapacity: frames) { result, count in
      if channels == 2 {
        for frame in 0..<frames { result[frame] = (samples[2 * frame] + samples[2 * frame + 1]) / divisor }
      } else {
        for frame in 0..<frames {
          let samples = UnsafeBufferPointer(rebasing: samples[frame * channels..<(frame + 1) * channels])
          result[frame] = pairwiseSum(samples) / divisor
        }
      }
      count = frames
    }
  }
}
