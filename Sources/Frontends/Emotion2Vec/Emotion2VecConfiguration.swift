import Bytes
import IR
import Tensors

/// What is to be known of an emotion2vec beside its weights: FunASR's `config.yaml`, or the tensors themselves.
struct Emotion2VecConfiguration: Sendable {
  let width: Int
  /// Blocks of the modality's own encoder, which come first.
  let prenetDepth: Int
  /// Blocks after them.
  let depth: Int
  let headCount: Int
  /// Channels in the middle of each block.
  let hiddenWidth: Int
  let normEpsilon: Float
  /// Whether a clip is brought to zero mean and unit variance.
  let normalizes: Bool
  /// Learned positions before the frames.
  let extraTokens: Int
  let features: [ConvolutionSpec]
  let positionDepth: Int
  let positionKernel: Int
  let positionGroups: Int
  /// Whether each block has scales of its own for its biases by distance.
  let hasScalePerBlock: Bool
  /// Whether the configuration asks for a tokenizer, whose words are the labels of a head.
  let hasTokenizer: Bool
  /// Choices and oddities worth a line to the user.
  let notes: [String]
}

extension Emotion2VecConfiguration {
  /// Reads `file`; a value that asks for something this frontend cannot build throws, naming key and value.
  init(_ yaml: YAML, file: String) throws(FormatError) {
    var root = try YAMLConfiguration(yaml)
    // FunASR keeps the network's values under `model_conf`; fairseq under `model`, or at the root.
    if let model = root.value("model"), model.mapping == nil { try root.refuse("model", unless: "Emotion2vec") }
    let tokenizer = root.value("tokenizer")
    let home = ["model_conf", "model"].first { yaml[$0]?.mapping != nil }
    var config = root
    if let home { config = try root.mapping(home) }
    var modalities = try config.mapping("modalities")
    var audio = try modalities.mapping("audio")

    width = try config.size("embed_dim")
    depth = try config.size("depth", from: 0)
    headCount = try config.size("num_heads")
    normEpsilon = Float(try config.number("norm_eps", 0...1))
    normalizes = try config.bool("normalize")
    let ratio = try config.number("mlp_ratio", 0...1024)
    hiddenWidth = Int(Double(width) * ratio)
    guard hiddenWidth >= 1, hiddenWidth <= ConfigurationReader.sizeLimit else {
      throw config.error("mlp_ratio", "\(ratio) times embed_dim \(width) is no width")
    }
    try config.refuseTrue("layer_norm_first")
    try config.requireTrue("norm_affine")

    prenetDepth = try audio.size("prenet_depth", from: 0)
    extraTokens = try audio.size("num_extra_tokens")
    features = try Emotion2VecConfiguration.features(&audio)
    positionDepth = try audio.size("conv_pos_depth")
    positionKernel = max(3, try audio.size("conv_pos_width") / positionDepth)
    positionGroups = try audio.size("conv_pos_groups")
    hasScalePerBlock = try audio.bool("learned_alibi_scale_per_layer")
    try audio.refuse("type", unless: "AUDIO")
    try audio.refuse("extractor_mode", unless: "layer_norm")
    try audio.refuseTrue("conv_pos_pre_ln")
    try audio.requireTrue("use_alibi_encoder")
    try audio.refuseTrue("learned_alibi")
    try audio.requireTrue("learned_alibi_scale_per_head")
    guard try audio.size("num_alibi_heads") == headCount else {
      throw audio.error("num_alibi_heads", "needs to be num_heads, \(headCount): each head has its bias")
    }
    if try audio.size("model_depth", from: 0) != depth, hasScalePerBlock {
      throw audio.error("model_depth", "needs to be depth, \(depth): each block has its scale")
    }
    guard width % headCount == 0, width % positionGroups == 0 else {
      throw config.error(
        "embed_dim", "\(width) does not divide by num_heads \(headCount) and conv_pos_groups \(positionGroups)")
    }
    guard depth + prenetDepth > 0 else { throw config.error("depth", "a model without any block") }

    hasTokenizer = tokenizer != nil
    let unknown =
      (home == nil ? [] : root.unknownKeys(withoutEffect: Emotion2VecConfiguration.rootKeysWithoutEffect))
      + config.unknownKeys(withoutEffect: Emotion2VecConfiguration.keysWithoutEffect)
      + audio.unknownKeys(withoutEffect: Emotion2VecConfiguration.audioKeysWithoutEffect)
    notes = unknown.map { "\(file): the key \"\($0)\" is not known to this reader and was passed over" }
  }

  private static func features(_ audio: inout YAMLConfiguration) throws(FormatError) -> [ConvolutionSpec] {
    let key = "feature_encoder_spec"
    let text = try audio.text(key)
    do throws(FormatError) { return try ConvolutionSpec.list(text) } catch {
      throw audio.error(key, error.reason.description)
    }
  }

  /// Keys of training, decoding and book-keeping beside the network's.
  private static let rootKeysWithoutEffect: Set<String> = [
    "dataset", "dataset_conf", "device", "disable_update", "encoder", "encoder_conf", "file_path_metas", "frontend",
    "frontend_conf", "init_param", "input_size", "model_conf", "model_path", "ngpu", "optim", "optim_conf",
    "scheduler", "scheduler_conf", "scope_map", "seed", "tokenizer_conf", "train_conf",
  ]

  /// Keys of the network that matter in training only.
  private static let keysWithoutEffect: Set<String> = [
    "_name", "activation_dropout", "adversarial_hidden_dim", "adversarial_training", "adversarial_weight",
    "attention_dropout", "average_top_k_layers", "batch_norm_target_layer", "bert_init", "clone_batch", "cls_loss",
    "cls_type", "d2v_loss", "decoder_group", "dropout_input", "ema_anneal_end_step", "ema_decay",
    "ema_encoder_only", "ema_end_decay", "ema_fp32", "ema_same_dtype", "encoder_dropout", "end_drop_path_rate",
    "end_of_block_targets", "extractor_mode", "instance_norm_target_layer", "instance_norm_targets",
    "layer_norm_target_layer", "layer_norm_targets", "layerdrop", "log_norms", "loss_beta", "loss_scale",
    "mae_init", "max_update", "min_pred_var", "min_target_var", "post_mlp_drop", "recon_loss", "seed",
    "shared_decoder", "skip_ema", "start_drop_path_rate", "supported_modality",
  ]

  /// Keys of the audio encoder that matter in training only; `alibi_scale` is what a learned scale starts from.
  private static let audioKeysWithoutEffect: Set<String> = [
    "add_masks", "alibi_max_pos", "alibi_scale", "decoder", "ema_local_encoder", "encoder_zero_mask",
    "end_drop_path_rate", "init_extra_token_zero", "inverse_mask", "keep_masked_pct", "learned_alibi_scale",
    "local_grad_mult", "mask_channel_length", "mask_channel_prob", "mask_dropout", "mask_length", "mask_noise_std",
    "mask_prob", "mask_prob_adjust", "mask_prob_min", "prenet_dropout", "prenet_layerdrop", "remove_masks",
    "start_drop_path_rate",
  ]
}
