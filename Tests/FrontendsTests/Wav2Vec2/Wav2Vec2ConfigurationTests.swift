import Frontends
import IR
import Testing

@Suite struct Wav2Vec2ConfigurationTests {
  /// Text of the configuration, what takes its place, and what the refusal has to say.
  private static let refused: [(text: String, replacement: String, why: [String])] = [
    ("\"add_adapter\": false", "\"add_adapter\": true", ["\"add_adapter\"", "true changes the result"]),
    ("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"swish\"", ["\"hidden_act\"", "\"swish\"", "\"gelu_new\""]),
    ("\"feat_extract_activation\": \"gelu\"", "\"feat_extract_activation\": 1", ["\"feat_extract_activation\""]),
    ("\"feat_extract_norm\": \"layer\"", "\"feat_extract_norm\": \"batch\"", ["\"feat_extract_norm\"", "\"group\""]),
    ("\"pooling_mode\": \"mean\"", "\"pooling_mode\": \"max\"", ["\"pooling_mode\"", "\"max\" changes the result"]),
    ("\"model_type\": \"wav2vec2\"", "\"model_type\": \"hubert\"", ["\"model_type\"", "found \"hubert\""]),
    ("\"model_type\": \"wav2vec2\",", "", ["\"model_type\"", "found nothing"]),
    ("\"num_attention_heads\": 4", "\"num_attention_heads\": 5", ["\"hidden_size\"", "32 does not divide"]),
    ("\"num_conv_pos_embedding_groups\": 16", "\"num_conv_pos_embedding_groups\": 12", ["does not divide"]),
    ("\"hidden_size\": 32", "\"hidden_size\": -32", ["\"hidden_size\"", "from 1 to", "found -32"]),
    ("\"hidden_size\": 32", "\"hidden_size\": 0", ["\"hidden_size\"", "found 0"]),
    ("\"hidden_size\": 32", "\"hidden_size\": 9223372036854775807", ["\"hidden_size\"", "from 1 to"]),
    ("\"hidden_size\": 32", "\"hidden_size\": \"32\"", ["\"hidden_size\"", "a number from 1"]),
    ("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 0", ["\"num_hidden_layers\""]),
    ("\"intermediate_size\": 64", "\"intermediate_size\": 6.5", ["\"intermediate_size\"", "found 6.5"]),
    ("\"num_conv_pos_embeddings\": 128", "\"num_conv_pos_embeddings\": -1", ["\"num_conv_pos_embeddings\""]),
    ("\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": -1e-05", ["\"layer_norm_eps\"", "from 0 to 1"]),
    ("\"do_stable_layer_norm\": true", "\"do_stable_layer_norm\": 1", ["\"do_stable_layer_norm\"", "true or false"]),
    ("\"use_weighted_layer_sum\": false", "\"use_weighted_layer_sum\": true", ["use_weighted_layer_sum"]),
    ("\"1\": \"dominance\"", "\"3\": \"dominance\"", ["\"id2label\"", "from 0 to 2"]),
    ("\"1\": \"dominance\"", "\"00\": \"dominance\"", ["\"id2label\"", "from 0 to 2"]),
    ("\"1\": \"dominance\"", "\"one\": \"dominance\"", ["\"id2label\""]),
    ("\"1\": \"dominance\"", "\"1\": 7", ["\"id2label\""]),
    ("\"1\": \"dominance\",", "", ["\"id2label\"", "from 0 to 1"]),
    ("\"2\": \"valence\"", "\"2\": \"valence\", \"3\": \"more\"", ["has 3 outputs", "names 4"]),
    ("\"conv_bias\": true", "\"conv_bias\": false", ["conv_layers.0.conv.bias"]),
    ("\"initializer_range\": 0.02", "\"adapter_attn_dim\": 16", ["\"adapter_attn_dim\""]),
  ]

  @Test(arguments: refused.indices) func refusesWhatItCannotBuild(_ index: Int) throws {
    let (text, replacement, why) = Wav2Vec2ConfigurationTests.refused[index]
    let error = try TinyPackage.refusal { $0.configure(text, replacement) }
    for word in why { #expect(error.contains(word), "\(replacement): \(error)") }
    #expect(!error.contains("\n"))
  }

  @Test func listsMustBeOfOneLength() throws {
    var package = try TinyPackage()
    package.config = package.config.replacing(#/"conv_stride": \[\s*5,/#, with: "\"conv_stride\": [")
    #expect(package.refusal().contains("conv_dim, conv_kernel and conv_stride"))
    package.config = package.config.replacing(#/"conv_stride": \[[^\]]*\]/#, with: "\"conv_stride\": []")
    #expect(package.refusal().contains("\"conv_stride\""))
  }

  @Test func id2labelMustBeAnObject() throws {
    var package = try TinyPackage()
    package.config = package.config.replacing(#/"id2label": \{[^}]*\}/#, with: "\"id2label\": [\"a\", \"b\", \"c\"]")
    #expect(package.refusal().contains("id2label"))
    package.config = package.config.replacing(#/"id2label": \[[^\]]*\],/#, with: "")
    #expect(try package.imported().labels == ["LABEL_0", "LABEL_1", "LABEL_2"])
  }

  @Test func unknownKeysAreNotedAndKnownOnesAreNot() throws {
    var package = try TinyPackage()
    #expect(try package.imported().notes == [])
    package.configure(adding: "\"a_new_switch\": true")
    let notes = try package.imported().notes
    #expect(notes.count == 1 && notes[0].contains("\"a_new_switch\""))
  }

  @Test func valuesReachTheGraph() throws {
    var package = try TinyPackage()
    let before = try package.imported().graph
    package.configure("\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 1e-06")
    package.configure("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"gelu_new\"")
    package.configure("\"num_attention_heads\": 4", "\"num_attention_heads\": 8")
    let after = try package.imported().graph
    let changed = zip(before.nodes, after.nodes).filter { $0.op != $1.op }.map(\.1)
    let gelus = changed.filter { $0.op == .gelu(Gelu(approximation: .tanh)) }.map(\.name)
    #expect(gelus == (0..<3).map { "encoder.layers.\($0).feed_forward.activation" })
    let attentions = changed.filter { if case .attention = $0.op { true } else { false } }
    #expect(attentions.map(\.op) == [Operator](repeating: .attention(Attention(heads: 8, scale: 0.5)), count: 3))
    // Two norms in each of three layers, the last one and that of the projection; those of the feature encoder keep 1e-5.
    let norms = changed.filter { $0.op == .layerNormalization(LayerNormalization(epsilon: 1e-6)) }
    #expect(norms.count == 8 && !norms.contains { $0.name.hasPrefix("feature_extractor.") })
    #expect(changed.count == 14)
  }

  @Test func keysLeftOutHaveTransformersDefaults() throws {
    // 12 heads do not divide 32; 768 would be the hidden size.
    let heads = try TinyPackage.refusal { $0.configure("\"num_attention_heads\": 4,", "") }
    #expect(heads.contains("num_attention_heads 12"), "\(heads)")
    let norm = try TinyPackage.refusal { $0.configure("\"feat_extract_norm\": \"layer\",", "") }
    #expect(norm.contains("feature_extractor.conv_layers.1.layer_norm"), "\(norm)")
    let stable = try TinyPackage()
    var postNorm = stable
    postNorm.configure("\"do_stable_layer_norm\": true,", "")
    #expect(try postNorm.imported().graph.description != stable.imported().graph.description)
  }
}
