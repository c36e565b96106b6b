import AssayKit
import Bytes
import Executor
import Formats
import Foundation
import Frontends
import IR
import Passes
import Tensors
import TestSupport
import Testing
import Verification

/// Layers that are found in graphs and cut out of them; the expected values are PyTorch's (golden/pruned): of models
/// whose module lists were cut there.
@Suite struct LayersTests {
  static let root = Repository.golden("pruned")

  /// A model, the folder of its cases, and a cut by its name there.
  struct Cut: Sendable, CustomTestStringConvertible {
    let model: String
    let goldens: String
    let name: String
    let kept: [Int]
    let count: Int
    var isONNX: Bool { model.contains("onnx") }
    var path: String { LayersTests.root + "/" + model + (isONNX ? "/model.onnx" : "") }
    var selection: LayerSelection { LayerSelection(of: count, keeping: kept)! }
    var testDescription: String { "\(model) \(name)" }
    var cases: [GoldenCase] {
      get throws { try GoldenFolder.cases("\(LayersTests.root)/\(goldens)/goldens-\(name)") }
    }
  }

  private static func cuts(
    _ models: [String], _ goldens: String, _ count: Int, _ kept: KeyValuePairs<String, [Int]>
  ) -> [Cut] {
    models.flatMap { model in
      kept.map { Cut(model: model, goldens: goldens, name: $0.key, kept: $0.value, count: count) }
    }
  }

  private static let deep: KeyValuePairs<String, [Int]> = [
    "0-11": Array(0..<12), "even": Array(stride(from: 0, to: 24, by: 2)), "odd-set": [1, 2, 5, 11, 12, 22, 23],
    "drop-last": Array(0..<23),
  ]
  private static let sums: KeyValuePairs<String, [Int]> = ["0-2": [0, 1, 2], "1,4": [1, 4], "0,5": [0, 5]]
  private static let emotionExports = ["emotion-onnx-ts17", "emotion-onnx-dynamo20", "emotion-onnx-ts12"]

  static let checkpoints =
    cuts(["pretraining"], "pretraining", 24, deep) + cuts(["emotion"], "emotion", 24, deep)
    + cuts(["superb"], "superb", 6, sums)
  static let graphs =
    cuts(emotionExports, "emotion-onnx", 24, deep)
    + cuts(
      ["superb-onnx-ts17", "superb-onnx-dynamo20"], "superb-onnx", 6, sums)
    + cuts(["emotion2vec-onnx-ts14"], "emotion2vec-onnx", 6, ["0-3": [0, 1, 2, 3], "1,2,4": [1, 2, 4]])

  // MARK: States

  /// Without its last layer a model has the states of the whole one.
  @Test(arguments: emotionExports, [false, true])
  func statesAreWhatLayersHandOn(_ name: String, _ unfused: Bool) throws {
    let model = try Model.open("\(Self.root)/\(name)/model.onnx", unfused: unfused)
    #expect(model.graph.states.map(\.name) == (0...24).map { "layer.\($0)" } && model.notes.count == 1)
    for golden in try GoldenFolder.cases("\(Self.root)/emotion-onnx/goldens-drop-last") {
      guard case .graph(let inputs) = golden.input else { continue }
      let expected = golden.expected.filter { $0.name.hasPrefix("layer.") }
      #expect(expected.count == 24)
      var differences: [String] = []
      _ = try Executor(model.graph, threads: 2).run(
        inputs,
        observing: Observation(expected.map(\.name)) { id, tensor in
          for state in model.graph.states where state.value == id {
            let comparison = Comparison(expected.first { $0.name == state.name }!, actual: tensor)
            differences.append("\(state.name) \(comparison.holds)")
          }
          return nil
        })
      #expect(differences == (0..<24).map { "layer.\($0) true" })
    }
  }

