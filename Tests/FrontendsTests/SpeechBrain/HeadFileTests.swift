import Bytes
import Formats
import Foundation
import Frontends
import IR
import Tensors
import TestSupport
import Testing

/// Where a head is found, and what it does to the model. The encoder is 16 wide.
@Suite struct HeadFileTests {
  typealias Tensors = [(name: String, tensor: Tensor)]

  /// A head from 16 to two outputs, through twelve.
  static let head: Tensors = [
    ("0.weight", zeros([12, 16])), ("0.bias", zeros([12])), ("3.weight", zeros([2, 12])), ("3.bias", zeros([2])),
  ]

  private func package(_ others: [(file: String, tensors: Tensors)] = []) throws -> TinyPackage {
    var package = try TinyPackage("speechbrain")
    package.others = others
    return package
  }

  private func options(_ change: (inout ImportOptions) -> Void) -> ImportOptions {
    var options = ImportOptions()
    change(&options)
    return options
  }

  @Test func theNotebooksFileIsFoundByItsName() throws {
    let folder = Repository.golden("models/speechbrain")
    let model = try ImportedModel(.checkpoint(ModelFiles.open(folder)))
    #expect(model.system == .speechbrain)
    #expect(model.labels == ["LABEL_0", "LABEL_1"])
    #expect(model.preprocessing == .init(sampleRate: 16000, normalizationEpsilon: 1e-5, padding: .row))
    #expect(model.graph.outputs.map(\.name) == ["hidden_states", "logits", "scores"])
    let own = model.graph.constants.filter { model.graph[$0.key].name.hasPrefix("head.") }
    #expect(
      Set(own.map { model.graph[$0.key].name })
        == ["head.0.weight", "head.0.bias", "head.3.weight", "head.3.bias", "head.6.weight", "head.6.bias"])
    let file = try PyTorchCheckpoint(ByteRegion.mapping(folder + "/emotion_classifier.pth"))
    for (id, constant) in own {
      let tensor = String(model.graph[id].name.dropFirst("head.".count))
      #expect(constant.provenance.sources == [.init(file: "emotion_classifier.pth", tensor: tensor)])
      #expect(constant.tensor.digest == (try file.tensor(tensor).digest))
    }
    #expect(model.graph.constants.count + model.ignored.count == model.files.weights.entries.count)
    #expect(model.files.weightFiles == ["model.safetensors", "emotion_classifier.pth"])
    #expect(model.files.file(of: "lm_head.bias") == "model.safetensors")
    #expect(model.files.file(of: "6.bias") == "emotion_classifier.pth")
    #expect(model.files.places.map(\.path).contains(folder + "/emotion_classifier.pth"))
    #expect(model.notes.contains { $0.contains("training mode") && $0.contains("evaluation") })
    #expect(model.notes.contains { $0.contains("relu was taken (--head-activation)") })
    try model.graph.validate()
  }

  /// A checkpoint of a training has more than the head.
  @Test func whatAnOptimizerKeepsIsLeftBehind() throws {
    let kept = Self.head.map { (name: "model_state_dict." + $0.name, tensor: $0.tensor) }
    let others: Tensors = [("optimizer_state_dict.state.0.step", zeros([1]))]
    let model = try package([("mine.safetensors", kept + others)]).imported()
    #expect(model.system == .speechbrain)
    #expect(model.ignored.contains { $0.tensor == others[0].name && $0.reason == "belongs to the optimizer" })
    #expect(model.graph.constants.keys.contains { model.graph[$0].name == "head.0.weight" })
  }

  /// What is called like the head must be one; what only could be is told.
  @Test func aHeadIsNotPassedOverInSilence() throws {
    try withTemporaryFolder { folder in
      let copy = folder + "/copy"
      try FileManager.default.copyItem(atPath: Repository.golden("models/speechbrain"), toPath: copy)
      let head = copy + "/emotion_classifier.pth"
      try FileManager.default.removeItem(atPath: head)
      try FileManager.default.createSymbolicLink(atPath: head, withDestinationPath: "nowhere")
      #expect(throws: FormatError.self) { try ImportedModel(.checkpoint(ModelFiles.open(copy))) }
      try FileManager.default.removeItem(atPath: head)
      try SafetensorsWriter.write([("0.weight", zeros([2, 17]))], to: copy + "/narrow.bin")
      let model = try ImportedModel(.checkpoint(ModelFiles.open(copy)))
      #expect(model.system == .wav2vec2 && model.notes.contains { $0.contains("no head was taken: narrow.bin") })
    }
  }

  /// The licence of every file with tensors counts.
  @Test func aHeadHidesNoLicence() throws {
    try withTemporaryFolder { folder in
      let copy = folder + "/copy"
      try FileManager.default.copyItem(atPath: Repository.golden("models/speechbrain"), toPath: copy)
      try FileManager.default.removeItem(atPath: copy + "/emotion_classifier.pth")
      try SafetensorsWriter.write(
        Self.head, metadata: [("license", "cc-by-nc-sa-4.0")], to: copy + "/mine.safetensors")
      let license = try ImportedModel(.checkpoint(ModelFiles.open(copy))).license
      #expect(license?.id == "apache-2.0 AND cc-by-nc-sa-4.0" && license?.from == "README.md, mine.safetensors")
    }
  }

  @Test func theOnlyOtherHeadIsTakenAndThatIsSaid() throws {
    let model = try package([("mine.bin", Self.head)]).imported()
    #expect(model.system == .speechbrain)
    #expect(model.notes.contains("mine.bin was taken for the head"))
    // The known name goes before.
    let both = try package([("mine.bin", Self.head), ("emotion_classifier.pth", Self.head)]).imported()
    #expect(both.files.weightFiles.last == "emotion_classifier.pth")
    let other = Array(Self.head.dropFirst(2))
    let wrong = try package([("mine.bin", Self.head), ("emotion_classifier.pth", other)]).refusal()
    #expect(
      wrong.contains("emotion_classifier.pth: head \"3.weight\"") && wrong.contains("takes 12 numbers"), "\(wrong)")
    #expect(wrong.contains("the encoder gives 16"), "\(wrong)")
  }

  @Test func severalHeadsAreNamed() throws {
    let package = try package([("b.pt", Self.head), ("a.pth", Self.head)])
    let refusal = package.refusal()
    #expect(refusal.contains("a.pth, b.pt could each be the head") && refusal.contains("--head FILE"), "\(refusal)")
    #expect(refusal.contains("--system wav2vec2"), "\(refusal)")
    #expect(try package.imported(ImportOptions(system: .wav2vec2)).system == .wav2vec2)
    #expect(try package.imported(options { $0.head = "FOLDER/b.pt" }).files.weightFiles.last == "b.pt")
  }

  @Test func otherFilesArePassedOver() throws {
    let step: Tensors = [("state.0.step", zeros([1])), ("state.0.exp_avg", zeros([12, 16]))]
    let others: [(file: String, tensors: Tensors)] = [
      ("optimizer.pt", step), ("narrow.pth", Array(Self.head.dropFirst(2))), ("head.npz", Self.head),
      ("pytorch_model.bin", Self.head),
    ]
    let model = try package(others).imported()
    #expect(model.system == .wav2vec2 && model.notes.contains { $0.contains("no head was taken") })
    try withTemporaryFolder { folder in
      let source = Repository.golden("models/base")
      for name in ["config.json", "preprocessor_config.json", "model.safetensors"] {
        try FileManager.default.copyItem(atPath: source + "/" + name, toPath: folder + "/" + name)
      }
      try FileManager.default.copyItem(atPath: source + "/config.json", toPath: folder + "/broken.pth")
      #expect(try ImportedModel(.checkpoint(ModelFiles.open(folder))).system == .wav2vec2)
    }
  }

  @Test func wantedAndNotThere() throws {
    let missing = try package().refusal(ImportOptions(system: .speechbrain))
    #expect(missing.contains("emotion_classifier.pth in the folder") && missing.contains("--head FILE"), "\(missing)")
    #expect(missing.contains("takes 16 numbers"), "\(missing)")
    #expect(try package().refusal(options { $0.headActivation = .tanh }).contains("the encoder has no head"))
    #expect(try package().refusal(options { $0.labels = ["a"] }).contains("--labels names the outputs of a head"))
    let nowhere = try package().refusal(options { $0.head = "/nowhere/head.pth" })
    #expect(nowhere.hasPrefix("/nowhere/head.pth: ") && nowhere.contains("there is no file of this name"), "\(nowhere)")
    #expect(try package().refusal(options { $0.head = "FOLDER" }).contains("this is not a file"))
    #expect(try package().refusal(options { $0.head = "FOLDER/config.json" }).contains("a head is read from"))
  }

  @Test func aModelWithItsOwnClassifierTakesNone() throws {
    var regression = try TinyPackage()
    regression.others = [("emotion_classifier.pth", Self.head)]
    #expect(try regression.imported().system == .wav2vec2Regression)
    for options in [
      ImportOptions(system: .speechbrain), options { $0.head = "FOLDER/emotion_classifier.pth" },
      options { $0.headActivation = .relu },
    ] {
      let refusal = regression.refusal(options)
      #expect(refusal.contains("a classifier of their own") && refusal.contains("wav2vec2-regression"), "\(refusal)")
    }
    let other = try package([("a.pth", Self.head)]).refusal(
      options {
        $0.system = .wav2vec2
        $0.head = "FOLDER/a.pth"
      })
    #expect(other.contains("--head and --head-activation are for the system speechbrain"), "\(other)")
    #expect(try package([("a.pth", Self.head)]).refusal(system: .wav2vec2Classification).contains("wav2vec2"))
  }

  @Test func labelsFitTheOutputs() throws {
    let named = try package([("a.pth", Self.head)])
    #expect(try named.imported(options { $0.labels = ["sad", "happy"] }).labels == ["sad", "happy"])
    let three = named.refusal(options { $0.labels = ["sad", "happy", "calm"] })
    #expect(three.contains("--labels gives 3 names; the head has 2 outputs"), "\(three)")
    #expect(named.refusal(options { $0.labels = ["sad", "sad"] }).contains("one name twice"))
    #expect(named.refusal(options { $0.labels = ["sad", ""] }).contains("an empty name"))
    var configured = named
    configured.configure(adding: #""id2label": {"0": "sad", "1": "happy"}"#)
    #expect(try configured.imported().labels == ["sad", "happy"])
    #expect(try configured.imported(options { $0.labels = ["x", "y"] }).labels == ["x", "y"])
    var others = named
    others.configure(adding: #""id2label": {"0": "sad", "1": "happy", "2": "calm"}"#)
    #expect(try others.imported().labels == ["LABEL_0", "LABEL_1"])
  }

  @Test func speechbrainNormalisesWhereItsFeatureExtractorDoes() throws {
    var package = try package([("a.pth", Self.head)])
    for mask in ["true", "false"] {
      package.preprocessor = #"{"do_normalize": false, "return_attention_mask": \#(mask)}"#
      #expect(
        try package.imported().preprocessing == .init(sampleRate: 16000, normalizationEpsilon: nil, padding: .row))
      package.preprocessor = #"{"do_normalize": true, "return_attention_mask": \#(mask)}"#
      #expect(
        try package.imported().preprocessing == .init(sampleRate: 16000, normalizationEpsilon: 1e-5, padding: .row))
    }
  }

  @Test func speechbrainsOwnNamesOfTheEncoder() throws {
    let reference = try package([("a.pth", Self.head)]).imported()
    var own = try package([("a.pth", Self.head)])
    own.tensors = own.tensors.filter { $0.name.hasPrefix("wav2vec2.") }
    own.rename { "model." + $0.dropFirst("wav2vec2.".count) }
    let model = try own.imported()
    #expect(model.graph.description == reference.graph.description)
    #expect(Set(model.graph.constants.values.map(\.digest)) == Set(reference.graph.constants.values.map(\.digest)))
  }

  @Test func aNameThatBothFilesHaveIsRefused() throws {
    var package = try package([("a.pth", Self.head)])
    package.rename { "model." + $0 }
    package.tensors.append(("3.bias", zeros([2])))
    let refusal = package.refusal()
    #expect(
      refusal.contains("a.pth: model \"3.bias\"") && refusal.contains("model.safetensors has a tensor of this name"),
      "\(refusal)")
  }

  @Test func aHeadsFileMayBeCalledAsTheModels() throws {
    let folder = Repository.golden("models/speechbrain-other-head")
    let head = folder + "/trained/model.safetensors"
    let encoder = try package()
    var wide = Self.head
    wide[0].tensor = zeros([12, 15])
    #expect(encoder.refusal(options { $0.head = head }).contains("takes 15 numbers; the encoder gives 16"))
    try withTemporaryFolder { elsewhere in
      try SafetensorsWriter.write(Self.head, to: elsewhere + "/model.safetensors")
      let model = try encoder.imported(options { $0.head = elsewhere + "/model.safetensors" })
      #expect(model.files.weightFiles == ["model.safetensors", "head/model.safetensors"])
      #expect(model.files.places[1].path == elsewhere + "/model.safetensors")
      #expect(model.files.file(of: "3.bias") == "head/model.safetensors")
    }
  }
}
