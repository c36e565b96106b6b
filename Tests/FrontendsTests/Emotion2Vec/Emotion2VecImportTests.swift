import Bytes
import Foundation
import Frontends
import IR
import Tensors
import TestSupport
import Testing

@Suite struct Emotion2VecImportTests {
  private func imported(_ package: String) throws -> ImportedModel {
    try ImportedModel(ModelFolder.open(Repository.golden("models/emotion2vec-" + package)))
  }

  private let audio = TinyEmotion2Vec.audio

  @Test func aFineTunedModelHasScores() throws {
    let model = try imported("finetuned")
    #expect(model.system == .emotion2vec)
    #expect(model.graph.outputs.map(\.name) == ["frames", "utterance", "logits", "scores"])
    #expect(
      model.labels == [
        "生气/angry", "厌恶/disgusted", "恐惧/fearful", "开心/happy", "中立/neutral", "其他/other", "难过/sad", "吃惊/surprised",
        "<unk>",
      ])
    #expect(
      model.preprocessing == .init(sampleRate: 16000, normalizationEpsilon: 1e-5, padding: .single))
    #expect(model.license?.id == "cc-by-nc-sa-4.0")
    #expect(model.files.names == ["model.pt", "configuration.json", "config.yaml", "tokens.txt"])
    #expect(model.graph.states.map(\.name).filter { $0.hasPrefix("layer.") } == (0...4).map { "layer.\($0)" })
    try model.graph.validate()
  }

  @Test func aBaseModelHasNone() throws {
    let model = try imported("base")
    #expect(model.graph.outputs.map(\.name) == ["frames", "utterance"])
    #expect(model.labels == [])
    let reasons = Dictionary(grouping: model.ignored, by: \.reason).mapValues(\.count)
    #expect(
      reasons == [
        "the decoder belongs to pre-training": 6, "the copy that a teacher keeps in training": 24,
        "belongs to the optimizer": 4,
      ])
    #expect(model.graph.constants.count - 1 + model.ignored.count == model.files.weights.entries.count)
  }

  @Test func unusedLabelsAreLeftOut() throws {
    let model = try imported("mixed")
    #expect(model.labels == ["生气/angry", "开心/happy", "中立/neutral", "难过/sad", "<unk>"])
    let logits = try #require(model.graph.outputs.first { $0.name == "logits" })
    #expect(model.graph[logits.value].type.dimensions.last == .fixed(5))
    #expect(model.preprocessing.normalizationEpsilon == nil)
    #expect(model.files.weightFiles == ["weights.pt"])
  }

  @Test func theConstantsAreTheFilesTensors() throws {
    let model = try imported("finetuned")
    for (id, constant) in model.graph.constants where model.graph[id].name != audio + "alibi_slopes" {
      let (source, name) = (try #require(constant.provenance.sources.first), model.graph[id].name)
      #expect(constant.provenance.sources.count == 1 && constant.provenance.steps == [])
      #expect(source.tensor == (name.hasPrefix("proj.") ? "model." : "model.d2v_model.") + name)
      #expect(constant.tensor.digest == (try model.files.weights.tensor(source.tensor).digest))
    }
  }

  @Test(arguments: ["", "d2v_model.", "model.", "module.d2v_model.", "state_dict.model.d2v_model.", "a.b."])
  func anyPrefixGivesTheSameGraph(_ prefix: String) throws {
    var package = try TinyEmotion2Vec()
    let graph = try package.imported().graph.description
    let head = prefix.replacing("d2v_model.", with: "")
    package.rename { ($0.hasPrefix("proj.") ? head : prefix) + $0 }
    #expect(try package.imported().graph.description == graph)
  }

  /// FunASR wraps the network alone: what is called so is not the head, and what is no head is not used.
  @Test func theHeadIsNotInTheWrapper() throws {
    let refusal = try TinyEmotion2Vec.refusal { $0.rename { "d2v_model." + $0 } }
    #expect(
      refusal
        == "\"proj.weight\": this weight is missing; the configuration and tokens.txt speak of a head")
  }

  @Test func severalEncodersAreRefused() throws {
    let refusal = try TinyEmotion2Vec.refusal { package in
      package.tensors += package.tensors.map { ("other." + $0.name, $0.tensor) }
    }
    #expect(refusal.hasPrefix("2 tensors have names that end in modality_encoders.AUDIO.project_features.2.weight"))
  }

  @Test func whatFunASRPassesOverIsLeftBehind() throws {
    var package = try TinyEmotion2Vec()
    package.tensors += ["alignment.weight", "modality_encoders.TEXT.embed", "blockses.0.w"].map { ($0, zeros([2])) }
    package.tensors.append(("_ema.blocks.0.norm1.weight", zeros([2])))
    let reasons = Dictionary(uniqueKeysWithValues: try package.imported().ignored.map { ($0.tensor, $0.reason) })
    #expect(reasons["alignment.weight"] == "FunASR passes it over")
    #expect(reasons["modality_encoders.TEXT.embed"] == "FunASR passes it over")
    #expect(reasons["_ema.blocks.0.norm1.weight"] == "the copy that a teacher keeps in training")
  }

  @Test(arguments: [
    "blocks.2.norm1.weight", "modality_encoders.AUDIO.context_encoder.blocks.0.gate", "norm.weight", "proj.scale",
    "modality_encoders.AUDIO.relative_positional_encoder.6.0.weight",
  ])
  func whatContradictsTheConfigurationIsRefused(_ name: String) throws {
    let refusal = try TinyEmotion2Vec.refusal { $0.tensors.append((name, zeros([32]))) }
    #expect(refusal == "\"\(name)\": the model that the configuration describes does not use this tensor")
  }

  @Test(arguments: [
    "modality_encoders.AUDIO.extra_tokens", "modality_encoders.AUDIO.alibi_scale", "blocks.1.attn.qkv.bias",
    "proj.bias",
    "modality_encoders.AUDIO.context_encoder.norm.weight",
    "modality_encoders.AUDIO.local_encoder.conv_layers.6.2.1.weight",
  ])
  func aMissingWeightIsNamed(_ name: String) throws {
    let refusal = try TinyEmotion2Vec.refusal { $0.tensors.removeAll { $0.name == name } }
    #expect(refusal.hasPrefix("\"\(name)\": this weight is missing; the configuration asks for it with the shape ["))
  }

  @Test(arguments: [
    ("modality_encoders.AUDIO.alibi_scale", [1, 1, 8, 1, 1], "[1, 1, 4, 1, 1]"),
    ("modality_encoders.AUDIO.alibi_scale", [4, 1, 4, 1, 1], "[1, 1, 4, 1, 1]"),
    ("modality_encoders.AUDIO.extra_tokens", [1, 11, 32], "[1, 10, 32]"),
    ("modality_encoders.AUDIO.relative_positional_encoder.3.0.weight", [32, 8, 17], "[32, 8, 19]"),
    ("blocks.0.mlp.fc1.weight", [128, 32], "[64, 32]"), ("blocks.0.attn.qkv.weight", [32, 32], "[96, 32]"),
    ("proj.weight", [9, 31], "[9, 32]"),
  ])
  func aWrongShapeIsNamed(_ name: String, _ shape: [Int], _ needed: String) throws {
    let refusal = try TinyEmotion2Vec.refusal { $0.reshape(name, Shape(shape)) }
    #expect(refusal == "\"\(name)\": this weight has the shape \(shape); the configuration asks for \(needed)")
  }

  /// Files of the first releases lack the axis of the blocks.
  @Test func scalesOfFourAxesAreTheSame() throws {
    var package = try TinyEmotion2Vec()
    package.reshape("modality_encoders.AUDIO.alibi_scale", [1, 4, 1, 1])
    let graph = try package.imported().graph
    #expect(graph.nodes.map(\.name) == (try imported("finetuned").graph.nodes.map(\.name)))
    try graph.validate()
  }

  // Labels.

  @Test(arguments: [
    ("a\nb\n", "tokens.txt: tokens: 2 labels, and proj.weight has 9 outputs"),
    ("a\nb\nc\nd\ne\nf\ng\nh\nb\n", "tokens.txt: tokens in line 9: the name \"b\" is given twice"),
    (
      (0..<9).map { "unuse_\($0)\n" }.joined(), "\"proj.weight\": every label starts with unuse: no output is left"
    ),
  ])
  func wrongLabelsAreRefused(_ tokens: String, _ expected: String) throws {
    #expect(try TinyEmotion2Vec.refusal { $0.files["tokens.txt"] = tokens } == expected)
  }

  /// As Python reads lines: a carriage return is no part of one, nor is other space at its end.
  @Test func linesAreLabelsAsTheyAre() throws {
    var package = try TinyEmotion2Vec()
    package.files["tokens.txt"] = "no\r\n 1 \nNull\n\nUNUSE\nunused\n<unk>\t\n#\n中立/neutral"
    #expect(try package.imported().labels == ["no", " 1", "Null", "", "UNUSE", "<unk>", "#", "中立/neutral"])
  }

  @Test func labelsMayBeGivenWhereNoFileNamesThem() throws {
    var (package, options) = (try TinyEmotion2Vec(), ImportOptions())
    options.labels = (0..<9).map { "label \($0)" }
    #expect(package.refusal(options) == "labels are given where files name none; here tokens.txt does")
    package.files["tokens.txt"] = nil
    #expect(try package.imported().labels == (0..<9).map { "LABEL_\($0)" })
    #expect(try package.imported(options).labels == options.labels)
    options.labels = ["one"]
    #expect(package.refusal(options) == "--labels gives 1 names; the head has 9 outputs")
    options = ImportOptions()
    options.head = "head.pth"
    #expect(package.refusal(options).hasPrefix("emotion2vec has its head, proj, among its own weights"))
    #expect(
      package.refusal(ImportOptions(system: .wav2vec2))
        == "the weights are of the system emotion2vec, not wav2vec2")
  }

  // Files.

  @Test(arguments: [
    (
      "{\"file_path_metas\": {\"config\": \"../config.yaml\"}}",
      "config \"../config.yaml\": only files in the model's own"
    ),
    ("{\"file_path_metas\": {\"config\": 3}}", "config needs a file's name, found a number"),
    ("{\"file_path_metas\": {\"init_param\": \"gone.pt\"}}", "missing: init_param \"gone.pt\""),
    ("{", "JSON"),
  ])
  func whatIsNamedStaysInTheFolder(_ configuration: String, _ expected: String) throws {
    let refusal = try TinyEmotion2Vec.refusal { $0.files["configuration.json"] = configuration }
    #expect(refusal.hasPrefix("configuration.json: configuration") && refusal.contains(expected), "\(refusal)")
  }

  /// A hub's cache has every file as a link to where it keeps them.
  @Test func filesMayBeLinksAsInAHubsCache() throws {
    try withTemporaryFolder { folder in
      let (blobs, snapshot) = (folder + "/blobs", folder + "/snapshots/1")
      try FileManager.default.copyItem(atPath: Repository.golden("models/emotion2vec-finetuned"), toPath: blobs)
      try FileManager.default.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
      for name in ["config.yaml", "configuration.json", "model.pt", "tokens.txt"] {
        try FileManager.default.createSymbolicLink(
          atPath: snapshot + "/" + name, withDestinationPath: "../../blobs/" + name)
      }
      #expect(try ImportedModel(.checkpoint(ModelFiles.open(snapshot))).labels.count == 9)
      // What is missing is told by its name.
      try FileManager.default.removeItem(atPath: snapshot + "/tokens.txt")
      let refusal = #expect(throws: FormatError.self) { try ModelFiles.open(snapshot) }
      #expect("\(refusal!)".contains("token_list \"tokens.txt\""))
    }
  }

  @Test func filesMayHaveOtherNames() throws {
    var package = try TinyEmotion2Vec()
    let model = try package.imported()
    package.files["net.yaml"] = package.files.removeValue(forKey: "config.yaml")
    package.files["words.json"] = "[" + model.labels.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    package.files["tokens.txt"] = "wrong"
    package.files["configuration.json"] = """
      {"license": "mit", "file_path_metas": {"config": "net.yaml", "tokenizer_conf": {"token_list": "words.json"}}}
      """
    let other = try package.imported()
    #expect(other.labels == model.labels && other.graph.description == model.graph.description)
    #expect(other.license == .init(id: "mit", from: "configuration.json"))
  }

  // A checkpoint alone.

  @Test func theTensorsOfABaseModelSayEnough() throws {
    var package = try TinyEmotion2Vec("base", weights: "emotion2vec_base.pt")
    let described = try package.imported()
    package.files["config.yaml"] = nil
    let bare = try package.imported()
    #expect(bare.graph.description == described.graph.description)
    #expect(bare.preprocessing == described.preprocessing)
    #expect(bare.notes.count == 1 && bare.notes[0].hasPrefix("there is no config.yaml: "))
    #expect(bare.notes[0].contains("the strides are 5, 2, 2, 2, 2, 2, 2, norm_eps is 1e-05, normalize"))
  }

  @Test(arguments: [
    ("modality_encoders.AUDIO.local_encoder.conv_layers.0.0.weight", [16, 1, 8], "found 8"),
    ("modality_encoders.AUDIO.alibi_scale", [1, 1, 1, 1, 1], "found [1, 1, 1, 1, 1]"),
    ("modality_encoders.AUDIO.alibi_scale", [4], "found [4]"),
    ("modality_encoders.AUDIO.alibi_scale", [1, 1, 5, 1, 1], "found [1, 1, 5, 1, 1]"),
    ("modality_encoders.AUDIO.extra_tokens", [10, 32], "one of 3 axes is needed"),
    ("modality_encoders.AUDIO.relative_positional_encoder.1.0.weight", [32, 7, 19], "32 channels are no groups of 7"),
  ])
  func tensorsOfNoPublishedModelAreRefused(_ name: String, _ shape: [Int], _ expected: String) throws {
    var package = try TinyEmotion2Vec("base", weights: "emotion2vec_base.pt")
    package.files["config.yaml"] = nil
    package.reshape(name, Shape(shape))
    let refusal = package.refusal()
    #expect(refusal.hasPrefix("\"\(name)\": ") && refusal.contains(expected), "\(refusal)")
  }

  @Test func aNormAtTheEndIsAnotherNetwork() throws {
    var package = try TinyEmotion2Vec("base", weights: "emotion2vec_base.pt")
    package.files["config.yaml"] = nil
    package.tensors.append(("norm.weight", zeros([32])))
    #expect(package.refusal().contains("layer_norm_first, which is not supported"))
  }
}
