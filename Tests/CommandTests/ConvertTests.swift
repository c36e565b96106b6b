import AssayKit
import Bytes
import Formats
import Foundation
import IR
import Tensors
import TestSupport
import Testing

@Suite struct ConvertTests {
  static let package = Repository.golden("models/audeering")
  static let containers = [
    "safetensors", "pytorch", "pytorch-old-names", "legacy", "folded", "sharded", "both",
  ]

  @Test(arguments: containers)
  func everyContainerBecomesAnArtifactThatVerifies(_ container: String) throws {
    try withTemporaryFolder { folder in
      let target = folder + "/model.assay"
      let converted = try Program.run(
        "convert", "\(Self.package)/\(container)", "-o", target, "--golden", Self.package + "/goldens", "--json")
      #expect(converted.status == 0, "\(converted.errors)")
      let report = try converted.json()
      #expect(report["published"]?.bool == true)
      #expect(report["cases"]?.array?.count == 5)
      #expect(report["cases"]?.array?.allSatisfy { $0["holds"]?.bool == true } == true)
      let ignored = report["accounting"]?["ignored"]?.array?.map { $0["tensor"]?.string } ?? []
      #expect(ignored.allSatisfy { $0 == "wav2vec2.masked_spec_embed" })

      let verified = try Program.run("verify", target, "--against", "\(Self.package)/\(container)", "--json")
      #expect(verified.status == 0, "\(verified.errors)")
      let verdict = try verified.json()
      #expect(verdict["cases"]?.array?.count == 5)
      #expect(verdict["license"]?["id"]?.string == "cc-by-nc-sa-4.0")
      #expect(verdict["weights"]?["holds"]?.bool == true)
    }
  }

