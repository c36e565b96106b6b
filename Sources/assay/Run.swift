import ArgumentParser
import AssayKit

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a model on recordings.",
    discussion: "A recording that cannot be read is told of and stops no other; the exit code is 2 then.")

  @Argument(help: "An artifact, a model folder, or a weight file with its configuration beside it.")
  var model: String

  @Argument(help: "Audio files, .npy arrays taken as mono waveforms at the model's rate, or folders of both.")
  var inputs: [String] = []

  @Option(
    help: ArgumentHelp(
      "Recordings after these, a line each: NAME PATH, as Kaldi's wav.scp; - is standard input.", valueName: "file"))
  var scp: [String] = []

  @Option(help: ArgumentHelp("Feed a graph input as it is.", valueName: "name=file.npy"))
  var input: [String] = []

  @Flag(help: "Run all inputs as one padded batch.")
  var batch = false

  @Flag(help: "Run all inputs as one batch in which no clip hears the padding: what single runs give.")
  var masked = false

  @Option(help: ArgumentHelp("Recordings computed side by side (default: as many as threads).", valueName: "n"))
  var jobs: Int?

  @Flag(help: "Show what a clip of --seconds would take, and run nothing.")
  var plan = false

  @Option(help: ArgumentHelp("The length of the clip that --plan is about.", valueName: "s"))
  var seconds = 1.0

  @Flag(help: "Compute an ONNX graph as it was read, without bringing it into canonical form.")
  var unfused = false

  @OptionGroup var saving: SavingOptions
  @OptionGroup var view: ViewOptions
  @OptionGroup var preprocessing: PreprocessingOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if plan { return }
    guard saving.save == nil || saving.save != view.plot else {
      throw ValidationError("--save and --plot write two files: give them two names")
    }
    guard (inputs.isEmpty && scp.isEmpty) != input.isEmpty else {
      throw ValidationError("give recordings to run on, or graph inputs with --input, and not both")
    }
    guard input.isEmpty || saving.saveDir == nil && !batch && !masked else {
      throw ValidationError("--save-dir, --batch and --masked are for recordings, not for --input")
    }
    guard saving.saveFormat != .npy || !view.layers else {
      throw ValidationError("--save-format npy writes one array a file; --outputs layer.N names one, --layers many")
    }
    guard jobs.map({ (1...execution.threads).contains($0) }) ?? true else {
      throw ValidationError("--jobs takes a number from 1 to that of --threads, \(execution.threads)")
    }
  }

  func run() throws {
    let recordings = try plan ? [] : RunInput.all(inputs, lists: scp)
    if view.plot != nil, recordings.count > 1 { throw ValidationError("--plot draws one clip: give one recording") }
    let model = try Model.open(
      model, execution.options, fed: rawInputs(input).integers, unfused: unfused,
      normalizing: preprocessing.normalize)
    output.note(model.notes)
    if plan {
      let forecast = try Forecast(model, seconds: seconds, threads: execution.threads)
      return try Console.result(output.json ? forecast.json.compact : forecast.text)
    }
    let runner = try Runner(
      model, threads: execution.threads, layers: view.layers, outputs: view.named, granularity: view.granularity)
    output.note(runner.notes)
    let fed = input.compactMap { $0.split(separator: "=", maxSplits: 1).last.map(String.init) }
    try runner.checkPlaces(
      [saving.save, view.plot].compactMap { $0 }, reading: recordings.map(\.path) + scp.filter { $0 != "-" } + fed)
    if !input.isEmpty {
      let result = try runner.run(raw: rawInputs(input), name: input.joined(separator: " "))
      try Console.result(text(result, runner))
      if let save = saving.save { try RunResult.save([(0, result)], of: 1, to: save) }
      return
    }
    let folder = try saving.saveDir.map {
      try SavedFolder($0, saving.saveFormat ?? .safetensors, runner: runner, inputs: recordings, outputs: view.named)
    }
    if batch || masked {
      let clips = try recordings.map {
        try Clip.load($0.path, rate: model.preprocessing.sampleRate, name: $0.name)
      }
      let (results, tensors) = try runner.run(batch: clips, masked: masked)
      for (input, result) in zip(recordings, results) {
        try folder?.write(result, of: input)
        try Console.result(text(result, runner))
      }
      if let save = saving.save { try RunResult.save(tensors, metadata: [], to: save) }
      return
    }
    try run(RunQueue(runner, recordings, threads: execution.threads, jobs: jobs), into: folder)
  }

  /// Runs one recording after the other, or several side by side, and prints each result in its place.
  private func run(_ queue: RunQueue, into folder: SavedFolder?) throws {
    let (keeps, total) = (saving.save != nil, queue.inputs.count)
    var kept: [(number: Int, result: RunResult)] = []
    var failed = false
    let status = Console.Status(quiet: output.quiet || total < 2)
    var progress = RunProgress(total: total)
    try queue.run { [self] input, result in
      try folder?.write(result, of: input)
      return (text: try text(result, queue.runner), result: keeps ? result : nil, seconds: result.duration)
    } take: { input, outcome in
      status.clear()
      switch outcome {
      case .success(let (text, result, seconds)):
        try Console.result(text)
        if let result {
          if kept.isEmpty, total > 1 { output.note([result.noteOnKeeping(total)]) }
          kept.append((progress.done, result))
        }
        progress.add(seconds: seconds)
      case .failure(let failure):
        failed = true
        if output.json { try Console.result(input.json(failure).compact) }
        Console.fail("\(failure)")
        progress.add(seconds: 0)
      }
      status.show { progress.text(after: $0) }
    }
    status.clear()
    if let save = saving.save, !kept.isEmpty { try RunResult.save(kept, of: total, to: save) }
    if failed { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  private func text(_ result: RunResult, _ runner: Runner) throws -> String {
    try view.text(result, runner, json: output.json)
  }
}
