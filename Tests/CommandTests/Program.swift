import Bytes
import Foundation
import TestSupport

/// The built `assay`, run as a user runs it.
enum Program {
  /// What a run printed and how it ended.
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String

    /// The output as JSON.
    func json() throws -> JSON { try JSON.read(view(Array(output.utf8)), format: "output") }

    /// Messages, a line each; libraries' own chatter about a file is not ours.
    var errorLines: [Substring] { errors.split(separator: "\n").filter { $0.hasPrefix("assay: ") } }
  }

  /// Beside the tests, wherever the build put them.
  static let path: String = {
    let places = [CommandLine.arguments[0]] + Bundle.allBundles.map(\.bundlePath)
    for place in places {
      let candidate = URL(fileURLWithPath: place).deletingLastPathComponent().appendingPathComponent("assay").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    return Repository.root + "/.build/tests/debug/assay"
  }()

  /// Runs the program to its end.
  static func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  /// `fileBlocks` limits the size of any file written, as a full disk would; a block has 512 or 1,024 bytes.
  static func run(_ arguments: [String], fileBlocks: Int? = nil) throws -> Outcome {
    try run(arguments, shell: fileBlocks.map { "ulimit -f \($0); exec \"$0\" \"$@\"" })
  }

  /// Runs the program in a line of bash, where it is `"$0" "$@"`.
  static func run(_ arguments: [String], shell: String?) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    if let shell {
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      process.arguments = ["-c", shell, path] + arguments
    }
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // Errors are short and fit the pipe; output is read while the program writes it.
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let messages = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, output: text, errors: messages)
  }

  /// What a user has to say of a golden package: an argument a line in its file `options`, where `./` is the package.
  static func options(of package: String) throws -> [String] {
    guard FileManager.default.fileExists(atPath: package + "/options") else { return [] }
    return try String(contentsOfFile: package + "/options", encoding: .utf8).split(separator: "\n").map {
      $0.hasPrefix("./") ? package + $0.dropFirst() : String($0)
    }
  }

  /// Starts the program and kills it after `seconds`.
  static func kill(after seconds: Double, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    Thread.sleep(forTimeInterval: seconds)
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