  @Test func theFolderWithBothKindsSaysWhichItTook() throws {
    let outcome = try Program.run("inspect", Self.package + "/both")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("model.safetensors was taken; the folder also holds pytorch_model.bin"))
  }

  @Test func twoConversionsGiveTheSameBytes() throws {
    try withTemporaryFolder { folder in
      let copy = folder + "/elsewhere"
      try FileManager.default.copyItem(atPath: Self.package + "/pytorch", toPath: copy)
      for type in ["f32", "f16", "bf16"] {
        let (a, b) = (folder + "/a.\(type).assay", folder + "/b.\(type).assay")
        for (source, target, threads) in [(Self.package + "/pytorch", a, "1"), (copy, b, "3")] {
          let outcome = try Program.run("convert", source, "-o", target, "--dtype", type, "--threads", threads)
          #expect(outcome.status == 0, "\(outcome.errors)")
        }
        #expect(FileManager.default.contentsEqual(atPath: a, andPath: b))
      }
    }
  }

  @Test func aFailedCaseLeavesTheOldFileAsItWas() throws {
    try withTemporaryFolder { folder in
      let target = folder + "/model.assay"
      try "old".write(toFile: target, atomically: false, encoding: .utf8)
      // The PyTorch file of this folder holds other numbers than its safetensors file.
      let outcome = try Program.run(
        "convert", Self.package + "/both/pytorch_model.bin", "-o", target, "--golden", Self.package + "/goldens")
      #expect(outcome.status == 1)
      #expect(outcome.output.contains("not written"))
      #expect(try String(contentsOfFile: target, encoding: .utf8) == "old")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.assay"])
    }
  }

  @Test func halfWidthWeightsAreSmallerAndClose() throws {
    try withTemporaryFolder { folder in
      let whole = folder + "/f32.assay"
      _ = try Program.run("convert", Self.package + "/pytorch", "-o", whole)
      for type in ["f16", "bf16"] {
        let target = folder + "/\(type).assay"
        let outcome = try Program.run("convert", Self.package + "/pytorch", "-o", target, "--dtype", type)
        #expect(outcome.status == 0)
        #expect(try ByteRegion.mapping(target).count < ByteRegion.mapping(whole).count * 7 / 10)
        let a = try Program.run("run", whole, Repository.golden("audio/speech.flac"), "--json").json()
        let b = try Program.run("run", target, Repository.golden("audio/speech.flac"), "--json").json()
        let left = (a["outputs"]?["logits"]?["values"]?.array ?? []).compactMap(\.double)
        let right = (b["outputs"]?["logits"]?["values"]?.array ?? []).compactMap(\.double)
        #expect(left.count == 3 && zip(left, right).allSatisfy { abs($0 - $1) < (type == "f16" ? 0.02 : 0.15) })
        #expect(left != right)
      }
    }
  }

  /// A checkpoint of doubles, or of halves, converts and computes; what is lost is counted.
  @Test(arguments: [DataType.float64, .float16]) func otherWidthsOfWeights(_ type: DataType) throws {
    try withTemporaryFolder { folder in
      let source = folder + "/source"
      try FileManager.default.copyItem(atPath: Self.package + "/safetensors", toPath: source)
      let file = try SafetensorsFile.open(source + "/model.safetensors")
      let tensors = try file.entries.map { entry in
        (name: entry.name, tensor: try file.tensor(entry.name).cast(to: type))
      }
      try SafetensorsWriter.write(tensors, to: source + "/model.safetensors")
      let target = folder + "/model.assay"
      let converted = try Program.run("convert", source, "-o", target, "--json")
      #expect(converted.status == 0, "\(converted.errors)")
      let changes = try #require(try converted.json()["accounting"]?["changed"]?.array)
      #expect(changes.contains { $0["steps"]?.array?.last?.string == "\(type.rawValue) to F32" })
      let verified = try Program.run("verify", target, "--against", source)
      #expect(verified.status == 0, "\(verified.output)")
      let golden = try Program.run("verify", target, "--golden", Self.package + "/goldens", "--json").json()
      let worst = (golden["cases"]?.array ?? []).flatMap { $0["values"]?.array ?? [] }
        .filter { $0["name"]?.string == "logits" }.compactMap { $0["difference"]?.double }.max()
      // Doubles made of floats lose nothing; halves round each weight to eleven bits.
      #expect(try #require(worst) < (type == .float64 ? 1e-5 : 0.05))
    }
  }

  @Test func killedAtAnyMomentNoFileOfTheNameAppears() throws {
    try withTemporaryFolder { folder in
      let (fresh, kept) = (folder + "/fresh.assay", folder + "/kept.assay")
      _ = try Program.run("convert", Self.package + "/safetensors", "-o", kept)
      let before = try Data(contentsOf: URL(fileURLWithPath: kept))
      for step in 0..<12 {
        let delay = Double(step) * 0.012
        try Program.kill(
          after: delay, ["convert", Self.package + "/pytorch", "-o", fresh, "--golden", Self.package + "/goldens"])
        if FileManager.default.fileExists(atPath: fresh) {
          // It got that far: then it is whole.
          #expect(throws: Never.self) { try ArtifactFile(path: fresh).checkIntegrity() }
          try FileManager.default.removeItem(atPath: fresh)
        }
        try Program.kill(after: delay, ["convert", Self.package + "/safetensors", "-o", kept])
        #expect(try Data(contentsOf: URL(fileURLWithPath: kept)) == before)
      }
    }
  }

  @Test func anyFlippedOrMissingByteMakesVerifyFail() throws {
    try withTemporaryFolder { folder in
      let target = folder + "/model.assay"
      _ = try Program.run(
        "convert", Self.package + "/safetensors", "-o", target, "--golden",
        Self.package + "/goldens/silence-1s.golden.json")
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: target)))
      var random = SeededGenerator(seed: 2026)
      // Every byte of a small artifact is flipped in IRTests; here, places all over a real one.
      for place in (0..<400).map({ _ in Int.random(in: 0..<bytes.count, using: &random) }) + [0, 63, bytes.count - 1] {
        var damaged = bytes
        damaged[place] ^= UInt8.random(in: 1...255, using: &random)
        #expect(throws: FormatError.self, "byte \(place)") {
          try ArtifactFile(ByteRegion(copying: damaged)).checkIntegrity()
        }
      }
      for length in (0..<100).map({ _ in Int.random(in: 0..<bytes.count, using: &random) }) + [0, 1, bytes.count - 1] {
        #expect(throws: FormatError.self, "cut at \(length)") {
          try ArtifactFile(ByteRegion(copying: bytes[..<length])).checkIntegrity()
        }
      }
      var flipped = bytes
      flipped[bytes.count / 2] ^= 1
      try Data(flipped).write(to: URL(fileURLWithPath: target))
      let outcome = try Program.run("verify", target)
      #expect(outcome.status == 2)
      #expect(outcome.errorLines.count == 1)
      #expect(outcome.errors.contains("damaged"))
    }
  }

  @Test(arguments: [
    ["convert", "/nowhere/at/all", "-o", "OUT.assay"], ["convert", "SOURCE", "-o", "OUT.gguf"],
    ["convert", "SOURCE", "-o", "/nowhere/out.assay"], ["convert", "SOURCE", "-o", "FOLDER"],
    ["convert", "SOURCE", "-o", "OUT.assay", "--system", "emotion2vec"],
    ["convert", "SOURCE", "-o", "OUT.assay", "--system", "nonsense"],
    ["convert", "SOURCE", "-o", "OUT.assay", "--golden", "/nowhere.golden.json"],
    ["convert", "SOURCE", "-o", "OUT.assay", "--golden", "CASE", "--golden", "CASE"],
    ["convert", "BASE", "-o", "OUT.assay", "--golden", "CASE"],
  ])
  func whatCannotBeDoneIsOneLine(_ arguments: [String]) throws {
    try withTemporaryFolder { folder in
      let outcome = try Program.run(
        arguments.map {
          $0.replacing("SOURCE", with: Self.package + "/safetensors").replacing("OUT", with: folder + "/out")
            .replacing("FOLDER", with: folder).replacing("BASE", with: Repository.golden("models/base"))
            .replacing("CASE", with: Self.package + "/goldens/silence-1s.golden.json")
        })
      #expect(outcome.status == 2)
      #expect(outcome.errorLines.count == 1)
      #expect(outcome.output.isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }
}

extension Tensor {
  /// Floats as doubles or as Swift's own halves.
  fileprivate func cast(to type: DataType) -> Tensor {
    let bytes: [UInt8] = floats.flatMap { number in
      type == .float64
        ? withUnsafeBytes(of: Double(number).bitPattern.littleEndian) { Array($0) }
        : withUnsafeBytes(of: Float16(number).bitPattern.littleEndian) { Array($0) }
    }
    return Tensor(type, shape, bytes: ByteRegion(copying: bytes).view)
  }
}
