import Bytes
import Formats
import Foundation
import Tensors
import TestSupport

/// Recordings for runs over many of them.
enum Recordings {
  /// 0.56 seconds.
  static let clip = Repository.golden("audio/containers/pcm16.flac")
  static let model = Repository.golden("models/audeering/safetensors")

  /// Noise as a `.npy` waveform at `path`, the folders above it made.
  static func noise(_ path: String, samples: Int = 400, seed: UInt64 = 1) throws {
    var random = SeededGenerator(seed: seed)
    try write(path, NPYFile.encode(Tensor((0..<samples).map { _ in Float.random(in: -1...1, using: &random) })))
  }

  /// A file with these bytes, the folders above it made.
  static func write(_ path: String, _ bytes: [UInt8]) throws {
    try makeFolder(splitPath(path).folder)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  static func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

  /// An ONNX model that hears [1, samples] and hands on `frames` [1, samples / 4, 4], `utterance` [1, 4] and `scores` of 2.
  static func twoViews(_ path: String) throws {
    var file = ONNXFixture()
    file.input("x", [1, "samples"])
    file.initializer("shape", Tensor([1, -1, 4] as [Int64]))
    file.initializer("axes", Tensor([1] as [Int64]))
    file.initializer("w", Tensor([1, 0, 0, 1, 1, 1, 0, 2] as [Float], shape: [4, 2]))
    file.node("Reshape", ["x", "shape"], ["frames"])
    file.node("ReduceMean", ["frames", "axes"], ["utterance"], with: ["keepdims": .int(0)])
    file.node("MatMul", ["utterance", "w"], ["scores"])
    for name in ["frames", "utterance", "scores"] { file.output(name) }
    try write(path, file.bytes)
  }
}

extension Program.Outcome {
  /// The output's lines, each a document.
  var documents: [JSON] {
    get throws { try output.split(separator: "\n").map { try JSON.read(view(Array($0.utf8)), format: "line") } }
  }
}

/// The names of the files in `folder` and inside it, sorted.
func contents(_ folder: String) throws -> [String] {
  try FileManager.default.subpathsOfDirectory(atPath: folder).filter { fileKind(folder + "/" + $0) == .file }.sorted()
}
