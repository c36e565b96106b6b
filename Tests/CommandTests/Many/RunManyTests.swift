import Bytes
import Formats
import Foundation
import TestSupport
import Testing

/// `assay run` over many recordings, as a user runs it.
@Suite struct RunManyTests {
  private func run(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(["run", Recordings.model] + arguments)
  }

  /// Good and bad recordings in `folder`: what each is called, and a word of why it has no result.
  private func mixture(_ folder: String) throws -> [(path: String, error: String?)] {
    try Recordings.noise(folder + "/a.npy", samples: 4000)
    try Recordings.noise(folder + "/short.npy", samples: 399)
    try Recordings.write(folder + "/text.wav", "this is no audio")
    try Recordings.write(folder + "/empty.wav", "")
    try Recordings.write(folder + "/nan.npy", NPYFile.encode(.init([Float](repeating: .nan, count: 500))))
    let flac = try ByteRegion.mapping(Recordings.clip).view.array
    try Recordings.write(folder + "/damaged.flac", Array(flac.prefix(flac.count / 2)))
    return [
      (folder + "/short.npy", "399 samples"), (Recordings.clip, nil), (folder + "/text.wav", "cannot decode"),
      (folder + "/a.npy", nil), (folder + "/missing.wav", "No such file"), (folder + "/empty.wav", "cannot decode"),
      (folder + "/nan.npy", "not finite"), (folder + "/a.npy", nil), (folder + "/damaged.flac", "audio"),
    ]
  }

