import ArgumentParser
import AssayKit

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show what is inside a file or model folder.")

  @Argument(help: ArgumentHelp("A checkpoint, artifact, array, or model folder.", valueName: "file-or-folder"))
  var path: String

  @Flag(help: "Show the nodes of the model's graph.")
  var graph = false

  @Flag(help: "Show min, max, mean, std, NaN, Inf and zeros of each tensor.")
  var statistics = false

  @Flag(help: "Show the SHA-256 of each tensor's elements.")
  var digests = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    var options = Inspection.Options()
    (options.graph, options.statistics, options.digests) = (graph, statistics, digests)
    let inspection = try Inspection(path, options: options)
    output.note(inspection.notes)
    try Console.result(output.json ? inspection.json.compact : inspection.text)
  }
}