  /// What the layers of every export are called, and how many there are.
  @Test(arguments: ONNXModelsTests.models, [false, true])
  func everyExportHasItsLayers(_ name: String, _ unfused: Bool) throws {
    let graph = try Model.open(ONNXModelsTests.file(name), unfused: unfused).graph
    let blocks = try #require(try LayerBlocks.find(in: graph))
    let isEmotion2vec = name.hasPrefix("emotion2vec")
    #expect(blocks.count == (isEmotion2vec ? 3 : 2) && blocks.leaks.isEmpty)
    #expect(graph.states.map(\.value) == blocks.states)
    let rows = blocks.stacks.filter { !$0.path.hasPrefix("AUDIO") }.map { "\($0.path) \($0.layers)" }
    if isEmotion2vec {
      #expect(rows == ["modality_encoders.AUDIO.context_encoder.blocks 0..<1", "blocks 1..<3"])
    } else {
      #expect(rows.count == 1 && rows[0].hasSuffix("encoder.layers 0..<2"), "\(rows)")
    }
    // What the graph's own states do not say is found as well.
    var bare = try ImportedModel(ModelFolder.open(ONNXModelsTests.file(name)), evaluating: Executor.elements).graph
    let before = try #require(try LayerBlocks.find(in: bare))
    #expect(before.count == blocks.count && before.stacks == blocks.stacks)
    if !unfused {
      #expect(bare.states.isEmpty)
      _ = try Canonicalize().run(on: &bare)
      #expect(try LayerBlocks.find(in: bare)?.count == blocks.count)
    }
  }

  /// The same model's checkpoint has its states from its builder, which is judged by PyTorch's values elsewhere.
  @Test(
    arguments: ["audeering-ts14-eager", "audeering-ts20-sdpa", "audeering-dynamo23", "wav2vec2-old"], [false, true])
  func anExportHasTheStatesOfItsCheckpoint(_ name: String, _ unfused: Bool) throws {
    let clip = try Clip.load(Repository.golden("audio/float32-16k.wav"), rate: 16000)
    let source = try Model.open(ONNXModelsTests.root + "/audeering-checkpoint")
    let checkpoint = try Runner(source, threads: 2, layers: true).run(clip)
    let model = try Model.open(
      ONNXModelsTests.file(name), unfused: unfused, normalizing: source.preprocessing.normalizationEpsilon != nil)
    let export = try Runner(model, threads: 2, layers: true).run(clip)
    for number in 0...2 {
      let expected = try #require(checkpoint.outputs.first { $0.name == "layer.\(number)" }).tensor.floats
      let found = try #require(export.outputs.first { $0.name == "layer.\(number)" }).tensor.floats
      #expect(found.count == expected.count)
      #expect(zip(found, expected).allSatisfy { ($0 - $1).magnitude < 1e-4 }, "\(name) layer.\(number)")
    }
  }

  // MARK: Cuts

  private func cutGraph(_ cut: Cut, unfused: Bool = false) throws -> (model: Model, before: Graph) {
    var model = try Model.open(cut.path, unfused: unfused)
    let before = model.graph
    let report = try PruneLayers(cut.selection).run(on: &model.graph)
    try model.graph.validate()
    #expect(report.pass == "prune-layers" && report.changes[0].contains("of \(cut.count) dropped"))
    return (model, before)
  }

  @Test(arguments: checkpoints) func aCutCheckpointGivesTheNumbersOfPyTorch(_ cut: Cut) throws {
    let (model, _) = try cutGraph(cut)
    for result in try Judge(model, threads: 2).results(cut.cases) {
      #expect(result.comparisons.count > cut.kept.count)
      #expect(result.holds, "\(cut) \(result.golden.name): \(result.json.compact)")
    }
  }

