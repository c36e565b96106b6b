import Bytes
import Formats
import Foundation
import Frontends
import Tensors
import TestSupport

/// A copy of a tiny emotion2vec that a test changes: texts of its files, tensors of its checkpoint.
struct TinyEmotion2Vec {
  /// Files beside the weights by name.
  var files: [String: String] = [:]
  var tensors: [(name: String, tensor: Tensor)]

  static let audio = "modality_encoders.AUDIO."

  /// The package NAME, its tensors called as FunASR calls them in memory.
  init(_ name: String = "finetuned", weights: String = "model.pt", strip prefix: String = "model.") throws {
    let folder = Repository.golden("models/emotion2vec-" + name)
    for file in ["config.yaml", "tokens.txt"] where FileManager.default.fileExists(atPath: folder + "/" + file) {
      files[file] = try String(contentsOfFile: folder + "/" + file, encoding: .utf8)
    }
    let checkpoint = try PyTorchCheckpoint(ByteRegion.mapping(folder + "/" + weights))
    tensors = try checkpoint.entries.map(\.name).filter { $0.hasPrefix(prefix) }.map { name in
      let own = String(name.dropFirst(prefix.count))
      return (own.hasPrefix("d2v_model.") ? String(own.dropFirst(10)) : own, try checkpoint.tensor(name))
    }
  }

  /// Replaces text of the configuration, which must be there.
  mutating func configure(_ text: String, _ replacement: String) {
    precondition(files["config.yaml"]!.contains(text), "no \(text) in config.yaml")
    files["config.yaml"] = files["config.yaml"]!.replacingOccurrences(of: text, with: replacement)
  }

  mutating func rename(_ change: (String) -> String) { tensors = tensors.map { (change($0.name), $0.tensor) } }

  /// Gives a tensor another shape, its elements kept as far as there are enough, then zeros.
  mutating func reshape(_ name: String, _ shape: Shape) {
    let place = tensors.firstIndex { $0.name == name }!
    let old = tensors[place].tensor
    tensors[place].tensor = old.count == shape.count ? Tensor(old.dataType, shape, bytes: old.bytes) : zeros(shape)
  }

  func imported(_ options: ImportOptions = ImportOptions()) throws -> ImportedModel {
    try withTemporaryFolder { folder in
      for (name, text) in files { try text.write(toFile: folder + "/" + name, atomically: false, encoding: .utf8) }
      try SafetensorsWriter.write(tensors, to: folder + "/model.safetensors")
      return try ImportedModel(.checkpoint(ModelFiles.open(folder)), options)
    }
  }

  /// The error of importing the package as one line, without the folder; "accepted" where there is none.
  func refusal(_ options: ImportOptions = ImportOptions()) -> String {
    do {
      _ = try imported(options)
      return "accepted"
    } catch { return "\(error)".replacing(/^\/.*?\/assay-[-0-9A-F]+\//, with: "") }
  }

  /// The refusal after one change.
  static func refusal(_ change: (inout TinyEmotion2Vec) throws -> Void) throws -> String {
    var package = try TinyEmotion2Vec()
    try change(&package)
    return package.refusal()
  }
}
