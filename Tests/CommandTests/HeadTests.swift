import Bytes
import Foundation
import TestSupport
import Testing

/// Heads beside encoders, as a user says them.
@Suite struct HeadTests {
  static let notebook = Repository.golden("models/speechbrain")
  static let other = Repository.golden("models/speechbrain-other-head")
  static let clip = Repository.golden("models/speechbrain/goldens/speech.flac")

  static var otherOptions: [String] { get throws { try Program.options(of: other) } }

  /// The artifact of a package computes what the package does, names the head's file and its digest, and is its source.
  private func expectSame(_ package: String, _ options: [String], head: (name: String, path: String)) throws {
    try withTemporaryFolder { folder in
      let target = folder + "/model.assay"
      let converted = try Program.run(
        ["convert", package, "-o", target, "--golden", package + "/goldens", "--json"] + options)
      #expect(converted.status == 0, "\(converted.errors)")
      #expect(converted.errors.contains("training mode"))
      let report = try converted.json()
      #expect(report["system"]?.string == "speechbrain")
      let accounting = report["accounting"]
      let names = accounting?["kept"]?.array?.compactMap(\.string) ?? []
      #expect(names.contains("0.weight"))
      let ignored = accounting?["ignored"]?.array?.compactMap { $0["tensor"]?.string } ?? []
      #expect(Set(ignored) == ["lm_head.weight", "lm_head.bias", "wav2vec2.masked_spec_embed"])

      let inspected = try Program.run("inspect", target, "--json").json()
      let sources = inspected["metadata"]?["sources"]?.array ?? []
      let source = try #require(sources.first { $0["name"]?.string == head.name })
      let digest = Digest.of(try ByteRegion.mapping(head.path).view)
      #expect(source.compact.contains(digest.description), "\(source.compact)")

      let asked = ["--json", "--outputs", "logits,scores,hidden_states"]
      let (mine, theirs) = try (
        Program.run(["run", target, Self.clip] + asked).json(),
        Program.run(["run", package, Self.clip] + asked + options).json()
      )
      #expect(mine.compact == theirs.compact)
      #expect(mine["labels"]?.object?.isEmpty == false)

      let verified = try Program.run(["verify", target, "--against", package] + options)
      #expect(verified.status == 0, "\(verified.errors)\(verified.output)")
      let compared = try Program.run(["diff", package, target] + options)
      #expect(compared.status == 0, "\(compared.errors)\(compared.output)")
    }
  }

  @Test func theNotebooksFolder() throws {
    try expectSame(Self.notebook, [], head: ("emotion_classifier.pth", Self.notebook + "/emotion_classifier.pth"))
  }

  @Test func aHeadFromElsewhere() throws {
    let head = Self.other + "/trained/model.safetensors"
    try expectSame(Self.other, Self.otherOptions, head: ("model.safetensors", head))
    let outcome = try Program.run(["run", Self.other, Self.clip, "--json"] + Self.otherOptions).json()
    #expect(outcome["labels"]?.object?.map(\.name) == ["calm", "tense", "loud"])
    // Another activation is another model.
    let relu = try Self.otherOptions.map { $0 == "tanh" ? "relu" : $0 }
    let wrong = try Program.run(["verify", Self.other, "--golden", Self.other + "/goldens", "--json"] + relu)
    #expect(wrong.status == 1)
    #expect(wrong.output.contains("head.2"))
    let right = try Program.run(["verify", Self.other, "--golden", Self.other + "/goldens"] + Self.otherOptions)
    #expect(right.status == 0, "\(right.output)")
  }

  @Test func superbsScoresAreThePipelines() throws {
    let package = Repository.golden("models/superb")
    let document = try Program.run("run", package, package + "/goldens/speech.flac", "--json").json()
    let expected = try Repository.json(package + "/goldens/speech.golden.json")["expected"]?["scores"]?["values"]
    let values = (expected?.array ?? []).compactMap(\.double)
    let labels = document["labels"]?.object ?? []
    #expect(labels.map(\.name) == ["neu", "hap", "ang", "sad"])
    #expect(values.count == 4 && zip(labels, values).allSatisfy { abs(($0.value.double ?? 9) - $1) < 1e-5 })
  }

