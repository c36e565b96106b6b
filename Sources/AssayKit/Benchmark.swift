import Bytes
import Executor
import Formats
import IR
import Kernels
import Tensors

/// Times of one model in one process, for `tools/bench`.
public struct Benchmark: Sendable {
  /// Seconds from nothing to the first number of an artifact's first tensor; nil for other models.
  public let open: Double?
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
  /// Multiplications and additions of one run.
  public let operations: Int
  /// Operations a second that large matrix products reach on as many threads, on this machine, in this process.
  public let limit: Double
  /// Where the time of one more run went, if asked for.
  public let profile: Profile?

  /// Opens the model at `path` and runs `input` `repeats` times after a first time.
  public init(
    _ path: String, input: String, threads: Int, repeats: Int, byOperator: Bool = false, normalizing: Bool = false
  ) throws {
    let clock = ContinuousClock()
    func time<R>(_ body: () throws -> R) rethrows -> (R, Double) {
      let start = clock.now
      let result = try body()
      return (result, (clock.now - start) / .seconds(1))
    }
    let (first, open) = try time { try Benchmark.firstByte(path) }
    self.open = first.map { _ in open }
    let (runner, load) = try time { try Runner(Model.open(path, normalizing: normalizing), threads: threads) }
    let clip = try Clip.load(input, rate: runner.model.preprocessing.sampleRate)
    let (result, firstRun) = try time { try runner.run(clip) }
    self.load = load
    self.first = firstRun
    seconds = try (0..<repeats).map { _ in try time { try runner.run(clip) }.1 }
    peakMemory = peakResidentBytes()
    self.result = result.outputs.last?.tensor.floats ?? []
    operations = try Forecast(
      runner.model, seconds: Double(clip.samples.count) / Double(runner.model.preprocessing.sampleRate),
      threads: threads
    ).operations
    profile = byOperator ? try runner.profile(clip) : nil
    limit = matrixProductSpeed(workers: Workers(threads))
  }

  /// Opens an artifact and reads its first tensor's first byte; nil for other models.
  private static func firstByte(_ path: String) throws -> UInt8? {
    guard fileKind(path) == .file else { return nil }
    let region = try ByteRegion.mapping(path)
    guard FileFormat.of(region) == .assay else { return nil }
    let file = try ArtifactFile(region)
    return file.entries.first.flatMap { entry in (try? file.tensor(entry.name)).flatMap { $0.bytes.array.first } }
  }

  /// The times as a document, with the peers' names for them.
  public var json: JSON {
    [
      "peer": "assay", "version": JSON(Conversion.tool), "open_seconds": open.map { JSON($0) },
      "load_seconds": JSON(load), "first_seconds": JSON(first),
      "seconds": JSON(seconds.map { JSON($0) }), "peak_rss_bytes": JSON(peakMemory),
      "logits": JSON(result.prefix(8).map { JSON($0) }), "operations": JSON(operations),
      "operations_per_second_limit": JSON(limit.rounded()),
      "operators": profile.map { profile in
        JSON(profile.rows.map { ["name": JSON($0.name), "steps": JSON($0.steps), "seconds": JSON($0.seconds)] })
      },
    ]
  }
}
