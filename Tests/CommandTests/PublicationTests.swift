import Bytes
import Foundation
import IR
import TestSupport
import Testing

/// Whatever goes wrong while a file is written: no new file, the old one untouched, no litter, one line.
@Suite struct PublicationTests {
  private static let package = Repository.golden("models/audeering/pytorch")

  @Test func aFullDiskLeavesTheOldFile() throws {
    try withTemporaryFolder { folder in
      let target = folder + "/model.assay"
      try "old".write(toFile: target, atomically: false, encoding: .utf8)
      for arguments in [["convert", Self.package, "-o", target]] {
        // A limit on the size of files stands for a full disk; it needs no privileges.
        let outcome = try Program.run(arguments, fileBlocks: 16)
        #expect(outcome.status == 2, "\(outcome.errors)")
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("model.assay") && outcome.errors.contains("cannot write"))
        #expect(try String(contentsOfFile: target, encoding: .utf8) == "old")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.assay"])
      }
      let whole = folder + "/whole.assay"
      _ = try Program.run("convert", Self.package, "-o", whole)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: whole))
      let edited = try Program.run(["edit", whole, "--set", "about.a=b"], fileBlocks: 16)
      #expect(edited.status == 2 && edited.errorLines.count == 1)
      #expect(try Data(contentsOf: URL(fileURLWithPath: whole)) == bytes)
    }
  }

  @Test func ofTwoFilesBothAppearOrNone() throws {
    try withTemporaryFolder { folder in
      // Room for the document, not for the arrays.
      let recorded = try Program.run(
        ["golden", "record", Self.package, Repository.golden("audio/speech.flac"), "-o", folder + "/x.golden.json"],
        fileBlocks: 16)
      #expect(recorded.status == 2 && recorded.errorLines.count == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test func anUnwritableTargetIsToldBeforeTheWork() throws {
    let outcome = try Program.run("convert", Self.package, "-o", "/proc/model.assay")
    #expect(outcome.status == 2 && outcome.errorLines.count == 1)
    #expect(outcome.errors.contains("/proc/model.assay"))
  }

  @Test func whatAKilledProcessLeftIsGoneAfterTheNextRun() throws {
    try withTemporaryFolder { folder in
      try "part".write(toFile: folder + "/.model.assay.1.assay-part", atomically: false, encoding: .utf8)
      #expect(try Program.run("convert", Self.package, "-o", folder + "/model.assay").status == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.assay"])
    }
  }
}
