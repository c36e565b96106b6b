import ArgumentParser
import AssayKit

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Run a model on recordings.")

  @Argument(help: "An artifact, a model folder, or a weight file with its configuration beside it.")
  var model: String

  @Argument(help: "Audio files, or .npy arrays taken as mono waveforms at the model's rate.")
  var inputs: [String] = []

  @Option(help: ArgumentHelp("Feed a graph input as it is.", valueName: "name=file.npy"))
  var input: [String] = []

  @Option(help: ArgumentHelp("Write every output whole.", valueName: "file.safetensors"))
  var save: String?

  @Flag(help: "Add layer states to the outputs.")
  var layers = false

  @Option(help: ArgumentHelp("Show these values in full, by name.", valueName: "a,b"))
  var outputs: String?

  @Option(help: ArgumentHelp("Only the labels of the n largest values, largest first.", valueName: "n"))
  var topK: Int?

  @Option(help: ArgumentHelp("Draw one clip's labels and frame or layer values over time.", valueName: "file.svg"))
  var plot: String?

  @Flag(help: "Run all inputs as one padded batch.")
  var batch = false

  @Flag(help: "Run all inputs as one batch in which no clip hears the padding: what single runs give.")
  var masked = false

  @Flag(help: "Show what a clip of --seconds would take, and run nothing.")
  var plan = false

  @Option(help: ArgumentHelp("The length of the clip that --plan is about.", valueName: "s"))
  var seconds = 1.0

  @Flag(help: "Compute an ONNX graph as it was read, without bringing it into canonical form.")
  var unfused = false

  @OptionGroup var preprocessing: PreprocessingOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let topK, topK < 1 { throw ValidationError("--top-k takes a number from 1 on") }
    if let plot, !plot.hasSuffix(".svg") { throw ValidationError("--plot writes SVG: a name like clip.svg would do") }
    if plot != nil, inputs.count > 1 { throw ValidationError("--plot draws one clip: give one recording") }
    if plan { return }
    guard inputs.isEmpty != input.isEmpty else {
      throw ValidationError("give recordings to run on, or graph inputs with --input, and not both")
    }
  }

  func run() throws {
    let named = outputs?.split(separator: ",").map(String.init) ?? []
    let model = try Model.open(
      model, execution.options, fed: rawInputs(input).integers, unfused: unfused,
      normalizing: preprocessing.normalize)
    output.note(model.notes)
    if plan {
      let forecast = try Forecast(model, seconds: seconds, threads: execution.threads)
      return try Console.result(output.json ? forecast.json.compact : forecast.text)
    }
    let runner = try Runner(model, threads: execution.threads, layers: layers, outputs: named)
    if !input.isEmpty {
      let result = try runner.run(raw: rawInputs(input), name: input.joined(separator: " "))
      try show([result], named)
      if let save { try RunResult.save([result], to: save) }
      return
    }
    if batch || masked {
      let clips = try inputs.map { try Clip.load($0, rate: model.preprocessing.sampleRate) }
      let (results, tensors) = try runner.run(batch: clips, masked: masked)
      try show(results, named)
      if let save { try RunResult.save(tensors, metadata: [], to: save) }
      return
    }
    var kept: [RunResult] = []
    for path in inputs {
      let result = try runner.run(Clip.load(path, rate: model.preprocessing.sampleRate))
      try show([result], named)
      if save != nil { kept.append(result) }
    }
    if let save { try RunResult.save(kept, to: save) }
  }

  private func show(_ results: [RunResult], _ named: [String]) throws {
    for result in results {
      let told = try topK.map { try result.keepingLargest($0) } ?? result
      if let plot { try told.writePlot(to: plot) }
      try Console.result(output.json ? told.json(named: named).compact : told.text(Console.style))
    }
  }
}