  @Test(arguments: graphs, [false, true])
  func aCutGraphGivesTheNumbersOfPyTorch(_ cut: Cut, _ unfused: Bool) throws {
    let (model, _) = try cutGraph(cut, unfused: unfused)
    #expect(model.graph.states.map(\.name) == (0...cut.kept.count).map { "layer.\($0)" })
    // As it was read it computes the same, only slower.
    let cases = try cut.cases.filter { !unfused || $0.name.contains("short") }
    #expect(cases.count == (unfused ? 1 : 2))
    for result in try Judge(model, threads: 2).results(cases) {
      #expect(result.comparisons.count > cut.kept.count)
      #expect(result.holds, "\(cut) \(result.golden.name): \(result.json.compact)")
    }
  }

  /// Nothing of dropped layers is left, and every constant that is left has its bits and its source's name.
  @Test(arguments: checkpoints + graphs) func whatIsLeftIsTheSources(_ cut: Cut) throws {
    let (model, before) = try cutGraph(cut)
    let stacks = try #require(try LayerBlocks.find(in: before)).stacks
    let old = Dictionary(before.constants.map { (Name(before[$0.key].name), $0.value) }) { first, _ in first }
    var layers: Set<Int> = []
    for id in model.graph.constantOrder {
      let (name, constant) = (model.graph[id].name, model.graph.constants[id]!)
      // What scopes are called says nothing of where numbers come from.
      if name.hasPrefix("/") { continue }
      // The inverse of the renumbering, written down again.
      var source = name
      if let stack = stacks.first(where: { $0.layer(of: name) != nil }), let number = stack.layer(of: name) {
        let row = cut.kept.filter { stack.layers.contains($0) }
        layers.insert(row[number - stack.layers.lowerBound])
        source = name.replacing(
          stack.path + ".\(number - stack.layers.lowerBound).",
          with: stack.path + ".\(row[number - stack.layers.lowerBound] - stack.layers.lowerBound).", maxReplacements: 1)
      }
      let origin = try #require(old[Name(source)], "\(name): \(source)")
      if constant.digest != origin.digest {
        #expect(cut.model.hasPrefix("superb") && constant.count == cut.kept.count + 1)
        #expect(constant.provenance.steps.contains { $0.hasPrefix("states 0, ") })
      } else {
        #expect(constant.provenance == origin.provenance)
      }
    }
    #expect(layers == Set(cut.kept))
  }

  /// A checkpoint that is cut and then built is the graph that is built and then cut, to the bit.
  @Test(arguments: checkpoints.filter { $0.count == 24 })
  func cuttingBeforeOrAfterBuildingIsTheSame(_ cut: Cut) throws {
    let (model, _) = try cutGraph(cut)
    guard case .checkpoint(let files) = try ModelFolder.open(cut.path) else { throw Failure("a checkpoint") }
    try withTemporaryFolder { folder in
      let stack = LayerStack("wav2vec2.encoder.layers", 0..<24)
      #expect(files.weights.entries.contains { stack.layer(of: $0.name) == 23 })
      let tensors = try files.weights.entries.compactMap { entry in
        try stack.renamed(entry.name, keeping: cut.selection).map { ($0, try files.weights.tensor(entry.name)) }
      }
      try SafetensorsWriter.write(tensors.map { (name: $0.0, tensor: $0.1) }, to: folder + "/model.safetensors")
      let config = try String(contentsOfFile: cut.path + "/config.json", encoding: .utf8)
      let changed = config.replacing("\"num_hidden_layers\": 24", with: "\"num_hidden_layers\": \(cut.kept.count)")
      #expect(changed != config)
      try changed.write(toFile: folder + "/config.json", atomically: false, encoding: .utf8)
      try FileManager.default.copyItem(
        atPath: cut.path + "/preprocessor_config.json", toPath: folder + "/preprocessor_config.json")
      let built = try Model.open(folder).graph
      #expect(model.graph.description == built.description)
      let (mine, theirs) = (model.graph.constantOrder, built.constantOrder)
      #expect(mine.map { model.graph[$0].name } == theirs.map { built[$0].name })
      for (a, b) in zip(mine, theirs) {
        #expect(model.graph.constants[a]!.digest == built.constants[b]!.digest, "\(built[b].name)")
      }
    }
  }
}
