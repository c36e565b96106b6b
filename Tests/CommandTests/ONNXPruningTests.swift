import AssayKit
import Bytes
import Formats
import Foundation
import Frontends
import IR
import Tensors
import TestSupport
import Testing
import Verification

/// ONNX models cut in their own messages. What is expected is what PyTorch computes after the same surgery
/// (golden/pruned).
@Suite struct ONNXPruningTests {
  struct Cut: Sendable, CustomTestStringConvertible {
    let model: String
    let name: String
    let kept: [Int]

    var testDescription: String { "\(model) \(name)" }
    var source: String { Repository.golden("pruned/\(model)/model.onnx") }
    /// Goldens lie beside the exports, by what they are exports of.
    var goldens: String {
      let export = model.split(separator: "-").prefix(2).joined(separator: "-")
      return Repository.golden("pruned/\(export)/goldens-\(name)")
    }
    /// What the pruned checkpoint holds.
    var tensors: String {
      Repository.golden("pruned/\(model.split(separator: "-")[0])/tensors-\(name).json")
    }
  }

  static let cuts: [Cut] = {
    guard let models = try? Repository.json(Repository.golden("pruned/manifest.json"))["models"]?.object else {
      return []
    }
    return models.filter { $0.name.contains("-onnx-") }.flatMap { model in
      (model.value["cuts"]?.object ?? []).map {
        Cut(model: model.name, name: $0.name, kept: $0.value.array?.compactMap(\.int) ?? [])
      }
    }
  }()

  static func choice(_ kept: [Int]) throws -> LayerChoice {
    .keep(try LayerList(kept.map(String.init).joined(separator: ",")))
  }

