import Testing

@Suite struct Emotion2VecConfigurationTests {
  private func refusal(_ text: String, _ replacement: String) throws -> String {
    try TinyEmotion2Vec.refusal { $0.configure(text, replacement) }
  }

  @Test(arguments: [
    ("layer_norm_first: false", "layer_norm_first: true", "model_conf.layer_norm_first", "false"),
    ("norm_affine: true", "norm_affine: false", "model_conf.norm_affine", "true"),
    ("type: AUDIO", "type: IMAGE", "model_conf.modalities.audio.type", "AUDIO"),
    (
      "            extractor_mode: layer_norm", "            extractor_mode: default",
      "model_conf.modalities.audio.extractor_mode", "layer_norm"
    ),
    ("conv_pos_pre_ln: false", "conv_pos_pre_ln: true", "model_conf.modalities.audio.conv_pos_pre_ln", "false"),
    ("use_alibi_encoder: true", "use_alibi_encoder: no", "model_conf.modalities.audio.use_alibi_encoder", "true"),
    ("learned_alibi: false", "learned_alibi: true", "model_conf.modalities.audio.learned_alibi", "false"),
    (
      "learned_alibi_scale_per_head: true", "learned_alibi_scale_per_head: false",
      "model_conf.modalities.audio.learned_alibi_scale_per_head", "true"
    ),
    ("model: Emotion2vec", "model: SenseVoiceSmall", "model", "Emotion2vec"),
  ])
  func whatNoPublishedModelHasIsRefused(_ text: String, _ other: String, _ key: String, _ accepted: String) throws {
    let value = other.split(separator: " ").last!
    let refusal = try refusal(text, other)
    #expect(refusal.hasPrefix("config.yaml: configuration \"\(key)\" in line "))
    #expect(refusal.hasSuffix(": \"\(value)\" changes the result and is not supported; \(accepted) is"))
  }

  @Test(arguments: [
    ("norm_eps: 1e-05", "norm_eps: '1e-05'", "norm_eps\" in line 10: needs a number from 0.0 to 1.0, found \"1e-05\""),
    ("norm_eps: 1e-05", "norm_eps: nan", "norm_eps\" in line 10: needs a number from 0.0 to 1.0, found \"nan\""),
    ("norm_eps: 1e-05", "norm_eps: 0x1p-3", "norm_eps\" in line 10: needs a number"),
    (
      "norm_eps: 1e-05", "# no epsilon",
      "norm_eps\" in line 4: missing: a number from 0.0 to 1.0; FunASR needs this key too"
    ),
    (
      "norm_affine: true", "# not said", "norm_affine\" in line 4: needs true: left out, or null, it is false to FunASR"
    ),
    ("use_alibi_encoder: true", "use_alibi_encoder: null", "use_alibi_encoder\" in line"),
    ("use_alibi_encoder: true", "use_alibi_encoder: ~", "needs true: left out, or null, it is false to FunASR"),
    ("normalize: true", "normalize: maybe", "normalize\" in line 31: needs true or false, found \"maybe\""),
    ("normalize: true", "", "normalize\" in line 4: missing: true or false"),
    (
      "embed_dim: 32", "embed_dim: 33",
      "embed_dim\" in line 18: 33 does not divide by num_heads 4 and conv_pos_groups 4"
    ),
    ("mlp_ratio: 2.0", "mlp_ratio: 0.0", "mlp_ratio\" in line 19: 0.0 times embed_dim 32 is no width"),
    ("mlp_ratio: 2.0", "mlp_ratio: [2]", "mlp_ratio\" in line 19: needs a number from 0.0 to 1024.0, found a list"),
    (
      "depth: 2\n    start", "depth: 1.5\n    start",
      "depth\" in line 6: needs a number from 0 to 1048576, found \"1.5\""
    ),
    ("num_alibi_heads: 4", "num_alibi_heads: 2", "num_alibi_heads\" in line 57: needs to be num_heads, 4"),
    (
      "scale_per_layer: false\n            num_alibi_heads: 4\n            model_depth: 2",
      "scale_per_layer: true\n            num_alibi_heads: 4\n            model_depth: 3",
      "model_depth\" in line 58: needs to be depth, 2"
    ),
    (
      "conv_pos_depth: 5", "conv_pos_depth: 0",
      "conv_pos_depth\" in line 74: needs a number from 1 to 1048576, found \"0\""
    ),
    ("num_extra_tokens: 10", "num_extra_tokens: 0", "num_extra_tokens\" in line 41: needs a number from 1"),
    (
      "[(16, 10, 5)]", "[(16, 10, five)]",
      "feature_encoder_spec\" in line 71: needs a number from 1 to 1048576 at character 11"
    ),
    ("modalities:", "modes:", "model_conf.modalities\" in line 4: missing: a mapping"),
    ("        audio:", "        image:", "modalities.audio\" in line 34: missing: a mapping"),
  ])
  func whatCannotBeReadSaysWhere(_ text: String, _ replacement: String, _ expected: String) throws {
    let refusal = try refusal(text, replacement)
    #expect(refusal.hasPrefix("config.yaml: configuration \"") && refusal.contains(expected), "\(refusal)")
  }

  /// OmegaConf's numbers, and YAML 1.1's truths.
  @Test(arguments: [
    ("norm_eps: 1e-05", "norm_eps: 0.00001"), ("norm_eps: 1e-05", "norm_eps: 1.0E-5"),
    ("normalize: true", "normalize: Yes"), ("mlp_ratio: 2.0", "mlp_ratio: 2"), ("embed_dim: 32", "embed_dim: 32.0"),
    ("layer_norm_first: false", "layer_norm_first: OFF"), ("layer_norm_first: false", ""),
    ("layer_norm_first: false", "layer_norm_first: null"),
  ])
  func otherSpellingsMeanTheSame(_ text: String, _ replacement: String) throws {
    var package = try TinyEmotion2Vec()
    let graph = try package.imported().graph.description
    package.configure(text, replacement)
    #expect(try package.imported().graph.description == graph)
  }

  @Test func unknownKeysAreTold() throws {
    var package = try TinyEmotion2Vec()
    #expect(try package.imported().notes == [])
    package.configure("normalize: true", "normalize: true\n    gadget: 3")
    package.configure("conv_pos_groups: 4", "conv_pos_groups: 4\n            widget: 4")
    package.configure("tokenizer: CharTokenizer", "frobnicate: 1\ntokenizer: CharTokenizer")
    #expect(
      try package.imported().notes
        == ["frobnicate", "model_conf.gadget", "model_conf.modalities.audio.widget"].map {
          "config.yaml: the key \"\($0)\" is not known to this reader and was passed over"
        })
  }

  /// fairseq keeps the network's values at the root, or under `model`.
  @Test func theNetworkMayBeDescribedElsewhere() throws {
    var package = try TinyEmotion2Vec()
    let graph = try package.imported().graph.description
    package.configure("model: Emotion2vec\nmodel_conf:", "model:")
    #expect(try package.imported().graph.description == graph)
    package.files["config.yaml"] = package.files["config.yaml"]!.replacing(/(?s)^.*?model:\n/, with: "")
      .replacing(/(?s)\ntokenizer.*$/, with: "").split(separator: "\n").map { $0.dropFirst(4) }.joined(separator: "\n")
    #expect(try package.imported().graph.description == graph)
  }
}
