import AssayKit
import Bytes
import Executor
import IR
import Tensors
import TestSupport
import Testing
import Verification

/// Every fault that a conversion could plausibly make must turn the verdict red and be placed where it is.
///
/// The expected values are those of real transformers (golden/models/audeering/goldens).
@Suite struct MutationTests {
  let model: Model
  let stages: [GoldenCase]

  init() throws {
    model = try Model.open(Repository.golden("models/audeering/safetensors"))
    stages = try GoldenFolder.cases(Repository.golden("models/audeering/goldens/stages.golden.json"))
  }

  /// Judges a changed copy of the model by the case that knows every stage.
  func judge(_ change: (inout Graph) throws -> Void) throws -> CaseResult {
    var changed = model
    try change(&changed.graph)
    return try Judge(changed, threads: 1).results(stages)[0]
  }

  /// Checks that the change is caught, that the first value wrong by itself is `place`, and that what follows is
  /// told apart as inherited.
  func expectCaught(at place: String, _ change: (inout Graph) throws -> Void) throws {
    let result = try judge(change)
    #expect(!result.holds)
    #expect(result.divergence?.first?.name == place)
    #expect(result.comparisons.contains { $0.name == "logits" && !$0.holds })
    #expect(result.divergence?.inherited.contains("logits") == true)
    #expect(result.divergence?.own.contains { $0.name == "logits" } == false)
  }

  @Test func theUnchangedModelHolds() throws {
    #expect(try judge { _ in }.holds)
  }

  @Test func queryAndKeyExchangedInTheProduct() throws {
    try expectCaught(at: "encoder.layers.1.attention") { graph in
      graph.updateNode("encoder.layers.1.attention.product") { $0.inputs.swapAt(0, 1) }
    }
  }

  @Test func queryAndKeyWeightsExchanged() throws {
    try expectCaught(at: "encoder.layers.1.attention.q_proj") { graph in
      try exchange("encoder.layers.1.attention.q_proj", "encoder.layers.1.attention.k_proj", in: &graph)
    }
  }

  @Test(arguments: [
    ("feature_extractor.conv_layers.3.activation", "feature_extractor.conv_layers.3"),
    ("encoder.pos_conv_embed.activation", "encoder.pos_conv_embed"),
    ("encoder.layers.1.feed_forward.activation", "encoder.layers.1.feed_forward"),
  ])
  func tanhGelu(node: String, place: String) throws {
    try expectCaught(at: place) { graph in
      graph.updateNode(node) { $0.op = .gelu(Gelu(approximation: .tanh)) }
    }
  }

  @Test func otherEpsilonInAFeatureNorm() throws {
    try expectCaught(at: "feature_extractor.conv_layers.0") { graph in
      graph.updateNode("feature_extractor.conv_layers.0.layer_norm") {
        $0.op = .layerNormalization(LayerNormalization(epsilon: 1e-4))
      }
    }
  }

  @Test func otherEpsilonInTheEncoder() throws {
    try expectCaught(at: "encoder.layers.2.attention.q_proj") { graph in
      graph.updateNode("encoder.layers.2.layer_norm") {
        $0.op = .layerNormalization(LayerNormalization(epsilon: 1e-2))
      }
    }
  }

  @Test func firstFrameOfThePositionalConvDropped() throws {
    try expectCaught(at: "encoder.pos_conv_embed") { graph in
      graph.updateNode("encoder.pos_conv_embed.padding") { $0.op = .slice(Slice(axis: 1, dropFirst: 1)) }
    }
  }

  @Test(arguments: [
    ("encoder.layers.0.attention.v_proj.bias", "encoder.layers.0.attention.v_proj"),
    ("encoder.layers.2.feed_forward.output_dense.bias", "encoder.layers.2.feed_forward"),
    ("feature_extractor.conv_layers.5.conv.bias", "feature_extractor.conv_layers.5"),
  ])
  func biasZeroed(constant: String, place: String) throws {
    try expectCaught(at: place) { graph in
      let id = try #require(graph.constants.keys.first { graph[$0].name == constant })
      let zeros = Tensor([Float](repeating: 0, count: graph.constants[id]!.tensor.count))
      graph.replaceConstant(id, with: Constant(zeros, provenance: Provenance()))
    }
  }

  @Test func twoLayersExchanged() throws {
    try expectCaught(at: "encoder.layers.1.attention.q_proj") { graph in
      for name in graph.nodes.map(\.name) where name.hasPrefix("encoder.layers.1.") {
        try exchange(name, "encoder.layers.2." + name.dropFirst("encoder.layers.1.".count), in: &graph)
      }
    }
  }

  @Test func poolingWithoutTheFinalNorm() throws {
    let result = try judge { graph in
      let before = graph.states.first { $0.name == "layer.3" }!.value
      graph.updateNode("pooling") { $0.inputs = [before] }
    }
    #expect(result.divergence?.first?.name == "hidden_states")
  }

  /// A case that knows outputs only still turns red; it cannot tell the place, and says so.
  @Test func outputsAloneTellNoPlace() throws {
    let published = try GoldenFolder.cases(Repository.golden("published/audeering-silence-1s.golden.json"))[0]
    #expect(published.maker.contains("audEERING"))
    let full = stages[0]
    let document = JSON(
      .object(
        full.document.object!.map { member in
          guard member.name == "expected" else { return member }
          return JSON.Member("expected", JSON(.object(member.value.object!.filter { $0.name == "logits" })))
        }))
    let outputsOnly = try GoldenCase(document, files: GoldenFolder(Repository.golden("models/audeering/goldens")))
    var changed = model
    changed.graph.updateNode("encoder.layers.1.attention.product") { $0.inputs.swapAt(0, 1) }
    let result = try Judge(changed, threads: 1).results([outputsOnly])[0]
    #expect(!result.holds)
    #expect(result.divergence == nil)
  }

  /// Exchanges the constants of two nodes.
  private func exchange(_ a: String, _ b: String, in graph: inout Graph) throws {
    let first = try #require(graph.nodes.first { $0.name == a })
    let second = try #require(graph.nodes.first { $0.name == b })
    for case (.some(let left), .some(let right)) in zip(first.inputs, second.inputs) {
      guard let one = graph.constants[left], let other = graph.constants[right] else { continue }
      graph.replaceConstant(left, with: other)
      graph.replaceConstant(right, with: one)
    }
  }
}
