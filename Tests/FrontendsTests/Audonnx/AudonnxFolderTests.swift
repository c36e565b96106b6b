import Bytes
import Formats
import Foundation
import Frontends
import TestSupport
import Testing

/// Folders of golden/audonnx against what real audonnx 1.0.1 says of them.
@Suite struct AudonnxFolderTests {
  static let root = Repository.golden("audonnx")

  static func refusal(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "accepted"
    } catch { return "\(error)" }
  }

  @Test func inputsOutputsAndLabelsAreThoseOfAudonnx() throws {
    let expected = try #require(try Repository.json(Self.root + "/expected.json").object)
    #expect(expected.count > 22)
    for (name, json) in expected.map({ ($0.name, $0.value) }) {
      let folder = try AudonnxFolder.open(Self.root + "/" + name)
      let inputs = try #require(json["inputs"]?.object)
      #expect(folder.inputs.map(\.name) == inputs.map(\.name), "\(name)")
      for (input, json) in zip(folder.inputs, inputs.map(\.value)) {
        #expect(input.shape == json["shape"]?.array?.compactMap(\.int), "\(name)")
        #expect(input.transform?.name == json["transform"]?.string, "\(name)")
      }
      let outputs = try #require(json["outputs"]?.object)
      #expect(folder.outputs.map(\.name) == outputs.map(\.name), "\(name)")
      for (output, json) in zip(folder.outputs, outputs.map(\.value)) {
        let labels = (json["labels"]?.array ?? []).compactMap(\.string)
        let shape = (json["shape"]?.array ?? []).compactMap(\.int)
        // Lengths that the file leaves open are inferred by onnxruntime, on whom audonnx relies.
        if name == "open-lengths" {
          #expect(try output.labels(width: shape[shape.count - 1]) == labels, "\(output.name)")
        } else {
          #expect(output.shape == shape && output.labels == labels, "\(name) \(output.name)")
        }
      }
    }
  }

  @Test func whatTheFileLeavesOpenIsNotGuessed() throws {
    let outputs = try AudonnxFolder.open(Self.root + "/open-lengths").outputs
    #expect(outputs.map(\.name) == ["named", "silent", "one", "both"])
    #expect(outputs.map(\.shape) == [[1, -1], [], [1, -1], [-1, -1]])
    #expect(outputs.map(\.labels) == [["arousal", "dominance", "valence"], nil, nil, nil])
    #expect(
      Self.refusal { _ = try outputs[0].labels(width: 4) }.contains(
        "3 labels, and the last static axis has the length 4"))
    #expect(Self.refusal { _ = try outputs[1].labels(width: 1 << 40) }.contains("limit exceeded"))
  }

  @Test(arguments: [
    ("published", "$audonnx.core.model.Model==1.0.1", ["model.yaml"], "published/model.onnx"),
    ("subfolder", "$audonnx.core.model.Model==1.0.1", ["model.yaml"], "subfolder/graphs/tiny.onnx"),
    (
      "hand/odd-version.yaml", "$audonnx.core.model.Model==0.3.3.dev0+g1234567", ["odd-version.yaml"], "hand/model.onnx"
    ),
    ("hand/package.yaml", "$audonnx.core.model.Model==1.0.0", ["package.yaml"], "hand/model.onnx"),
    ("hand/no-version.yaml", "$audonnx.core.model.Model", ["no-version.yaml"], "hand/model.onnx"),
    ("published/model.onnx", "$audonnx.core.model.Model==1.0.1", ["model.yaml"], "published/model.onnx"),
    ("legacy", nil, ["labels.yaml"], "legacy/model.onnx"),
    ("legacy/model.onnx", nil, ["labels.yaml"], "legacy/model.onnx"),
    ("legacy-transform", nil, ["transform.yaml"], "legacy-transform/model.onnx"),
  ])
  func filesAndClass(_ path: String, _ type: String?, _ files: [String], _ onnx: String) throws {
    #expect(AudonnxFolder.isThere(Self.root + "/" + path))
    let folder = try AudonnxFolder.open(Self.root + "/" + path)
    #expect(folder.type.map { "\($0)" } == type)
    #expect(folder.files == files)
    #expect(folder.onnxPath == Self.root + "/" + onnx)
  }

  @Test func whatIsOddIsSaid() throws {
    let stereo = "stereo is mixed down to mono; audonnx would lay the channels end to end"
    func notes(_ path: String) throws -> [String] { try AudonnxFolder.open(Self.root + "/" + path).notes }
    #expect(try notes("published") == [stereo])
    #expect(
      try notes("legacy-texts") == [
        "model.yaml was passed over, as audonnx does: its first line does not start with $audonnx", stereo,
      ])
    #expect(
      try notes("hand/unknown-output.yaml") == [
        "the labels of \"gone\" belong to no output; audonnx passes them over too", stereo,
      ])
    #expect(try notes("legacy-transform") == [])
  }

  @Test func aWaveformIsToldFromFeatures() throws {
    func waveforms(_ path: String) throws -> [Bool] {
      try AudonnxFolder.open(Self.root + "/" + path).inputs.map(\.isWaveform)
    }
    #expect(try waveforms("published") == [true])
    #expect(try waveforms("transform") == [false])
    #expect(try waveforms("two-inputs") == [true, false])
  }

  @Test func transformsAreRefusedByName() throws {
    func refusal(_ path: String) throws -> String {
      let folder = try AudonnxFolder.open(Self.root + "/" + path)
      return Self.refusal { try folder.requireRawWaveform() }
    }
    let end = ": features other than the raw waveform are not computed; a model whose transform is null can be used"
    #expect(
      try refusal("transform") == Self.root + "/transform/model.yaml: audonnx in line 8: not supported: "
        + "the transform audonnx.core.function.Function" + end)
    #expect(try refusal("two-inputs").contains("audonnx.core.function.Function of the input \"feature\"" + end))
    #expect(
      try refusal("legacy-transform").hasPrefix(Self.root + "/legacy-transform/transform.yaml: audonnx in line 1: "))
    for path in ["published", "legacy", "hand/nulls.yaml", "hand/tilde.yaml", "hand/not-an-object.yaml"] {
      #expect(try refusal(path) == "accepted")
    }
  }

  @Test func hostileAndBrokenYamlsAreRefusedForTheRightReason() throws {
    let expected = try #require(try Repository.json(Self.root + "/reject/expected.json").object)
    #expect(expected.count > 35)
    for (name, json) in expected.map({ ($0.name, $0.value) }) {
      do throws(FormatError) {
        _ = try AudonnxFolder.open(Self.root + "/reject/" + name)
        Issue.record("accepted \(name)")
      } catch {
        #expect(Mirror(reflecting: error.reason).children.first?.label == json["reason"]?.string, "\(name): \(error)")
        #expect(error.file != nil && !error.description.contains("\n"), "\(name): \(error)")
      }
    }
    #expect(fileKind("canary-of-assay") == .missing)
  }

  @Test(arguments: [
    (
      "few-labels", "few-labels.yaml: audonnx \"logits\" in line 3: 2 labels, and the last static axis has the length 3"
    ),
    (
      "many-labels",
      "many-labels.yaml: audonnx \"logits\" in line 3: 4 labels, and the last static axis has the length 3"
    ),
    ("list-for-two", "list-for-two.yaml: audonnx in line 3: one list of labels, and the model has 2 outputs"),
    ("labels-text", "audonnx \"labels\" in line 3: needs a list of labels, or lists by output, found \"abc\""),
    ("labels-null-inside", "audonnx \"labels\" \"logits\" in line 3: needs a list of labels, found nothing"),
    ("path-above", "in line 2: the ONNX file \"../hand/model.onnx\": only files in the model's own folder are read"),
    ("path-link", "in line 2: the ONNX file \"link.onnx\": the link leads out of the model's folder"),
    ("path-gone", "in line 2: missing: the ONNX file \"gone.onnx\""),
    ("other-class", "not supported: the class audonnx.core.function.Function; audonnx.core.model.Model is"),
    (
      "unknown-argument",
      "audonnx \"resample\" in line 3: not supported: an argument of the model that is not known here"
    ),
    ("python-tag", "in line 2: not supported: the YAML tag tag:yaml.org,2002:python/object/apply:os.system"),
    ("cut", "cut.yaml: audonnx in line 3: YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
    ("laughs", "laughs.yaml: audonnx: limit exceeded: YAML of more than 1000000 values, aliases written out"),
  ])
  func errorsSayWhereAndWhat(_ name: String, _ text: String) {
    let refusal = Self.refusal { _ = try AudonnxFolder.open(Self.root + "/reject/\(name).yaml") }
    #expect(refusal.contains(text), "\(refusal)")
  }

  @Test func whatIsNoneIsTold() throws {
    #expect(!AudonnxFolder.isThere("/nothing/here"))
    #expect(!AudonnxFolder.isThere(Repository.golden("audio")))
    #expect(!AudonnxFolder.isThere(Repository.golden("formats/onnx/accept/types.onnx")))
    #expect(!AudonnxFolder.isThere(Repository.golden("formats/yaml/accept/text.yaml")))
    #expect(
      Self.refusal { _ = try AudonnxFolder.open(Repository.golden("audio")) }.contains(
        "missing: model.yaml or model.onnx"))
    try withTemporaryFolder { folder in
      // A yaml that describes another file than the one that was named.
      try FileManager.default.copyItem(atPath: Self.root + "/published/model.onnx", toPath: folder + "/a.onnx")
      try FileManager.default.copyItem(atPath: Self.root + "/published/model.onnx", toPath: folder + "/b.onnx")
      try "$audonnx.core.model.Model==1:\n  path: b.onnx\n".write(
        toFile: folder + "/a.yaml", atomically: false, encoding: .utf8)
      #expect(Self.refusal { _ = try AudonnxFolder.open(folder + "/a.onnx") }.contains("describes another"))
      #expect(try AudonnxFolder.open(folder + "/a.yaml").onnxPath == folder + "/b.onnx")
      #expect(!AudonnxFolder.isThere(folder) && !AudonnxFolder.isThere(folder + "/b.onnx"))
      // transform.yaml must hold an object.
      try FileManager.default.moveItem(atPath: folder + "/b.onnx", toPath: folder + "/model.onnx")
      try "".write(toFile: folder + "/transform.yaml", atomically: false, encoding: .utf8)
      #expect(
        Self.refusal { _ = try AudonnxFolder.open(folder) }.contains(
          "transform.yaml: audonnx in line 1: needs an object"))
    }
  }

  @Test func licencesAreFound() throws {
    #expect(try AudonnxFolder.open(Self.root + "/published").license() == nil)
    try withTemporaryFolder { folder in
      try FileManager.default.copyItem(atPath: Self.root + "/published/model.onnx", toPath: folder + "/model.onnx")
      try "---\nlicense: cc-by-nc-sa-4.0\n---\n".write(
        toFile: folder + "/README.md", atomically: false, encoding: .utf8)
      #expect(try AudonnxFolder.open(folder).license()?.id == "cc-by-nc-sa-4.0")
    }
  }
}
