import Bytes
import IR
import Tensors

extension ImportedModel {
  init(wav2vec2 files: ModelFiles, _ options: ImportOptions) throws {
    guard let json = try files.configuration("config.json") else {
      throw FormatError("model", .missing("config.json beside the weights"), file: files.folder)
    }
    let config: Wav2Vec2Configuration
    do throws(FormatError) { config = try Wav2Vec2Configuration(json) } catch {
      throw error.inFile(joinPath(files.folder, "config.json"))
    }
    let place = try Wav2Vec2Place(files.weights.entries.map(\.name))
    let own = try place.system(architectures: json["architectures"]?.array?.compactMap(\.string) ?? [])
    let added = try HeadFile.choose(for: own, files, width: config.hiddenSize, options)
    let system = added == nil ? own : .speechbrain
    if let asked = options.system, asked != system {
      throw GraphError("", "the weights are of the system \(system.rawValue), not \(asked.rawValue)")
    }
    let files = try added.map(files.adding) ?? files
    let ledger = WeightLedger(files.weights, file: files.file(of:))

    var b = GraphBuilder()
    let signal = b.input("signal", [.symbol("batch"), .symbol("samples")])
    let (hidden, states) = try Wav2Vec2(config: config, weights: WeightScope(ledger, prefix: place.encoder))
      .forward(&b, signal)
    let head = WeightScope(ledger, prefix: place.model)
    var labels: [String] = []
    var notes = files.notes
    switch system {
    case .wav2vec2Regression:
      let outputs = try head.outputs("classifier.out_proj.weight", beside: "classifier.dense")
      labels = try config.labels(of: outputs, "classifier.out_proj.weight", given: options.labels)
      if config.usesWeightedLayerSum {
        throw GraphError("use_weighted_layer_sum", "a weighted sum of layers before a regression head is not supported")
      }
      b.state("last_hidden_state", hidden)
      let (pooled, logits) = try RegressionHead(weights: head, width: config.hiddenSize, outputs: outputs)
        .forward(&b, hidden)
      b.output("hidden_states", pooled)
      b.output("logits", logits)
    case .wav2vec2:
      if options.labels != nil {
        throw GraphError(
          "", "--labels names the outputs of a head, and there is none: \(HeadFile.needed(config.hiddenSize))")
      }
      b.output("last_hidden_state", hidden)
      if options.system == nil { notes += HeadFile.noteOnOthers(beside: files) }
    case .wav2vec2Classification:
      let outputs = try head.outputs("classifier.weight", beside: "projector")
      labels = try config.labels(of: outputs, "classifier.weight", given: options.labels)
      let (logits, scores) = try ClassificationHead(
        weights: head, width: config.hiddenSize,
        projection: try head.outputs("projector.weight", beside: "classifier"), outputs: outputs,
        sumsStates: config.usesWeightedLayerSum, problem: config.problem
      ).forward(&b, hidden, states: states)
      b.state("last_hidden_state", hidden)
      b.output("logits", logits)
      if let scores { b.output("scores", scores) }
    case .speechbrain:
      let head = SequentialHead(added!, ledger, options)
      labels = try config.labels(ofHead: head.state.outputs, given: options.labels)
      b.state("last_hidden_state", hidden)
      let (pooled, logits, scores) = try head.forward(&b, hidden)
      b.output("hidden_states", pooled)
      b.output("logits", logits)
      b.output("scores", scores)
      notes += head.notes
    case .emotion2vec, .onnx:
      throw GraphError("", "the weights are of a wav2vec 2.0, not of the system \(system.rawValue)")
    }
    graph = b.graph
    self.system = system
    self.labels = labels
    preprocessing = try Metadata.Preprocessing(files, system)
    license = try files.license()
    ignored = try ledger.settle { place.ignoreRule($0) }
    self.files = files
    self.notes =
      notes
      + config.unknownKeys.map { "config.json: the key \"\($0)\" is not known to this reader and was passed over" }
  }
}

extension ModelFiles {
  /// The name of the file in the folder that has the head of an encoder without one; nil where there is none.
  public var nameOfHead: String? {
    let names = weights.entries.map(\.name)
    guard let place = try? Wav2Vec2Place(names), (try? place.system(architectures: [])) == .wav2vec2,
      let projection = weights.entries.first(where: { $0.name.hasSuffix(Wav2Vec2Place.mark) }),
      let width = projection.shape.dimensions.first, let head = try? HeadFile.find(beside: self, width: width)
    else { return nil }
    return splitPath(head.path).name
  }
}

