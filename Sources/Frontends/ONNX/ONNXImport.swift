import Bytes
import Formats
import IR
import Tensors

extension ImportedModel {
  /// Builds the graph of the ONNX file in `files`, whose outputs `described` labels. `fed` may hold inputs that say axes or shapes.
  init(
    onnx file: ONNXFile, _ files: ModelFiles, _ described: AudonnxFolder?, fed: NamedTensors,
    evaluating evaluate: @escaping (Node, [Tensor?], TensorType) -> Tensor?
  ) throws {
    try described?.requireRawWaveform()
    var importer = try ONNXImporter(file, named: files.weightFiles[0], fed: fed, evaluating: evaluate)
    try importer.build()
    graph = importer.graph
    graph.removeUnusedConstants()
    try graph.inferTypes()
    system = .onnx
    let own = OwnProperties(file.model)
    labels = described?.mainLabels(graph) ?? own?.labels(of: graph) ?? []
    preprocessing = own?.preprocessing ?? Metadata.Preprocessing(sampleRate: 16000, normalizationEpsilon: nil)
    license = try described?.license() ?? files.license()
    let used = Set(graph.constants.values.flatMap(\.provenance.sources).map { Name($0.tensor) })
    ignored = file.entries.map(\.name).filter { !used.contains(Name($0)) }.map { name in
      let reason = importer.absorbed.contains(Name(name)) ? "says a shape or an axis" : "no node uses it"
      return Metadata.Ignored(tensor: name, reason: reason)
    }
    self.files = files
    notes = files.notes + (own == nil ? ImportedModel.normalizationNote(file.model) : [])
  }
}

extension ImportedModel {
  /// What nobody says, and the user may know.
  private static func normalizationNote(_ model: ONNXModel) -> [String] {
    guard case .none = ONNXWaveformNormalization(model) else { return [] }
    return [
      "the graph does not normalise the waveform, and no file says whether it should be: it is fed as it is "
        + "unless --normalize brings it to zero mean and unit variance"
    ]
  }
}

extension AudonnxFolder {
  /// What the columns of the output mean that a result is told by: `scores`, `logits`, or the only one.
  fileprivate func mainLabels(_ graph: Graph) -> [String]? {
    let main =
      outputs.first { Name($0.name) == Name("scores") } ?? outputs.first { Name($0.name) == Name("logits") }
      ?? (outputs.count == 1 ? outputs.first : nil)
    return main?.labels.flatMap { $0.count <= 1024 ? $0 : nil } ?? main?.stated
  }
}
