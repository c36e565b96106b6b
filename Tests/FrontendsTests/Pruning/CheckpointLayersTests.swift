import Bytes
import Frontends
import IR
import Tensors
import TestSupport
import Testing

/// Names are those of transformers, fairseq and FunASR; what becomes of them is counted by hand.
@Suite struct CheckpointLayersTests {
  func entries(_ names: [String], _ shape: Shape = [2]) -> [TensorEntry] {
    names.map { TensorEntry(name: $0, dataType: .float32, shape: shape) }
  }

  func rows(_ path: String, _ numbers: [Int], _ inside: [String] = ["attention.q_proj.weight", "norm.bias"]) -> [String]
  {
    numbers.flatMap { number in inside.map { "\(path).\(number).\($0)" } }
  }

  func refusal(_ entries: [TensorEntry], keeping kept: [Int] = [0]) -> String {
    do {
      let layers = try CheckpointLayers(entries)
      let selection = try #require(LayerSelection(of: layers.count, keeping: kept))
      try layers.check(selection)
      for entry in entries { _ = try layers.fate(of: entry, keeping: selection) }
      return "accepted"
    } catch { return "\(error)" }
  }

  func fates(_ entries: [TensorEntry], keeping kept: [Int]) throws -> [CheckpointLayers.Fate] {
    let layers = try CheckpointLayers(entries)
    let selection = try #require(LayerSelection(of: layers.count, keeping: kept))
    return try entries.map { try layers.fate(of: $0, keeping: selection) }
  }

