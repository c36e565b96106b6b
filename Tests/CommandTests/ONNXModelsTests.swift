import AssayKit
import Bytes
import Formats
import Foundation
import Frontends
import IR
import Tensors
import TestSupport
import Testing
import Verification

/// Models as both of PyTorch's exporters write them (golden/onnx) and audonnx folders; the expected values are those of
/// onnxruntime and of audonnx.
@Suite struct ONNXModelsTests {
  static let root = Repository.golden("onnx")

  /// Every folder with a graph.
  static let models = (try? folderEntries(root))?.filter { fileKind("\(root)/\($0)/model.onnx") == .file } ?? []
  /// Those that are the model of `audeering-checkpoint` without a batch.
  static let audeering = models.filter { $0.hasPrefix("audeering-") } + ["wav2vec2-old"]

  static func file(_ name: String) -> String { "\(root)/\(name)/model.onnx" }

  /// The cases of a model but the longest: they take most of the time.
  private func cases(_ name: String, without longest: [String] = ["-16000", "-24321"]) throws -> [GoldenCase] {
    try GoldenFolder.cases("\(Self.root)/\(name)/goldens").filter { golden in
      !longest.contains { golden.name.hasSuffix($0) }
    }
  }

  @Test func everyModelIsThere() {
    #expect(Self.models.count == 24)
    #expect(Self.audeering.count == 16)
  }

  @Test(arguments: models) func theCanonicalFormGivesTheExpectedNumbers(_ name: String) throws {
    let model = try Model.open(Self.file(name))
    let results = try Judge(model, threads: 2).results(cases(name, without: ["-16000"]))
    #expect(results.count >= 4)
    for result in results { #expect(result.holds, "\(name) \(result.golden.name): \(result.json.compact)") }
  }

  @Test(arguments: models) func theGraphAsItWasReadGivesTheExpectedNumbers(_ name: String) throws {
    let model = try Model.open(Self.file(name), unfused: true)
    let results = try Judge(model, threads: 2).results(cases(name))
    #expect(results.count >= 3)
    for result in results { #expect(result.holds, "\(name) \(result.golden.name): \(result.json.compact)") }
  }

  // MARK: The checkpoint of the same model

  /// How often each operator with its attributes stands in a graph.
  private func operators(_ graph: Graph) -> [Operator: Int] {
    graph.nodes.reduce(into: [:]) { $0[$1.op, default: 0] += 1 }
  }

  /// Operators with their attributes whose counts differ, as text.
  private func difference(_ left: [Operator: Int], _ right: [Operator: Int]) -> [String] {
    Set(left.keys).union(right.keys).filter { left[$0] != right[$0] }.map {
      "\($0): \(left[$0] ?? 0) and \(right[$0] ?? 0)"
    }.sorted()
  }

  /// The same model's weights, as a builder reads them.
  private static let checkpoint = Result { try Model.open(root + "/audeering-checkpoint").graph }

  /// The constants by their bits and shape.
  private func digests(_ graph: Graph) -> [String: [Constant]] {
    Dictionary(grouping: graph.constantOrder.map { graph.constants[$0]! }) {
      "\($0.dataType.rawValue) \($0.shape) \($0.digest)"
    }
  }

  @Test(arguments: audeering) func anExportIsTheGraphOfItsCheckpoint(_ name: String) throws {
    let checkpoint = try Self.checkpoint.get()
    #expect(checkpoint.nodes.count > 30)
    let export = try Model.open(Self.file(name)).graph
    var expected = operators(checkpoint)
    if !name.contains("batch") {
      // The batch of these files is 1, and so the waveform's reshape says; a builder leaves it open.
      let open = Operator.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(1)]))
      #expect(expected.removeValue(forKey: open) == 1)
      expected[.reshape(Reshape([.fixed(1), .copy(axis: 1), .fixed(1)]))] = 1
    }
    #expect(difference(operators(export), expected) == [], "\(name)")

