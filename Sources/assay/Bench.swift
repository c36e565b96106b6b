import ArgumentParser
import AssayKit

/// Not for users: `tools/bench/run` calls it, once for each process.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Time a model in this process.", shouldDisplay: false)

  @Argument var model: String
  @Argument var input: String
  @Option var `repeat` = 5
  @Flag var ops = false
  @OptionGroup var preprocessing: PreprocessingOptions
  @OptionGroup var execution: ExecutionOptions

  func run() throws {
    let times = try Benchmark(
      model, input: input, threads: execution.threads, repeats: `repeat`, byOperator: ops,
      normalizing: preprocessing.normalize)
    try Console.result(times.json.compact)
  }
}
