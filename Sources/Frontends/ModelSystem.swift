import Bytes
import Formats
import IR
import Tensors

/// The systems this project knows, by the contract's names.
public enum ModelSystem: String, CaseIterable, Sendable {
  case wav2vec2Regression = "wav2vec2-regression"
  case wav2vec2Classification = "wav2vec2-classification"
  case wav2vec2
  case speechbrain
  case emotion2vec
  case onnx
}

/// A model made from somebody else's files: the graph as the configuration says, every tensor accounted for.
public struct ImportedModel: Sendable {
  /// The graph as built; nothing is folded or cast yet.
  public var graph: Graph
  /// What kind of model it is.
  public let system: ModelSystem
  /// How a recording becomes the graph's `signal`.
  public let preprocessing: Metadata.Preprocessing
  /// What the columns of `logits` mean.
  public let labels: [String]
  /// The licence that the source states.
  public let license: Metadata.License?
  /// Tensors left behind, each by a rule.
  public let ignored: [Metadata.Ignored]
  /// The files the weights are in.
  public let files: ModelFiles
  /// Choices and oddities worth a line to the user.
  public let notes: [String]
}

extension ImportedModel {
  /// Builds the model in `folder`. `options` may say what the files cannot tell. `fed` may hold graph inputs that an ONNX
  /// file wants known before its graph is built; `evaluate` computes integers that follow from constants alone.
  public init(
    _ folder: ModelFolder, _ options: ImportOptions = ImportOptions(), fed: NamedTensors = [:],
    evaluating evaluate: @escaping (Node, [Tensor?], TensorType) -> Tensor? = { _, _, _ in nil }
  ) throws {
    let (file, described): (ONNXFile, AudonnxFolder?)
    switch folder {
    case .checkpoint(let files):
      try self.init(checkpoint: files, options)
      return
    case .onnx(let onnx): (file, described) = (onnx, nil)
    case .audonnx(let folder): (file, described) = (folder.onnx, folder)
    }
    if let asked = options.system, asked != .onnx {
      throw GraphError("", "the file is ONNX: its system is onnx, not \(asked.rawValue)")
    }
    if options.concernsHead {
      throw GraphError(
        "", "a head, its activation and labels are given to encoders of checkpoints; an ONNX graph has its own")
    }
    try self.init(onnx: file, folder.files, described, fed: fed, evaluating: evaluate)
  }
}

extension ImportedModel {
  /// Builds the model whose weights and configurations lie in a folder, by what its tensors are called.
  private init(checkpoint files: ModelFiles, _ options: ImportOptions) throws {
    if let place = try Emotion2VecPlace(files.weights.entries.map(\.name)) {
      try self.init(emotion2vec: files, place, options)
      return
    }
    guard options.system != .emotion2vec else {
      throw GraphError("", "no tensor's name holds modality_encoders.AUDIO., as those of emotion2vec do")
    }
    try self.init(wav2vec2: files, options)
  }
}
