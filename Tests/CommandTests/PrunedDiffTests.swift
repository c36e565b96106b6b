import AssayKit
import Bytes
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

/// Pruned models beside whole ones. Which tensor is which, and what it holds, is what PyTorch's surgery says
/// (golden/pruned).
@Suite struct PrunedDiffTests {
  struct Cut: Sendable, CustomTestStringConvertible {
    let model: String
    let name: String
    let kept: [Int]

    var testDescription: String { "\(model) \(name)" }
    var source: String { Repository.golden("pruned/\(model)") }
  }

  static let cuts: [Cut] = ["pretraining", "emotion", "superb", "emotion2vec"].flatMap { model -> [Cut] in
    let cuts = try? Repository.json(Repository.golden("pruned/manifest.json"))["models"]?[model]?["cuts"]?.object
    return (cuts ?? []).map { Cut(model: model, name: $0.name, kept: $0.value.array?.compactMap(\.int) ?? []) }
  }

  @discardableResult
  static func prune(_ source: String, _ kept: [Int], to target: String, dtype: WeightType = .f32) throws -> PruneReport
  {
    let list = try LayerList(kept.map(String.init).joined(separator: ","))
    var pruning = Pruning(source: source, target: target, layers: .keep(list))
    pruning.dataType = dtype
    return try pruning.run()
  }

