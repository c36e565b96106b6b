import Bytes
import Formats

/// A model as other programs keep it in a file or folder, by what kind of folder that is.
public enum ModelFolder: Sendable {
  /// Weights in PyTorch files or safetensors, configurations beside them.
  case checkpoint(ModelFiles)
  /// A graph in ONNX, described by what lies beside it.
  case audonnx(AudonnxFolder)
  /// A graph in ONNX, and nothing beside it that describes it.
  case onnx(ONNXFile)

  /// Opens the folder at `path`, or the file there with what lies beside it. Weights go before an ONNX file.
  public static func open(_ path: String) throws(FormatError) -> ModelFolder {
    switch fileKind(path) {
    case .folder where ModelFiles.isThere(path): return .checkpoint(try ModelFiles.open(path))
    case .folder, .file:
      if AudonnxFolder.isThere(path) { return .audonnx(try AudonnxFolder.open(path)) }
    case .missing, .other: break
    }
    if fileKind(path) == .file {
      let region = try ByteRegion.mapping(path)
      if FileFormat.of(region) == .onnx { return .onnx(try ONNXFile(region)) }
    }
    return .checkpoint(try ModelFiles.open(path))
  }
}

extension ModelFolder {
  /// The files that the model is made of.
  public var files: ModelFiles {
    switch self {
    case .checkpoint(let files): files
    case .audonnx(let folder):
      ModelFiles(folder.onnx, at: folder.onnxPath, in: folder.folder, beside: folder.files, notes: folder.notes)
    case .onnx(let file): ModelFiles(file, at: file.path, in: splitPath(file.path).folder, beside: [], notes: [])
    }
  }
}