  @Test func everyCutIsThere() { #expect(Self.cuts.count == 20) }

  @Test(arguments: cuts) func computesWhatPyTorchDoesAfterTheSameSurgery(_ cut: Cut) throws {
    try withTemporaryFolder { folder in
      let target = folder + "/pruned.onnx"
      let report = try Pruning(source: cut.source, target: target, layers: Self.choice(cut.kept)).run()
      let model = try Model.open(target)
      #expect(!model.notes.contains { $0.hasPrefix("there are no layer states") })
      let results = try Judge(model, threads: 2).results(GoldenFolder.cases(cut.goldens))
      #expect(results.count == 2)
      for result in results { #expect(result.holds, "\(result.golden.name): \(result.json.compact)") }

      // The proof, against the source, the file and PyTorch's own tensors.
      let manifest = try Repository.json(target + ".prune.json")
      let (source, written) = (
        try ONNXFile(ByteRegion.mapping(cut.source)), try ONNXFile(ByteRegion.mapping(target))
      )
      let expected = try #require(try Repository.json(cut.tensors)["tensors"])
      var (known, kept) = (0, 0)
      for row in manifest["kept"]?.array ?? [] {
        let (name, from) = (try #require(row["name"]?.string), try #require(row["from"]?.string))
        let digest = try written.tensor(name).digest.description
        #expect(digest == row["sha256_after"]?.string && digest == row["sha256_before"]?.string)
        #expect(digest == (try source.tensor(from).digest.description))
        kept += 1
        // FunASR's checkpoints hold the model inside another one.
        guard let torch = expected[name] ?? expected["model." + name] else { continue }
        known += 1
        #expect(torch["sha256"]?.string == digest, "\(name)")
        #expect(torch["from"]?.string?.hasSuffix(from) == true, "\(name)")
      }
      #expect(kept + (manifest["changed"]?.array?.count ?? 0) == written.entries.count)
      #expect(known >= 8 * cut.kept.count)
      #expect(manifest["dropped"]?.array?.count == source.entries.count - written.entries.count)
      #expect(manifest["map"]?.array?.compactMap { $0["from"]?.int } == cut.kept)
      #expect(report.manifest?.output.bytes == manifest["output"]?["bytes"]?.int)
    }
  }

  /// Softmax of the kept states' weights, as PyTorch's surgery leaves them.
  @Test(arguments: cuts.filter { $0.model.hasPrefix("superb") })
  func aWeightedSumGoesOverTheKeptStates(_ cut: Cut) throws {
    try withTemporaryFolder { folder in
      let target = folder + "/pruned.onnx"
      let report = try Pruning(source: cut.source, target: target, layers: Self.choice(cut.kept)).run()
      let changed = try #require(report.plan.changed.first)
      let states = ([0] + cut.kept.map { $0 + 1 })
      #expect(report.plan.changed.count == 1)
      #expect(
        changed.step == "states " + states.map(String.init).joined(separator: ", ") + " of 7, divided by their sum")
      let all = try PyTorchCheckpoint.open(Repository.golden("pruned/superb/pytorch_model.bin"))
        .tensor("layer_weights").floats
      let powers = states.map { exp(Double(all[$0])) }
      let found = try ONNXFile(ByteRegion.mapping(target)).tensor(changed.entry.name).floats
      for (power, weight) in zip(powers, found) {
        #expect(abs(power / powers.reduce(0, +) - Double(weight)) < 1e-7)
      }
    }
  }

  // MARK: Every way of exporting

  /// Whatever the exporter and the operator set, each layer can be the one that is left, under the number 0.
  @Test(arguments: ONNXModelsTests.models) func oneLayerIsLeft(_ name: String) throws {
    let source = ONNXModelsTests.file(name)
    try withTemporaryFolder { folder in
      let whole = try Model.open(source)
      let count = whole.graph.states.count { $0.name.hasPrefix("layer.") } - 1
      #expect(count == (name.hasPrefix("emotion2vec") ? 3 : 2))
      for layer in 0..<count {
        let target = folder + "/\(layer).onnx"
        let report = try Pruning(source: source, target: target, layers: Self.choice([layer])).run()
        #expect(report.plan.selection.count == count)
        let pruned = try Model.open(target)
        #expect(pruned.graph.states.map(\.name) == ["layer.0", "layer.1"])
        #expect(pruned.graph.outputs.map(\.name) == whole.graph.outputs.map(\.name))
        #expect(pruned.graph.constantOrder.count < whole.graph.constantOrder.count)
      }
    }
  }

  @Test func theSameSourceGivesTheSameBytes() throws {
    try withTemporaryFolder { folder in
      let files = try ["one", "two"].map { name in
        let target = folder + "/\(name).onnx"
        let source = ONNXModelsTests.file("superb-dynamo20")
        _ = try Pruning(source: source, target: target, layers: Self.choice([1])).run()
        return try ByteRegion.mapping(target).view.array
      }
      #expect(files[0] == files[1])
    }
  }

  @Test func externalDataComesIntoTheFile() throws {
    try withTemporaryFolder { folder in
      let (inside, outside) = (folder + "/inside.onnx", folder + "/outside.onnx")
      _ = try Pruning(
        source: ONNXModelsTests.file("audeering-dynamo20"), target: inside, layers: Self.choice([1])
      ).run()
      let report = try Pruning(
        source: ONNXModelsTests.file("audeering-dynamo20-external"), target: outside, layers: Self.choice([1])
      ).run()
      #expect(report.notes.contains("what lay in model.onnx.data is in the ONNX file now"))
      #expect(report.manifest?.sources.map(\.name) == ["model.onnx", "model.onnx.data"])
      let (a, b) = (try ONNXFile(ByteRegion.mapping(inside)), try ONNXFile(ByteRegion.mapping(outside)))
      #expect(b.externalFiles.isEmpty)
      #expect(a.entries.map(\.name).sorted() == b.entries.map(\.name).sorted())
      for entry in a.entries { #expect(try a.tensor(entry.name).digest == b.tensor(entry.name).digest) }
    }
  }

  /// An audonnx folder becomes one: its description goes along.
  @Test func foldersStayFolders() throws {
    try withTemporaryFolder { folder in
      let (source, target) = (folder + "/source", folder + "/target")
      try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: ONNXModelsTests.file("audeering-ts12-eager"), toPath: source + "/model.onnx")
      let yaml =
        "$audonnx.core.model.Model==1.0.1:\n  path: model.onnx\n  labels:\n    logits: [arousal, dominance, valence]\n"
      try yaml.write(toFile: source + "/model.yaml", atomically: true, encoding: .utf8)
      try "weights".write(toFile: source + "/optimizer.bin", atomically: true, encoding: .utf8)
      let report = try Pruning(source: source, target: target, layers: Self.choice([0])).run()
      #expect(try folderEntries(target).sorted() == ["model.onnx", "model.yaml", "prune.json"])
      #expect(try String(contentsOfFile: target + "/model.yaml", encoding: .utf8) == yaml)
      #expect(report.plan.leftOut.map(\.name) == ["optimizer.bin"])
      let model = try Model.open(target)
      #expect(model.labels == ["arousal", "dominance", "valence"])
    }
  }

  @Test func refusesBeforeAnythingIsWritten() throws {
    try withTemporaryFolder { folder in
      let target = folder + "/out.onnx"
      func refusal(_ source: String, _ kept: [Int]) -> String {
        do {
          _ = try Pruning(source: source, target: target, layers: Self.choice(kept)).run()
          return "not refused"
        } catch { return "\(error)" }
      }
      #expect(refusal(ONNXModelsTests.file("superb-ts12"), [2]).contains("2 layers"))
      #expect(
        refusal(Repository.golden("audonnx/auto/model.onnx"), [0]).hasSuffix(
          "no transformer layers were found in the graph"))
      #expect(fileKind(target) == .missing && fileKind(target + ".prune.json") == .missing)
    }
  }

  /// More than a protobuf message may have: said before a byte of it is read or written.
  @Test func tooMuchForOneFile() throws {
    try withTemporaryFolder { folder in
      var fixture = ONNXFixture()
      fixture.input("x", [1, 1])
      let rows = 600_000_000
      fixture.external("w", shape: [rows, 1], location: "big.data")
      fixture.node("MatMul", ["x", "x"], ["m"])
      fixture.node("Add", ["x", "m"], ["s"])
      fixture.node("Gather", ["w", "s"], ["y"])
      fixture.output("y")
      try Data(fixture.bytes).write(to: URL(fileURLWithPath: folder + "/model.onnx"))
      FileManager.default.createFile(atPath: folder + "/big.data", contents: nil)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/big.data"))
      try handle.truncate(atOffset: UInt64(rows * 4))
      let file = try ONNXFile(ByteRegion.mapping(folder + "/model.onnx"))
      #expect {
        try ONNXCut(file, borders: ["x", "s"], rank: 2, keeping: [0]) { name, _ in name }
      } throws: { error in
        "\(error)".contains("an ONNX file has at most 2147483647 bytes, and what is kept takes 24000")
      }
    }
  }
}
