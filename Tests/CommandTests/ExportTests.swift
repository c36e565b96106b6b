import Bytes
import Formats
import Foundation
import IR
import Tensors
import TestSupport
import Testing

/// `convert -o NAME.onnx`: the files that onnxruntime computed the goldens with, from checkpoints and from artifacts.
@Suite struct ExportTests {
  static let package = Repository.golden("models/audeering")

  /// What `tools/golden/check_export.py` ran in onnxruntime, by source and type.
  static let verified: [(source: String, type: String, digest: String)] = {
    let document = try? Repository.json(Repository.golden("exported/verified.json"))
    return (document?["sha256"]?.object ?? []).map { member in
      let words = member.name.split(separator: " ").map(String.init)
      return (words[0], words[1], member.value.string ?? "")
    }
  }()

  private func convert(_ arguments: String...) throws { try convert(arguments) }

  private func convert(_ arguments: [String]) throws {
    let outcome = try Program.run(["convert"] + arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test func theFilesAreThoseThatOnnxruntimeRan() throws {
    #expect(Self.verified.count >= 54)
    try withTemporaryFolder { folder in
      for (number, (source, type, digest)) in Self.verified.enumerated() {
        let target = folder + "/model.onnx"
        let package = Repository.root + "/" + source
        try convert(
          [package, "-o", target, "--dtype", type, "--threads", "\(number % 3 + 1)"] + Program.options(of: package))
        #expect(try Digest.of(ByteRegion.mapping(target).view).description == digest, "\(source) \(type)")
      }
    }
  }

  @Test(arguments: ["f32", "f16", "bf16"]) func anArtifactGivesTheSameModel(_ type: String) throws {
    try withTemporaryFolder { folder in
      let (direct, artifact, target) = (folder + "/a.onnx", folder + "/a.assay", folder + "/b.onnx")
      try convert(Self.package + "/pytorch", "-o", direct, "--dtype", type)
      try convert(Self.package + "/pytorch", "-o", artifact, "--dtype", type)
      try convert(artifact, "-o", target, "--dtype", type)
      #expect(FileManager.default.contentsEqual(atPath: direct, andPath: target))
    }
  }

  /// What was written says itself how recordings are prepared, and what the outputs mean.
  @Test(arguments: ["audeering/pytorch", "emotion2vec-finetuned", "speechbrain"])
  func anExportIsHeardLikeItsSource(_ package: String) throws {
    try withTemporaryFolder { folder in
      let (source, target) = (Repository.golden("models/" + package), folder + "/model.onnx")
      try convert(source, "-o", target)
      let clip = Repository.golden("audio/speech-8k.ogg")
      for options in [[], ["--normalize"]] {
        let (own, theirs) = (
          try Program.run(["run", target, clip, "--json"] + options).json(),
          try Program.run("run", source, clip, "--json").json()
        )
        let labels = (own["labels"]?.object ?? [], theirs["labels"]?.object ?? [])
        #expect(!labels.0.isEmpty && labels.0.map(\.name) == labels.1.map(\.name))
        #expect(own["preprocessing"]?["normalization"]?.compact == theirs["preprocessing"]?["normalization"]?.compact)
        for (a, b) in zip(labels.0, labels.1) { #expect(abs((a.value.double ?? 9) - (b.value.double ?? 0)) < 1e-5) }
      }
    }
  }

  /// A graph computes in F32: that is what is written unless something else is asked for.
  @Test(arguments: [("f16", DataType.float16), ("bf16", .bfloat16)])
  func halvesOfAnArtifactAreWidenedUnlessAskedFor(_ type: String, _ stored: DataType) throws {
    try withTemporaryFolder { folder in
      let (artifact, wide, narrow) = (folder + "/a.assay", folder + "/wide.onnx", folder + "/narrow.onnx")
      try convert(Self.package + "/pytorch", "-o", artifact, "--dtype", type)
      let outcome = try Program.run("convert", artifact, "-o", wide, "--json")
      let report = try outcome.json()
      #expect(report["dtype"]?.string == "F32")
      #expect(
        report["accounting"]?["changed"]?.array?.first?["steps"]?.array?.first?.string == "\(stored.rawValue) to F32")
      #expect(report["accounting"]?["source_tensors"]?.int == 88)
      try convert(artifact, "-o", narrow, "--dtype", type)
      let file = try ArtifactFile(path: artifact)
      let (wideFile, narrowFile) = (
        try ONNXFile(ByteRegion.mapping(wide)), try ONNXFile(ByteRegion.mapping(narrow))
      )
      #expect(Set(wideFile.entries.map(\.dataType)) == [.float32])
      for entry in file.entries {
        let (source, found) = (try file.tensor(entry.name), try narrowFile.tensor(entry.name))
        #expect(found.dataType == source.dataType && found.shape == source.shape && found.digest == source.digest)
        guard entry.dataType == stored else { continue }
        // A BF16 is the upper half of its F32; of F16 Swift's own type says what it is.
        let widened = try wideFile.tensor(entry.name).floats
        let halves = source.bytes.array
        let expected = stride(from: 0, to: halves.count, by: 2).map { index in
          let bits = UInt16(halves[index]) | UInt16(halves[index + 1]) << 8
          return stored == .bfloat16 ? Float(bitPattern: UInt32(bits) << 16) : Float(Float16(bitPattern: bits))
        }
        #expect(widened == expected, "\(entry.name)")
      }
    }
  }

  @Test func namesShapesAndNumbersAreTheCheckpoints() throws {
    try withTemporaryFolder { folder in
      let target = folder + "/model.onnx"
      try convert(Self.package + "/folded", "-o", target, "--license", "cc-by-nc-sa-4.0")
      let source = try SafetensorsFixture(Self.package + "/folded/model.safetensors")
      let file = try ONNXFile(ByteRegion.mapping(target))
      for entry in file.entries {
        let name = source.names.contains(entry.name) ? entry.name : "wav2vec2." + entry.name
        #expect(try file.tensor(entry.name).digest == source[name].digest)
        #expect(try entry.shape == source[name].shape)
      }
      #expect(file.entries.count == source.names.count - 1)  // without masked_spec_embed
      let metadata = Dictionary(uniqueKeysWithValues: file.model.metadata.map { ($0.name, $0.value) })
      #expect(metadata["assay.system"] == "wav2vec2-regression")
      #expect(metadata["assay.license"] == "cc-by-nc-sa-4.0" && metadata["assay.license_from"] == "README.md")
      #expect(metadata["assay.labels"] == #"["arousal","dominance","valence"]"#)
      let bytes = try ByteRegion.mapping(Self.package + "/folded/model.safetensors").view
      #expect(metadata["assay.sources"]?.contains(Digest.of(bytes).description) == true)
    }
  }

  /// Other exporters' files too: written, read as any ONNX file is, the same weights and the same numbers.
  @Test(arguments: [
    "models/audeering/pytorch", "models/base", "models/mixed", "models/mixed-postnorm",
    "onnx/audeering-ts17-eager/model.onnx", "onnx/audeering-dynamo23/model.onnx", "onnx/superb-ts20/model.onnx",
    "onnx/speechbrain-dynamo20/model.onnx",
  ])
  func whatIsWrittenIsReadAgain(_ name: String) throws {
    try withTemporaryFolder { folder in
      let (source, target) = (Repository.golden(name), folder + "/model.onnx")
      try convert(source, "-o", target)
      let diff = try Program.run("diff", source, target, "--json").json()
      #expect(try #require(diff["changed"]?.array).isEmpty && #require(diff["only_in_a"]?.array).isEmpty)
      // The numbers of Gelu's tanh form stay constants when they are read.
      #expect(diff["same"]?.bool == (name != "models/mixed"), "\(diff.compact.prefix(1000))")
      let noise = Tensor((0..<6000).map { Float(($0 * 37) % 199) / 100 - 1 }, shape: [1, 6000])
      try Data(NPYFile.encode(noise)).write(to: URL(fileURLWithPath: folder + "/x.npy"))
      func outputs(_ model: String) throws -> SafetensorsFixture {
        let saved = folder + "/out.safetensors"
        let run = try Program.run("run", model, "--input", "signal=\(folder)/x.npy", "--save", saved)
        #expect(run.status == 0, "\(run.errors)")
        return try SafetensorsFixture(saved)
      }
      let (a, b) = (try outputs(source), try outputs(target))
      #expect(a.names == b.names && !a.names.isEmpty)
      for name in a.names {
        let (expected, found) = (try a[name], try b[name])
        let largest = max(1, expected.floats.map(\.magnitude).max() ?? 0)
        #expect(expected.shape == found.shape)
        #expect(zip(expected.floats, found.floats).allSatisfy { ($0 - $1).magnitude <= 1e-5 * largest }, "\(name)")
      }
    }
  }

  @Test func aFailedCaseLeavesTheOldFileAsItWas() throws {
    try withTemporaryFolder { folder in
      let target = folder + "/model.onnx"
      try "old".write(toFile: target, atomically: false, encoding: .utf8)
      let outcome = try Program.run(
        "convert", Self.package + "/both/pytorch_model.bin", "-o", target, "--golden", Self.package + "/goldens")
      #expect(outcome.status == 1)
      #expect(outcome.output.contains("not written") && outcome.output.contains("first value that is wrong by itself"))
      #expect(try String(contentsOfFile: target, encoding: .utf8) == "old")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.onnx"])
      let full = try Program.run(["convert", Self.package + "/pytorch", "-o", target], fileBlocks: 16)
      #expect(full.status == 2 && full.errorLines.count == 1)
      #expect(try String(contentsOfFile: target, encoding: .utf8) == "old")
      let holds = try Program.run(
        "convert", Self.package + "/pytorch", "-o", target, "--golden", Self.package + "/goldens", "--json")
      #expect(holds.status == 0)
      #expect(try holds.json()["cases"]?.array?.count == 5)
      #expect(try ONNXFile(ByteRegion.mapping(target)).model.producer.name == "assay")
    }
  }

  @Test func aDamagedArtifactGoesNoFurther() throws {
    try withTemporaryFolder { folder in
      let artifact = folder + "/a.assay"
      try convert(Self.package + "/pytorch", "-o", artifact)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: artifact))
      bytes[200_000] ^= 1
      try bytes.write(to: URL(fileURLWithPath: artifact))
      let outcome = try Program.run("convert", artifact, "-o", folder + "/b.onnx")
      #expect(outcome.status == 2 && outcome.errorLines.count == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.assay"])
    }
  }

  @Test func whatIsNotWrittenIsOneLine() throws {
    try withTemporaryFolder { folder in
      let (artifact, model) = (folder + "/a.assay", folder + "/a.onnx")
      try convert(Self.package + "/pytorch", "-o", artifact)
      try convert(artifact, "-o", model)
      for (source, target, word) in [
        (artifact, "b.txt", ".safetensors"), (artifact, "b", ".safetensors"), (artifact, "b.assay", "artifact already"),
      ] {
        let outcome = try Program.run("convert", source, "-o", folder + "/" + target)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains(word), "\(outcome.errors)")
      }
      let dropped = try Program.run("convert", artifact, "-o", folder + "/c.onnx", "--license", "mit")
      #expect(dropped.status == 2 && dropped.errors.contains("would drop"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.assay", "a.onnx"])
    }
  }
}