  @Test func everyCutIsThere() { #expect(Self.cuts.count == 13) }

  @Test(arguments: cuts) func eachWeightIsTheOneThatPyTorchKept(_ cut: Cut) throws {
    try withTemporaryFolder { folder in
      let target = folder + "/pruned"
      try Self.prune(cut.source, cut.kept, to: target)
      let document = try ModelDiff(cut.source, target, threads: 2).json
      #expect(document["same"]?.bool == true)
      #expect(document["pruned"]?["in"]?.string == "b")
      #expect(document["pruned"]?["kept"]?.array?.compactMap(\.int) == cut.kept)
      let torch = try Repository.json("\(cut.source)/tensors-\(cut.name).json")["tensors"]?.object ?? []
      let equal = document["equal"]?.array ?? []
      // Constants of a model have lost what stands in front of their names.
      var found = 0
      for pair in equal {
        let (a, b) = (try #require(pair["a"]?.string), try #require(pair["b"]?.string))
        let called = torch.filter { $0.name == b || $0.name.hasSuffix("." + b) }
        // emotion2vec's prenet has blocks of the same names further in.
        guard let tensor = called.min(by: { $0.name.utf8.count < $1.name.utf8.count }) else { continue }
        let from = try #require(tensor.value["from"]?.string)
        #expect(from == a || from.hasSuffix("." + a), "\(b) is said to be \(a)")
        found += 1
      }
      #expect(found >= equal.count - 1 && equal.count >= 10 * cut.kept.count)
      let layers = try #require(document["pruned"]?["layers"]?.int)
      let absent = document["pruned"]?["absent"]?.array?.compactMap(\.string) ?? []
      #expect(absent.count == (cut.model == "emotion2vec" ? 12 : 16) * (layers - cut.kept.count))
      let back = try ModelDiff(target, cut.source, threads: 2).json
      #expect(back["same"]?.bool == true && back["pruned"]?["in"]?.string == "a")
      #expect(back["pruned"]?["map"]?.compact == document["pruned"]?["map"]?.compact)
    }
  }

  /// emotion2vec's prenet, or all that comes after it, may go as a whole.
  @Test(arguments: [[2, 3, 4], [0, 1], [1]]) func aRowMayLoseEveryLayer(_ kept: [Int]) throws {
    let source = Repository.golden("models/emotion2vec-mixed")
    try withTemporaryFolder { folder in
      for target in [folder + "/pruned", folder + "/pruned.assay"] {
        try Self.prune(source, kept, to: target)
        for (a, b, side) in [(source, target, "b"), (target, source, "a")] {
          let document = try ModelDiff(a, b, threads: 2).json
          #expect(document["same"]?.bool == true)
          #expect(document["pruned"]?["in"]?.string == side)
          #expect(document["pruned"]?["kept"]?.array?.compactMap(\.int) == kept)
        }
      }
    }
  }

  /// However it is stored: as tensors, as half-width constants, as a graph of an exporter's.
  @Test(arguments: [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [1, 2, 5, 11, 12, 22, 23]])
  func acrossFormats(_ kept: [Int]) throws {
    let source = Repository.golden("pruned/emotion")
    try withTemporaryFolder { folder in
      let targets = ["t.safetensors", "a.assay", "o.onnx", "x.onnx"].map { folder + "/" + $0 }
      try Self.prune(source, kept, to: targets[0])
      try Self.prune(source, kept, to: targets[1], dtype: .f16)
      try Self.prune(Repository.golden("pruned/emotion-onnx-dynamo20/model.onnx"), kept, to: targets[2])
      try Self.prune(source, kept, to: targets[3])
      for target in targets {
        for (a, b) in [(source, target), (target, source)] {
          let outcome = try Program.run("diff", a, b, "--json")
          #expect(outcome.status == 0, "\(a) \(b)")
          let document = try outcome.json()
          #expect(document["pruned"]?["kept"]?.array?.compactMap(\.int) == kept, "\(a) \(b)")
          #expect(document["pruned"]?["absent"]?.array?.count == 16 * (24 - kept.count))
          #expect(document["ignored"]?.array?.contains { $0["reason"]?.string?.contains("pruned") == true } == false)
        }
      }
      let text = try Program.run("diff", source, targets[1]).output
      let words = kept.count == 12 ? "0-11 of 24 kept" : "1-2,5,11-12,22-23 of 24 kept"
      #expect(text.hasPrefix("holds    B is A with layers \(words): "))
      #expect(text.contains("\nlayers \(kept.count == 12 ? "12-23" : "0,3-4,6-10,13-21") absent: "))
    }
  }

  /// One element of a layer that is kept.
  @Test func aChangeIsToldUnderBothNames() throws {
    let source = Repository.golden("pruned/emotion")
    try withTemporaryFolder { folder in
      let path = folder + "/pruned.safetensors"
      try Self.prune(source, [1, 2, 5, 11], to: path)
      let file = try SafetensorsFixture(path)
      let name = "wav2vec2.encoder.layers.2.attention.k_proj.bias"
      let tensors = try file.names.map { each -> (name: String, tensor: Tensor) in
        let tensor = try file[each]
        guard each == name else { return (each, tensor) }
        var numbers = tensor.floats
        numbers[3] += 1e-3
        return (each, Tensor(numbers, shape: tensor.shape))
      }
      try SafetensorsWriter.write(tensors, to: path)
      let outcome = try Program.run("diff", source, path)
      #expect(outcome.status == 1)
      #expect(outcome.output.contains("\nB is A with layers 1-2,5,11 of 24 kept, but for what follows\n"))
      #expect(
        outcome.output.contains("wav2vec2.encoder.layers.5.attention.k_proj.bias -> \(name): 0.0010 apart at [3]"),
        "\(outcome.output)")
      let document = try Program.run("diff", path, source, "--json").json()
      #expect(document["changed"]?.array?.count == 1 && document["pruned"]?["in"]?.string == "a")
      #expect(document["changed"]?.array?.first?["b"]?.string == "wav2vec2.encoder.layers.5.attention.k_proj.bias")
      #expect(document["only_in_a"]?.array?.isEmpty == true && document["only_in_b"]?.array?.isEmpty == true)
    }
  }

  /// What an artifact says of the tensors that were pruned away is said of the source's names: no excuse for its own.
  @Test func whatWasPrunedAwayExcusesNothing() throws {
    let source = Repository.golden("pruned/emotion-onnx-ts17/model.onnx")
    try withTemporaryFolder { folder in
      let (artifact, other) = (folder + "/a.assay", folder + "/b.assay")
      try Self.prune(source, [4, 5], to: artifact)
      try Self.prune(source, [4, 6], to: other)
      // The second layer of each has the names of a dropped one.
      let outcome = try Program.run("diff", artifact, other, "--json")
      let document = try outcome.json()
      #expect(outcome.status == 1 && document["pruned"]?.compact == "null")
      #expect(document["changed"]?.array?.count == 16)
      let bare = folder + "/b.safetensors"
      try Self.prune(source, [4, 6], to: bare)
      let beside = try Program.run("diff", artifact, bare, "--json").json()
      #expect(beside["same"]?.bool == false && beside["changed"]?.array?.count == 16)
    }
  }
}
