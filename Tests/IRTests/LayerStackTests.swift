import IR
import Testing

@Suite struct LayerSelectionTests {
  @Test func keepsWhatRisesAndIsThere() throws {
    let selection = try #require(LayerSelection(of: 6, keeping: [1, 2, 5]))
    #expect(selection.dropped == [0, 3, 4])
    #expect((0..<6).map { selection.place(of: $0) } == [nil, 0, 1, nil, nil, 2])
    #expect(selection.keptStates == [0, 2, 3, 6])
  }

  @Test(arguments: [[], [6], [-1, 2], [2, 2], [3, 1]]) func refuses(_ kept: [Int]) {
    #expect(LayerSelection(of: 6, keeping: kept) == nil)
  }
}

@Suite struct LayerStackTests {
  let stack = LayerStack("wav2vec2.encoder.layers", 0..<24)

  @Test func findsTheNumberBehindThePath() {
    #expect(stack.layer(of: "wav2vec2.encoder.layers.7.attention.q_proj.weight") == 7)
    #expect(stack.layer(of: "wav2vec2.encoder.layers.23") == 23)
    #expect(stack.layer(of: "/wav2vec2/encoder/layers.12/attention/MatMul_output_0") == 12)
  }

  @Test(
    arguments: [
      "wav2vec2.encoder.layers", "wav2vec2.encoder.layers.", "wav2vec2.encoder.layers.x",
      "wav2vec2.encoder.layers.07.a",
      "wav2vec2.encoder.layers.24.a", "encoder.layers.7.a", "x.wav2vec2.encoder.layers.7.a",
      "wav2vec2.encoder.layers7.a", "wav2vec2.encoder.layers.-1.a", "wav2vec2.encoder.layers.99999999999999999999.a",
      "wav2vec2.encoder.layer_norm.weight", "", "/",
    ])
  func passesOver(_ name: String) throws {
    #expect(stack.layer(of: name) == nil)
    let selection = try #require(LayerSelection(of: 24, keeping: [0]))
    #expect(stack.renamed(name, keeping: selection) == name)
  }

  @Test func countsAnew() throws {
    let selection = try #require(LayerSelection(of: 24, keeping: [0, 7, 22]))
    #expect(
      stack.renamed("wav2vec2.encoder.layers.22.fc.7.weight", keeping: selection)
        == "wav2vec2.encoder.layers.2.fc.7.weight")
    #expect(stack.renamed("/wav2vec2/encoder/layers.7/Add", keeping: selection) == "/wav2vec2/encoder/layers.1/Add")
    #expect(stack.renamed("wav2vec2.encoder.layers.8.fc", keeping: selection) == nil)
  }

  /// emotion2vec: the blocks of the prenet come first, and each row is counted by itself.
  @Test func countsEachRowByItself() throws {
    let prenet = LayerStack("modality_encoders.AUDIO.context_encoder.blocks", 0..<4)
    let blocks = LayerStack("blocks", 4..<12)
    let selection = try #require(LayerSelection(of: 12, keeping: [1, 3, 4, 11]))
    #expect(
      prenet.renamed("modality_encoders.AUDIO.context_encoder.blocks.3.norm1.bias", keeping: selection)
        == "modality_encoders.AUDIO.context_encoder.blocks.1.norm1.bias")
    #expect(blocks.layer(of: "modality_encoders.AUDIO.decoder.blocks.0.0.weight") == nil)
    #expect(blocks.layer(of: "blocks.7.attn.qkv.weight") == 11)
    #expect(blocks.renamed("blocks.7.attn.qkv.weight", keeping: selection) == "blocks.1.attn.qkv.weight")
    #expect(blocks.renamed("blocks.1.attn.qkv.weight", keeping: selection) == nil)
  }
}
