import ArgumentParser
import AssayKit

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert a model to one .assay or .onnx file, proved by golden cases before it appears.")

  @Argument(help: "A model folder, a weight file with its configuration beside it, or an artifact.")
  var source: String

  @Option(name: [.short, .customLong("output")], help: "The file to write: NAME.assay or NAME.onnx.")
  var output: String

  @Option(help: ArgumentHelp("How weights are stored: f32, f16 or bf16.", valueName: "type"))
  var dtype = WeightType.f32

  @Option(
    help: ArgumentHelp("A golden case, or a folder of them, to check; an .assay carries them.", valueName: "case"))
  var golden: [String] = []

  @Option(help: ArgumentHelp("The weights' licence, where the files state none.", valueName: "spdx"))
  var license: String?

  @OptionGroup var preprocessing: PreprocessingOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var printing: OutputOptions

  func run() throws {
    var conversion = Conversion(source: source, target: output)
    conversion.dataType = dtype.dataType
    conversion.goldens = golden
    conversion.system = execution.system
    conversion.license = license
    conversion.normalizing = preprocessing.normalize
    conversion.threads = execution.threads
    let report = try conversion.run(progress: Console.progress("converting", quiet: printing.quiet))
    printing.note(report.notes)
    try Console.result(printing.json ? report.json.compact : report.text)
    if !report.isPublished { throw ExitCode(ExitStatus.differs.rawValue) }
  }
}

extension WeightType: ExpressibleByArgument {}