  @Test(arguments: ["1", "2", "5"]) func aBadRecordingIsToldInItsPlaceAndStopsNoOther(_ threads: String) throws {
    try withTemporaryFolder { folder in
      let files = try mixture(folder)
      let arguments = ["run", Recordings.model, "--threads", threads] + files.map(\.path)
      let outcome = try Program.run(arguments + ["--json"])
      #expect(outcome.status == 2)
      let documents = try outcome.documents
      #expect(documents.map { $0["input"]?.string } == files.map(\.path))
      for (document, file) in zip(documents, files) {
        if let error = file.error {
          #expect(document.object?.map(\.name) == ["input", "name", "error"])
          #expect(document["error"]?.string?.contains(error) == true, "\(document.compact)")
        } else {
          #expect(document["labels"]?.object?.count == 3)
        }
      }
      let bad = files.filter { $0.error != nil }
      #expect(outcome.errorLines.count == bad.count)
      for (line, file) in zip(outcome.errorLines, bad) { #expect(line.hasPrefix("assay: \(file.path): ")) }
      // For people the results are there and the errors beside them.
      let text = try Program.run(arguments)
      #expect(text.status == 2 && text.errorLines == outcome.errorLines)
      #expect(text.output.matches(of: /arousal/).count == 3 && !text.output.contains("error"))
      // A single one.
      let single = try run(folder + "/text.wav", "--json")
      #expect(try single.status == 2 && single.errorLines.count == 1 && single.json()["error"] != nil)
      #expect(try run(folder + "/text.wav").output.isEmpty)
    }
  }

  @Test func resultsCarryTheNameOfTheirRecording() throws {
    try withTemporaryFolder { folder in
      for name in ["b", "a/c"] { try Recordings.noise("\(folder)/in/\(name).npy") }
      try Recordings.write(folder + "/wav.scp", "utt/1 \(folder)/in/b.npy\n\nutt-2  \(Recordings.clip)\n")
      let arguments = ["run", Recordings.model, folder + "/in", Recordings.clip, "--json"]
      let expected = ["a/c", "b", "pcm16", "utt/1", "utt-2"]
      let listed = try Program.run(arguments + ["--scp", folder + "/wav.scp"])
      #expect(listed.status == 0, "\(listed.errors)")
      #expect(try listed.documents.map { $0["name"]?.string } == expected)
      let piped = try Program.run(
        arguments + ["--scp", "-"], shell: "cat '\(folder)/wav.scp' | \"$0\" \"$@\"")
      #expect(piped.output == listed.output)
      // Relative paths are those of the working directory.
      try Recordings.write(folder + "/relative.scp", "x in/b.npy")
      let relative = try Program.run(
        ["run", Recordings.model, "--scp", "relative.scp", "--json"], shell: "cd '\(folder)' && exec \"$0\" \"$@\"")
      #expect(try relative.json()["input"]?.string == "in/b.npy")
    }
  }

  @Test func whatNamesNothingIsRefusedBeforeTheModelIsRead() throws {
    try withTemporaryFolder { folder in
      try Recordings.write(folder + "/wav.scp", "a\n")
      for arguments in [[folder], ["--scp", folder + "/wav.scp"], ["--scp", folder + "/none"]] {
        let outcome = try Program.run(["run", "/nowhere/model"] + arguments)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(!outcome.errors.contains("/nowhere/model"))
      }
      #expect(try Program.run("run", Recordings.model, "--scp").status == 64)
      #expect(try Program.run("run", Recordings.model, "--scp", "x", "--input", "signal=x.npy").status == 64)
    }
  }

  @Test func whatIsSaidDoesNotDependOnJobs() throws {
    try withTemporaryFolder { folder in
      for number in 0..<5 {
        try Recordings.noise("\(folder)/\(number).npy", samples: 400 + number * 1571 % 4000, seed: UInt64(number))
      }
      // Group norm over time, states whole.
      let base = Repository.golden("models/base")
      let arguments = ["run", base, folder, "--json", "--outputs", "last_hidden_state,layer.1"]
      let one = try Program.run(arguments + ["--threads", "1"])
      #expect(one.status == 0)
      for more in [["--threads", "2"], ["--threads", "8", "--jobs", "3"]] {
        #expect(try Program.run(arguments + more).output == one.output, "\(more)")
      }
      let alone = try (0..<5).map { number in
        try Program.run("run", base, "\(folder)/\(number).npy", "--json", "--outputs", "last_hidden_state,layer.1")
      }
      #expect(alone.map(\.output).joined() == one.output)
    }
  }

  @Test func allResultsTogetherAreNumberedByTheirRecordings() throws {
    try withTemporaryFolder { folder in
      let file = folder + "/all.safetensors"
      let outcome = try run("/nowhere.wav", Recordings.clip, "--save", file)
      #expect(outcome.status == 2)
      #expect(try SafetensorsFile.open(file).entries.map(\.name).sorted() == ["1.hidden_states", "1.logits"])
      #expect(outcome.errors.contains("note: --save keeps all 2 results in memory"))
      #expect(try !run(Recordings.clip, "--save", file).errors.contains("note"))
    }
  }

  @Test(arguments: ["\"$0\" \"$@\" >/dev/full", "\"$0\" \"$@\" | :; exit ${PIPESTATUS[0]}", "exec \"$0\" \"$@\" >&-"])
  func anOutputThatCannotBeWrittenStopsTheRest(_ shell: String) throws {
    try withTemporaryFolder { folder in
      let (list, out) = (folder + "/wav.scp", folder + "/out")
      try Recordings.noise(folder + "/x.npy")
      try Recordings.write(list, (0..<200).map { "\($0) \(folder)/x.npy\n" }.joined())
      let outcome = try Program.run(
        ["run", Recordings.model, "--scp", list, "--json", "--save-dir", out, "--threads", "2"], shell: shell)
      #expect(outcome.status == 2, "\(outcome.errors)")
      #expect(outcome.errorLines.count == 1 && outcome.errors.contains("standard output: cannot write"))
      // Those that were under way are done, the others were never begun.
      #expect(try (1...12).contains(contents(out).count))
    }
  }

  @Test func aModelThatHearsNothingIsToldOnce() throws {
    try withTemporaryFolder { folder in
      var file = ONNXFixture()
      for name in ["a", "b"] { file.input(name, [1, 4]) }
      file.node("Add", ["a", "b"], ["y"])
      file.output("y")
      try Recordings.write(folder + "/model.onnx", file.bytes)
      let outcome = try Program.run(
        "run", folder + "/model.onnx", Recordings.clip, Recordings.clip, "--json", "--quiet")
      #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.output.isEmpty, "\(outcome.errors)")
      #expect(outcome.errors.contains("no input of the graph is a waveform"))
    }
  }

  @Test func layersThatAreNotThereAreANoteAndNoError() throws {
    try withTemporaryFolder { folder in
      try Recordings.twoViews(folder + "/model.onnx")
      try Recordings.noise(folder + "/x.npy")
      let arguments = ["run", folder + "/model.onnx", folder + "/x.npy", "--json"]
      let outcome = try Program.run(arguments + ["--layers"])
      #expect(outcome.status == 0 && outcome.errors == "note: there are no layer states: the model has no layers\n")
      #expect(try outcome.json()["outputs"]?.object?.count == 3)
      #expect(try Program.run(arguments + ["--layers", "--quiet"]).errors.isEmpty)
      #expect(try Program.run(arguments).errors.isEmpty)
    }
  }

  /// `script` gives the program a terminal.
  @Test(.enabled(if: fileKind("/usr/bin/script") == .file)) func progressIsForTerminals() throws {
    func onATerminal(_ more: String...) throws -> String {
      let arguments = ["run", Recordings.model, Recordings.clip, Recordings.clip, "/nowhere.wav", "--json"] + more
      return try Program.run(
        arguments, shell: "exec script -qec \"$(printf '%q ' \"$0\" \"$@\")\" /dev/null"
      ).output
    }
    let shown = try onATerminal()
    #expect(shown.contains("\r1 of 3 files, ") && shown.contains("\r3 of 3 files, "))
    // It is taken away before a result, and at the end.
    #expect(shown.hasSuffix("\r\u{1B}[K") && shown.matches(of: /\r\u{1B}\[K{"input"/).count == 2)
    #expect(try !onATerminal("--quiet").contains(" of 3 files"))
    let piped = try run(Recordings.clip, Recordings.clip, "--json")
    #expect(piped.errors.isEmpty)
  }
}
