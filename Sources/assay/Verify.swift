import ArgumentParser
import AssayKit

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a model's integrity, its golden cases, and its weights against a source.")

  @Argument(help: "An artifact, a model folder, or a weight file with its configuration beside it.")
  var model: String

  @Option(help: ArgumentHelp("A golden case, or a folder of them.", valueName: "case-or-folder"))
  var golden: [String] = []

  @Option(help: ArgumentHelp("Compare weights with those of this model.", valueName: "source"))
  var against: String?

  @Flag(help: "Compute an ONNX graph as it was read, without bringing it into canonical form.")
  var unfused = false

  @OptionGroup var preprocessing: PreprocessingOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let verdict = try Verdict(
      model, goldens: golden, against: against, options: execution.options, threads: execution.threads,
      unfused: unfused, normalizing: preprocessing.normalize)
    try Console.result(output.json ? verdict.json.compact : verdict.text)
    if !verdict.holds { throw ExitCode(ExitStatus.differs.rawValue) }
  }
}
