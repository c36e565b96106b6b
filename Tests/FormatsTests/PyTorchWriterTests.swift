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

extension PyTorchWriterTests {
  private func open(_ name: String) throws -> PyTorchCheckpoint {
    try PyTorchCheckpoint.open(Repository.golden("formats/pytorch/accept/" + name))
  }

  private func pickle(_ path: String) throws -> [UInt8] {
    let archive = try ZipArchive(ByteRegion.mapping(path).view)
    return try archive.contents(#require(archive.members.first { $0.name.hasSuffix("/data.pkl") })).array
  }

  /// Where torch writes equal texts that are different objects twice, and parameters as such, ours is shorter.
  @Test(arguments: ["dtypes", "list", "odd", "tensor"])
  func picklesAreTorchsOwn(_ name: String) throws {
    let path = Repository.golden("formats/pytorch/accept/\(name)-zip-p2.pt")
    try withTemporaryFolder { folder in
      let source = try PyTorchCheckpoint.open(path)
      try write(source.tree().root, from: source, to: folder + "/x.pt")
      #expect(try pickle(folder + "/x.pt") == pickle(path))
    }
  }

  @Test func theSameBytesInAnyFolder() throws {
    let source = try open("views-zip-p2.pt")
    try withTemporaryFolder { folder in
      var written: [[UInt8]] = []
      for part in ["a", "b"] {
        try FileManager.default.createDirectory(atPath: folder + "/" + part, withIntermediateDirectories: true)
        try write(source.tree().root, from: source, to: folder + "/\(part)/x.pt")
        written.append(try ByteRegion.mapping(folder + "/\(part)/x.pt").view.array)
      }
      #expect(written[0] == written[1])
    }
  }

  @Test func membersLieWhereTorchPutsThemAndHaveItsNames() throws {
    let source = try open("state_dict-zip-p2.pt")
    try withTemporaryFolder { folder in
      try write(source.tree().root, from: source, to: folder + "/model.best.pt")
      let archive = try ZipArchive(ByteRegion.mapping(folder + "/model.best.pt").view)
      let storages = (0..<7).map { "model.best/data/\($0)" }
      #expect(
        archive.members.map(\.name) == ["model.best/data.pkl", "model.best/byteorder"] + storages + [
          "model.best/version"
        ])
      #expect(archive.members.allSatisfy { $0.data % 64 == 0 && $0.isStored })
      #expect(try archive.contents(#require(archive.member("model.best/version"))).array == Array("3\n".utf8))
    }
    for (path, name) in [("/x/a.b.pt", "a.b"), ("noext", "noext"), ("é.pt", "archive"), (".pt", "archive")] {
      #expect(PyTorchWriter.archiveName(for: path) == name)
    }
  }

  @Test func headersBeyondFourGibibytesAreAlignedToo() {
    // By hand: 30 bytes of header, the name, 20 of zip64 where the member is larger than 2^32 - 1, 4 of the field's head.
    let limit = Int(UInt32.max)
    let places = ZipWriter.plan([("ab", 5), ("big", limit + 1), ("edge", limit), ("last", 1)])
    #expect(places[0] == ZipWriter.Place(header: 0, padding: 28, data: 64))
    #expect(places[1] == ZipWriter.Place(header: 69, padding: 2, data: 128))
    #expect(places[2] == ZipWriter.Place(header: 128 + limit + 1, padding: 26, data: limit + 1 + 192))
    #expect(places[3].header == 2 * limit + 193 && places[3].data == 2 * limit + 2 + 256)
  }

