import Bytes
import Formats
import Frontends

/// What an ONNX model says of itself beside its tensors, and what lies beside it.
struct ONNXDescription {
  private let model: ONNXModel
  private let folder: AudonnxFolder?
  private let normalization: ONNXWaveformNormalization

  init(_ model: ONNXModel, _ folder: AudonnxFolder?) {
    (self.model, self.folder) = (model, folder)
    normalization = ONNXWaveformNormalization(model)
  }

  /// Members of the contract's `metadata`.
  var json: JSON {
    let graph = model.graph
    return [
      "ir_version": JSON(model.irVersion), "producer": JSON("\(model.producer.name) \(model.producer.version)"),
      "opsets": JSON(members: model.opsets.map { ($0.domain.isEmpty ? "ai.onnx" : $0.domain, JSON($0.version)) }),
      "inputs": JSON(graph.inputs.map { JSON("\($0)") }), "outputs": JSON(graph.outputs.map { JSON("\($0)") }),
      "operators": JSON(members: operators.map { ($0.key, JSON($0.value)) }),
      "functions": model.functions.isEmpty ? nil : JSON(model.functions.map { JSON($0.name) }),
      "metadata": model.metadata.isEmpty ? nil : JSON(members: model.metadata.map { ($0.name, JSON($0.value)) }),
      "waveform_normalization": ["kind": JSON(normalization.kind), "says": JSON("\(normalization)")],
      "audonnx": folder.map(ONNXDescription.json),
    ]
  }

  /// How often each operator of the outer graph is used, most used first.
  private var operators: [(key: String, value: Int)] {
    var counts: [String: Int] = [:]
    for node in model.graph.nodes { counts[ONNXNode.qualified(node.op, node.domain), default: 0] += 1 }
    return counts.sorted { $0.value != $1.value ? $0.value > $1.value : Name($0.key) < Name($1.key) }
  }

  /// The folder as audonnx sees it; labels it makes of an output's name are there too.
  private static func json(_ folder: AudonnxFolder) -> JSON {
    [
      "class": folder.type.map { JSON("\($0)") } ?? .null, "files": JSON(folder.files),
      "onnx": JSON(splitPath(folder.onnxPath).name),
      "inputs": JSON(
        folder.inputs.map { input in
          [
            "name": JSON(input.name), "shape": JSON(input.shape),
            "transform": input.transform.map { JSON($0.name) } ?? .null,
          ]
        }),
      "outputs": JSON(
        folder.outputs.map { output in
          [
            "name": JSON(output.name), "shape": JSON(output.shape),
            "labels": output.labels.map { JSON($0) } ?? .null,
          ]
        }),
    ]
  }

  /// What people read in the place of members that would be long.
  var lines: [String: [String]] {
    var lines = ["waveform_normalization": ["waveform: \(normalization)"]]
    if let folder {
      let type = folder.type.map { "\($0)" } ?? "no model.yaml"
      lines["audonnx"] =
        ["audonnx: \(type)" + (folder.files.isEmpty ? "" : " (\(folder.files.joined(separator: ", ")))")]
        + folder.inputs.map { "  input \($0.name) \($0.shape), transform \($0.transform?.name ?? "none")" }
        + folder.outputs.map { "  output \($0.name) \($0.shape): \(ONNXDescription.short($0.labels))" }
    }
    return lines
  }

  /// Labels as audonnx prints them: of more than six the first and last three.
  private static func short(_ labels: [String]?) -> String {
    guard let labels else { return "labels follow from a length that the file leaves open" }
    guard labels.count > 6 else { return labels.joined(separator: ", ") }
    return (labels.prefix(3) + ["(...)"] + labels.suffix(3)).joined(separator: ", ")
  }
}
