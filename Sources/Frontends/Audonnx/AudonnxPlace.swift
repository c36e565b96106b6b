import Bytes

/// Where audonnx would look, and which of its two ways of keeping a model is there.
enum AudonnxPlace {
  /// A yaml that starts as audonnx's do.
  case described(folder: String, yaml: String)
  /// An ONNX file with `labels.yaml`, `transform.yaml`, or neither beside it.
  case bare(folder: String, onnx: String)

  /// Nil where there is nothing of audonnx. A bare ONNX file is only a model of audonnx's in a folder that was named,
  /// or with labels or a transform beside it.
  init?(_ path: String) {
    switch fileKind(path) {
    case .missing, .other: return nil
    case .folder: self.init(path, stem: "model")
    case .file:
      let (folder, name) = splitPath(path)
      if name.hasSuffix(".yaml") {
        self.init(folder, stem: String(name.dropLast(5)))
      } else if name.hasSuffix(".onnx") {
        self.init(folder, stem: String(name.dropLast(5)))
        if case .bare = self, AudonnxPlace.beside(folder).isEmpty { return nil }
      } else {
        return nil
      }
    }
  }

  private init?(_ folder: String, stem: String) {
    let (yaml, onnx) = (stem + ".yaml", stem + ".onnx")
    if AudonnxPlace.startsAsModel(joinPath(folder, yaml)) {
      self = .described(folder: folder, yaml: yaml)
    } else if fileKind(joinPath(folder, onnx)) == .file {
      self = .bare(folder: folder, onnx: onnx)
    } else {
      return nil
    }
  }

  /// audonnx asks no more of a yaml than this start of its first line.
  private static func startsAsModel(_ path: String) -> Bool {
    fileKind(path) == .file && readStart(of: path, count: 8) == Array("$audonnx".utf8)
  }

  /// A yaml that audonnx would pass over, with the reason.
  var passedOver: String? {
    guard case .bare(let folder, let onnx) = self else { return nil }
    let yaml = onnx.dropLast(5) + ".yaml"
    guard fileKind(joinPath(folder, String(yaml))) == .file else { return nil }
    return "\(yaml) was passed over, as audonnx does: its first line does not start with $audonnx"
  }

  private static let (labels, transform) = ("labels.yaml", "transform.yaml")

  private static func beside(_ folder: String) -> [String] {
    [labels, transform].filter { fileKind(joinPath(folder, $0)) == .file }
  }

  /// The folder.
  var folder: String {
    switch self {
    case .described(let folder, _), .bare(let folder, _): folder
    }
  }

  /// The yaml files that are read, in the folder.
  var files: [String] {
    switch self {
    case .described(_, let yaml): [yaml]
    case .bare(let folder, _): AudonnxPlace.beside(folder)
    }
  }

  /// What the yaml files say.
  func description() throws(FormatError) -> AudonnxDescription {
    switch self {
    case .described(let folder, let yaml):
      return try AudonnxPlace.reading(folder, yaml) { (yaml) throws(FormatError) in try AudonnxDescription(yaml) }
    case .bare(let folder, let onnx):
      var description = AudonnxDescription(onnx: onnx)
      for file in files {
        try AudonnxPlace.reading(folder, file) { (yaml) throws(FormatError) in
          if file == AudonnxPlace.labels {
            description.labels = try AudonnxDescription.labels(yaml)
          } else {
            description.transforms = [try AudonnxDescription.transform(yaml)]
          }
        }
      }
      return description
    }
  }

  private static func reading<R>(
    _ folder: String, _ file: String, _ body: (YAML) throws(FormatError) -> R
  ) throws(FormatError) -> R {
    let path = joinPath(folder, file)
    do throws(FormatError) {
      return try body(YAML.read(ByteRegion.mapping(path).view, format: AudonnxDescription.format))
    } catch { throw error.inFile(path) }
  }
}
