import ArgumentParser
import AssayKit

/// Where `run` writes what it computed.
struct SavingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write every output of all recordings whole; they stay in memory until then.", valueName: "file.safetensors"))
  var save: String?

  @Option(help: ArgumentHelp("Write one file a recording into this folder.", valueName: "folder"))
  var saveDir: String?

  @Option(help: "What these are: safetensors, every output whole, or npy, the embedding or the one of --outputs.")
  var saveFormat: SavedFolder.Format?

  func validate() throws {
    guard saveFormat == nil || saveDir != nil else { throw ValidationError("--save-format goes with --save-dir") }
  }
}

/// What `run` shows.
struct ViewOptions: ParsableArguments {
  @Flag(help: "Add layer states to the outputs.")
  var layers = false

  @Option(help: ArgumentHelp("Show these values in full, by name.", valueName: "a,b"))
  var outputs: String?

  @Option(help: "What emotion2vec gives: a vector a frame, or one an utterance (default: both).")
  var granularity: Granularity?

  @Option(help: ArgumentHelp("Only the labels of the n largest values, largest first.", valueName: "n"))
  var topK: Int?

  @Option(help: ArgumentHelp("Draw one clip's labels and frame or layer values over time.", valueName: "file.svg"))
  var plot: String?

  func validate() throws {
    if let topK, topK < 1 { throw ValidationError("--top-k takes a number from 1 on") }
    if let plot, !plot.hasSuffix(".svg") { throw ValidationError("--plot writes SVG: a name like clip.svg would do") }
  }

  /// The names given to `--outputs`.
  var named: [String] { outputs?.split(separator: ",").map(String.init) ?? [] }

  /// The result as it is printed; drawn, too, if that is asked for.
  func text(_ result: RunResult, _ runner: Runner, json: Bool) throws -> String {
    let told = try topK.map { try result.keepingLargest($0) } ?? result
    if let plot { try told.writePlot(to: plot) }
    return json ? told.json(named: runner.shown).compact : told.text(Console.style)
  }
}

extension SavedFolder.Format: ExpressibleByArgument {}
extension Granularity: ExpressibleByArgument {}
