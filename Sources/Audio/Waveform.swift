import Bytes

/// One channel of sound: what a model listens to.
public struct Waveform: Hashable, Sendable {
  /// The samples, 1.0 being full scale.
  public var samples: [Float]
  /// Samples per second.
  public var rate: Int

  /// Creates a waveform.
  public init(samples: [Float], rate: Int) {
    self.samples = samples
    self.rate = rate
  }

  /// How long it lasts, in seconds; 0 where the rate is not positive.
  public var duration: Double { rate > 0 ? Double(samples.count) / Double(rate) : 0 }

  /// The same sound at another rate, in Hz.
  public func resampled(to rate: Int) throws(FormatError) -> Waveform {
    Waveform(samples: try Resampler(from: self.rate, to: rate)(samples), rate: rate)
  }

  /// The audio file at `path` as one channel at `rate` Hz, and how many seconds the file lasts.
  ///
  /// Decoded, averaged over the channels, resampled, in this order; the level is left as it is.
  public static func load(_ path: String, rate: Int) throws(FormatError) -> (waveform: Waveform, duration: Double) {
    var file = try AudioFile(path)
    var waveform = Waveform(samples: [], rate: file.rate)
    waveform.samples.reserveCapacity(max(0, min(file.announced, 1 << 22)))
    while true {
      let block = try file.next()
      guard !block.isEmpty else { break }
      waveform.samples += downmix(block, channels: file.channels)
    }
    do {
      return (try waveform.resampled(to: rate), waveform.duration)
    } catch {
      throw error.inFile(path)
    }
  }
}
