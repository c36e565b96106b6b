import Bytes
import Kernels
import Synchronization

/// A model run on many recordings, several side by side, their results told in the recordings' order.
///
/// Recordings are read as they are needed. Every clip gets the bits that it would get alone, whatever runs beside it and on
/// however many threads.
public struct RunQueue: Sendable {
  /// How many clips are computed side by side at most.
  public let jobs: Int
  /// What runs.
  public let runner: Runner
  /// What it runs on.
  public let inputs: [RunInput]
  /// How many threads all clips have together.
  public let threads: Int
  /// How many bytes the values of all clips may take together; a clip that needs more runs alone.
  let budget: Int

  /// Prepares to run `inputs` on `threads` threads, `jobs` clips side by side: by default as many as there are threads,
  /// each with one, which loses nothing to waiting and to cutting work into shares. Throws where the model hears nothing.
  public init(_ runner: Runner, _ inputs: [RunInput], threads: Int, jobs: Int? = nil) throws {
    let weights = runner.model.graph.constants.values.reduce(0) { $0 + $1.count * $1.dataType.size }
    try self.init(runner, inputs, threads: threads, jobs: jobs, budget: physicalMemory() / 4 * 3 - weights)
  }

  init(_ runner: Runner, _ inputs: [RunInput], threads: Int, jobs: Int?, budget: Int) throws {
    _ = try runner.model.requiredWaveformInput()
    (self.runner, self.inputs, self.threads) = (runner, inputs, max(1, threads))
    self.jobs = max(1, min(jobs ?? threads, threads, inputs.count))
    self.budget = max(0, budget)
  }

  /// What becomes of one recording.
  private enum Outcome<Value: Sendable>: Sendable {
    case made(Value)
    /// The recording's own fault.
    case refused(Failure)
    /// Nothing that other recordings would mend.
    case stopped(any Error)
  }

  /// Runs every recording; `make` gets each result, several at a time, and `take`, in order, what it made of it or why the
  /// recording has no result, which stops no other. What `make` or `take` throws ends the whole.
  public func run<Value: Sendable>(
    _ make: @escaping @Sendable (RunInput, RunResult) throws -> Value,
    take: (RunInput, Result<Value, Failure>) throws -> Void
  ) throws {
    let gate = RunGate(threads: threads, bytes: budget)
    let forecast = RunForecast(runner, budget: budget / jobs)
    // One more than there are jobs: it reads the next recording meanwhile.
    try inOrder(inputs.count, threads: jobs + 1, window: 2 * jobs + 2) { number -> Outcome<Value> in
      let input = inputs[number]
      let result: RunResult
      do {
        let clip = try Clip.load(input.path, rate: runner.model.preprocessing.sampleRate, name: input.name)
        let bytes = forecast.bytes(samples: clip.samples.count)
        let share = share(of: number, bytes: bytes)
        result = try gate.run(threads: share, bytes: bytes) { try runner.run(clip, threads: share) }
      } catch {
        return .refused(Failure(input.path, error))
      }
      do { return .made(try make(input, result)) } catch { return .stopped(error) }
    } take: { number, outcome in
      switch outcome {
      case .made(let value): try take(inputs[number], .success(value))
      case .refused(let failure): try take(inputs[number], .failure(failure))
      case .stopped(let error): throw error
      }
    }
  }

  /// How many threads clip `number` runs on: a fair part of all, more where few clips fit into memory side by side, or where
  /// fewer than usual are left at the end.
  func share(of number: Int, bytes: Int) -> Int {
    let left = inputs.count % jobs
    let beside = number >= inputs.count - left ? left : jobs
    let fitting = max(1, min(beside, budget / max(bytes, 1)))
    return threads / fitting + (number % fitting < threads % fitting ? 1 : 0)
  }
}

/// What clips will take, without planning each of them twice.
private final class RunForecast: Sendable {
  private let runner: Runner
  private let budget: Int
  /// A length that fits however many clips run, and its bytes.
  private let fitting = Mutex((samples: 0, bytes: 0))

  init(_ runner: Runner, budget: Int) { (self.runner, self.budget) = (runner, budget) }

  /// The most bytes that a clip of so many samples takes, or one that is longer and fits as well.
  func bytes(samples: Int) -> Int {
    let known = fitting.withLock { $0 }
    guard samples > known.samples else { return known.bytes }
    let bytes = runner.peakBytes(samples: samples, threads: runner.threads) ?? 0
    if bytes <= budget {
      fitting.withLock { if samples > $0.samples { $0 = (samples, bytes) } }
    }
    return bytes
  }
}
