import IR
import Tensors

/// Builds emotion2vec, data2vec 2.0's audio network, from configuration and weights, as FunASR's `Emotion2vec` computes it
/// in evaluation.
struct Emotion2Vec {
  let config: Emotion2VecConfiguration
  /// The weights of the network itself, without a head.
  let weights: WeightScope

  /// PyTorch's default, which the norms of features and positions have whatever `norm_eps` says.
  private static let defaultEpsilon: Float = 1e-5

  private var audio: WeightScope { weights.scope("modality_encoders.AUDIO") }

  /// waveform [batch, samples] -> frames [batch, frames, width]
  func forward(_ b: inout GraphBuilder, _ signal: ValueID) throws -> ValueID {
    let features = try localEncoder(&b, signal)
    let projected = try projectFeatures(&b, features)
    let positioned = try b.add(
      projected, relativePositionalEncoder(&b, projected), name: audio.child("positioned"))
    let slopes = try alibi(&b)
    var x = try prependExtraTokens(&b, positioned)
    x = try norm(&b, x, audio.scope("context_encoder.norm"))
    b.state("layer.0", x)
    for i in 0..<config.prenetDepth + config.depth {
      let block =
        i < config.prenetDepth
        ? audio.scope("context_encoder.blocks.\(i)") : weights.scope("blocks.\(i - config.prenetDepth)")
      x = try self.block(&b, x, slopes(&b, i, block), block)
      b.state("layer.\(i + 1)", x)
    }
    return try b.apply(.slice(Slice(axis: 1, dropFirst: config.extraTokens)), x, name: "frames")
  }

  /// [batch, samples] -> [batch, frames, channels]
  private func localEncoder(_ b: inout GraphBuilder, _ signal: ValueID) throws -> ValueID {
    let w = audio.scope("local_encoder.conv_layers")
    var x = try b.unsqueezeChannel(signal, name: audio.child("local_encoder.frames"))
    var width = 1
    for (i, convolution) in config.features.enumerated() {
      let layer = w.scope("\(i)")
      x = try b.conv1d(
        x, layer.scope("0"), width, convolution.channels, kernel: convolution.kernel,
        Conv(stride: convolution.stride), hasBias: false)
      width = convolution.channels
      x = try b.layerNorm(x, layer.scope("2.1"), width, epsilon: Emotion2Vec.defaultEpsilon)
      x = try b.activation(x, .gelu, name: layer.child("3"))
      b.state(layer.path, x)
    }
    return x
  }

  /// [batch, frames, channels] -> [batch, frames, width]
  private func projectFeatures(_ b: inout GraphBuilder, _ features: ValueID) throws -> ValueID {
    let w = audio.scope("project_features")
    let channels = config.features.last!.channels
    let x = try b.layerNorm(features, w.scope("1"), channels, epsilon: Emotion2Vec.defaultEpsilon)
    let projected = try b.linear(x, w.scope("2"), channels, config.width)
    b.state(w.path, projected)
    return projected
  }

  /// Grouped convolutions around each frame, one after the other. An even kernel yields one frame too many, and the last
  /// one goes.
  private func relativePositionalEncoder(_ b: inout GraphBuilder, _ projected: ValueID) throws -> ValueID {
    let w = audio.scope("relative_positional_encoder")
    let (width, kernel) = (config.width, config.positionKernel)
    var x = projected
    for i in 1...config.positionDepth {
      let layer = w.scope("\(i)")
      x = try b.conv1d(
        x, layer.scope("0"), width, width, kernel: kernel,
        Conv(paddingBefore: kernel / 2, paddingAfter: kernel / 2, groups: config.positionGroups), hasBias: true)
      if kernel % 2 == 0 { x = try b.apply(.slice(Slice(axis: 1, dropLast: 1)), x, name: layer.child("1")) }
      x = try b.apply(
        .layerNormalization(LayerNormalization(epsilon: Emotion2Vec.defaultEpsilon)), x, name: layer.child("3"))
      x = try b.activation(x, .gelu, name: layer.child("5"))
    }
    b.state(w.path, x)
    return x
  }

  /// `cat([extra_tokens.expand(batch), x], dim=1)`
  private func prependExtraTokens(_ b: inout GraphBuilder, _ x: ValueID) throws -> ValueID {
    let name = audio.child("extra_tokens")
    let tokens = try b.weight("extra_tokens", [1, config.extraTokens, config.width], of: audio)
    // The tokens once for each row, whatever the batch: a choice between them and themselves.
    let row = try b.apply(.reduce(Reduce(.maximum, axes: [1, 2], keepsAxes: true)), x, name: name + ".row")
    let choice = try b.apply(.unary(Unary(.isNaN)), row, name: name + ".choice")
    let expanded = try b.apply(.select(Select()), choice, tokens, tokens, name: name + ".expanded")
    return try b.apply(.concat(Concat(axis: 1, count: 2)), expanded, x, name: name + ".prepended")
  }