    let (theirs, own) = (digests(checkpoint), digests(export))
    #expect(theirs.count > 50)
    let missing = theirs.filter { own[$0.key]?.count != $0.value.count }.flatMap(\.value)
    let extra = own.filter { theirs[$0.key]?.count != $0.value.count }.flatMap(\.value)
    guard Self.foldedByTorch.contains(name) else {
      #expect(missing.isEmpty && extra.isEmpty, "\(name): \(extra.map(\.provenance))")
      return
    }
    #expect(missing.count == 1 && extra.count == 1, "\(name): \(extra.map(\.provenance))")
    let (a, b) = (try #require(missing.first), try #require(extra.first))
    #expect(a.shape == b.shape && a.shape.rank == 3)
    #expect(a.provenance.sources.allSatisfy { $0.tensor.contains("pos_conv_embed") })
    // PyTorch sums the squares in F32: up to 4 ulp from the value itself, as in golden/folded.
    let worst = zip(a.tensor.floats, b.tensor.floats).map { ($0 - $1).magnitude / $1.ulp }.max()
    #expect(try #require(worst) <= 5, "\(name)")
  }

  /// Exports whose positional weight the TorchScript exporter folds itself, in another order of sums.
  static let foldedByTorch: Set<String> = [
    "audeering-batch-ts17", "audeering-ts12-eager", "audeering-ts13-eager", "audeering-ts14-eager",
    "audeering-ts14-sdpa", "audeering-ts17-eager", "audeering-ts18-eager", "audeering-ts20-eager",
    "audeering-ts20-sdpa", "wav2vec2-old",
  ]

  // MARK: Conversion

  /// A model of each exporter, one whose elements lie in a file of their own, and one with a batch.
  @Test(arguments: ["audeering-ts14-eager", "audeering-dynamo20-external", "superb-dynamo23"])
  func aFileBecomesAnArtifactThatVerifies(_ name: String) throws {
    try withTemporaryFolder { folder in
      let target = folder + "/model.assay"
      var conversion = Conversion(source: Self.file(name), target: target)
      conversion.goldens = try cases(name).map { "\(Self.root)/\(name)/goldens/\($0.name).golden.json" }
      let report = try conversion.run()
      #expect(report.isPublished && report.cases.count >= 3 && report.cases.allSatisfy(\.holds))
      let verdict = try Verdict(target, against: Self.file(name), threads: 2)
      #expect(verdict.holds && verdict.root != nil && verdict.cases.count == report.cases.count)
      let weights = try #require(verdict.weights)
      #expect(weights.equal > 30 && weights.holds, "\(weights)")
      // Another model's weights are told apart.
      let other = name == "audeering-ts14-eager" ? "superb-ts12" : "audeering-ts12-eager"
      #expect(try Verdict(target, against: Self.file(other), threads: 2).holds == false)
      let sources = try Model.open(target).sourceNames
      #expect(sources == (name.hasSuffix("external") ? ["model.onnx", "model.onnx.data"] : ["model.onnx"]))
    }
  }

