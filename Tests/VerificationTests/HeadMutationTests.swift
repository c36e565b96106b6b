import AssayKit
import Bytes
import Executor
import Formats
import IR
import Tensors
import TestSupport
import Testing
import Verification

/// Faults of the heads that transformers and SpeechBrain have must turn the verdict red and be placed where they are.
///
/// The expected values are those of real transformers and real SpeechBrain (golden/models).
@Suite struct HeadMutationTests {
  /// Judges a changed copy of a package's model by the case that knows every stage.
  private func judge(_ package: String, _ change: (inout Graph) throws -> Void) throws -> CaseResult {
    let folder = Repository.golden("models/" + package)
    var model = try Model.open(folder)
    let stages = try GoldenFolder.cases(folder + "/goldens/stages.golden.json")
    try change(&model.graph)
    return try Judge(model, threads: 1).results(stages)[0]
  }

  private func expectCaught(
    _ package: String, at place: String, _ change: (inout Graph) throws -> Void
  ) throws {
    let result = try judge(package, change)
    #expect(!result.holds)
    #expect(result.divergence?.first?.name == place)
    #expect(result.comparisons.contains { $0.name == "logits" && !$0.holds })
  }

  @Test(arguments: ["superb", "superb-stable", "speechbrain"])
  func theUnchangedModelHolds(_ package: String) throws {
    #expect(try judge(package) { _ in }.holds)
  }

  @Test(arguments: ["superb", "superb-stable"])
  func eachStateWithTheWeightOfAnother(_ package: String) throws {
    try expectCaught(package, at: "layer_sum") { graph in
      graph.updateNode("layer_sum.stack") { $0.inputs = Array($0.inputs.dropFirst() + $0.inputs.prefix(1)) }
    }
  }

  @Test func theLastStateAfterTheFinalNorm() throws {
    try expectCaught("superb-stable", at: "layer_sum") { graph in
      let last = try #require(graph.states.first { $0.name == "last_hidden_state" }).value
      graph.updateNode("layer_sum.states.3") { $0.inputs = [last] }
    }
  }

  @Test(arguments: ["superb", "superb-stable"])
  func weightsOfTheSumWithoutSoftmax(_ package: String) throws {
    try expectCaught(package, at: "layer_sum") { graph in
      let raw = try #require(graph.constants.keys.first { graph[$0].name == "layer_weights" })
      graph.updateNode("layer_weights.factors") { $0.inputs = [raw] }
    }
  }

  @Test func theLastStateInsteadOfTheSum() throws {
    let result = try judge("superb") { graph in
      let last = try #require(graph.states.first { $0.name == "last_hidden_state" }).value
      graph.updateNode("projector") { $0.inputs[0] = last }
    }
    #expect(result.divergence?.first?.name == "projector")
  }

  @Test(arguments: ["superb", "speechbrain"])
  func groupNormAsLayerNorm(_ package: String) throws {
    try expectCaught(package, at: "feature_extractor.conv_layers.0") { graph in
      graph.updateNode("feature_extractor.conv_layers.0.layer_norm") {
        $0.op = .layerNormalization(LayerNormalization(epsilon: 1e-5))
      }
    }
  }

  @Test(arguments: [("head.0.activation", "head.3", "head.3"), ("head.3.activation", "head.6", "logits")])
  func anActivationLeftOutOrAnother(_ node: String, _ next: String, _ place: String) throws {
    try expectCaught("speechbrain", at: place) { graph in
      graph.updateNode(node) { $0.op = .unary(Unary(.tanh)) }
    }
    try expectCaught("speechbrain", at: place) { graph in
      let before = try #require(graph.nodes.first { $0.name == node }?.inputs[0])
      graph.updateNode(next) { $0.inputs[0] = before }
    }
  }

  @Test(arguments: ["superb", "superb-stable", "speechbrain"])
  func theMeanWithoutTheFirstFrame(_ package: String) throws {
    let result = try judge(package) { graph in
      let frames = try #require(graph.nodes.first { $0.name == "pooling" }?.inputs[0])
      let rest = try graph.makeNode("pooling.rest", .slice(Slice(axis: 1, dropFirst: 1)), [frames])
      var nodes = graph.nodes
      let index = try #require(nodes.firstIndex { $0.name == "pooling" })
      nodes[index].inputs = [rest.output]
      nodes.insert(rest, at: index)
      graph.setNodes(nodes)
    }
    #expect(!result.holds)
    #expect(result.comparisons.contains { $0.name == "logits" && !$0.holds })
  }

  /// The clip that is so quiet that the two constants differ: what another epsilon gives is caught.
  @Test func anotherEpsilonOfTheWaveform() throws {
    let folder = Repository.golden("models/speechbrain")
    let stages = try SafetensorsFile.open(folder + "/goldens/stages.safetensors")
    let quiet = try stages.tensor("quiet.input").floats
    let model = try Model.open(folder)
    let mean = quiet.reduce(0) { $0 + Double($1) } / Double(quiet.count)
    let variance = quiet.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(quiet.count)
    func logits(_ epsilon: Double) throws -> [Float] {
      let signal = quiet.map { Float((Double($0) - mean) / (variance + epsilon).squareRoot()) }
      let input: NamedTensors = ["signal": Tensor(signal, shape: [1, quiet.count])]
      let outputs = try Runner(model, threads: 1).run(raw: input, name: "quiet").outputs
      return try #require(outputs.first { $0.name == "logits" }).tensor.floats
    }
    let expected = try Repository.json(folder + "/goldens/quiet.golden.json")["expected"]?["logits"]?["values"]
    let values = try #require(expected?.array).compactMap { $0.double.map { Float($0) } }
    let allowed = 1e-5 * (values.map { abs($0) }.max() ?? 0)
    #expect(zip(try logits(1e-5), values).allSatisfy { abs($0 - $1) <= allowed })
    #expect(zip(try logits(1e-7), values).contains { abs($0 - $1) > 100 * allowed })
  }
}