  @Test(arguments: [
    "", "wav2vec2.", "model.", "module.wav2vec2.", "w2v_encoder.w2v_model.", "hubert.", "data2vec_audio.",
  ])
  func encodersOfAnyPrefix(_ prefix: String) throws {
    let names =
      rows(prefix + "encoder.layers", [0, 1, 2]) + [prefix + "encoder.layer_norm.weight", "classifier.weight"]
    let layers = try CheckpointLayers(entries(names))
    #expect(layers.family == .wav2vec2 && layers.count == 3 && layers.prefix == prefix)
    #expect(
      try fates(entries(names), keeping: [0, 2]) == [
        .kept(as: prefix + "encoder.layers.0.attention.q_proj.weight"),
        .kept(as: prefix + "encoder.layers.0.norm.bias"),
        .dropped(layer: 1), .dropped(layer: 1), .kept(as: prefix + "encoder.layers.1.attention.q_proj.weight"),
        .kept(as: prefix + "encoder.layers.1.norm.bias"), .kept(as: prefix + "encoder.layer_norm.weight"),
        .kept(as: "classifier.weight"),
      ])
  }

  @Test(arguments: ["", "model.", "d2v_model.", "model.d2v_model."])
  func blocksOfTheAudioEncoderCountFirst(_ prefix: String) throws {
    let audio = prefix + "modality_encoders.AUDIO."
    let names =
      rows(prefix + "blocks", [0, 1, 2], ["attn.qkv.weight"])
      + rows(audio + "context_encoder.blocks", [0, 1], ["attn.qkv.weight"])
      + rows(audio + "decoder.blocks", [0, 1, 2, 3], ["0.weight"])
      + rows(audio + "local_encoder.conv_layers", [0, 1], ["0.weight"]) + ["proj.weight"]
    let layers = try CheckpointLayers(entries(names))
    #expect(layers.family == .data2vec2)
    #expect(layers.stacks.map(\.path) == [audio + "context_encoder.blocks", prefix + "blocks"])
    #expect(layers.stacks.map(\.layers) == [0..<2, 2..<5])
    let fates = try fates(entries(names), keeping: [1, 2, 4])
    #expect(
      fates[0..<3] == [
        .kept(as: prefix + "blocks.0.attn.qkv.weight"), .dropped(layer: 3),
        .kept(as: prefix + "blocks.1.attn.qkv.weight"),
      ])
    #expect(fates[3..<5] == [.dropped(layer: 0), .kept(as: audio + "context_encoder.blocks.0.attn.qkv.weight")])
    #expect(Array(fates[5...]) == names[5...].map { .kept(as: $0) })
  }

  @Test func copiesOfATeacherAreCutTheSameWay() throws {
    let audio = "model.modality_encoders.AUDIO."
    let names =
      rows(audio + "context_encoder.blocks", [0, 1]) + rows("model.blocks", [0, 1, 2])
      + rows("model._ema.modality_encoders.AUDIO.context_encoder.blocks", [0, 1])
      + rows("model._ema.blocks", [0, 1, 2])
    let fates = try fates(entries(names), keeping: [1, 4])
    for (name, fate) in zip(names, fates) {
      let teacher = name.replacing("model._ema.", with: "model.")
      let own = fates[try #require(names.firstIndex(of: teacher))]
      switch (fate, own) {
      case (.kept(let a), .kept(let b)): #expect(a.replacing("model._ema.", with: "model.") == b)
      default: #expect(fate == own)
      }
    }
    // Teachers that hold the module of the layers, or the last row's layers only.
    for teacher in ["model._ema.layers", "model._ema", "extra_state.ema.encoder.layers"] {
      let names = rows("model.encoder.layers", [0, 1]) + rows(teacher, [0, 1])
      #expect(
        try self.fates(entries(names), keeping: [1])[4...] == [
          .dropped(layer: 0), .dropped(layer: 0), .kept(as: teacher + ".0.attention.q_proj.weight"),
          .kept(as: teacher + ".0.norm.bias"),
        ])
    }
    #expect(
      refusal(entries(rows("model.encoder.layers", [0, 1]) + rows("model._ema.layers", [0, 1, 2])))
        == "layers \"model._ema.layers\": this copy has 3 layers, model.encoder.layers has 2")
    #expect(
      refusal(entries(rows("model.encoder.layers", [0, 1]) + rows("model._ema.other", [0, 1])))
        .contains("a teacher's layers that are no copy of model.encoder.layers"))
  }

  @Test func optimizersAreLeftBehind() throws {
    let names =
      rows("model.encoder.layers", [0, 1])
      + ["last_optimizer_state.state.0.exp_avg", "optimizer_states.0.state.0.exp_avg", "optimizer.state.1.exp_avg"]
    let fates = try fates(entries(names), keeping: [0])
    #expect(fates[4...].allSatisfy { $0 == .left(reason: "the optimizer's state belongs to all layers together") })
    // A tensor of that name alone is none of a state.
    #expect(try self.fates(entries(names + ["optimizer"]), keeping: [0]).last == .kept(as: "optimizer"))
  }

  @Test func numbersForEachStateAndLayerAreSliced() throws {
    let encoder = entries(rows("wav2vec2.encoder.layers", [0, 1, 2]))
    func weights(_ shape: Shape) -> [TensorEntry] { encoder + entries(["layer_weights"], shape) }
    #expect(try fates(weights([4]), keeping: [0, 2]).last == .sliced(rows: [0, 1, 3], step: "states 0,1,3"))
    #expect(try fates(weights([4]), keeping: [0, 1, 2]).last == .kept(as: "layer_weights"))
    for shape in [[3], [5], [4, 1], []] as [Shape] {
      #expect(refusal(weights(shape)).contains("\"layer_weights\": not supported: of the shape \(shape); of 3 layers"))
    }
    let audio = "modality_encoders.AUDIO."
    let blocks = entries(rows(audio + "context_encoder.blocks", [0]) + rows("blocks", [0, 1]))
    func scale(_ shape: Shape) -> [TensorEntry] { blocks + entries([audio + "alibi_scale"], shape) }
    #expect(try fates(scale([3, 1, 4, 1, 1]), keeping: [0, 2]).last == .sliced(rows: [0, 2], step: "layers 0,2"))
    #expect(try fates(scale([1, 1, 4, 1, 1]), keeping: [0, 2]).last == .kept(as: audio + "alibi_scale"))
    #expect(refusal(scale([2, 1, 4, 1, 1])).contains("it would have 3 along its first axis, or 1"))
  }

  @Test func whatIsNoPlainRowIsRefused() {
    #expect(
      refusal(entries(rows("encoder.layers", [0, 1, 3])))
        == "layers \"encoder.layers\": layer 2 is missing, and layer 3 is there; they count from 0 without a hole")
    #expect(refusal(entries(rows("encoder.layers", [1, 2]))).contains("layer 0 is missing, and layer 1 is there"))
    #expect(refusal(entries(["a", "b.weight"])).contains("no tensor is of a transformer layer; known are the names"))
    let two = refusal(
      entries(rows("encoder.layers", [0, 1]) + rows("decoder.layers", [0], ["self_attn.q_proj.weight"])))
    #expect(two.contains("cannot be told of encoder.layers (2), decoder.layers (1)"))
    #expect(
      refusal(entries(rows("a.encoder.layers", [0, 1]) + rows("b.encoder.layers", [0, 1])))
        .contains("a.encoder.layers (2), b.encoder.layers (2)"))
    #expect(refusal(entries(rows("bert.encoder.layer", [0, 1]))).contains("bert.encoder.layer (2)"))
    // What hears is the encoder that is meant.
    let head =
      rows("wav2vec2.encoder.layers", [0, 1]) + rows("head.layers", [0, 1]) + [
        "wav2vec2.feature_extractor.conv_layers.0.conv.weight"
      ]
    #expect(refusal(entries(head)) == "accepted")
    #expect((try? CheckpointLayers(entries(head)))?.stacks.map(\.path) == ["wav2vec2.encoder.layers"])
  }

  @Test func namesOfNumbersAloneAreLimited() {
    let number = String(repeating: ".0", count: 2000)
    #expect(
      refusal(entries((0..<6).map { "a\($0)\(number)" })).contains("limit exceeded: 10000 rows of numbered names"))
  }

  @Test func layersThatHoldMoreStayWhereTheyAre() {
    let names = rows("encoder.layers", [0, 1, 2]) + ["encoder.layers.0.attention.rel_attn_embed.weight"]
    #expect(refusal(entries(names), keeping: [0, 2]) == "accepted")
    #expect(
      refusal(entries(names), keeping: [1, 2])
        == "layers \"encoder.layers.0.attention.rel_attn_embed.weight\": not supported: layer 0 holds this tensor, and not all "
        + "layers hold one of this name and shape; such a layer must stay where it is")
    let last = rows("encoder.layers", [0, 1, 2]) + ["encoder.layers.2.more"]
    #expect(refusal(entries(last), keeping: [0, 1, 2]) == "accepted")
    #expect(refusal(entries(last), keeping: [0, 2]).contains("\"encoder.layers.2.more\""))
    #expect(refusal(entries(last), keeping: [0]).contains("\"encoder.layers.2.more\""))
    let shapes =
      entries(rows("encoder.layers", [0, 1])) + entries(["encoder.layers.0.w"], [3])
      + entries(["encoder.layers.1.w"], [4])
    #expect(refusal(shapes, keeping: [0]).contains("\"encoder.layers.1.w\""))
    // Of a row that is not the first, the numbers within the row count.
    let blocks =
      rows("modality_encoders.AUDIO.context_encoder.blocks", [0, 1]) + rows("blocks", [0, 1]) + ["blocks.0.more"]
    #expect(refusal(entries(blocks), keeping: [1, 2]) == "accepted")
    #expect(refusal(entries(blocks), keeping: [0, 1, 3]).contains("\"blocks.0.more\""))
  }

  @Test func namesAreBytes() throws {
    // é in one scalar and in two are two names.
    let names = rows("\u{E9}.encoder.layers", [0, 1]) + ["e\u{301}.encoder.layer_norm.weight"]
    let fates = try fates(entries(names), keeping: [1])
    #expect(fates.last == .kept(as: "e\u{301}.encoder.layer_norm.weight"))
    #expect(fates[0] == .dropped(layer: 0))
    #expect(
      refusal(entries(rows("\u{E9}.encoder.layers", [0]) + rows("e\u{301}.encoder.layers", [0]))).contains(
        "cannot be told"))
    // Numbers as a program writes them.
    #expect(refusal(entries(rows("encoder.layers", [0, 1]) + ["encoder.layers.00.norm.bias"])) == "accepted")
  }
}
