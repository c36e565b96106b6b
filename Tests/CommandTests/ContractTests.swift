import AssayKit
import Bytes
import Foundation
import Frontends
import Tensors
import TestSupport
import Testing

/// Holds the program to the contract's tables.
@Suite struct ContractTests {
  let contract: String
  let additions: String

  init() throws {
    func article(_ name: String) throws -> String {
      try String(contentsOfFile: Repository.root + "/Sources/AssayKit/AssayKit.docc/\(name).md", encoding: .utf8)
    }
    contract = try article("Contracts")
    additions = try article("Additions")
  }

  /// The rows of the table whose header starts with `header`, as cells.
  func table(_ header: String, of article: String? = nil) throws -> [[String]] {
    let lines = (article ?? contract).components(separatedBy: "\n")
    let start = try #require(lines.firstIndex { $0.hasPrefix("| " + header) })
    return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
      line.replacing("\\|", with: "¦").split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  @Test func everyCommandAndOptionOfTheTableExists() throws {
    let help = try Program.run("--help")
    #expect(help.status == 0)
    for row in try table("command") {
      let command = String(try #require(row[0].split(separator: " ").dropFirst().first)).filter { $0 != "`" }
      #expect(help.output.contains("  \(command) "))
      let page = try Program.run(command, "--help").output
      for match in row.joined(separator: " ").matches(of: /--[a-z]+/) {
        #expect(page.contains(match.output), "\(command) \(match.output)")
      }
    }
  }

  @Test func whatGoesBeyondTheContractExistsToo() throws {
    for row in try table("command", of: additions) {
      let words = row[0].split(separator: " ").dropFirst().prefix { $0.allSatisfy { $0.isLowercase } }
      let page = try Program.run(words.map(String.init) + ["--help"])
      #expect(page.status == 0)
      for match in row.joined(separator: " ").matches(of: /--[a-z]+/) {
        #expect(page.output.contains(match.output), "\(words) \(match.output)")
      }
    }
  }

  @Test func elementTypesAreSpelledAsInTheContract() throws {
    let line = try #require(contract.components(separatedBy: "\n").first { $0.contains("in safetensors' spelling") })
    let words = try #require(line.components(separatedBy: "spelling: ").last?.components(separatedBy: " (").first)
    #expect(words.split(separator: " ").map(String.init) == DataType.allCases.map(\.rawValue))
  }

  @Test func systemsAndTheirOutputsAreThoseOfTheTable() throws {
    let rows = try table("`--system`")
    let names = rows.map { $0[0].components(separatedBy: "`")[1] }
    #expect(Set(names) == Set(ModelSystem.allCases.map(\.rawValue)))
    for (package, system) in [
      ("audeering/safetensors", ModelSystem.wav2vec2Regression), ("base", .wav2vec2), ("mixed", .wav2vec2),
      ("superb", .wav2vec2Classification), ("superb-stable", .wav2vec2Classification), ("speechbrain", .speechbrain),
    ] {
      let model = try Model.open(Repository.golden("models/" + package))
      #expect(model.system == system)
      let row = try #require(rows.first { $0[0].contains("`\(system.rawValue)`") })
      let outputs = row[3].matches(of: /`([a-z_]+)` \[/).map { String($0.output.1) }
      #expect(model.graph.outputs.map(\.name) == outputs)
    }
    let normalised = try Model.open(Repository.golden("models/audeering/safetensors")).preprocessing
    #expect(normalised.normalizationEpsilon == 1e-7)
    #expect(try Model.open(Repository.golden("models/base")).preprocessing.normalizationEpsilon == nil)
    #expect(try Model.open(Repository.golden("models/superb")).preprocessing.normalizationEpsilon == nil)
    #expect(try Model.open(Repository.golden("models/speechbrain")).preprocessing.normalizationEpsilon == 1e-5)
  }

  @Test func exitCodesAreThoseOfTheContract() throws {
    let line = try #require(contract.components(separatedBy: "\n").first { $0.hasPrefix("Exit codes:") })
    let codes = line.matches(of: /\*\*(\d+)\*\*/).compactMap { Int32($0.output.1) }
    #expect(codes == ExitStatus.allCases.map(\.rawValue))

    let audeering = Repository.golden("models/audeering")
    #expect(try Program.run("verify", audeering + "/pytorch", "--golden", audeering + "/goldens").status == 0)
    // The PyTorch file of this folder holds other numbers.
    let wrong = try Program.run("verify", audeering + "/both/pytorch_model.bin", "--golden", audeering + "/goldens")
    #expect(wrong.status == 1)
    #expect(wrong.output.contains("first value that is wrong by itself"))
    #expect(try Program.run("verify", Repository.golden("models/base"), "--golden", audeering + "/goldens").status == 2)
    #expect(try Program.run("verify", audeering + "/pytorch").status == 2)
    #expect(try Program.run("inspect", "/nowhere").status == 2)
    #expect(try Program.run("inspect", Repository.root + "/README.md").status == 2)
    for usage in [
      ["frobnicate"], ["inspect"], ["inspect", "a", "--colour"], ["run", "model"], ["run", "m", "a", "--threads", "0"],
    ] {
      #expect(try Program.run(usage).status == 64)
    }
  }

  @Test func inspectPrintsTheContractsDocument() throws {
    let folder = Repository.golden("models/audeering")
    for (path, format) in [
      ("pytorch", "pytorch-zip"), ("legacy", "pytorch-legacy"), ("safetensors", "safetensors"),
      ("sharded", "safetensors"),
    ] {
      let document = try Program.run("inspect", "\(folder)/\(path)", "--json", "--digests").json()
      #expect(document["format"]?.string == format)
      #expect(document.object?.map(\.name).starts(with: ["format", "tensors", "metadata", "globals"]) == true)
      let tensors = try #require(document["tensors"]?.array)
      #expect(tensors.allSatisfy { $0.object?.map(\.name) == ["name", "dtype", "shape", "bytes", "sha256"] })
      #expect(
        format.hasPrefix("pytorch")
          == (document["globals"]?.array?.contains { $0.string == "torch._utils._rebuild_tensor_v2" }))
    }
    try withTemporaryFolder { folder in
      let artifact = folder + "/model.assay"
      _ = try Program.run("convert", Repository.golden("models/base"), "-o", artifact)
      let document = try Program.run("inspect", artifact, "--json").json()
      #expect(document["format"]?.string == "assay")
      #expect(document["metadata"]?["system"]?.string == "wav2vec2")
      let ignored = (document["metadata"]?["ignored"]?.array ?? []).compactMap { $0["tensor"]?.string }
      #expect(ignored.contains { $0.hasPrefix("quantizer.") } && ignored.contains { $0.hasPrefix("project_hid.") })
    }
  }

  @Test func graphAndStatisticsAreShown() throws {
    let folder = Repository.golden("models/audeering/pytorch")
    let graph = try Program.run("inspect", folder, "--graph").output
    #expect(graph.contains("encoder.layers.2.attention.q_proj: F32["))
    #expect(graph.contains("output logits: F32[batch, 3]"))
    let statistics = try Program.run("inspect", folder, "--statistics", "--json").json()
    let first = try #require(statistics["tensors"]?.array?.first?["statistics"])
    #expect(first.object?.map(\.name) == ["min", "max", "mean", "std", "nan", "inf", "zeros"])
  }

  @Test func publishedValuesWaitForTheFile() throws {
    let cases = try GoldenFolder.cases(Repository.golden("published"))
    #expect(
      cases.map(\.system) == ["wav2vec2-regression", "onnx"] || cases.map(\.system) == ["onnx", "wav2vec2-regression"])
    let noise = try #require(cases.first { $0.system == "onnx" })
    guard case .waveform(let samples) = noise.input else {
      Issue.record("the noise is a waveform")
      return
    }
    // Of numpy's own stream: numpy.random.seed(0), then normal(size=16000) as float32.
    #expect(samples.digest.description == "42928c1bd6feb074714741283c3505d2c14a5f366e6fa84f7607fcb462eebf8d")
    let silence = try #require(cases.first { $0.system == "wav2vec2-regression" })
    #expect(silence.expected.first { $0.name == "logits" }?.values.floats == [0.5460754, 0.6062266, 0.40431657])
  }
}
