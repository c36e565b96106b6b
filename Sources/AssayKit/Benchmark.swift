import Bytes
import Executor
import Tensors

/// Times of one model in one process, for `tools/bench`.
public struct Benchmark: Sendable {
  /// Seconds from nothing to a model that can run.
  public let load: Double
  /// Seconds of the first run.
  public let first: Double
  /// Seconds of each later run.
  public let seconds: [Double]
  /// The most memory the process held, in bytes, mapped pages included.
  public let peakMemory: Int
  /// The first run's logits, or whatever the model's last output is.
  public let result: [Float]

  /// Opens the model at `path` and runs `input` `repeats` times after a first time.
  public init(_ path: String, input: String, threads: Int, repeats: Int) throws {
    let clock = ContinuousClock()
    func time<R>(_ body: () throws -> R) rethrows -> (R, Double) {
      let start = clock.now
      let result = try body()
      return (result, (clock.now - start) / .seconds(1))
    }
    let (runner, load) = try time { try Runner(Model.open(path), threads: threads) }
    let clip = try Clip.load(input, rate: runner.model.preprocessing.sampleRate)
    let (result, first) = try time { try runner.run(clip) }
    self.load = load
    self.first = first
    seconds = try (0..<repeats).map { _ in try time { try runner.run(clip) }.1 }
    peakMemory = peakResidentBytes()
    self.result = result.outputs.last?.tensor.floats ?? []
  }

  /// The times as a document, with the peers' names for them.
  public var json: JSON {
    [
      "peer": "assay", "version": JSON(Conversion.tool), "load_seconds": JSON(load), "first_seconds": JSON(first),
      "seconds": JSON(seconds.map { JSON($0) }), "peak_rss_bytes": JSON(peakMemory),
      "logits": JSON(result.prefix(8).map { JSON($0) }),
    ]
  }
}
