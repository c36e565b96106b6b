import Bytes
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Formats

/// Writes a tree to `path`; what was written.
@discardableResult
func write(
  _ root: PyTorchValue, from source: any TensorSource, to path: String
) throws -> [PyTorchWriter.Written] {
  let file = try FileWriter(path)
  let written = try PyTorchWriter(root, from: source).write(to: file, digesting: true)
  try file.publish()
  return written
}

@Suite struct PyTorchWriterTests {
  /// Files of the corpus that torch wrote or reads, with what torch says of their tensors.
  private func corpus() throws -> (files: [JSON.Member], path: (String) -> String) {
    let corpus = try Corpus("pytorch/accept")
    return (corpus.expected, corpus.path)
  }

  @Test func everyFileHoldsTheSameTensorsAfterwards() throws {
    let (files, path) = try corpus()
    try withTemporaryFolder { folder in
      for (name, expected) in files.map({ ($0.name, $0.value) }) {
        let source = try PyTorchCheckpoint.open(path(name))
        let out = folder + "/" + (name.split(separator: ".").first.map(String.init) ?? name) + ".pt"
        let written = try write(source.tree().root, from: source, to: out)
        let copy = try PyTorchCheckpoint.open(out)
        #expect(copy.format == .pytorchZip)
        try expectTensors(copy, expected["tensors"], name)
        #expect(written.map { Name($0.name) } == copy.entries.map { Name($0.name) }, "\(name)")
        #expect(
          written.map(\.digest?.description) == expected["tensors"]?.array?.map { $0["sha256"]?.string }, "\(name)")
        if let keep = ProcessInfo.processInfo.environment["KEEP_WRITTEN"] {
          try FileManager.default.copyItem(atPath: out, toPath: keep + "/" + name)
        }
      }
    }
  }
}
