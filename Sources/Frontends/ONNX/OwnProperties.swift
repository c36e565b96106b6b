import Bytes
import Formats
import IR

/// What an ONNX file that this project wrote says of the model beside its graph, in properties called `assay.*`.
struct OwnProperties {
  /// How a recording becomes the waveform.
  let preprocessing: Metadata.Preprocessing
  private let labels: [String]

  /// Nil for a file of others, and for one whose properties somebody has changed into something that cannot be.
  init?(_ model: ONNXModel) {
    func property(_ name: String) -> String? {
      model.metadata.first { Name($0.name) == Name("assay." + name) }?.value
    }
    guard property("system") != nil, let rate = property("sample_rate").flatMap({ Int($0) }),
      (1...1_000_000).contains(rate)
    else { return nil }
    var epsilon: Double?
    if let text = property("normalization_epsilon") {
      guard let value = Double(text), value.isFinite, value >= 0 else { return nil }
      epsilon = value
    }
    preprocessing = Metadata.Preprocessing(sampleRate: rate, normalizationEpsilon: epsilon)
    let list = property("labels").flatMap { text in
      try? JSON.read(ByteRegion(copying: Array(text.utf8)).view, format: "property").array
    }
    labels = (list ?? []).compactMap(\.string)
  }

  /// What the columns of `logits` mean; nil where the file does not say it of as many.
  func labels(of graph: Graph) -> [String]? {
    let logits = graph.outputs.first { Name($0.name) == Name("logits") }
    guard !labels.isEmpty, let width = logits.flatMap({ graph[$0.value].type.dimensions.last?.value }) else {
      return nil
    }
    return width == labels.count ? labels : nil
  }
}
