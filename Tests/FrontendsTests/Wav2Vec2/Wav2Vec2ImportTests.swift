import Bytes
import Frontends
import IR
import Tensors
import TestSupport
import Testing

@Suite struct Wav2Vec2ImportTests {
  private func imported(_ package: String) throws -> ImportedModel {
    try ImportedModel(.checkpoint(ModelFiles.open(Repository.golden("models/" + package))))
  }

  /// Node and constant names with PyTorch's older spelling of weight norm in the newer one.
  private func renamed(_ text: String) -> String {
    text.replacing("conv.weight_g", with: "conv.parametrizations.weight.original0")
      .replacing("conv.weight_v", with: "conv.parametrizations.weight.original1")
  }

  private func digests(_ graph: Graph) -> [String: Digest] {
    Dictionary(uniqueKeysWithValues: graph.constants.map { (renamed(graph[$0.key].name), $0.value.tensor.digest) })
  }

  @Test(arguments: ["pytorch", "pytorch-old-names", "legacy", "sharded", "both"])
  func everyContainerGivesTheSameModel(_ container: String) throws {
    let reference = try imported("audeering/safetensors")
    let model = try imported("audeering/" + container)
    #expect(renamed(model.graph.description) == reference.graph.description)
    #expect(digests(model.graph) == digests(reference.graph))
    #expect(model.graph.constants.count == 89)
    #expect(model.system == .wav2vec2Regression)
    #expect(model.labels == ["arousal", "dominance", "valence"])
    #expect(model.preprocessing == .init(sampleRate: 16000, normalizationEpsilon: 1e-7, padding: .zeros))
    #expect(model.ignored == [.init(tensor: "wav2vec2.masked_spec_embed", reason: "masks features in training")])
    try model.graph.validate()
  }

  @Test func theFinishedWeightTakesThePlaceOfWeightNorm() throws {
    let (reference, folded) = (try imported("audeering/safetensors").graph, try imported("audeering/folded").graph)
    #expect(reference.nodes.count == folded.nodes.count + 3)
    #expect(folded.constants.count == 88)
    let names = reference.nodes.map(\.name).filter { !$0.contains("pos_conv_embed.conv.weight") }
    #expect(folded.nodes.map(\.name) == names)
  }

  @Test func constantsAreTheFilesTensorsAndSayWhichOnes() throws {
    let model = try imported("audeering/sharded")
    for (id, constant) in model.graph.constants {
      let source = try #require(constant.provenance.sources.first)
      #expect(constant.provenance.sources.count == 1 && constant.provenance.steps == [])
      #expect(source.tensor == model.graph[id].name || source.tensor == "wav2vec2." + model.graph[id].name)
      #expect(source.file == model.files.file(of: source.tensor))
      #expect(constant.tensor.digest == (try model.files.weights.tensor(source.tensor).digest))
    }
  }

  @Test(arguments: [
    ("base", 57, ["last_hidden_state"]), ("base/ctc", 57, ["last_hidden_state"]), ("mixed", 69, ["last_hidden_state"]),
  ])
  func bareEncodersGiveTheLastHiddenState(_ package: String, _ constants: Int, _ outputs: [String]) throws {
    let model = try imported(package)
    #expect(model.system == .wav2vec2)
    #expect(model.labels == [])
    #expect(model.graph.outputs.map(\.name) == outputs)
    #expect(model.graph.constants.count + model.ignored.count == model.files.weights.entries.count)
    let states = model.graph.states.map(\.name).filter { $0.hasPrefix("layer.") }
    #expect(states == (0..<states.count).map { "layer.\($0)" } && states.count > 1)
  }