  /// How much each head minds distance, block by block: the slopes of ALiBi, times learned scales that are never negative.
  ///
  /// [heads], one for all blocks or one for each.
  private func alibi(
    _ b: inout GraphBuilder
  ) throws -> (inout GraphBuilder, Int, WeightScope) throws -> ValueID {
    let heads = config.headCount
    let rows = config.hasScalePerBlock ? config.prenetDepth + config.depth : 1
    // Files of the first releases lack the axis of the blocks.
    let isOld = rows == 1 && audio.shape("alibi_scale")?.rank == 4
    let scales = try b.weight("alibi_scale", (isOld ? [] : [rows]) + [1, heads, 1, 1], of: audio)
    let slopes = b.constant(
      audio.child("alibi_slopes"), Constant(Tensor(AlibiSlopes.of(heads: heads)), provenance: Provenance()))
    let name = audio.child("alibi")
    let clamped = try b.apply(.unary(Unary(.relu)), scales, name: name + ".clamped")
    let list = try b.apply(
      .reshape(Reshape([.fixed(rows), .fixed(heads)])), clamped, name: name + ".scales")
    let scaled = try b.apply(.binary(Binary(.multiply)), list, slopes, name: name + ".slopes")
    func row(_ b: inout GraphBuilder, _ number: Int, _ name: String) throws -> ValueID {
      var own = scaled
      if rows > 1 {
        own = try b.apply(
          .slice(Slice(axis: 0, dropFirst: number, dropLast: rows - 1 - number)), scaled, name: name + ".row")
      }
      return try b.apply(.reshape(Reshape([.fixed(heads)])), own, name: name)
    }
    guard rows == 1 else { return { b, number, block in try row(&b, number, block.child("attn.alibi")) } }
    let shared = try row(&b, 0, name)
    return { _, _, _ in shared }
  }

  /// norm1(x + attn(x)), then norm2(x + mlp(x))
  private func block(
    _ b: inout GraphBuilder, _ x: ValueID, _ slopes: ValueID, _ w: WeightScope
  ) throws -> ValueID {
    let attended = try b.add(x, attention(&b, x, slopes, w.scope("attn")), name: w.child("attn_residual"))
    let a = try norm(&b, attended, w.scope("norm1"))
    let fed = try b.add(a, mlp(&b, a, w.scope("mlp")), name: w.child("mlp_residual"))
    return try norm(&b, fed, w.scope("norm2"))
  }

  private func attention(
    _ b: inout GraphBuilder, _ x: ValueID, _ slopes: ValueID, _ w: WeightScope
  ) throws -> ValueID {
    let width = config.width
    let qkv = try b.linear(x, w.scope("qkv"), width, 3 * width)
    b.state(w.child("qkv"), qkv)
    func part(_ number: Int, _ name: String) throws -> ValueID {
      let slice = Slice(axis: 2, dropFirst: number * width, dropLast: (2 - number) * width)
      return try b.apply(.slice(slice), qkv, name: w.child(name))
    }
    let (q, k, v) = (try part(0, "q"), try part(1, "k"), try part(2, "v"))
    let scale = Float(1 / Double(width / config.headCount).squareRoot())
    let attention = Attention(heads: config.headCount, scale: scale, alibi: .init(prefix: config.extraTokens))
    let mixed = try b.apply(.attention(attention), q, k, v, slopes, name: w.child("product"))
    let y = try b.linear(mixed, w.scope("proj"), width, width)
    b.state(w.path, y)
    return y
  }

  private func mlp(_ b: inout GraphBuilder, _ x: ValueID, _ w: WeightScope) throws -> ValueID {
    let wide = try b.linear(x, w.scope("fc1"), config.width, config.hiddenWidth)
    let active = try b.activation(wide, .gelu, name: w.child("act"))
    let y = try b.linear(active, w.scope("fc2"), config.hiddenWidth, config.width)
    b.state(w.path, y)
    return y
  }

  private func norm(_ b: inout GraphBuilder, _ x: ValueID, _ w: WeightScope) throws -> ValueID {
    try b.layerNorm(x, w, config.width, epsilon: config.normEpsilon)
  }
}
