import AssayKit
import Bytes
import Foundation
import IR
import TestSupport
import Testing

/// The law of the file and its corpus: every rule has files that keep to it and files that break it and nothing else.
///
/// Files and verdicts come from `tools/golden/artifact/make_artifact_corpus.py`, which was written from the article alone.
@Suite struct ArtifactCorpusTests {
  static let folder = Repository.golden("formats/assay")
  static let expected = (try? Repository.json(folder + "/expected.json")) ?? .null

  static func files(_ kind: String) -> [String] { (expected[kind]?.object ?? []).map(\.name) }

  @Test func theArticleNumbersTheRulesThatTheCodeKnows() throws {
    let article = try String(contentsOfFile: Repository.root + "/Sources/IR/IR.docc/ArtifactFormat.md", encoding: .utf8)
    let rules = article.matches(of: /(?m)^\*\*([0-9]+)\. ([a-z0-9-]+)\*\*/).map { "\($0.output.1), \($0.output.2)" }
    #expect(rules == ArtifactRule.allCases.map(\.label))
  }

  @Test func everyRuleHasFilesOfBothKindsAndEveryFileIsListed() throws {
    for kind in ["accept", "reject"] {
      let files = try FileManager.default.contentsOfDirectory(atPath: "\(Self.folder)/\(kind)").sorted()
      #expect(files == Self.files(kind).sorted())
      for rule in ArtifactRule.allCases {
        #expect(
          files.contains { $0 == rule.name + ".assay" || $0.hasPrefix(rule.name + "-") }, "\(kind) \(rule.name)")
      }
    }
  }

  @Test(arguments: files("accept")) func whatKeepsToTheRulesIsRead(_ name: String) throws {
    let path = Self.folder + "/accept/" + name
    let file = try ArtifactFile(path: path)
    let tensors = zip(file.entries, file.digests).map { entry, digest in
      JSON(
        members: [
          ("name", JSON(entry.name)), ("dtype", JSON(entry.dataType.rawValue)),
          ("shape", JSON(entry.shape.dimensions)), ("bytes", JSON(entry.bytes)), ("sha256", JSON(digest.description)),
        ])
    }
    let wanted = Self.expected["accept"]?[name]?["tensors"]?.array ?? []
    #expect(tensors.map(\.compact) == wanted.map(\.compact))
    try file.checkIntegrity()
    let graph = file.artifact.graph
    guard graph.inputs.allSatisfy({ graph[$0].type.dataType == .float32 }) else { return }
    // The cases it carries: what numpy computed from the article's words.
    #expect(try Verdict(path, threads: 1).holds)
  }

  @Test(arguments: files("reject")) func whatBreaksARuleIsRefusedByItsName(_ name: String) throws {
    let wanted = try #require(Self.expected["reject"]?[name])
    let thrown = #expect(throws: FormatError.self) {
      let file = try ArtifactFile(path: Self.folder + "/reject/" + name)
      try file.checkIntegrity()
      _ = try EmbeddedGoldens.cases(file.artifact)
    }
    let error = try #require(thrown)
    #expect(error.rule == "\(wanted["rule"]?.int ?? 0), \(wanted["name"]?.string ?? "")", "\(error)")
    let offset = try #require(error.offset, "\(error)")
    let range = wanted["offset"]?.array?.compactMap(\.int) ?? wanted["offset"]?.int.map { [$0, $0] } ?? []
    let isInside = range.count == 2 && offset >= range[0] && offset <= range[1]
    #expect(isInside, "\(offset) of \(range): \(error)")
  }
}