  @Test func whatIsLeftBehindHasAReason() throws {
    let base = try imported("base")
    let reasons = Dictionary(uniqueKeysWithValues: base.ignored.map { ($0.tensor, $0.reason) })
    let training =
      ["project_hid.bias", "project_hid.weight", "project_q.bias", "project_q.weight", "quantizer.codevectors"]
      + ["quantizer.weight_proj.bias", "quantizer.weight_proj.weight"]
    #expect(Set(reasons.keys) == Set(training + ["wav2vec2.masked_spec_embed"]))
    for name in training { #expect(reasons[name] == "belongs to pre-training") }
    let ctc = try imported("base/ctc").ignored.filter { $0.tensor.hasPrefix("lm_head") }
    #expect(ctc.map(\.reason) == ["belongs to the speech recognition head", "belongs to the speech recognition head"])
  }

  @Test func everyTensorIsAccountedFor() throws {
    let extra = try TinyPackage.refusal { $0.tensors.append(("wav2vec2.encoder.surprise", zeros([2]))) }
    #expect(extra.contains("wav2vec2.encoder.surprise") && extra.contains("does not use this tensor"))
    let fewer = try TinyPackage.refusal { $0.configure("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2") }
    #expect(fewer.contains("wav2vec2.encoder.layers.2.") && fewer.contains("and 15 more"), "\(fewer)")
    let outside = try TinyPackage.refusal { package in
      package.rename { "model." + $0 }
      package.tensors.append(("optimizer.step", zeros([1])))
    }
    #expect(outside == "accepted")
    let twice = try TinyPackage.refusal {
      $0.tensors.append(("wav2vec2.encoder.pos_conv_embed.conv.weight", zeros([1])))
    }
    #expect(twice.contains("pos_conv_embed.conv.weight"))
  }

  @Test(arguments: [
    "wav2vec2.encoder.layers.1.attention.k_proj.bias", "wav2vec2.feature_extractor.conv_layers.3.layer_norm.weight",
    "wav2vec2.encoder.pos_conv_embed.conv.parametrizations.weight.original0", "classifier.dense.weight",
  ])
  func missingAndMisshapedWeightsAreNamed(_ name: String) throws {
    let shape = try #require(try TinyPackage().tensors.first { $0.name == name }?.tensor.shape)
    let missing = try TinyPackage.refusal { $0.tensors.removeAll { $0.name == name } }
    #expect(
      missing.contains("\"\(name)\"") && missing.contains("missing") && missing.contains("\(shape)"), "\(missing)")
    let wrong = Shape(shape.dimensions.dropLast() + [shape[-1] + 1])
    let misshaped = try TinyPackage.refusal { package in
      package.tensors = package.tensors.map { $0.name == name ? (name, zeros(wrong)) : $0 }
    }
    #expect(misshaped.contains("\"\(name)\"") && misshaped.contains("has the shape \(wrong)"), "\(misshaped)")
    #expect(misshaped.contains("asks for \(shape)"), "\(misshaped)")
    let integers = try TinyPackage.refusal { package in
      let tensor = Tensor([Int64](repeating: 0, count: shape.count), shape: shape)
      package.tensors = package.tensors.map { $0.name == name ? (name, tensor) : $0 }
    }
    #expect(integers.contains("\"\(name)\"") && integers.contains("I64"), "\(integers)")
  }

  @Test func prefixesOfNamesDoNotMatter() throws {
    let reference = try TinyPackage().imported()
    var package = try TinyPackage()
    package.rename { "module.model." + $0 }
    let model = try package.imported()
    #expect(model.graph.description == reference.graph.description)
    #expect(digests(model.graph) == digests(reference.graph))
  }

  @Test func headAndConfigurationMustAgree() throws {
    let other = try TinyPackage.refusal {
      $0.configure("Wav2Vec2ForSpeechClassification", "Wav2Vec2ForSequenceClassification")
    }
    #expect(other.contains("Wav2Vec2ForSequenceClassification") && other.contains("wav2vec2-regression"), "\(other)")
    let bare = try TinyPackage.refusal { $0.configure("Wav2Vec2ForSpeechClassification", "Wav2Vec2Model") }
    #expect(bare.contains("Wav2Vec2Model"), "\(bare)")
    let headless = try TinyPackage.refusal { $0.tensors.removeAll { $0.name.hasPrefix("classifier.") } }
    #expect(headless.contains("Wav2Vec2ForSpeechClassification"), "\(headless)")
    let classifier = try TinyPackage.refusal { package in
      package.configure("Wav2Vec2ForSpeechClassification", "Wav2Vec2ForSequenceClassification")
      package.tensors.removeAll { $0.name.hasPrefix("classifier.") }
      package.tensors.append(("projector.weight", zeros([2, 32])))
    }
    #expect(classifier.contains("this weight is missing, and projector is there"), "\(classifier)")
    #expect(try TinyPackage().refusal(system: .wav2vec2).contains("not wav2vec2"))
    #expect(try TinyPackage().refusal(system: .wav2vec2Regression) == "accepted")
    let two = try TinyPackage.refusal { package in
      package.tensors += package.tensors.map { ("copy." + $0.name, $0.tensor) }
    }
    #expect(two.contains("2 tensors have names that end in feature_projection.projection.weight"), "\(two)")
  }

  @Test func preprocessingIsWhatTheFeatureExtractorSays() throws {
    var package = try TinyPackage()
    package.preprocessor = package.preprocessor?.replacing("\"do_normalize\": true", with: "\"do_normalize\": false")
      .replacing("16000", with: "8000")
    let flagged = try package.imported().preprocessing
    #expect(flagged == .init(sampleRate: 8000, normalizationEpsilon: nil, padding: .zeros))
    package.preprocessor = nil
    #expect(package.refusal().contains("preprocessor_config.json"))
    package.preprocessor = #"{"feature_size": 80}"#
    #expect(package.refusal().contains("feature_size"))
  }
}
