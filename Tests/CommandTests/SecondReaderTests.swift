import Bytes
import Foundation
import IR
import TestSupport
import Testing

/// `tools/read_assay.py` was written from the article alone, in another language. Both readers agree, file by file.
@Suite struct SecondReaderTests {
  /// What the second reader says: a document for each good file, the rule that each other one breaks.
  private func read(_ paths: [String]) throws -> (good: [String: JSON], refused: [String: String]) {
    try withTemporaryFolder { folder in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["python3", Repository.root + "/tools/read_assay.py"] + paths
      FileManager.default.createFile(atPath: folder + "/errors", contents: nil)
      let (output, errors) = (Pipe(), try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/errors")))
      (process.standardOutput, process.standardError) = (output, errors)
      try process.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      let messages = try String(contentsOfFile: folder + "/errors", encoding: .utf8)
      var (good, refused): ([String: JSON], [String: String]) = ([:], [:])
      for line in text.split(separator: "\n") {
        let document = try JSON.read(view(Array(line.utf8)), format: "second reader")
        good[try #require(document["file"]?.string)] = document
      }
      let refusal = #/^(.*?): rule ([0-9]+) \(([a-z0-9-]+)\) at byte [0-9]+: /#
      for line in messages.split(separator: "\n") {
        let match = try #require(line.firstMatch(of: refusal), "\(line)")
        refused[String(match.output.1)] = "\(match.output.2), \(match.output.3)"
      }
      return (good, refused)
    }
  }

  /// The rule that our reader finds broken; nil for a good file.
  private func refusal(_ path: String) -> String? {
    do throws(FormatError) {
      try ArtifactFile(path: path).checkIntegrity()
      return nil
    } catch { return error.rule ?? "\(error)" }
  }

  private func files(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".assay") }.sorted()
      .map { folder + "/" + $0 }
  }

  @Test func theyReadTheSameOfEveryGoodFile() throws {
    let paths = try files(ArtifactCorpusTests.folder + "/accept") + files(ReleasedFilesTests.folder)
    let (good, refused) = try read(paths)
    #expect(refused.isEmpty)
    #expect(good.count == paths.count)
    for (path, document) in good {
      let file = try ArtifactFile(path: path)
      let tensors = zip(file.entries, file.digests).map { entry, digest in
        "\(entry.name) \(entry.dataType.rawValue) \(entry.shape.dimensions) \(entry.bytes) \(digest)"
      }
      let theirs = (document["tensors"]?.array ?? []).map { tensor in
        "\(tensor["name"]?.string ?? "") \(tensor["dtype"]?.string ?? "") \(tensor["shape"]?.array?.compactMap(\.int) ?? []) "
          + "\(tensor["bytes"]?.int ?? -1) \(tensor["sha256"]?.string ?? "")"
      }
      #expect(tensors == theirs, "\(path)")
      #expect(document["root"]?.string == file.root.description)
      let goldens = (document["goldens"]?.array ?? []).compactMap { $0["name"]?.string }
      #expect(goldens == file.artifact.goldens.compactMap { $0["name"]?.string })
    }
  }

  @Test func theyRefuseTheSameFilesByTheSameRule() throws {
    let paths = try files(ArtifactCorpusTests.folder + "/reject")
    let (good, refused) = try read(paths)
    for path in paths {
      let name = splitPath(path).name
      let expected = try #require(ArtifactCorpusTests.expected["reject"]?[name])
      // What needs shapes to be worked out is all that the second reader leaves out, and says so.
      if expected["name"]?.string == "types" {
        #expect(good[path] != nil && refusal(path) != nil, "\(name)")
      } else {
        #expect(refused[path] == "\(expected["rule"]?.int ?? 0), \(expected["name"]?.string ?? "")", "\(name)")
      }
    }
  }

  /// A bit changed breaks several rules at once, of which each reader may name another.
  @Test func neitherReadsAFileWithAFlippedBit() throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: ArtifactCorpusTests.folder + "/accept/fill.assay")))
    try withTemporaryFolder { folder in
      // A third of the texts and all the rest but most of the padding, so that it stays quick.
      let zeros = bytes.indices.filter { bytes[$0] == 0 }.count
      let places = bytes.indices.filter { bytes[$0] != 0 && $0 % 3 == 0 || $0 < 64 || $0 % max(1, zeros / 200) == 0 }
      for place in places + Array((bytes.count - 300)..<bytes.count) {
        var damaged = bytes
        damaged[place] ^= 1 << (place % 8)
        try Data(damaged).write(to: URL(fileURLWithPath: "\(folder)/\(place).assay"))
      }
      let paths = try files(folder)
      let (good, refused) = try read(paths)
      #expect(good.isEmpty)
      for path in paths { #expect(refused[path] != nil && refusal(path) != nil, "\(splitPath(path).name)") }
    }
  }
}
