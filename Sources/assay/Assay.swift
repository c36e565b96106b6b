import ArgumentParser
import AssayKit

/// The command line: words to calls, and errors to the contract's exit codes.
@main
struct Assay: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "assay",
    abstract: "Reads speech-emotion models, casts them into one compact file, and proves that they are still the same.",
    discussion:
      "Exit codes: 0 it holds; 1 numbers or weights differ; 2 it cannot be read, judged or written; 64 usage.",
    version: Conversion.tool,
    subcommands: [
      Inspect.self, Convert.self, Prune.self, Run.self, Verify.self, Diff.self, Edit.self, Golden.self, Bench.self,
    ])

  static func main() {
    Console.survivesFailedWrites()
    do {
      try requireProcessor()
      var command = try parseAsRoot()
      try command.run()
    } catch let status as ExitCode {
      exit(withError: status)
    } catch let failure as Failure {
      Console.fail("\(failure)")
      exit(withError: ExitCode(ExitStatus.failed.rawValue))
    } catch {
      if exitCode(for: error) == .success || exitCode(for: error) == .validationFailure { exit(withError: error) }
      Console.fail("\(error)")
      exit(withError: ExitCode(ExitStatus.failed.rawValue))
    }
  }
}
