import AssayKit
import Bytes
import Foundation
import IR
import TestSupport
import Testing

/// Files of earlier versions load for ever, and prove themselves.
@Suite struct ReleasedFilesTests {
  static let folder = Repository.golden("files/v1")

  /// Each file's root when it was released.
  static let roots: [(root: String, name: String)] = {
    let text = try? String(contentsOfFile: folder + "/roots.txt", encoding: .utf8)
    return (text ?? "").split(separator: "\n").map { line in
      (String(line.prefix(64)), String(line.dropFirst(65)))
    }
  }()

  @Test func everyFileIsListed() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".assay") }
    #expect(files.sorted() == Self.roots.map(\.name).sorted() && files.count >= 6)
  }

  @Test(arguments: roots.map(\.name)) func everyFileLoadsAndHolds(_ name: String) throws {
    let root = try #require(Self.roots.first { $0.name == name }?.root)
    let verdict = try Verdict(Self.folder + "/" + name, threads: 1)
    #expect(verdict.root?.description == root)
    #expect(verdict.holds)
    #expect(verdict.license != nil)
    let result = try Runner(Model.open(Self.folder + "/" + name), threads: 1)
      .run(Clip.load(Repository.golden("audio/speech.flac"), rate: 16000))
    #expect(result.outputs.allSatisfy { $0.tensor.floats.allSatisfy(\.isFinite) })
  }

  /// The tensors that no step changed are the source's, bit for bit, as its own file holds them.
  @Test func theirTensorsAreThoseOfTheirSources() throws {
    let file = try ArtifactFile(path: Self.folder + "/audeering-f32.assay")
    let source = try SafetensorsFixture(Repository.golden("models/audeering/safetensors/model.safetensors"))
    let graph = file.artifact.graph
    var compared = 0
    for constant in graph.constants.values where constant.provenance.steps.isEmpty {
      let name = try #require(constant.provenance.sources.first?.tensor)
      #expect(try constant.digest == source[name].digest)
      compared += 1
    }
    #expect(compared == 87)
  }
}
