import AssayKit
import Bytes
import Formats
import IR
import Tensors
import TestSupport
import Testing

/// How much layers matter (golden/pruned/rank): cosines and outputs of PyTorch, whole and with one layer left out of its
/// module list.
@Suite struct LayerRankingTests {
  private static let root = Repository.golden("pruned")

  /// The cosines of PyTorch by clip, and how many frames each clip has.
  private func cosines() throws -> [(values: [Double], clip: String)] {
    let document = try JSON.read(ByteRegion.mapping(Self.root + "/rank/rank.json").view, format: "rank")
    return try ["noise", "short"].map { clip in
      let layers = try #require(document["clips"]?[clip]?["layers"]?.array)
      return (layers.compactMap { $0["cosine"]?["mean of frames"]?.double }, clip)
    }
  }

  @Test(arguments: ["emotion", "emotion-onnx-dynamo20"])
  func rankingIsThatOfPyTorch(_ name: String) throws {
    let isONNX = name.contains("onnx")
    let model = try Model.open("\(Self.root)/\(name)" + (isONNX ? "/model.onnx" : ""))
    let clips = try ["noise", "short"].map {
      try Clip.load("\(Self.root)/rank/\($0)\(isONNX ? "-preprocessed" : "").npy", rate: 16000)
    }
    var shares: [Double] = []
    let ranking = try LayerRanking(model, clips: clips, threads: 2) { shares.append($0) }
    #expect(shares.count == 50 && shares == shares.sorted() && shares.last == 1)
    let expected = try cosines()
    let frames = ranking.clips.map(\.frames)
    #expect(frames == [38, 12] && ranking.layers.count == 24)
    let outputs = try SafetensorsFile.open(Self.root + "/rank/outputs.safetensors")
    for layer in ranking.layers {
      let sum = zip(expected, frames).reduce(0.0) { $0 + $1.0.values[layer.number] * Double($1.1) }
      #expect(abs(layer.cosine - sum / 50) < 1e-5, "layer \(layer.number)")
      #expect(layer.refusal == nil && layer.changes.map(\.name) == ["hidden_states", "logits"])
      for change in layer.changes {
        var (largest, absolute, means) = (0.0, 0.0, [Double](repeating: 0, count: 3))
        for clip in ["noise", "short"] {
          let whole = try outputs.tensor("\(clip).\(change.name)").floats.map(Double.init)
          let all = try outputs.tensor("\(clip).without.\(change.name)").floats.map(Double.init)
          let without = all[layer.number * whole.count..<(layer.number + 1) * whole.count]
          let differences = zip(whole, without).map { abs($0 - $1) }
          (largest, absolute) = (max(largest, whole.map(abs).max()!), max(absolute, differences.max()!))
          if change.name == "logits" { means = zip(means, differences).map { $0 + $1 / 2 } }
        }
        #expect(abs(change.absolute - absolute) < 2e-5)
        #expect(abs(change.relative - absolute / largest) < 1e-4)
        if change.name == "logits" {
          #expect(change.labels.map(\.name) == (isONNX ? ["0", "1", "2"] : ["arousal", "dominance", "valence"]))
          #expect(zip(change.labels, means).allSatisfy { abs($0.mean - $1) < 2e-5 })
          #expect(abs(change.labels.map(\.maximum).max()! - absolute) < 2e-5)
        } else {
          #expect(change.labels.isEmpty)
        }
      }
    }
    let logits = ranking.order.map { $0.changes[1].relative }
    #expect(ranking.orderedBy == "logits" && logits == logits.sorted())
    #expect(ranking.text.contains("matters least") && ranking.text.split(separator: "\n").count == 30)
  }

  @Test func theProgramShowsATable() throws {
    let clip = Self.root + "/rank/short.npy"
    let model = Self.root + "/superb-onnx-ts17/model.onnx"
    let outcome = try Program.run("prune", model, "--rank", clip, "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.json()
    #expect(try SchemaTests().schema("rank").complaints(document) == [])
    #expect(document["order"]?.array?.count == 6 && document["ordered_by"]?.string == "logits")
    #expect(try Program.run("prune", model, "--rank", clip, "-o", "x.onnx").status == 64)
    let table = try Program.run("prune", model, "--rank", clip)
    #expect(table.output.contains("to try first: --drop "))
  }

  @Test func thereMustBeSomethingToRank() throws {
    let clip = Repository.golden("audio/float32-16k.wav")
    try withTemporaryFolder { folder in
      let source = Self.root + "/superb-onnx-ts17/model.onnx"
      var pruning = Pruning(source: source, target: folder + "/one.assay", layers: .keep(try LayerList("3")))
      pruning.threads = 1
      _ = try pruning.run()
      let single = try Program.run("prune", folder + "/one.assay", "--rank", clip)
      #expect(single.status == 2 && single.errors.contains("only one transformer layer"), "\(single.errors)")
    }
    let gone = try Program.run("prune", Self.root + "/emotion", "--rank", clip + ".gone")
    #expect(gone.status == 2 && gone.errorLines.count >= 1)
  }
}
