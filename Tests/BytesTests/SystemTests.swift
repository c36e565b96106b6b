import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct SystemTests {
  @Test func foldersAreMadeWithThoseAbove() throws {
    try withTemporaryFolder { folder in
      for path in ["a/b/c", "a/b/c/", "d/"] {
        try makeFolder(folder + "/" + path)
        #expect(fileKind(folder + "/" + path) == .folder)
      }
      try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/file"))
      for path in ["file", "file/inside"] {
        let error = #expect(throws: FormatError.self) { try makeFolder(folder + "/" + path) }
        #expect("\(error!)".contains("cannot make the folder"))
      }
    }
  }

  @Test func aWholeFileIsReadUpToALimit() throws {
    try withTemporaryFolder { folder in
      let bytes = (0..<200_000).map { UInt8($0 % 251) }
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/file"))
      #expect(try readWhole(folder + "/file", limit: 200_000) == bytes)
      #expect(throws: FormatError.self) { try readWhole(folder + "/file", limit: 199_999) }
      #expect(throws: FormatError.self) { try readWhole(folder, limit: 10) }
      #expect(throws: FormatError.self) { try readWhole(folder + "/missing", limit: 10) }
    }
  }

  @Test func linksAreTold() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createSymbolicLink(atPath: folder + "/nowhere", withDestinationPath: "missing")
      #expect(isLink(folder + "/nowhere") && !isLink(folder) && !isLink(folder + "/missing"))
    }
  }
}
