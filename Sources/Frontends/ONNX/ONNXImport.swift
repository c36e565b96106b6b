import Bytes
import Formats
import IR
import Tensors

extension ImportedModel {
  /// Builds the graph of the ONNX file in `files`. `fed` may hold inputs that say axes or shapes.
  init(
    onnx file: ONNXFile, _ files: ModelFiles, fed: NamedTensors,
    evaluating evaluate: @escaping (Node, [Tensor?], TensorType) -> Tensor?
  ) throws {
    var importer = try ONNXImporter(file, named: files.weightFiles[0], fed: fed, evaluating: evaluate)
    try importer.build()
    graph = importer.graph
    graph.removeUnusedConstants()
    try graph.inferTypes()
    system = .onnx
    labels = []
    preprocessing = Metadata.Preprocessing(sampleRate: 16000, normalizationEpsilon: nil)
    license = try files.license()
    let used = Set(graph.constants.values.flatMap(\.provenance.sources).map { Name($0.tensor) })
    ignored = file.entries.map(\.name).filter { !used.contains(Name($0)) }.map { name in
      let reason = importer.absorbed.contains(Name(name)) ? "says a shape or an axis" : "no node uses it"
      return Metadata.Ignored(tensor: name, reason: reason)
    }
    self.files = files
    notes = files.notes
  }
}
