import ArgumentParser
import AssayKit

/// Options of several commands.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print JSON for programs.")
  var json = false

  @Flag(help: "Print no messages beside results and errors.")
  var quiet = false

  /// Notes go to standard error, unless nobody wants them.
  func note(_ notes: [String]) {
    guard !quiet else { return }
    for note in notes { Console.message("note: " + note) }
  }
}

struct ExecutionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Threads to compute with (default: as many as cores).", valueName: "n"))
  var threads = defaultThreads

  @Option(help: ArgumentHelp("The system, where the files cannot tell.", valueName: "name"))
  var system: String?

  @Option(help: ArgumentHelp("The head's weights, where they do not lie with the encoder's.", valueName: "file"))
  var head: String?

  @Option(help: ArgumentHelp("What stands between the head's linear layers (default: relu).", valueName: "name"))
  var headActivation: String?

  @Option(help: ArgumentHelp("What the outputs mean, in their order, where the files do not say.", valueName: "a,b"))
  var labels: String?

  /// What is said of a model beside its files.
  var options: SourceOptions {
    get throws {
      try SourceOptions(
        system: system, head: head, headActivation: headActivation,
        labels: labels.map { $0.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed } })
    }
  }

  func validate() throws {
    guard (1...64).contains(threads) else { throw ValidationError("--threads takes a number from 1 to 64") }
  }
}

/// What commands that hear recordings may be told of them.
struct PreprocessingOptions: ParsableArguments {
  @Flag(
    help: "Bring recordings to zero mean and unit variance (epsilon 1e-7), where the model is ONNX and does not say.")
  var normalize = false
}

extension Substring {
  /// The text without spaces around it.
  fileprivate var trimmed: String {
    let start = drop { $0 == " " }
    return String(start.prefix(upTo: start.lastIndex { $0 != " " }.map(start.index(after:)) ?? start.startIndex))
  }
}
