import Bytes
import Formats
import Foundation
import TestSupport
import Testing

/// Where the result of a pruning goes and what it finds there; and configurations inside configurations.
@Suite struct PrunePlaceTests {
  static let flat = Repository.golden("pruned/pretraining-safetensors")

  func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  /// The proof has a name of its own, which may be somebody's file.
  @Test func theProofTakesNobodysPlace() throws {
    try withTemporaryFolder { folder in
      let (source, manager) = (folder + "/a.pt.prune.json", FileManager.default)
      try manager.copyItem(atPath: Self.flat + "/model.safetensors", toPath: source)
      let own = try Program.run("prune", source, "--keep", "0", "-o", folder + "/a.pt")
      #expect(own.status == 2 && own.errors.contains("this is the source"), "\(own.errors)")
      try "mine".write(toFile: folder + "/b.pt.prune.json", atomically: true, encoding: .utf8)
      let other = try Program.run("prune", source, "--keep", "0", "-o", folder + "/b.pt")
      #expect(other.status == 2 && other.errors.contains("a file that is none"), "\(other.errors)")
      #expect(try names(folder) == ["a.pt.prune.json", "b.pt.prune.json"])
      // An older proof is replaced together with its file.
      for list in ["0", "1-2"] {
        #expect(try Program.run("prune", source, "--keep", list, "-o", folder + "/c.pt").status == 0)
      }
      let proof = try Repository.json(folder + "/c.pt.prune.json")
      #expect(proof["map"]?.array?.compactMap { $0["from"]?.int } == [1, 2])
      #expect(
        try proof["output"]?["bytes"]?.int == manager.attributesOfItem(atPath: folder + "/c.pt")[.size] as? Int)
    }
  }

  @Test func anEmptyFolderKeepsItsPermissionsAndAPlanLooksWhereItWouldGo() throws {
    try withTemporaryFolder { folder in
      let manager = FileManager.default
      try manager.createDirectory(
        atPath: folder + "/private", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      #expect(try Program.run("prune", Self.flat, "--keep", "0", "-o", folder + "/private").status == 0)
      #expect(try manager.attributesOfItem(atPath: folder + "/private")[.posixPermissions] as? Int == 0o700)
      try manager.createSymbolicLink(atPath: folder + "/nowhere", withDestinationPath: folder + "/gone")
      for target in [folder + "/private", folder + "/nowhere", folder + "/no/folder", Self.flat] {
        for more in [[], ["--dry-run"]] {
          let outcome = try Program.run(["prune", Self.flat, "--keep", "0", "-o", target] + more)
          #expect(outcome.status == 2 && outcome.output.isEmpty, "\(target) \(more)")
        }
      }
      #expect(try names(folder) == ["nowhere", "private"])
    }
  }

  /// Where fairseq keeps the configuration of what was fine-tuned; no file of golden/pruned has it.
  @Test(arguments: [["w2v_args", "model"], ["w2v_args"]])
  func configurationsInsideConfigurationsAreBroughtUpToDate(_ path: [String]) throws {
    try withTemporaryFolder { folder in
      let source = try SafetensorsFile.open(Self.flat + "/model.safetensors")
      var configuration: PyTorchValue = .dict([.init(.string("encoder_layers"), .int(24))])
      for key in (["cfg", "model"] + path).dropFirst().reversed() {
        configuration = .dict([.init(.string(key), configuration)])
      }
      let tensors = source.entries.map { PyTorchValue.Item(.string($0.name), .tensor($0.name)) }
      let file = try FileWriter(folder + "/a.pt")
      _ = try PyTorchWriter(
        .dict([.init(.string("cfg"), configuration), .init(.string("model"), .dict(tensors))]), from: source
      ).write(to: file)
      try file.publish()
      let pruned = try Program.run("prune", folder + "/a.pt", "--keep", "0,2", "-o", folder + "/b.pt", "--json")
      let name = (["cfg", "model"] + path + ["encoder_layers"]).joined(separator: ".")
      #expect(try pruned.json()["rewritten"]?.array?.map { $0["name"]?.string } == [name], "\(pruned.errors)")
      var value: PyTorchValue? = try PyTorchCheckpoint.open(folder + "/b.pt").tree().root
      for key in name.split(separator: ".") { value = value?[String(key)] }
      #expect(value?.int == 2)
    }
  }
}
