import ArgumentParser
import AssayKit

struct Prune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Cut layers from a model, with proof that all else is the source's, bit for bit.",
    discussion: "Layers count from 0; LIST is as 0-11, or 0,2,4, or 0-3,7,9-11. The proof lies beside OUT as "
      + "OUT.prune.json, in a folder as prune.json.")

  @Argument(help: "A model folder, a checkpoint, an ONNX file, or an artifact.")
  var source: String

  @Option(help: ArgumentHelp("The layers that stay.", valueName: "list"), transform: LayerList.init)
  var keep: LayerList?

  @Option(help: ArgumentHelp("The layers that go.", valueName: "list"), transform: LayerList.init)
  var drop: LayerList?

  @Option(
    name: [.short, .customLong("output")],
    help: "What to write: NAME.safetensors, .pt, .bin, .onnx, .assay; else of the source's kind, as a folder.")
  var output: String?

  @Flag(help: "Show what would be done, and write nothing.")
  var dryRun = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Show how much each layer matters on these recordings, and write nothing.", valueName: "clip"))
  var rank: [String] = []

  @Option(help: ArgumentHelp("How an .assay stores weights: f32, f16 or bf16.", valueName: "type"))
  var dtype: WeightType?

  @Option(
    help: ArgumentHelp("A golden case, or a folder of them, to check; an .assay carries them.", valueName: "case"))
  var golden: [String] = []

  @OptionGroup var preprocessing: PreprocessingOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var printing: OutputOptions

  func validate() throws {
    guard [keep != nil, drop != nil, !rank.isEmpty].count(where: { $0 }) == 1 else {
      throw ValidationError("one of --keep LIST, --drop LIST and --rank CLIP is needed, as --keep 0-11")
    }
    guard rank.isEmpty || output == nil && !dryRun else {
      throw ValidationError("--rank writes nothing: no -o, no --dry-run")
    }
    guard output?.isEmpty != true, output != nil || dryRun || !rank.isEmpty else {
      throw ValidationError("-o OUT is needed, or --dry-run for a look at the plan")
    }
    guard dtype == nil && golden.isEmpty || output?.hasSuffix(".assay") == true else {
      throw ValidationError("--dtype and --golden belong to an .assay; other files keep the types they have")
    }
    guard !preprocessing.normalize || !rank.isEmpty || output?.hasSuffix(".assay") == true else {
      throw ValidationError(
        "--normalize belongs to --rank and to an .assay; other files do not say how audio is prepared")
    }
  }

  func run() throws {
    guard let choice = keep.map(LayerChoice.keep) ?? drop.map(LayerChoice.drop) else { return try showRanking() }
    var pruning = Pruning(source: source, target: output ?? "", layers: choice)
    pruning.dataType = dtype
    pruning.goldens = golden
    pruning.options = try execution.options
    pruning.normalizing = preprocessing.normalize
    pruning.threads = execution.threads
    let report =
      dryRun ? try pruning.plan() : try pruning.run(progress: Console.progress("pruning", quiet: printing.quiet))
    printing.note(report.notes)
    try Console.result(printing.json ? report.json.compact : report.text)
    if !report.holds { throw ExitCode(ExitStatus.differs.rawValue) }
  }

  /// Runs the model on each recording, whole and without each of its layers.
  private func showRanking() throws {
    let model = try Model.open(source, execution.options, normalizing: preprocessing.normalize)
    printing.note(model.notes)
    let ranking = try LayerRanking(
      model, clips: rank.map { try Clip.load($0, rate: model.preprocessing.sampleRate) }, threads: execution.threads,
      progress: Console.progress("ranking", quiet: printing.quiet))
    try Console.result(printing.json ? ranking.json.compact : ranking.text)
  }
}
