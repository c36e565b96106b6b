import ArgumentParser
import AssayKit

struct Edit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Change an artifact's metadata; tensors, graph and goldens keep their bytes.",
    discussion: "What can be edited: \(MetadataEdit.keys). A licence that the source stated stays named.")

  @Argument(help: "An artifact.")
  var file: String

  @Option(help: ArgumentHelp("Set a field, as --set labels=angry,happy.", valueName: "key=value"))
  var set: [String] = []

  @Option(help: ArgumentHelp("Take a note away, as --unset about.NAME.", valueName: "key"))
  var unset: [String] = []

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !set.isEmpty || !unset.isEmpty else { throw ValidationError("--set KEY=VALUE or --unset KEY is needed") }
    if let wrong = set.first(where: { !$0.dropFirst().contains("=") }) {
      throw ValidationError("--set takes KEY=VALUE, found \(wrong)")
    }
  }

  func run() throws {
    var edit = try MetadataEdit(file)
    for pair in set {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      try edit.set(String(parts[0]), to: String(parts[1]))
    }
    for key in unset { try edit.unset(key) }
    let report = try edit.save()
    try Console.result(output.json ? report.json.compact : report.text)
  }
}
