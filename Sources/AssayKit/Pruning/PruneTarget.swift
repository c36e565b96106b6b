import Bytes
import Formats

/// What a pruning writes, by what its name says.
enum PruneTarget: Equatable {
  /// One file of tensors.
  case tensors(TensorFile)
  case onnx, artifact

  /// A kind of file that holds tensors and nothing else.
  enum TensorFile: Equatable {
    case safetensors, pytorch

    /// The kind that a checkpoint of this format is written as.
    init(_ format: FileFormat) { self = format == .safetensors ? .safetensors : .pytorch }
  }

  /// What the extension of `path` says; nil where it says nothing, as of a folder that ends in a slash.
  init?(extensionOf path: String) {
    func ends(_ extensions: [String]) -> Bool {
      extensions.contains { path.utf8.suffix($0.utf8.count).elementsEqual($0.utf8) }
    }
    if ends([".safetensors"]) {
      self = .tensors(.safetensors)
    } else if ends(TensorConversion.torchExtensions) {
      self = .tensors(.pytorch)
    } else if ends([".onnx"]) {
      self = .onnx
    } else if ends([".assay"]) {
      self = .artifact
    } else {
      return nil
    }
  }
}
