import AssayKit
import IR
import Tensors
import TestSupport
import Testing
import Verification

/// Every fault that a builder of emotion2vec could plausibly make must turn the verdict red and be placed where it is.
///
/// The expected values are those of real FunASR (golden/models/emotion2vec-*/goldens).
@Suite struct Emotion2VecMutationTests {
  private static let audio = "modality_encoders.AUDIO."
  private let audio = Self.audio

  private func stages(_ package: String) throws -> (model: Model, cases: [GoldenCase]) {
    let folder = Repository.golden("models/emotion2vec-" + package)
    return (try Model.open(folder), try GoldenFolder.cases(folder + "/goldens/stages.golden.json"))
  }

  /// Judges a changed copy of the model by the case that knows every stage.
  private func judge(_ package: String = "finetuned", _ change: (inout Graph) throws -> Void) throws -> CaseResult {
    var (model, cases) = try stages(package)
    try change(&model.graph)
    return try Judge(model, threads: 1).results(cases)[0]
  }

  private func expectCaught(
    _ package: String = "finetuned", at place: String, _ change: (inout Graph) throws -> Void
  ) throws {
    let result = try judge(package, change)
    #expect(!result.holds)
    #expect(result.divergence?.first?.name == place)
    #expect(result.comparisons.contains { $0.name == "utterance" && !$0.holds })
    if package != "base" { #expect(result.comparisons.contains { $0.name == "scores" && !$0.holds }) }
  }

  @Test(arguments: ["base", "finetuned", "mixed"])
  func theUnchangedModelHolds(_ package: String) throws {
    #expect(try judge(package) { _ in }.holds)
  }

  @Test(arguments: ["base", "finetuned", "mixed"])
  func scalesNotClamped(_ package: String) throws {
    guard case .source(let imported) = try stages(package).model.origin else { return }
    try expectCaught(package, at: audio + "context_encoder.blocks.0.attn") { graph in
      // As it was before constants were folded.
      graph = imported.graph
      graph.updateNode(audio + "alibi.clamped") { $0.op = .slice(Slice(axis: 0)) }
    }
  }

  @Test(arguments: ["base", "finetuned", "mixed"])
  func distancesOfExtraTokens(_ package: String) throws {
    try expectCaught(package, at: audio + "context_encoder.blocks.0.attn") { graph in
      for name in graph.nodes.map(\.name) where name.hasSuffix(".attn.product") {
        graph.updateNode(name) { node in
          guard case .attention(var op) = node.op else { return }
          op.alibi = .init(prefix: 0)
          node.op = .attention(op)
        }
      }
    }
  }

  @Test(arguments: ["base", "finetuned", "mixed"])
  func extraTokensPooled(_ package: String) throws {
    let result = try judge(package) { graph in
      let all = graph.states.last { $0.name.hasPrefix("layer.") }!.value
      graph.updateNode("utterance") { $0.inputs = [all] }
    }
    #expect(result.divergence?.first?.name == "utterance")
  }

  @Test(arguments: ["base", "finetuned", "mixed"])
  func contextNormAfterThePrenet(_ package: String) throws {
    try expectCaught(package, at: "layer.0") { graph in
      let norm = try #require(graph.nodes.first { $0.name == audio + "context_encoder.norm" })
      let prenet = try #require(graph.nodes.last { $0.name.hasPrefix(audio + "context_encoder.blocks.") })
      // What stands before the norm enters the prenet; the norm takes what leaves it. Both stay in place.
      var changed = Graph()
      var places: [ValueID: ValueID] = [:]
      for id in graph.inputs { places[id] = changed.addInput(graph[id].name, graph[id].type) }
      for id in graph.constantOrder { places[id] = changed.addConstant(graph[id].name, graph.constants[id]!) }
      for node in graph.nodes {
        if node.name == norm.name {
          places[node.output] = places[norm.inputs[0]!]
          continue
        }
        places[node.output] = try changed.addNode(node.name, node.op, node.inputs.map { $0.map { places[$0]! } })
        guard node.name == prenet.name else { continue }
        let inputs = [places[node.output]!] + norm.inputs.dropFirst().map { places[$0!]! }
        places[node.output] = try changed.addNode(norm.name, norm.op, inputs)
      }
      for state in graph.states { changed.addState(state.name, places[state.value]!) }
      for output in graph.outputs { changed.addOutput(output.name, places[output.value]!) }
      graph = changed
    }
  }

  @Test(arguments: ["base", "finetuned", "mixed"])
  func queriesAndKeysExchanged(_ package: String) throws {
    try expectCaught(package, at: "blocks.1.attn") { graph in
      graph.updateNode("blocks.1.attn.product") { $0.inputs.swapAt(0, 1) }
    }
  }

  @Test func scaleOfAnotherBlock() throws {
    try expectCaught("mixed", at: "blocks.0.attn") { graph in
      let own = graph.nodes.first { $0.name == "blocks.1.attn.product" }!.inputs[3]
      graph.updateNode("blocks.0.attn.product") { $0.inputs[3] = own }
    }
  }

  @Test(arguments: ["base", "finetuned", "mixed"])
  func positionsInsteadOfFeaturesAndPositions(_ package: String) throws {
    try expectCaught(package, at: "layer.0") { graph in
      let positions = graph.states.first { $0.name == audio + "relative_positional_encoder" }!.value
      for name in [audio + "extra_tokens.row", audio + "extra_tokens.prepended"] {
        let sum = graph.nodes.first { $0.name == audio + "positioned" }!.output
        graph.updateNode(name) { node in node.inputs = node.inputs.map { $0 == sum ? positions : $0 } }
      }
    }
  }

  /// Of the positional encoder's sum, not of one convolution's.
  @Test func aResidualWithinThePositionalEncoder() throws {
    try expectCaught(at: audio + "relative_positional_encoder") { graph in
      let first = graph.nodes.first { $0.name == audio + "relative_positional_encoder.1.5" }!.output
      graph.updateNode(audio + "relative_positional_encoder.3.0") { $0.inputs[0] = first }
    }
  }

  @Test(arguments: [
    (audio + "local_encoder.conv_layers.3.3", audio + "local_encoder.conv_layers.3"),
    (audio + "relative_positional_encoder.2.5", audio + "relative_positional_encoder"),
    ("blocks.1.mlp.act", "blocks.1.mlp"),
  ])
  func tanhGelu(_ node: String, _ place: String) throws {
    let result = try judge { graph in graph.updateNode(node) { $0.op = .gelu(Gelu(approximation: .tanh)) } }
    #expect(!result.holds && result.divergence?.first?.name == place)
  }

  @Test func firstFrameOfAPositionalConvDropped() throws {
    try expectCaught("mixed", at: audio + "relative_positional_encoder") { graph in
      for i in 1...3 {
        graph.updateNode(audio + "relative_positional_encoder.\(i).1") { $0.op = .slice(Slice(axis: 1, dropFirst: 1)) }
      }
    }
  }

  /// A norm with a configured epsilon, and two with PyTorch's own.
  @Test(arguments: [
    (audio + "local_encoder.conv_layers.0.2.1", audio + "local_encoder.conv_layers.0"),
    (audio + "relative_positional_encoder.1.3", audio + "relative_positional_encoder"),
    ("blocks.0.norm1", "blocks.0.mlp"),
  ])
  func otherEpsilon(_ node: String, _ place: String) throws {
    let result = try judge("mixed") { graph in
      graph.updateNode(node) { node in
        guard case .layerNormalization(let op) = node.op else { return }
        node.op = .layerNormalization(LayerNormalization(epsilon: op.epsilon == 1e-5 ? 1e-3 : 1e-5))
      }
    }
    #expect(!result.holds && result.divergence?.first?.name == place)
  }

  @Test func unusedLabelsInTheSoftmax() throws {
    let result = try judge("mixed") { graph in
      let columns = try #require(graph.constants.keys.first { graph[$0].name == "proj.used" })
      let wrong = Tensor([0, 1, 3, 5, 6].map { Int64($0) })
      graph.replaceConstant(columns, with: Constant(wrong, provenance: Provenance()))
    }
    #expect(result.divergence?.first?.name == "logits")
  }

  @Test(arguments: ["proj.bias", "blocks.0.attn.qkv.bias", "blocks.1.mlp.fc2.bias"])
  func biasZeroed(_ constant: String) throws {
    let result = try judge { graph in
      let id = try #require(graph.constants.keys.first { graph[$0].name == constant })
      let zeros = Tensor([Float](repeating: 0, count: graph.constants[id]!.tensor.count))
      graph.replaceConstant(id, with: Constant(zeros, provenance: Provenance()))
    }
    #expect(!result.holds)
  }
}