/// Where a wav2vec 2.0 encoder and its head stand among a file's names.
private struct Wav2Vec2Place {
  /// What the encoder's names start with: "", "wav2vec2.", "model.wav2vec2.", ...
  let encoder: String
  /// What the head's names start with.
  let model: String
  private let names: [String]

  /// What the name of one tensor of every wav2vec 2.0 model ends in.
  static let mark = "feature_projection.projection.weight"

  init(_ names: [String]) throws(GraphError) {
    let mark = Wav2Vec2Place.mark
    let found = names.filter { $0.hasSuffix(mark) }
    guard found.count == 1 else {
      throw GraphError(
        "",
        "\(found.count) tensors have names that end in \(mark); a wav2vec 2.0 model has one. "
          + "`assay inspect` lists the names")
    }
    encoder = String(found[0].dropLast(mark.count))
    model = encoder.hasSuffix("wav2vec2.") ? String(encoder.dropLast("wav2vec2.".count)) : encoder
    self.names = names
  }

  private func has(_ prefix: String) -> Bool { names.contains { $0.hasPrefix(model + prefix) } }

  /// The tensors decide the head; a configuration that names another one is an error.
  func system(architectures: [String]) throws(GraphError) -> ModelSystem {
    let system: ModelSystem =
      has("classifier.dense.") || has("classifier.out_proj.")
      ? .wav2vec2Regression : has("projector.") || has("classifier.") ? .wav2vec2Classification : .wav2vec2
    for architecture in architectures {
      guard let named = Wav2Vec2Place.heads[architecture], named != system else { continue }
      throw GraphError(
        architecture,
        "config.json names this architecture, whose head is that of \(named.rawValue); "
          + "the weights are of \(system.rawValue)")
    }
    return system
  }

  private static let heads: [String: ModelSystem] = [
    "Wav2Vec2ForSpeechClassification": .wav2vec2Regression,
    "Wav2Vec2ForSequenceClassification": .wav2vec2Classification,
    "Wav2Vec2Model": .wav2vec2, "Wav2Vec2ForPreTraining": .wav2vec2, "Wav2Vec2ForCTC": .wav2vec2,
  ]

  /// Why a tensor that the graph does not use may be left behind; nil where it may not.
  func ignoreRule(_ name: String) -> String? {
    if TrainingState.isOfOptimizer(name) { return "belongs to the optimizer" }
    guard name.hasPrefix(model) else { return "outside the model, whose names start with \"\(model)\"" }
    let inModel = name.dropFirst(model.count)
    let inEncoder = name.hasPrefix(encoder) ? name.dropFirst(encoder.count) : ""
    if inEncoder == "masked_spec_embed" { return "masks features in training" }
    if inModel.hasPrefix("quantizer.") || inModel.hasPrefix("project_hid.") || inModel.hasPrefix("project_q.") {
      return "belongs to pre-training"
    }
    if inModel.hasPrefix("lm_head.") { return "belongs to the speech recognition head" }
    return nil
  }
}

extension Metadata.Preprocessing {
  /// What the feature extractor's configuration says; transformers keeps it in one of two files.
  fileprivate init(_ files: ModelFiles, _ system: ModelSystem) throws(FormatError) {
    var file = "preprocessor_config.json"
    var json = try files.configuration(file)
    if json == nil {
      file = "processor_config.json"
      json = try files.configuration(file)?["feature_extractor"]
    }
    guard let json else {
      throw FormatError(
        "model", .missing("preprocessor_config.json, which says whether the waveform is normalised"), file: files.folder
      )
    }
    do throws(FormatError) {
      var reader = try ConfigurationReader(json)
      try reader.refuse("feature_size", unless: .number("1"))
      // What transformers adds to the variance; SpeechBrain normalises by PyTorch's layer norm, where it is told to.
      let added = system == .speechbrain ? 1e-5 : 1e-7
      let epsilon = try reader.bool("do_normalize", default: true) ? added : nil
      // Without a mask, transformers normalises what it has padded. audEERING's model takes no mask.
      let isMasked = try reader.bool("return_attention_mask", default: false)
      // Zeros behind the clips are the only batch that is made here; single runs do not mind.
      let padsRight = try reader.text("padding_side", default: "right") == "right"
      let padsZeros = try reader.number("padding_value", default: 0) == 0
      let padding: Padding? =
        !padsRight || !padsZeros
        ? nil
        : system == .speechbrain
          ? .row : isMasked ? (system == .wav2vec2Regression ? .zeros : .masked) : epsilon == nil ? .zeros : .row
      self.init(
        sampleRate: try reader.size("sampling_rate", default: 16000), normalizationEpsilon: epsilon, padding: padding)
    } catch { throw error.inFile(joinPath(files.folder, file)) }
  }
}
