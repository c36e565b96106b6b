import AssayKit
import Bytes
import Foundation
import IR
import TestSupport
import Testing

@Suite struct EditTests {
  private static let package = Repository.golden("models/audeering")

  private func convert(_ folder: String) throws -> String {
    let target = folder + "/model.assay"
    let outcome = try Program.run("convert", Self.package + "/pytorch", "-o", target)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return target
  }

  @Test func metadataChangesAndEverythingElseStays() throws {
    try withTemporaryFolder { folder in
      let path = try convert(folder)
      let before = try ArtifactFile(path: path)
      let edited = try Program.run(
        "edit", path, "--set", "labels=a,b=c,d", "--set", "about.card=" + String(repeating: "long text ", count: 1000),
        "--set", "about.name=na\u{EF}ve", "--json")
      #expect(edited.status == 0, "\(edited.errors)")
      let report = try edited.json()
      #expect(report["old_root"]?.string == before.root.description)

      let after = try ArtifactFile(path: path)
      try after.checkIntegrity()
      #expect(report["root"]?.string == after.root.description && after.root != before.root)
      let metadata = after.artifact.metadata
      #expect(metadata.labels == ["a", "b=c", "d"])
      #expect(metadata.about.map(\.name) == ["card", "name"])
      #expect(metadata.edited == ["about.card", "about.name", "labels"])
      #expect(after.digests == before.digests)
      #expect(after.artifact.graph.description == before.artifact.graph.description)
      #expect(try Program.run("verify", path, "--against", Self.package + "/pytorch").status == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.assay"])

      #expect(
        try Program.run("edit", path, "--unset", "about.card", "--set", "labels=[\"x,y\", \"z\", \"\"]").status == 0)
      let again = try ArtifactFile(path: path).artifact.metadata
      #expect(again.about.map(\.name) == ["name"])
      #expect(again.labels == ["x,y", "z", ""])
      let shown = try Program.run("run", path, Repository.golden("audio/speech.flac"), "--json").json()
      #expect(shown["labels"]?.object?.map(\.name) == ["x,y", "z", ""])
    }
  }

  @Test func aLicenceOfTheSourceIsNeverDropped() throws {
    try withTemporaryFolder { folder in
      let path = try convert(folder)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      let outcome = try Program.run("edit", path, "--set", "license=mit")
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("states cc-by-nc-sa-4.0, which \"mit\" would drop"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
      #expect(try Program.run("edit", path, "--set", "license=cc-by-nc-sa-4.0 OR mit").status == 2)
      let both = "cc-by-nc-sa-4.0 AND (LicenseRef-own OR mit)"
      #expect(try Program.run("edit", path, "--set", "license=" + both).status == 0)
      let license = try ArtifactFile(path: path).artifact.metadata.license
      #expect(license == Metadata.License(id: both, from: "README.md, assay edit"))
      #expect(try Program.run("verify", path).output.contains("non-commercial, share-alike"))

      let refused = try Program.run("convert", Self.package + "/pytorch", "-o", folder + "/x.assay", "--license", "mit")
      #expect(refused.status == 2 && refused.errorLines.count == 1)
      #expect(!FileManager.default.fileExists(atPath: folder + "/x.assay"))
      try FileManager.default.copyItem(atPath: Repository.golden("models/mixed"), toPath: folder + "/bare")
      try FileManager.default.removeItem(atPath: folder + "/bare/README.md")
      let none = try Program.run("convert", folder + "/bare", "-o", folder + "/y.assay")
      #expect(none.status == 0 && none.output.contains("no licence is stated"))
      let stated = try Program.run(
        "convert", folder + "/bare", "-o", folder + "/y.assay", "--license", "Apache-2.0")
      #expect(stated.output.contains("licence Apache-2.0 (stated by --license)"))
      #expect(try Program.run("inspect", folder + "/y.assay").output.contains("Apache-2.0"))
      for path in [Self.package + "/pytorch", Self.package + "/pytorch/pytorch_model.bin", path] {
        #expect(try Program.run("inspect", path).output.contains("non-commercial, share-alike"))
        let terms = try Program.run("inspect", path, "--json").json()["license"]?["terms"]?.array
        #expect(terms?.compactMap(\.string) == ["non-commercial", "share-alike"])
      }
    }
  }

  @Test func aLinkStaysALinkAndPermissionsStay() throws {
    try withTemporaryFolder { folder in
      let path = try convert(folder)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      let link = folder + "/link.assay"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
      #expect(try Program.run("edit", link, "--set", "about.name=x").status == 0)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
      #expect(try ArtifactFile(path: path).artifact.metadata.about.map(\.text) == ["x"])
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(mode == 0o600)
    }
  }

  @Test func editsAtTheSameTimeBothHold() throws {
    try withTemporaryFolder { folder in
      let path = try convert(folder)
      try inParallel(6, threads: 3) { (number) throws(FormatError) in
        let outcome = try? Program.run("edit", path, "--set", "about.n\(number)=x")
        guard outcome?.status == 0 else { throw FormatError("edit", .invalid(outcome?.errors ?? "")) }
      }
      #expect(try ArtifactFile(path: path).artifact.metadata.about.count == 6)
    }
  }

  @Test(
    arguments: [
      (["--set", "system=x"], 2), (["--set", "about.=x"], 2), (["--set", "labels=a,b"], 2),
      (["--set", "license= "], 2),
      (["--unset", "about.none"], 2), (["--unset", "labels"], 2), (["--set", "labels=[1]"], 2), ([], 64),
      (["--set", "labels"], 64),
    ] as [([String], Int32)])
  func whatCannotBeEditedLeavesTheFile(_ arguments: [String], _ status: Int32) throws {
    try withTemporaryFolder { folder in
      let path = try convert(folder)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      let outcome = try Program.run(["edit", path] + arguments)
      #expect(outcome.status == status)
      if status == 2 { #expect(outcome.errorLines.count == 1) }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }
  }
}
