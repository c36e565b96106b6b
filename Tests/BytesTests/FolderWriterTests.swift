import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct FolderWriterTests {
  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func nothingIsThereBeforeAllIs() throws {
    try withTemporaryFolder { folder in
      let writer = try FolderWriter(folder + "/new/")
      let (a, b) = (try writer.file("a"), try writer.file("b.json"))
      try a.write([1, 2])
      try b.write([3])
      #expect(try names(folder) == [])
      #expect(try a.readBack().view.array == [1, 2])
      try writer.publish()
      #expect(try names(folder) == ["new"] && names(folder + "/new") == ["a", "b.json"])
      #expect(try ByteRegion.mapping(folder + "/new/b.json").view.array == [3])
      #expect(writer.target == folder + "/new")
    }
  }

  @Test func whatIsGivenUpLeavesNothing() throws {
    try withTemporaryFolder { folder in
      let writer = try FolderWriter(folder + "/new")
      try writer.file("a").write([1])
      writer.abandon()
      #expect(try names(folder) == [])
    }
  }

  @Test func anEmptyFolderIsTakenAndAFullOneIsNot() throws {
    try withTemporaryFolder { folder in
      let (empty, full) = (folder + "/empty", folder + "/full")
      for path in [empty, full] {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      }
      try Data("x".utf8).write(to: URL(fileURLWithPath: full + "/x"))
      #expect(throws: FormatError.self) { try FolderWriter(full) }
      #expect(throws: FormatError.self) { try FolderWriter(full + "/x") }
      #expect(throws: FormatError.self) { try FolderWriter(folder + "/no/where") }
      #expect(throws: FormatError.self) { try FolderWriter("/proc/x") }
      let writer = try FolderWriter(empty)
      try writer.file("a").write([1])
      try writer.publish()
      #expect(try names(empty) == ["a"])
    }
  }

  @Test func aFolderThatFillsMeanwhileStaysAsItIs() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/new"
      let writer = try FolderWriter(path)
      try writer.file("a").write([1])
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/x"))
      #expect(throws: FormatError.self) { try writer.publish() }
      #expect(try names(folder) == ["new"] && names(path) == ["x"])
    }
  }

  @Test func namesArePlain() throws {
    try withTemporaryFolder { folder in
      let writer = try FolderWriter(folder + "/new")
      for name in ["", ".", "..", "a/b", "/a"] { #expect(throws: FormatError.self) { try writer.file(name) } }
    }
  }

  @Test func whatAKilledWriterLeftIsSweptAwayAndWhatALivingOneHoldsIsNot() throws {
    try withTemporaryFolder { folder in
      let (dead, living, other) = (".new.1.assay-part", ".new.2.assay-part", ".new2.1.assay-part")
      for name in [dead, living, other] {
        try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: false)
        try Data("part".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)/x"))
      }
      let held = open(folder + "/" + living, O_RDONLY)
      #expect(held >= 0 && flock(held, LOCK_EX) == 0)
      _ = try FolderWriter(folder + "/new")
      #expect(try names(folder) == [living, other])
      close(held)
    }
  }
}
