import Bytes
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct DiffTests {
  static let package = Repository.golden("models/audeering")

  /// A model folder like `container`, with the tensors that `change` makes of its own.
  private func package(
    in folder: String, layers: Int = 3, _ change: (String, Tensor) -> (String, Tensor)?
  ) throws -> String {
    let path = folder + "/changed"
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.copyItem(atPath: Self.package + "/safetensors", toPath: path)
    let source = try SafetensorsFixture(path + "/model.safetensors")
    let tensors = try source.names.compactMap { name in change(name, try source[name]) }
    try SafetensorsWriter.write(tensors.map { (name: $0.0, tensor: $0.1) }, to: path + "/model.safetensors")
    let config = try String(contentsOfFile: path + "/config.json", encoding: .utf8)
      .replacing("\"num_hidden_layers\": 3", with: "\"num_hidden_layers\": \(layers)")
    try config.write(toFile: path + "/config.json", atomically: true, encoding: .utf8)
    return path
  }

  private func names(_ document: JSON, _ key: String, _ member: String) -> [String] {
    (document[key]?.array ?? []).compactMap { $0[member]?.string }
  }

  /// One model in every container: all of the same weights.
  @Test(arguments: ["pytorch", "pytorch-old-names", "legacy", "folded", "sharded", "safetensors"])
  func containersOfOneModelAreTheSame(_ container: String) throws {
    let outcome = try Program.run("diff", Self.package + "/pytorch", "\(Self.package)/\(container)", "--json")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let document = try outcome.json()
    #expect(document["same"]?.bool == true && document["a"]?["compared"]?.string == "constants")
    #expect(document["a"]?["count"]?.int == 88 && document["equal"]?.array?.count == 88)
    #expect(names(document, "ignored", "tensor") == ["wav2vec2.masked_spec_embed", "wav2vec2.masked_spec_embed"])
    // PyTorch folded the weight of one of them.
    let steps = (document["equal"]?.array ?? []).filter { $0["steps"]?.array?.isEmpty == false }
    #expect(steps.map { $0["steps"]?.compact } == (container == "folded" ? ["[\"folding\"]"] : []))
    if container == "folded" {
      #expect(try #require(steps[0]["difference"]?.double) <= #require(steps[0]["limit"]?.double))
      #expect(steps[0]["folded_from"]?.array?.count == 2)
    }
  }

  @Test(arguments: [("f32", "folding", 1), ("f16", "cast F32 to F16", 28), ("bf16", "cast F32 to BF16", 28)])
  func anArtifactIsItsSource(_ dtype: String, _ step: String, _ count: Int) throws {
    try withTemporaryFolder { folder in
      let artifact = folder + "/model.assay"
      _ = try Program.run("convert", Self.package + "/pytorch", "-o", artifact, "--dtype", dtype)
      let bare = folder + "/weights.safetensors"
      try FileManager.default.copyItem(atPath: Self.package + "/safetensors/model.safetensors", toPath: bare)
      for other in [Self.package + "/pytorch", Self.package + "/folded", bare] {
        for operands in [[artifact, other], [other, artifact]] {
          let outcome = try Program.run(["diff", "--json"] + operands)
          #expect(outcome.status == 0, "\(operands)")
          let document = try outcome.json()
          let equal = document["equal"]?.array ?? []
          #expect(equal.count == 88 && names(document, "ignored", "tensor").count == 1)
          let after = equal.filter { $0["steps"]?.array?.contains { $0.string == step } == true }
          #expect(after.count >= count, "\(operands)")
          #expect((other == bare) == (document["a"]?["compared"]?.compact != document["b"]?["compared"]?.compact))
        }
      }
      // Whoever wants to see it: the file has the names in front that the artifact has lost.
      let text = try Program.run("diff", artifact, bare, "--quiet").output
      #expect(text.contains("holds    the same weights: ") && text.contains("  * -> wav2vec2.*: 84 tensors"))
    }
  }

  /// As an exporter writes it: matrices turned and without names, weight norm folded (by PyTorch), the mask left out.
  @Test func anONNXFileThatLostItsNamesIsItsCheckpoint() throws {
    try withTemporaryFolder { folder in
      let file = try SafetensorsFixture(Self.package + "/folded/model.safetensors")
      var lost: [String] = []
      let weights = try file.names.filter { !$0.hasSuffix("masked_spec_embed") }.enumerated().map { number, name in
        let tensor = try file[name]
        if name.hasSuffix("pos_conv_embed.conv.weight") { return (name: "onnx::Conv_\(number)", tensor: tensor) }
        guard tensor.shape.rank == 2, !name.hasPrefix("classifier") else { return (name: name, tensor: tensor) }
        lost.append(name)
        let (rows, columns, numbers) = (tensor.shape[0], tensor.shape[1], tensor.floats)
        let turned = (0..<columns).flatMap { column in (0..<rows).map { numbers[$0 * columns + column] } }
        return (name: "onnx::MatMul_\(number)", tensor: Tensor(turned, shape: [columns, rows]))
      }
      let onnx = folder + "/model.onnx"
      try Data(onnxFile(weights)).write(to: URL(fileURLWithPath: onnx))
      #expect(lost.count == 19)

      let outcome = try Program.run("diff", Self.package + "/pytorch", onnx, "--json")
      #expect(outcome.status == 0)
      let document = try outcome.json()
      #expect(document["b"]?["format"]?.string == "onnx" && document["b"]?["compared"]?.string == "tensors")
      let turned = (document["equal"]?.array ?? []).filter { $0["steps"]?.compact == "[\"transpose\"]" }
      #expect(turned.compactMap { $0["a"]?.string }.sorted() == lost.sorted())
      #expect(names(document, "ignored", "tensor") == ["wav2vec2.masked_spec_embed"])
      let folded = (document["equal"]?.array ?? []).filter { $0["steps"]?.compact == "[\"folding\"]" }
      #expect(folded.count == 1 && folded.first?["difference"] != nil)
      let text = try Program.run("diff", Self.package + "/pytorch", onnx)
      #expect(text.output.contains("renamed, 20:"))
      for name in lost { #expect(text.output.contains("  \(name) -> onnx::MatMul_")) }
      #expect(text.errors.contains("note: ") && !text.errors.contains("assay: "))
      #expect(try Program.run("diff", Self.package + "/pytorch", onnx, "--quiet").errors.isEmpty)

      // From an artifact in half width, and back.
      let artifact = folder + "/half.assay"
      _ = try Program.run("convert", Self.package + "/pytorch", "-o", artifact, "--dtype", "f16")
      let half = try Program.run("diff", onnx, artifact)
      #expect(half.status == 0 && half.output.contains("19 equal after transpose, cast F32 to F16"), "\(half.output)")
    }
  }

  @Test func aChangedWeightIsTold() throws {
    try withTemporaryFolder { folder in
      let changed = "wav2vec2.encoder.layers.1.attention.q_proj.weight"
      let path = try package(in: folder) { name, tensor in
        guard name == changed else { return (name, tensor) }
        var numbers = tensor.floats
        numbers[37] += 0.5
        return (name, Tensor(numbers, shape: tensor.shape))
      }
      let outcome = try Program.run("diff", Self.package + "/pytorch", path, "--json")
      #expect(outcome.status == 1 && outcome.errors.isEmpty)
      let document = try outcome.json()
      #expect(document["same"]?.bool == false && document["equal"]?.array?.count == 87)
      let change = try #require(document["changed"]?.array?.first)
      #expect(change["a"]?.string == "encoder.layers.1.attention.q_proj.weight")
      #expect(change["at"]?.compact == "[1,5]" && change["differing"]?.int == 1 && change["compared"]?.int == 1024)
      #expect(abs(try #require(change["difference"]?.double) - 0.5) < 1e-6)
      #expect(try #require(change["cosine"]?.double) < 1)
      let text = try Program.run("diff", Self.package + "/pytorch", path).output
      #expect(text.hasPrefix("DIFFERS  87 equal; 1 changed; 2 ignored\n"))
      #expect(text.contains("encoder.layers.1.attention.q_proj.weight: 0.5000 apart at [1, 5]"))
    }
  }

  @Test func aPrunedModelLacksItsBlock() throws {
    try withTemporaryFolder { folder in
      let path = try package(in: folder, layers: 2) { name, tensor in
        name.contains("encoder.layers.1.")
          ? nil : (name.replacing("encoder.layers.2.", with: "encoder.layers.1."), tensor)
      }
      let outcome = try Program.run("diff", Self.package + "/pytorch", path, "--json")
      #expect(outcome.status == 0)
      let document = try outcome.json()
      #expect(document["only_in_a"]?.array?.isEmpty == true && document["only_in_b"]?.array?.isEmpty == true)
      let pruned = try #require(document["pruned"])
      #expect(pruned["in"]?.string == "b" && pruned["layers"]?.int == 3 && pruned["kept"]?.compact == "[0,2]")
      #expect(pruned["map"]?.compact == "[{\"from\":0,\"to\":0},{\"from\":2,\"to\":1}]")
      let absent = pruned["absent"]?.array?.compactMap(\.string) ?? []
      #expect(absent.count == 16 && absent.allSatisfy { $0.hasPrefix("encoder.layers.1.") })
      let text = try Program.run("diff", Self.package + "/pytorch", path).output
      #expect(text.hasPrefix("holds    B is A with layers 0,2 of 3 kept: 72 equal; 16 absent; 2 ignored\n"))
      #expect(text.contains("layers kept: 0 -> 0, 2 -> 1\nlayers 1 absent: 16 weights\n"))
      #expect(!text.contains("renamed"))
      #expect(
        try Program.run("diff", path, Self.package + "/pytorch").output.hasPrefix(
          "holds    A is B with layers 0,2 of 3"))
    }
  }

  /// The mistake that the README shows: the same numbers, and another model.
  @Test func exchangedWeightsAreNoSameModel() throws {
    try withTemporaryFolder { folder in
      let (q, k) = ("layers.1.attention.q_proj", "layers.1.attention.k_proj")
      let path = try package(in: folder) { name, tensor in
        (name.replacing(q, with: "@").replacing(k, with: q).replacing("@", with: k), tensor)
      }
      let outcome = try Program.run("diff", Self.package + "/pytorch", path)
      #expect(outcome.status == 1 && outcome.output.contains("4 of them moved"))
      #expect(outcome.output.contains("  encoder.\(q).* -> encoder.\(k).*: 2 tensors"))
    }
  }

  @Test func doublesAreCast() throws {
    try withTemporaryFolder { folder in
      let path = try package(in: folder) { name, tensor in
        let doubles = tensor.floats.map { Double($0).bitPattern }.flatMap { bits in
          (0..<8).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
        }
        return (name, Tensor(.float64, tensor.shape, bytes: view(doubles)))
      }
      let document = try Program.run("diff", path, Self.package + "/safetensors", "--json").json()
      let steps = Set((document["equal"]?.array ?? []).compactMap { $0["steps"]?.compact })
      #expect(document["same"]?.bool == true && steps == ["[\"cast F64 to F32\"]"])
    }
  }

  @Test func whatCannotBeReadOrJudged() throws {
    try withTemporaryFolder { folder in
      let artifact = folder + "/model.assay"
      _ = try Program.run("convert", Self.package + "/pytorch", "-o", artifact)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: artifact))
      bytes[200_000] ^= 1
      try bytes.write(to: URL(fileURLWithPath: folder + "/damaged.assay"))
      for operands in [
        [folder + "/damaged.assay", artifact], ["/nowhere", artifact], [artifact, Repository.root + "/README.md"],
        [artifact, artifact, "--system", "wav2vec2"],
        [Self.package + "/pytorch", Self.package + "/safetensors", "--system", "onnx"],
      ] {
        let outcome = try Program.run(["diff"] + operands)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.output.isEmpty, "\(operands)")
      }
      #expect(try Program.run("diff", artifact).status == 64)
      #expect(try Program.run("diff", artifact, artifact, "--threads", "0").status == 64)
      // What could be read is the same; that is not all there is.
      var fixture = ONNXFixture()
      fixture.initializer("words", type: 8, shape: [0])
      fixture.node("StringNormalizer", ["words"], ["y"])
      fixture.output("y", type: 8)
      let strings = folder + "/strings.onnx"
      try Data(fixture.bytes).write(to: URL(fileURLWithPath: strings))
      let outcome = try Program.run("diff", strings, strings, "--quiet")
      #expect(outcome.status == 2 && outcome.errorLines.count == 1)
      #expect(outcome.output.contains("could not be read in A"))
      #expect(try Program.run("diff", strings, strings, "--json").json()["same"]?.bool == false)
    }
  }

  /// The same report on any number of threads.
  @Test func threadsChangeNothing() throws {
    let operands = [Self.package + "/both/pytorch_model.bin", Self.package + "/safetensors"]
    let reports = try ["1", "3"].map { try Program.run(["diff", "--json", "--threads", $0] + operands) }
    #expect(reports[0].status == 1 && reports[0].output == reports[1].output)
    #expect(try reports[0].json()["changed"]?.array?.count == 88)
  }
}
