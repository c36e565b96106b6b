import Bytes
import Formats
import Foundation
import Frontends
import IR
import Tensors
import TestSupport

/// A copy of the tiny audeering package that a test changes: text of its configuration, tensors of its checkpoint.
struct TinyPackage {
  var config: String
  var preprocessor: String?
  var tensors: [(name: String, tensor: Tensor)]
  /// Other files with tensors beside it, as safetensors whatever they are called.
  var others: [(file: String, tensors: [(name: String, tensor: Tensor)])] = []

  init(_ folder: String = "audeering/safetensors") throws {
    let folder = Repository.golden("models/" + folder)
    config = try String(contentsOfFile: folder + "/config.json", encoding: .utf8)
    preprocessor = try String(contentsOfFile: folder + "/preprocessor_config.json", encoding: .utf8)
    let file = try SafetensorsFile.open(folder + "/model.safetensors")
    tensors = try file.entries.map { ($0.name, try file.tensor($0.name)) }
  }

  /// Replaces text of the configuration, which must be there.
  mutating func configure(_ text: String, _ replacement: String) {
    precondition(config.contains(text), "no \(text) in config.json")
    config = config.replacingOccurrences(of: text, with: replacement)
  }

  /// Adds a member to the configuration.
  mutating func configure(adding member: String) {
    config = "{" + member + "," + config.drop { $0 != "{" }.dropFirst()
  }

  mutating func rename(_ change: (String) -> String) { tensors = tensors.map { (change($0.name), $0.tensor) } }

  func imported(_ options: ImportOptions = ImportOptions()) throws -> ImportedModel {
    try withTemporaryFolder { folder in
      try config.write(toFile: folder + "/config.json", atomically: false, encoding: .utf8)
      try preprocessor?.write(toFile: folder + "/preprocessor_config.json", atomically: false, encoding: .utf8)
      try SafetensorsWriter.write(tensors, to: folder + "/model.safetensors")
      for (file, tensors) in others { try SafetensorsWriter.write(tensors, to: folder + "/" + file) }
      var options = options
      options.head = options.head?.replacing("FOLDER", with: folder)
      return try ImportedModel(.checkpoint(ModelFiles.open(folder)), options)
    }
  }

  /// The error of importing the package as one line; "accepted" where there is none.
  func refusal(system: ModelSystem? = nil) -> String { refusal(ImportOptions(system: system)) }

  func refusal(_ options: ImportOptions) -> String {
    do {
      _ = try imported(options)
      return "accepted"
    } catch { return "\(error)" }
  }

  /// The refusal after one change.
  static func refusal(_ change: (inout TinyPackage) throws -> Void) throws -> String {
    var package = try TinyPackage()
    try change(&package)
    return package.refusal()
  }
}

/// A tensor of zeros.
func zeros(_ shape: Shape) -> Tensor { Tensor([Float](repeating: 0, count: shape.count), shape: shape) }
