import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct FileWriterTests {
  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func piecesWrittenByManyThreadsLieWhereTheyBelong() throws {
    try withTemporaryFolder { folder in
      let writer = try FileWriter(folder + "/file")
      try writer.reserve(1000 * 1000)
      try inParallel(1000, threads: 4) { (number) throws(FormatError) in
        try writer.write([UInt8](repeating: UInt8(number % 251), count: 1000), at: (999 - number) * 1000)
      }
      #expect(try names(folder) == [])
      #expect(writer.count == 1_000_000)
      try writer.publish()
      let bytes = try ByteRegion.mapping(folder + "/file").view
      #expect(
        (0..<1000).allSatisfy {
          bytes[$0 * 1000] == UInt8((999 - $0) % 251) && bytes[$0 * 1000 + 999] == bytes[$0 * 1000]
        })
      #expect(try names(folder) == ["file"])
    }
  }

  @Test func anOlderFileStaysUntilTheNewOneIsWhole() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/file"
      try Data("old".utf8).write(to: URL(fileURLWithPath: path))
      let writer = try FileWriter(path)
      try writer.write(Array("new".utf8))
      #expect(try ByteRegion.mapping(path).view.array == Array("old".utf8))
      let old = try ByteRegion.mapping(path)
      try writer.publish()
      #expect(try ByteRegion.mapping(path).view.array == Array("new".utf8))
      // Whoever has the old one mapped keeps it.
      #expect(old.view.array == Array("old".utf8))
      #expect(try names(folder) == ["file"])
    }
  }

  @Test func whatAKilledWriterLeftIsSweptAwayAndWhatALivingOneHoldsIsNot() throws {
    try withTemporaryFolder { folder in
      let (dead, living, other) = (
        folder + "/.file.1.assay-part", folder + "/.file.2.assay-part", folder + "/.file2.1.assay-part"
      )
      for path in [dead, living, other] { try Data("part".utf8).write(to: URL(fileURLWithPath: path)) }
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: living))
      #expect(flock(handle.fileDescriptor, LOCK_EX) == 0)
      _ = try FileWriter(folder + "/file")
      #expect(try names(folder) == [".file.2.assay-part", ".file2.1.assay-part"])
      try handle.close()
    }
  }

  @Test func aFolderIsSweptForAllWhoWriteThere() throws {
    try withTemporaryFolder { folder in
      let files = [".a.1.assay-part", ".b.2.assay-part", ".c.3.assay-part", ".d.assay-parts", "e.assay-part"]
      for file in files { try Data("part".utf8).write(to: URL(fileURLWithPath: folder + "/" + file)) }
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder + "/.c.3.assay-part"))
      #expect(flock(handle.fileDescriptor, LOCK_EX) == 0)
      _ = try FileWriter(folder + "/a", sweeping: false)
      #expect(try names(folder).count == 5)
      FileWriter.sweep(folder: folder)
      #expect(try names(folder) == [".c.3.assay-part", ".d.assay-parts", "e.assay-part"])
      try handle.close()
    }
  }

  @Test func sharedBytesAreTheSameWhereverTheyLie() throws {
    try withTemporaryFolder { folder in
      let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/source"))
      let source = try ByteRegion.mapping(folder + "/source").view
      for (start, target) in [(0, 0), (4096, 8192), (4096, 100), (5, 4096)] {
        let writer = try FileWriter(folder + "/target")
        try writer.share(source[start..<bytes.count], at: target)
        try writer.publish()
        let written = try ByteRegion.mapping(folder + "/target").view.array
        #expect(written == [UInt8](repeating: 0, count: target) + bytes[start...])
      }
    }
  }

  @Test(arguments: ["/nowhere/file", "/dev/null", "/tmp", "/tmp/"]) func placesThatCannotBeAreRefused(_ path: String) {
    #expect(throws: FormatError.self) { try FileWriter(path) }
  }
}

@Suite struct ParallelTests {
  @Test func theErrorOfTheLowestNumberIsThrown() {
    for threads in 1...4 {
      let error = #expect(throws: FormatError.self) {
        try inParallel(100, threads: threads) { (number) throws(FormatError) in
          if number >= 7 { throw FormatError("test", .invalid("\(number)")) }
        }
      }
      #expect(error?.reason == .invalid("7"))
    }
    #expect(throws: Never.self) { try inParallel(0, threads: 2) { (_) throws(FormatError) in } }
  }
}
