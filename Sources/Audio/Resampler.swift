import Bytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Changes a waveform's sample rate as torchaudio's `Resample` does with its defaults, tap for tap.
///
/// A sinc low-pass of 6 zero crossings under a Hann window, cut off at 0.99 of the lower rate's half. With both rates
/// divided by their greatest common divisor, output `j * phases + p` is the product of the samples from `j * step - width`
/// with the kernel of phase `p` (`_get_sinc_resample_kernel` in torchaudio/functional/functional.py).
public struct Resampler: Hashable, Sendable {
  /// Samples that one round of all phases moves on by: the source rate, reduced.
  public let step: Int
  /// Output samples of one round, each with its own kernel: the target rate, reduced.
  public let phases: Int
  /// Samples that a kernel reaches back.
  public let width: Int

  private let cutoff: Double

  /// Rates in Hz that are resampled; the kernels of any two of them fit in 100 MB.
  public static let rates = 1000...1_000_000

  private static let zeroCrossings = 6.0
  private static let rolloff = 0.99

  /// Prepares the way from one rate to another, in Hz; throws for rates outside `rates`, unless they are equal.
  public init(from source: Int, to target: Int) throws(FormatError) {
    for rate in [source, target] where source != target && !Resampler.rates.contains(rate) {
      let range = "\(Resampler.rates.lowerBound) to \(Resampler.rates.upperBound) Hz"
      throw FormatError("audio", .unsupported("a sample rate of \(rate) Hz; \(range) can be resampled"))
    }
    guard source != target else {
      (step, phases, width, cutoff) = (1, 1, 0, 0)
      return
    }
    var (divisor, rest) = (source, target)
    while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
    step = source / divisor
    phases = target / divisor
    cutoff = Double(min(step, phases)) * Resampler.rolloff
    width = Int((Resampler.zeroCrossings * Double(step) / cutoff).rounded(.up))
  }

  /// How many taps torchaudio's kernel of one phase has; nearly all are zero.
  public var kernelLength: Int { 2 * width + step }

  /// Tap `index` of torchaudio's kernel of `phase`, to the last bit.
  public func tap(phase: Int, _ index: Int) -> Float {
    // torch divides integers in 32 bits and only then adds in 64: off by up to 7e-6 without this rounding.
    let shift = Double(Float(-phase) / Float(phases))
    let place = (shift + Double(index - width) / Double(step)) * cutoff
    let time = min(max(place, -Resampler.zeroCrossings), Resampler.zeroCrossings)
    let window = cos(time * .pi / Resampler.zeroCrossings / 2)
    let angle = time * .pi
    let sinc = angle == 0 ? 1 : sin(angle) / angle
    return Float(sinc * (window * window * (cutoff / Double(step))))
  }

  /// How many samples `count` of them become: torchaudio's ceiling of `count * phases / step` rounded to 32 bits.
  ///
  /// That rounding drops the last sample of some clips of a few seconds and more; models were trained with it.
  public func resampledCount(_ count: Int) -> Int {
    let (product, overflow) = count.multipliedReportingOverflow(by: phases)
    guard count > 0, !overflow else { return count > 0 ? .max : 0 }
    let rounded = Float(Double(product) / Double(step)).rounded(.up)
    return min(Int(exactly: rounded) ?? .max, (count / step + 1) * phases)
  }

  /// The samples at the target rate; throws where they would be more than `AudioFile.frameLimit`.
  public func callAsFunction(_ samples: [Float]) throws(FormatError) -> [Float] {
    guard step != phases else { return samples }
    let count = resampledCount(samples.count)
    guard count <= AudioFile.frameLimit else {
      throw FormatError("audio", .limitExceeded("a waveform of more than \(AudioFile.frameLimit) samples"))
    }
    let kernels = Kernels(self, phases: min(phases, count))
    return samples.withUnsafeBufferPointer { samples in
      [Float](unsafeUninitializedCapacity: count) { result, written in
        for start in stride(from: 0, to: count, by: phases) {
          let first = start / phases * step
          for phase in 0..<min(phases, count - start) {
            result[start + phase] = kernels.product(phase, samples, from: first)
          }
        }
        written = count
      }
    }
  }
}

/// The taps that are not zero, for each phase as many: 2 * width + 3 and up to the next multiple of eight.
private struct Kernels {
  let taps: [Float]
  let length: Int
  /// Where the taps of each phase begin, in samples from the round's first.
  let starts: [Int]

  init(_ resampler: Resampler, phases: Int) {
    let length = (2 * resampler.width + 3 + 7) / 8 * 8
    // The sinc's centre lies phase * step / phases after tap `width`; a tap on either side is for its rounding.
    let firsts = (0..<phases).map { $0 * resampler.step / resampler.phases - 1 }
    taps = firsts.indices.flatMap { phase in
      (firsts[phase]..<firsts[phase] + length).map { index in
        (0..<resampler.kernelLength).contains(index) ? resampler.tap(phase: phase, index) : 0
      }
    }
    starts = firsts.map { $0 - resampler.width }
    self.length = length
  }

  /// The sum of taps times samples around the round that begins at sample `first`; beyond both ends there is silence.
  @inline(__always)
  func product(_ phase: Int, _ samples: UnsafeBufferPointer<Float>, from first: Int) -> Float {
    let start = first + starts[phase]
    return taps.withUnsafeBufferPointer { taps in
      let row = phase * length
      if start >= 0, start + length <= samples.count {
        let taps = UnsafeRawPointer(taps.baseAddress! + row)
        let samples = UnsafeRawPointer(samples.baseAddress! + start)
        var sum = SIMD8<Float>.zero
        for offset in stride(from: 0, to: length * 4, by: 32) {
          sum +=
            taps.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            * samples.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
        }
        return sum.sum()
      }
      var sum: Float = 0
      for index in max(0, -start)..<max(0, -start, min(length, samples.count - start)) {
        sum += taps[row + index] * samples[start + index]
      }
      return sum
    }
  }
}
