import Bytes
import IR
import Tensors

extension ImportedModel {
  /// Builds emotion2vec from FunASR's folder, or from a checkpoint of fairseq's alone.
  init(emotion2vec files: ModelFiles, _ place: Emotion2VecPlace, _ options: ImportOptions) throws {
    if let asked = options.system, asked != .emotion2vec {
      throw GraphError("", "the weights are of the system emotion2vec, not \(asked.rawValue)")
    }
    guard options.head == nil, options.headActivation == nil else {
      throw GraphError("", "emotion2vec has its head, proj, among its own weights, and no activation in it")
    }
    let folder = try FunASRFolder(files.folder)
    let ledger = WeightLedger(files.weights, file: files.file(of:))
    let weights = WeightScope(ledger, prefix: place.encoder)
    let config: Emotion2VecConfiguration
    if let name = folder.configuration {
      do throws(FormatError) { config = try Emotion2VecConfiguration(files.yaml(name), file: name) } catch {
        throw error.inFile(joinPath(files.folder, name))
      }
    } else {
      config = try Emotion2VecConfiguration(weights)
    }

    var b = GraphBuilder()
    let signal = b.input("signal", [.symbol("batch"), .symbol("samples")])
    let frames = try Emotion2Vec(config: config, weights: weights).forward(&b, signal)
    let utterance = try b.meanOverTime(frames, name: "utterance")
    b.output("frames", frames)
    b.output("utterance", utterance)
    let head = WeightScope(ledger, prefix: place.model)
    labels =
      try Emotion2VecHead(head, config, folder, in: files.folder, stated: options.labels)
      .map { try $0.forward(&b, utterance) } ?? []
    graph = b.graph
    system = .emotion2vec
    preprocessing = Metadata.Preprocessing(
      sampleRate: 16000, normalizationEpsilon: config.normalizes ? 1e-5 : nil, padding: .single)
    license = try files.license()
    ignored = try ledger.settle(place.ignoreRule)
    self.files = files
    notes = files.notes + config.notes
  }
}

/// FunASR's classifier: one linear layer on the mean over all frames, some of whose outputs may be unused.
private struct Emotion2VecHead {
  let weights: WeightScope
  let width: Int
  /// A label for each output, the unused ones too.
  let labels: [String]

  /// What FunASR's labels start with that it leaves out before the softmax.
  private static let unused = "unuse"

  /// Nil where the weights have no head. `stated` are labels that the user gave.
  init?(
    _ weights: WeightScope, _ config: Emotion2VecConfiguration, _ folder: FunASRFolder, in path: String,
    stated: [String]?
  ) throws {
    guard weights.has("proj.weight") || weights.has("proj.bias") else {
      if let tokens = folder.tokens, config.hasTokenizer {
        throw GraphError("proj.weight", "this weight is missing; the configuration and \(tokens) speak of a head")
      }
      if stated != nil { throw GraphError("", "these weights have no head whose outputs labels could name") }
      return nil
    }
    self.weights = weights
    width = config.width
    let outputs = try weights.outputs("proj.weight", beside: "proj.bias")
    if let tokens = folder.tokens {
      guard stated == nil else {
        throw GraphError("", "labels are given where files name none; here \(tokens) does")
      }
      let file = joinPath(path, tokens)
      labels = try TokenList.read(file)
      guard labels.count == outputs else {
        throw FormatError(
          "tokens", .invalid("\(labels.count) labels, and proj.weight has \(outputs) outputs"), file: file)
      }
    } else {
      labels = try stated.map { try OutputLabels.check($0, outputs) } ?? OutputLabels.numbers(outputs)
    }
    guard !used.isEmpty else {
      throw GraphError("proj.weight", "every label starts with \(Emotion2VecHead.unused): no output is left")
    }
  }

  /// The places of the outputs that count.
  private var used: [Int] {
    labels.indices.filter { !labels[$0].utf8.starts(with: Emotion2VecHead.unused.utf8) }
  }

  /// Adds logits and scores of the mean over all frames [batch, width], and returns what their columns mean.
  func forward(_ b: inout GraphBuilder, _ utterance: ValueID) throws -> [String] {
    var logits = try b.linear(utterance, weights.scope("proj"), width, labels.count)
    // To leave columns out before the softmax is what FunASR's -infinity does.
    if used.count < labels.count {
      let columns = b.constant(
        "proj.used", Constant(Tensor(used.map { Int64($0) }), provenance: Provenance()))
      logits = try b.apply(.gather(Gather(axis: 1)), logits, columns, name: "proj.logits")
    }
    b.output("logits", logits)
    b.output("scores", try b.apply(.softmax(Softmax(axis: 1)), logits, name: "proj.softmax"))
    return used.map { labels[$0] }
  }
}
