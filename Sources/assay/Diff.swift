import ArgumentParser
import AssayKit

struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare the weights of two models, across formats, names, transposes, casts and pruning.",
    discussion: "Models are compared by their constants, what is no model by its tensors. What a weight is used for is "
      + "not compared; verify does that.")

  @Argument(help: "An artifact, a model folder, or a file with tensors.")
  var a: String

  @Argument(help: "What it is compared with.")
  var b: String

  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let diff = try ModelDiff(a, b, options: execution.options, threads: execution.threads)
    output.note(diff.notes)
    try Console.result(output.json ? diff.json.compact : diff.text)
    switch diff.status {
    case .holds: break
    case .failed: throw Failure("\(a), \(b): what could be compared is the same; not all tensors could be read")
    default: throw ExitCode(diff.status.rawValue)
    }
  }
}
