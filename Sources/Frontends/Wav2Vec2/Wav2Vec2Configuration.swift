import Bytes
import IR

/// What a transformers `config.json` says of a wav2vec 2.0 encoder. Keys left out have transformers' defaults.
struct Wav2Vec2Configuration {
  /// How the convolutional feature encoder normalises.
  enum FeatureNorm: String, CaseIterable {
    /// Over time for each channel, in the first layer only.
    case group
    /// Over channels for each frame, in every layer.
    case layer
  }

  let hiddenSize: Int
  let layerCount: Int
  let headCount: Int
  let intermediateSize: Int
  let hiddenActivation: Activation
  let featureNorm: FeatureNorm
  let featureActivation: Activation
  let convDimensions: [Int]
  let convKernels: [Int]
  let convStrides: [Int]
  let convHasBias: Bool
  let positionKernel: Int
  let positionGroups: Int
  let isStable: Bool
  let normEpsilon: Float
  let usesWeightedLayerSum: Bool
  /// What a classifier's outputs are.
  let problem: ClassificationHead.Problem
  /// The names of the outputs' columns; nil where the file gives none.
  let labels: [String]?
  /// Keys that this reader does not know, which is worth a line to the user.
  let unknownKeys: [String]

  /// Reads a configuration; a value that asks for something this frontend cannot build throws, naming key and value.
  init(_ json: JSON) throws(FormatError) {
    var config = try ConfigurationReader(json)
    try config.require("model_type", "wav2vec2")
    hiddenSize = try config.size("hidden_size", default: 768)
    layerCount = try config.size("num_hidden_layers", default: 12)
    headCount = try config.size("num_attention_heads", default: 12)
    intermediateSize = try config.size("intermediate_size", default: 3072)
    hiddenActivation = try config.choice("hidden_act", default: .gelu)
    featureNorm = try config.choice("feat_extract_norm", default: .group)
    featureActivation = try config.choice("feat_extract_activation", default: .gelu)
    convDimensions = try config.sizes("conv_dim", default: [512, 512, 512, 512, 512, 512, 512])
    convKernels = try config.sizes("conv_kernel", default: [10, 3, 3, 3, 3, 2, 2])
    convStrides = try config.sizes("conv_stride", default: [5, 2, 2, 2, 2, 2, 2])
    convHasBias = try config.bool("conv_bias", default: false)
    positionKernel = try config.size("num_conv_pos_embeddings", default: 128)
    positionGroups = try config.size("num_conv_pos_embedding_groups", default: 16)
    isStable = try config.bool("do_stable_layer_norm", default: false)
    normEpsilon = try config.epsilon("layer_norm_eps", default: 1e-5)
    usesWeightedLayerSum = try config.bool("use_weighted_layer_sum", default: false)
    problem = try config.choice("problem_type", default: .single)
    labels = try config.labels()
    try config.refuse("add_adapter", unless: .bool(false))
    try config.refuse("adapter_attn_dim", unless: .null)
    try config.refuse("pooling_mode", unless: .string("mean"))
    unknownKeys = config.unknownKeys(withoutEffect: Wav2Vec2Configuration.keysWithoutEffect)
    guard convKernels.count == convDimensions.count, convStrides.count == convDimensions.count else {
      throw config.error("conv_dim, conv_kernel and conv_stride", "need the same number of elements")
    }
    guard hiddenSize % headCount == 0, hiddenSize % positionGroups == 0 else {
      throw config.error(
        "hidden_size",
        "\(hiddenSize) does not divide by num_attention_heads \(headCount) and "
          + "num_conv_pos_embedding_groups \(positionGroups)")
    }
  }

  /// Keys that matter in training, decoding or book-keeping only.
  private static let keysWithoutEffect: Set<String> = [
    "_name_or_path", "_attn_implementation", "_attn_implementation_autoset", "activation_dropout",
    "adapter_kernel_size",
    "adapter_stride", "apply_spec_augment", "architectures", "attention_dropout", "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id", "chunk_size_feed_forward", "classifier_proj_size", "codevector_dim",
    "contrastive_logits_temperature",
    "cross_attention_hidden_size", "ctc_loss_reduction", "ctc_zero_infinity", "decoder_start_token_id",
    "diversity_loss_weight", "diversity_penalty", "do_sample", "dtype", "early_stopping",
    "encoder_no_repeat_ngram_size", "eos_token_id", "exponential_decay_length_penalty", "feat_extract_dropout",
    "feat_proj_dropout", "feat_quantizer_dropout", "final_dropout", "finetuning_task", "forced_bos_token_id",
    "forced_eos_token_id", "freeze_feat_extract_train", "gradient_checkpointing", "hidden_dropout",
    "hidden_dropout_prob", "initializer_range", "is_decoder", "is_encoder_decoder", "label2id", "layerdrop",
    "length_penalty", "mask_channel_length", "mask_channel_min_space", "mask_channel_other", "mask_channel_prob",
    "mask_channel_selection", "mask_feature_length", "mask_feature_min_masks", "mask_feature_prob", "mask_time_length",
    "mask_time_min_masks", "mask_time_min_space", "mask_time_other", "mask_time_prob", "mask_time_selection",
    "max_length", "min_length", "no_mask_channel_overlap", "no_mask_time_overlap", "no_repeat_ngram_size",
    "num_adapter_layers", "num_attention_layers", "num_beam_groups", "num_beams", "num_codevector_groups",
    "num_codevectors_per_group", "num_feat_extract_layers", "num_negatives", "num_return_sequences",
    "output_attentions", "output_hidden_size", "output_hidden_states", "output_scores", "pad_token_id", "prefix",
    "proj_codevector_dim", "pruned_heads", "remove_invalid_values", "repetition_penalty",
    "return_dict", "return_dict_in_generate", "sep_token_id", "suppress_tokens", "task_specific_params",
    "tdnn_dilation",
    "tdnn_dim", "tdnn_kernel", "temperature", "tf_legacy_loss", "tie_encoder_decoder", "tie_word_embeddings",
    "tokenizer_class", "top_k", "top_p", "torch_dtype", "torchscript", "transformers_version", "typical_p",
    "use_bfloat16", "use_cache", "vocab_size", "xvector_output_dim",
  ]
}
