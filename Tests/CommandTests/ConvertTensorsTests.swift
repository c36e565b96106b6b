import Bytes
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

/// `assay convert` to plain tensors, as a user runs it. What torch reads is checked by tools/golden/check_written.py.
@Suite struct ConvertTensorsTests {
  private static let formats = Repository.golden("formats")

  private func files(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  /// Names, types, shapes and digests.
  private func rows(_ path: String) throws -> [String] {
    let document = try Program.run("inspect", path, "--digests", "--json").json()
    return try #require(document["tensors"]?.array).map(\.compact)
  }

  @Test(arguments: [
    "models/audeering/pytorch", "models/audeering/legacy", "models/audeering/sharded", "models/base/model.safetensors",
    "onnx/audeering-ts12-eager/model.onnx", "formats/pytorch/accept/torchscript.pt",
    "formats/sharded/pytorch_model.bin.index.json", "formats/pytorch/accept/fairseq-like.pt", "audonnx/published",
  ])
  func everySourceKeepsItsTensors(_ source: String) throws {
    let (source, torchs) = (Repository.golden(source), ["a.pt", "b.bin", "c.pth", "d.ckpt"])
    try withTemporaryFolder { folder in
      let expected = try rows(source)
      for target in torchs + ["e.safetensors"] {
        let outcome = try Program.run("convert", source, "-o", folder + "/" + target, "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try outcome.json()["kept"]?.int == expected.count)
        let written = try rows(folder + "/" + target)
        // Safetensors are in the order of their widths; a checkpoint is in the source's.
        #expect(torchs.contains(target) ? written == expected : written.sorted() == expected.sorted(), "\(target)")
      }
    }
  }

  @Test func anArtifactsConstantsAreWrittenAndNothingElse() throws {
    let package = Repository.golden("models/audeering")
    try withTemporaryFolder { folder in
      let (artifact, target) = (folder + "/m.assay", folder + "/m.pt")
      _ = try Program.run("convert", package + "/pytorch", "-o", artifact, "--golden", package + "/goldens")
      let outcome = try Program.run("convert", artifact, "-o", target)
      #expect(outcome.status == 0 && outcome.errors.contains("licence cc-by-nc-sa-4.0"), "\(outcome.errors)")
      #expect(try Program.run("diff", artifact, target, "--json").json()["same"]?.bool == true)
      #expect(try rows(target).count == 88)
      // Damage does not go on into another file.
      var bytes = try Data(contentsOf: URL(fileURLWithPath: artifact))
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: URL(fileURLWithPath: artifact))
      let damaged = try Program.run("convert", artifact, "-o", folder + "/n.pt")
      #expect(damaged.status == 2 && damaged.errorLines.count == 1)
      #expect(try files(folder) == ["m.assay", "m.pt"])
    }
  }

  @Test func namesAreChosenAndStripped() throws {
    let source = Self.formats + "/pytorch/accept/fairseq-like.pt"
    try withTemporaryFolder { folder in
      let report = try Program.run(
        "convert", source, "-o", folder + "/x.safetensors", "--only", "model.*", "--strip", "model.", "--json"
      ).json()
      #expect(
        report["renamed"]?.compact == #"[{"from":"model.w","to":"w"},{"from":"model.b","to":"b"}]"#)
      #expect(report["left_out"]?.array?.contains { $0["name"]?.string == "cfg" } == true)
      #expect(try SafetensorsFile.open(folder + "/x.safetensors").entries.map(\.name) == ["b", "w"])
      #expect(try SafetensorsFile.open(folder + "/x.safetensors").metadata.map(\.value) == ["pt"])
    }
  }

  @Test func aStateDictsOwnMetadataStaysAsLongAsItsNames() throws {
    let source = Self.formats + "/pytorch/accept/state_dict-zip-p2.pt"
    try withTemporaryFolder { folder in
      for (options, stays) in [([], true), (["--only", "*.weight"], true), (["--strip", "0."], false)] {
        let outcome = try Program.run(["convert", source, "-o", folder + "/x.pt", "--json"] + options)
        #expect(try outcome.json()["left_out"]?.array?.isEmpty == stays, "\(options)")
        let attributes = try PyTorchCheckpoint.open(folder + "/x.pt").stateDictAttributes()
        #expect(attributes.count == (stays ? 1 : 0), "\(options)")
      }
    }
  }

  @Test func sharedStoragesAreSaid() throws {
    let source = Self.formats + "/pytorch/accept/shared-zip-p2.pt"
    try withTemporaryFolder { folder in
      for (target, words) in [("x.pt", "they stay shared"), ("x.safetensors", "each is written whole")] {
        let outcome = try Program.run("convert", source, "-o", folder + "/" + target)
        #expect(outcome.output.contains("shared storage, \(words): a, b, c, d, e.0"), "\(outcome.output)")
      }
      let sizes = try ["x.pt", "x.safetensors"].map { try ByteRegion.mapping(folder + "/" + $0).count }
      #expect(sizes[0] < 2000 && sizes[1] > 5 * 4 * 8)
      let bits = try Program.run("convert", Self.formats + "/pytorch/accept/conjugated.pt", "-o", folder + "/x.pt")
      #expect(bits.errors.contains("mean different numbers"), "\(bits.errors)")
    }
  }

  @Test func textsOfSafetensorsAreKept() throws {
    try withTemporaryFolder { folder in
      let (source, target) = (folder + "/a.safetensors", folder + "/b.safetensors")
      let one = Tensor([1] as [Float])
      try SafetensorsWriter.write([("a", one)], metadata: [("format", "np"), ("who", "me")], to: source)
      #expect(try Program.run("convert", source, "-o", target).status == 0)
      let metadata = try SafetensorsFile.open(target).metadata
      #expect(metadata.map(\.name) == ["format", "who"] && metadata.map(\.value) == ["np", "me"])
    }
  }

  /// The elements two bytes at a time; every NaN of a half width as the same one, since programs spell them differently.
  private func words(_ tensor: Tensor) -> [UInt16] {
    let bytes = tensor.bytes.array
    return stride(from: 0, to: bytes.count, by: 2).map { index in
      let word = UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
      let infinity: UInt16? = [.float16: 0x7C00, .bfloat16: 0x7F80][tensor.dataType]
      return infinity.map { word & 0x7FFF > $0 } == true ? 0xFFFF : word
    }
  }

  @Test(arguments: [("f16", "float16"), ("bf16", "bfloat16"), ("f32", "float32")])
  func castsAreThoseOfPyTorch(_ type: String, _ name: String) throws {
    // Numbers at every boundary and what PyTorch makes of them.
    let golden = try SafetensorsFile.open(Repository.golden("casts/casts.safetensors"))
    let lost = try Repository.json(Repository.golden("casts/casts.json"))["lost"]
    var pairs = [(from: "float64.numbers", to: "float64." + name, lost: lost?["float64." + name])]
    if type != "f32" { pairs.append((from: name + ".numbers", to: name + ".narrowed", lost: lost?[name])) }
    try withTemporaryFolder { folder in
      for target in ["x.pt", "x.safetensors"] {
        let outcome = try Program.run(
          [
            "convert", Repository.golden("casts/casts.safetensors"), "-o", folder + "/" + target, "--dtype", type,
            "--json",
          ]
            + pairs.flatMap { ["--only", $0.from] })
        #expect(outcome.status == 0, "\(outcome.errors)")
        let losses = try #require(try outcome.json()["losses"]?.array)
        let written: any TensorSource =
          target == "x.pt"
          ? try PyTorchCheckpoint.open(folder + "/x.pt") : try SafetensorsFile.open(folder + "/x.safetensors")
        for pair in pairs {
          let (ours, torchs) = (try words(written.tensor(pair.from)), try words(golden.tensor(pair.to)))
          #expect(ours == torchs, "\(pair.from)")
          let told = losses.first { $0["tensor"]?.string == pair.from }
          #expect(told?["overflowed"]?.int == pair.lost?["overflowed"]?.int)
          #expect(told?["flushed"]?.int == pair.lost?["flushed"]?.int)
        }
      }
    }
  }

  @Test func wrongUsageAndWhatCannotBeWrittenIsRefused() throws {
    let source = Self.formats + "/pytorch/accept/dtypes-zip-p2.pt"
    try withTemporaryFolder { folder in
      for options in [
        ["--golden", "x"], ["--license", "mit"], ["--normalize"], ["--system", "onnx"], ["--only", "[a"],
        ["--strip", ""],
      ] {
        let outcome = try Program.run(["convert", source, "-o", folder + "/x.pt"] + options)
        #expect(outcome.status == 64, "\(options) \(outcome.errors)")
      }
      for options in [["--only", "*"], ["--strip", "a"]] {
        let outcome = try Program.run(["convert", source, "-o", folder + "/x.assay"] + options)
        #expect(outcome.status == 64, "\(options) \(outcome.errors)")
      }
      for (target, options, words) in [
        ("x.safetensors", [], "C128"), ("x.pt", ["--only", "f*"], "matches none"), ("x.xyz", [], ".safetensors"),
        ("x.pt", ["--strip", "f"], "no name starts with it"), ("x.safetensors", ["--only", "C128"], "C128"),
      ] {
        let outcome = try Program.run(["convert", source, "-o", folder + "/" + target] + options)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(target) \(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
      }
      #expect(try Program.run("convert", source, "-o", folder + "/x.safetensors", "--only", "[!C]*").status == 0)
      let twice = Self.formats + "/pytorch/accept/nested-zip-p2.pt"
      let outcome = try Program.run("convert", twice, "-o", folder + "/y.pt", "--strip", "list.1.", "--only", "list*0")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try files(folder) == ["x.safetensors", "y.pt"])
    }
  }

  @Test func aFullDiskOrACutSourceLeavesTheOldFile() throws {
    try withTemporaryFolder { folder in
      let whole = Self.formats + "/pytorch/accept/views-zip-p2.pt"
      let cut = folder + "/cut.pt"
      try Data(contentsOf: URL(fileURLWithPath: whole)).prefix(1500).write(to: URL(fileURLWithPath: cut))
      for target in ["x.pt", "x.safetensors"] {
        let path = folder + "/" + target
        try "old".write(toFile: path, atomically: false, encoding: .utf8)
        // The wider model's weights are 240 kB.
        let full = try Program.run(
          ["convert", Repository.golden("models/audeering/pytorch"), "-o", path], fileBlocks: 16)
        #expect(full.status == 2 && full.errorLines.count == 1, "\(full.errors)")
        #expect(full.errors.contains(target) && full.errors.contains("cannot write"), "\(full.errors)")
        let short = try Program.run("convert", cut, "-o", path)
        #expect(short.status == 2 && short.errorLines.count == 1 && short.errors.contains("cut.pt"), "\(short.errors)")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        #expect(try Program.run("convert", whole, "-o", "/proc/" + target).status == 2)
      }
      #expect(try files(folder) == ["cut.pt", "x.pt", "x.safetensors"])
    }
  }

  /// Less than the source would stand where the source stood.
  @Test func theSourceIsNeverOverwritten() throws {
    try withTemporaryFolder { folder in
      let (golden, manager) = (Repository.golden("models/audeering"), FileManager.default)
      try manager.copyItem(atPath: golden + "/safetensors", toPath: folder + "/model")
      try manager.copyItem(atPath: golden + "/sharded", toPath: folder + "/sharded")
      try manager.copyItem(
        atPath: Repository.golden("onnx/audeering-ts12-eager/model.onnx"), toPath: folder + "/m.onnx")
      try manager.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/model")
      let shard = try #require(
        manager.contentsOfDirectory(atPath: folder + "/sharded").first { $0.hasPrefix("model-0") })
      let before = try rows(folder + "/model/model.safetensors")
      for (source, target) in [
        ("model", "model/model.safetensors"), ("link", "model/model.safetensors"),
        ("model/model.safetensors", "link/model.safetensors"), ("sharded", "sharded/" + shard), ("m.onnx", "m.onnx"),
      ] {
        let outcome = try Program.run("convert", folder + "/" + source, "-o", folder + "/" + target)
        #expect(outcome.status == 2 && outcome.errorLines.last?.contains("this is the source") == true, "\(source)")
      }
      #expect(try rows(folder + "/model/model.safetensors") == before)
      // Beside it there is room.
      #expect(try Program.run("convert", folder + "/model", "-o", folder + "/model/other.safetensors").status == 0)
    }
  }

  @Test func damageInAStorageIsFoundAndNothingIsWritten() throws {
    try withTemporaryFolder { folder in
      var bytes = try Data(contentsOf: URL(fileURLWithPath: Self.formats + "/pytorch/accept/tensor-zip-p2.pt"))
      // The numbers 0 to 4 of the only tensor.
      let four = try #require(bytes.range(of: Data([0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40])))
      bytes[four.lowerBound] ^= 1
      try bytes.write(to: URL(fileURLWithPath: folder + "/a.pt"))
      for target in ["x.pt", "x.safetensors"] {
        let outcome = try Program.run("convert", folder + "/a.pt", "-o", folder + "/" + target)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("a.pt") && outcome.errors.contains("CRC"), "\(outcome.errors)")
      }
      #expect(try files(folder) == ["a.pt"])
    }
  }
}