  @Test func theProgramConvertsAndVerifies() throws {
    try withTemporaryFolder { folder in
      let (source, target) = (Self.file("audeering-dynamo20"), folder + "/model.assay")
      let golden = Self.root + "/audeering-dynamo20/goldens/samples-719.golden.json"
      let converted = try Program.run("convert", source, "-o", target, "--golden", golden, "--json")
      #expect(converted.status == 0, "\(converted.errors)")
      let verified = try Program.run("verify", target, "--against", source, "--json")
      #expect(verified.status == 0, "\(verified.errors)")
      #expect(try verified.json()["weights"]?["holds"]?.bool == true)
      for flags in [[], ["--unfused"]] {
        let outcome = try Program.run(["verify", source, "--golden", golden, "--json"] + flags)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try outcome.json()["cases"]?.array?.count == 1)
      }
      // Numbers of another clip.
      let short = Self.root + "/audeering-dynamo20/goldens/expected.safetensors"
      #expect(fileKind(short) == .file)
      let wrong = folder + "/wrong.golden.json"
      let text = try String(contentsOfFile: golden, encoding: .utf8)
      for name in ["inputs", "expected"] {
        try FileManager.default.copyItem(
          atPath: Self.root + "/audeering-dynamo20/goldens/\(name).safetensors", toPath: folder + "/\(name).safetensors"
        )
      }
      try text.replacing("samples-719.hidden_states", with: "samples-400.hidden_states").write(
        toFile: wrong, atomically: false, encoding: .utf8)
      #expect(try Program.run("verify", source, "--golden", wrong).status == 1)
      #expect(try Program.run("convert", source, "-o", folder + "/none.assay", "--golden", wrong).status == 1)
      #expect(fileKind(folder + "/none.assay") == .missing)
    }
  }

  @Test(arguments: ["audeering-ts20-sdpa", "audeering-dynamo20-external"])
  func twoConversionsGiveTheSameBytes(_ name: String) throws {
    try withTemporaryFolder { folder in
      let copy = folder + "/elsewhere"
      try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
      for part in ["model.onnx", "model.onnx.data"] where fileKind("\(Self.root)/\(name)/\(part)") == .file {
        try FileManager.default.copyItem(atPath: "\(Self.root)/\(name)/\(part)", toPath: "\(copy)/\(part)")
      }
      for (source, target, threads) in [(Self.file(name), "a", 1), (copy + "/model.onnx", "b", 3)] {
        var conversion = Conversion(source: source, target: "\(folder)/\(target).assay")
        conversion.threads = threads
        _ = try conversion.run()
      }
      #expect(FileManager.default.contentsEqual(atPath: folder + "/a.assay", andPath: folder + "/b.assay"))
    }
  }

  /// A passed-over file of tensors must not be a passed-over difference.
  @Test func anExternalFileThatIsGoneOrShortIsSaid() throws {
    try withTemporaryFolder { folder in
      let source = Self.root + "/audeering-dynamo20-external"
      try FileManager.default.copyItem(atPath: source + "/model.onnx", toPath: folder + "/model.onnx")
      let gone = try Program.run("convert", folder + "/model.onnx", "-o", folder + "/model.assay")
      #expect(gone.status == 2 && gone.errorLines.count == 1 && gone.errors.contains("model.onnx.data"))
      let whole = try Data(contentsOf: URL(fileURLWithPath: source + "/model.onnx.data"))
      try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: folder + "/model.onnx.data"))
      let short = try Program.run("run", folder + "/model.onnx", Repository.golden("audio/float32-16k.wav"))
      #expect(short.status == 2 && short.errorLines.count == 1, "\(short.errors)")
    }
  }

  // MARK: audonnx

  @Test(arguments: ["published", "normalized", "single", "legacy"])
  func anAudonnxFolderGivesWhatAudonnxComputes(_ name: String) throws {
    let path = Repository.golden("audonnx/" + name)
    for unfused in [false, true] {
      let verdict = try Verdict(path, goldens: [path + "/noise.golden.json"], threads: 2, unfused: unfused)
      #expect(verdict.holds && verdict.cases.count == 1 && verdict.cases[0].golden.maker.contains("real audonnx"))
    }
    // audonnx feeds recordings as they are: with the normalisation it says otherwise, unless the graph has it too.
    let normalized = try Verdict(path, goldens: [path + "/noise.golden.json"], threads: 2, normalizing: true)
    #expect(normalized.preprocessing.normalizationEpsilon == 1e-7)
    try withTemporaryFolder { folder in
      var conversion = Conversion(source: path, target: folder + "/model.assay")
      conversion.goldens = [path + "/noise.golden.json"]
      let report = try conversion.run()
      #expect(report.isPublished && report.cases.allSatisfy(\.holds))
      #expect(try Model.open(folder + "/model.assay").labels == Model.open(path).labels)
    }
  }

  @Test func labelsAreThoseOfTheFolder() throws {
    let speech = Repository.golden("audio/float32-16k.wav")
    let path = Repository.golden("audonnx/published")
    let document = try Program.run("run", path, speech, "--json").json()
    let logits = try #require(document["outputs"]?["logits"]?["values"]?.array).compactMap(\.double)
    #expect(document["labels"]?.object?.map(\.name) == ["arousal", "dominance", "valence"])
    #expect(document["labels"]?.object?.map(\.value.double) == logits)
  }

  // MARK: How recordings are prepared

  @Test func aResultSaysHowTheRecordingWasPrepared() throws {
    let speech = Repository.golden("audio/float32-16k.wav")
    func preprocessing(_ arguments: String...) throws -> String? {
      try Program.run(["run"] + arguments + [speech, "--json"]).json()["preprocessing"]?.compact
    }
    #expect(
      try preprocessing(Self.file("audeering-ts12-eager")) == #"{"sample_rate":16000,"normalization":null}"#)
    #expect(
      try preprocessing(Self.file("audeering-ts12-eager"), "--normalize")
        == #"{"sample_rate":16000,"normalization":{"epsilon":1e-07}}"#)
    try withTemporaryFolder { folder in
      let target = folder + "/model.assay"
      let converted = try Program.run("convert", Self.file("audeering-ts12-eager"), "-o", target, "--normalize")
      #expect(converted.status == 0, "\(converted.errors)")
      #expect(try preprocessing(target)?.contains(#""epsilon":"#) == true)
    }
    // What is fed as it is was prepared by nobody here.
    try withTemporaryFolder { folder in
      let zeros = [Float](repeating: 0, count: 400)
      try Data(NPYFile.encode(.init(zeros, shape: [1, 400]))).write(to: URL(fileURLWithPath: folder + "/x.npy"))
      let raw = try Program.run(
        "run", Self.file("audeering-ts12-eager"), "--input", "signal=\(folder)/x.npy", "--json")
      #expect(try raw.json()["preprocessing"]?.kind == "null", "\(raw.errors)")
    }
  }

  @Test func normalizedRecordingsHaveMeanZeroAndVarianceOne() throws {
    let speech = Repository.golden("audio/float32-16k.wav")
    let samples = try Clip.load(speech, rate: 16000).samples.map(Double.init)
    let mean = samples.reduce(0, +) / Double(samples.count)
    let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(samples.count)
    let normal = samples.map { Float(($0 - mean) / (variance + 1e-7).squareRoot()) }
    let file = Self.file("audeering-dynamo23")
    func logits(_ model: Model, _ clip: Clip) throws -> [Float] {
      try #require(Runner(model, threads: 2).run(clip).outputs.first { $0.name == "logits" }).tensor.floats
    }
    try withTemporaryFolder { folder in
      let path = folder + "/normal.npy"
      try Data(NPYFile.encode(.init(normal))).write(to: URL(fileURLWithPath: path))
      let expected = try logits(Model.open(file), Clip.load(path, rate: 16000))
      let clip = try Clip.load(speech, rate: 16000)
      let actual = try logits(Model.open(file, normalizing: true), clip)
      #expect(expected.count == 3 && zip(expected, actual).allSatisfy { ($0 - $1).magnitude < 1e-5 })
      let plain = try logits(Model.open(file), clip)
      #expect(zip(expected, plain).contains { ($0 - $1).magnitude > 1e-3 })
    }
  }

  @Test func aCheckpointSaysItself() throws {
    for command in ["run", "convert", "verify"] {
      let rest = [
        "run": [Repository.golden("audio/float32-16k.wav")], "convert": ["-o", "/nowhere/model.assay"],
        "verify": ["--golden", Repository.golden("models/audeering/goldens/speech.golden.json")],
      ]
      let outcome = try Program.run([command, Self.root + "/audeering-checkpoint", "--normalize"] + rest[command]!)
      #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(command): \(outcome.errors)")
    }
  }
}

extension Model {
  /// The names of the files that an artifact was made of.
  fileprivate var sourceNames: [String] {
    guard case .artifact(let file) = origin else { return [] }
    return file.artifact.metadata.sources.map(\.name)
  }
}