  @Test func groupsStaySharedAndWhatHasAGapParts() throws {
    let source = try open("views-zip-p2.pt")
    let tree = try source.tree().root
    let all = ["whole", "transposed", "rows", "columns", "steps", "last", "expanded", "reshaped"]
    #expect(source.sharedGroups(among: source.entries.map(\.name)) == [all])
    // Rows 1 and 2 and the last element have nothing in common; the columns reach both.
    #expect(source.sharedGroups(among: ["rows", "last"]) == [])
    #expect(source.sharedGroups(among: ["rows", "columns"]) == [["rows", "columns"]])
    try withTemporaryFolder { folder in
      let kept = try tree.renamingTensors { ["rows", "last", "columns"].contains($0) ? $0 : nil }
      let written = try write(kept, from: source, to: folder + "/x.pt")
      #expect(written.map(\.name) == ["rows", "columns", "last"])
      // The columns end where the last element begins.
      #expect(written.map(\.storage) == [0, 0, 0])
      let copy = try PyTorchCheckpoint.open(folder + "/x.pt")
      for name in ["rows", "columns", "last"] {
        #expect(try copy.tensor(name).digest == source.tensor(name).digest)
      }
      // 24 numbers, of which the storage runs from the third to the last; what none reaches is zero.
      let storage = try #require(copy.sharedStorages(among: ["rows", "columns", "last"]).first)
      #expect(
        try storage.tensor().floats == [2, 3, 4, 0, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 0, 0, 20, 21, 22, 23])
      // With a gap between them each has its own.
      let parted = try tree.renamingTensors { ["rows", "last"].contains($0) ? $0 : nil }
      #expect(try write(parted, from: source, to: folder + "/y.pt").map(\.storage) == [0, 1])
    }
  }

  @Test func replacedTensorsStandByThemselves() throws {
    let source = try open("shared-zip-p2.pt")
    try withTemporaryFolder { folder in
      let file = try FileWriter(folder + "/x.pt")
      var writer = PyTorchWriter(try source.tree().root, from: source)
      writer.replacements["b"] = Tensor([1, 2, 3] as [Float])
      let written = try writer.write(to: file)
      try file.publish()
      #expect(written.first { $0.source == "b" }?.shape == [3])
      #expect(written.allSatisfy { $0.digest == nil })
      let copy = try PyTorchCheckpoint.open(folder + "/x.pt")
      #expect(try copy.tensor("b").floats == [1, 2, 3])
      #expect(try copy.tensor("a").digest == source.tensor("a").digest)
      #expect(copy.sharedGroups(among: ["a", "b", "c"]) == [["a", "c"]])
    }
  }

  @Test func whatTheSourceLacksAndNamesGivenTwiceAreRefused() throws {
    let source = try open("list-zip-p2.pt")
    let twice = PyTorchValue.dict([
      .init(.string("a.b"), .tensor("0")), .init(.string("a"), .dict([.init(.string("b"), .tensor("0"))])),
    ])
    try withTemporaryFolder { (folder: String) throws -> Void in
      for root in [PyTorchValue.tensor("nothing"), twice, .dict([.init(.float(1), .tensor("0"))])] {
        #expect(throws: FormatError.self) { try write(root, from: source, to: folder + "/x.pt") }
      }
      let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(files.isEmpty)
    }
  }
}

@Suite struct StorageOverlapTests {
  /// Layouts drawn at random, held against sets of their bytes.
  @Test func groupsAreThoseOfCommonBytes() {
    var generator = SeededGenerator(seed: 8)
    func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    for _ in 0..<400 {
      let members = (0..<draw(2...6)).map { _ in
        let rank = draw(0...3)
        return StorageOverlap.Member(
          layout: StridedLayout(
            dataType: [.uint8, .int16, .float32][draw(0...2)], shape: Shape((0..<rank).map { _ in draw(0...3) }),
            strides: (0..<rank).map { _ in draw(0...7) }, offset: draw(0...30)), base: draw(0...3) * 4)
      }
      let bytes = members.map { member in
        var bytes: Set<Int> = []
        member.layout.forEachRow { start, count, step in
          for index in 0..<count {
            let size = member.layout.dataType.size
            for byte in 0..<size { bytes.insert(member.base + (start + index * step) * size + byte) }
          }
        }
        return bytes
      }
      var groups = members.indices.map { [$0] }
      for a in members.indices {
        for b in members.indices where a < b && !bytes[a].isDisjoint(with: bytes[b]) {
          let (mine, theirs) = (groups.firstIndex { $0.contains(a) }!, groups.firstIndex { $0.contains(b) }!)
          if mine != theirs {
            groups[mine] += groups[theirs]
            groups.remove(at: theirs)
          }
        }
      }
      let expected = groups.filter { $0.count > 1 }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
      #expect(StorageOverlap.groups(members) == expected)
      // Without a gap: every byte between the first and the last of a group is in some range, and the next is in none.
      let filled = members.indices.filter { !bytes[$0].isEmpty }
      for group in StorageOverlap.neighbours(members) {
        let ranges = group.map { members[$0].range }
        let all = ranges.map(\.lowerBound).min()!..<ranges.map(\.upperBound).max()!
        #expect(all.allSatisfy { byte in ranges.contains { $0.contains(byte) } })
        for other in filled where !group.contains(other) {
          #expect(members[other].range.upperBound < all.lowerBound || members[other].range.lowerBound > all.upperBound)
        }
      }
    }
  }
}
