import ArgumentParser
import AssayKit

struct Golden: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make golden cases.", subcommands: [GoldenRecord.self])
}

struct GoldenRecord: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Record what a model computes as a golden case.",
    discussion: "The case proves that a later model computes the same, not that it is right; its maker says so.")

  @Argument(help: "An artifact, a model folder, or a weight file with its configuration beside it.")
  var model: String

  @Argument(help: "An audio file, or a .npy waveform.")
  var input: String

  @Option(name: [.short, .customLong("output")], help: "The case to write: NAME.golden.json.")
  var output: String

  @Flag(help: "Record the states of all layers too.")
  var layers = false

  @OptionGroup var preprocessing: PreprocessingOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var printing: OutputOptions

  func run() throws {
    var recording = GoldenRecording(
      try Model.open(model, execution.options, normalizing: preprocessing.normalize))
    recording.layers = layers
    printing.note(recording.model.notes)
    let files = try recording.record(input, to: output, threads: execution.threads)
    try Console.result(printing.json ? GoldenRecording.json(files).compact : files.joined(separator: "\n"))
  }
}