  @Test(arguments: [
    (["run", "AUDEERING", "CLIP", "--head", "HEAD"], "a classifier of their own"),
    (["run", "AUDEERING", "CLIP", "--head-activation", "relu"], "a classifier of their own"),
    (["run", "AUDEERING", "CLIP", "--labels", "a,b,c"], "names the outputs: arousal, dominance, valence"),
    (["run", "AUDEERING", "CLIP", "--system", "speechbrain"], "a classifier of their own"),
    (["run", "ONNX", "CLIP", "--head", "HEAD"], "an ONNX graph has its own"),
    (["run", "ARTIFACT", "CLIP", "--head", "HEAD"], "an artifact has its head"),
    (["verify", "ARTIFACT", "--labels", "a,b"], "an artifact has its head"),
    (["verify", "ARTIFACT", "--against", "ARTIFACT", "--head", "HEAD"], "none of these is one"),
    (["diff", "ARTIFACT", "ONNX", "--head", "HEAD"], "none of these is one"),
    (["run", "BASE", "CLIP", "--system", "speechbrain"], "--head FILE"),
    (["run", "BASE", "CLIP", "--head", "/nowhere.pth"], "there is no file of this name"),
    (["run", "BASE", "CLIP", "--head", "HEAD"], "takes 16 numbers; the encoder gives 32"),
    (["run", "BASE", "CLIP", "--labels", "a"], "--labels names the outputs of a head"),
    (["run", "NOTEBOOK", "CLIP", "--labels", "a"], "--labels gives 1 names; the head has 2 outputs"),
    (["run", "NOTEBOOK", "CLIP", "--head-activation", "swish"], "no activation is called \"swish\""),
    (["prune", "NOTEBOOK", "--drop", "1", "-o", "OUT", "--head", "HEAD"], "are for .assay and .onnx"),
  ])
  func whatDoesNotApplyIsOneLine(_ arguments: [String], _ expected: String) throws {
    try withTemporaryFolder { folder in
      let places = [
        "AUDEERING": Repository.golden("models/audeering/safetensors"), "BASE": Repository.golden("models/base"),
        "ONNX": Repository.golden("onnx/superb-ts12/model.onnx"),
        "ARTIFACT": Repository.golden("files/v1/mixed-postnorm-f32.assay"), "NOTEBOOK": Self.notebook,
        "HEAD": Self.notebook + "/emotion_classifier.pth", "CLIP": Self.clip, "OUT": folder + "/out",
      ]
      let outcome = try Program.run(arguments.map { places[$0] ?? $0 })
      #expect(outcome.status == 2)
      #expect(outcome.errorLines.count == 1 && outcome.errors.contains(expected), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }

  /// A folder that is pruned keeps its head.
  @Test func aPrunedFolderHasItsHead() throws {
    try withTemporaryFolder { folder in
      let (cut, artifact) = (folder + "/cut", folder + "/cut.assay")
      let pruned = try Program.run("prune", Self.notebook, "--drop", "1", "-o", cut, "--json")
      #expect(pruned.status == 0, "\(pruned.errors)")
      #expect(try pruned.json()["copied"]?.array?.contains { $0.string == "emotion_classifier.pth" } == true)
      #expect(try Program.run("prune", Self.notebook, "--drop", "1", "-o", artifact).status == 0)
      let compared = try Program.run("diff", cut, artifact)
      #expect(compared.status == 0, "\(compared.output)")
      let (mine, theirs) = try (
        Program.run("run", cut, Self.clip, "--json").json(), Program.run("run", artifact, Self.clip, "--json").json()
      )
      #expect(mine.compact == theirs.compact)
    }
  }
}
