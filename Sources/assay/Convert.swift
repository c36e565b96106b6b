import ArgumentParser
import AssayKit

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Convert a model to one .assay or .onnx file, proved by golden cases before it appears, or tensors alone.",
    discussion:
      "A target with the extension .safetensors, .pt, .bin, .pth or .ckpt gets all tensors of SOURCE, which is "
      + "whatever holds tensors then: no configuration is needed.")

  @Argument(help: "A model folder, a weight file with its configuration beside it, or an artifact.")
  var source: String

  @Option(
    name: [.short, .customLong("output")],
    help: "The file to write: NAME.assay or NAME.onnx; NAME.safetensors or NAME.pt for tensors alone.")
  var output: String

  @Option(
    help: ArgumentHelp(
      "How weights are stored: f32, f16 or bf16 (default: f32; where tensors alone are written, as they are).",
      valueName: "type"))
  var dtype: WeightType?

  @Option(
    help: ArgumentHelp("A golden case, or a folder of them, to check; an .assay carries them.", valueName: "case"))
  var golden: [String] = []

  @Option(help: ArgumentHelp("The weights' licence, where the files state none.", valueName: "spdx"))
  var license: String?

  @Option(help: ArgumentHelp("Of tensors alone, those of names like this (*, ? and [a-z]).", valueName: "glob"))
  var only: [String] = []

  @Option(help: ArgumentHelp("Of tensors alone, what their names lose at the start.", valueName: "prefix"))
  var strip: String?

  @OptionGroup var preprocessing: PreprocessingOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var printing: OutputOptions

  /// Options that only one kind of target has.
  func validate() throws {
    let isTensors = TensorConversion.writes(output)
    let options: [(name: String, isGiven: Bool, isOfTensors: Bool)] = [
      ("--golden", !golden.isEmpty, false), ("--license", license != nil, false),
      ("--normalize", preprocessing.normalize, false), ("--system", execution.system != nil, false),
      ("--head", execution.head != nil, false), ("--labels", execution.labels != nil, false),
      ("--head-activation", execution.headActivation != nil, false),
      ("--only", !only.isEmpty, true), ("--strip", strip != nil, true),
    ]
    for option in options where option.isGiven && option.isOfTensors != isTensors {
      throw ValidationError(
        "\(option.name) makes no sense for \(output), "
          + (isTensors ? "which gets tensors alone" : "which gets a model; a .safetensors or .pt file does"))
    }
    if strip == "" { throw ValidationError("--strip takes the first letters of names") }
    do { _ = try only.map(Glob.init) } catch { throw ValidationError("--only \(error)") }
  }

  func run() throws {
    let progress = Console.progress("converting", quiet: printing.quiet)
    guard !TensorConversion.writes(output) else {
      var conversion = TensorConversion(source: source, target: output)
      conversion.dataType = dtype?.dataType
      conversion.only = try only.map(Glob.init)
      conversion.strip = strip
      conversion.threads = execution.threads
      let report = try conversion.run(progress: progress)
      printing.note(report.notes)
      return try Console.result(printing.json ? report.json.compact : report.text)
    }
    var conversion = Conversion(source: source, target: output)
    conversion.dataType = (dtype ?? .f32).dataType
    conversion.goldens = golden
    conversion.options = try execution.options
    conversion.license = license
    conversion.normalizing = preprocessing.normalize
    conversion.threads = execution.threads
    let report = try conversion.run(progress: progress)
    printing.note(report.notes)
    try Console.result(printing.json ? report.json.compact : report.text)
    if !report.isPublished { throw ExitCode(ExitStatus.differs.rawValue) }
  }
}

extension WeightType: ExpressibleByArgument {}
