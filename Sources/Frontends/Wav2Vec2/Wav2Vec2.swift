import IR
import Tensors

/// Builds wav2vec 2.0 from configuration and weights, as transformers' `Wav2Vec2Model` computes it in evaluation.
struct Wav2Vec2 {
  let config: Wav2Vec2Configuration
  /// The weights of the encoder itself, without a head.
  let weights: WeightScope

  /// transformers leaves the feature encoder's norms at PyTorch's default, whatever `layer_norm_eps` says.
  private static let featureNormEpsilon: Float = 1e-5

  /// waveform [batch, samples] -> last hidden state [batch, frames, hidden], and what enters and leaves each layer
  func forward(_ b: inout GraphBuilder, _ signal: ValueID) throws -> (last: ValueID, states: [ValueID]) {
    let features = try featureEncoder(&b, signal)
    let hidden = try featureProjection(&b, features)
    return try encoder(&b, hidden)
  }

  /// [batch, samples] -> [batch, frames, conv_dim]
  private func featureEncoder(_ b: inout GraphBuilder, _ signal: ValueID) throws -> ValueID {
    let w = weights.scope("feature_extractor.conv_layers")
    var x = try b.unsqueezeChannel(signal, name: "feature_extractor.frames")
    var width = 1
    for (i, outputs) in config.convDimensions.enumerated() {
      let layer = w.scope("\(i)")
      x = try b.conv1d(
        x, layer.scope("conv"), width, outputs, kernel: config.convKernels[i], Conv(stride: config.convStrides[i]),
        hasBias: config.convHasBias)
      width = outputs
      switch config.featureNorm {
      case .layer:
        x = try b.layerNorm(x, layer.scope("layer_norm"), width, epsilon: Wav2Vec2.featureNormEpsilon)
      case .group where i == 0:
        x = try b.groupNorm(
          x, layer.scope("layer_norm"), groups: width, channels: width, epsilon: Wav2Vec2.featureNormEpsilon)
      case .group: break
      }
      x = try b.activation(x, config.featureActivation, name: layer.child("activation"))
      b.state(layer.path, x)
    }
    return x
  }

  /// [batch, frames, conv_dim] -> [batch, frames, hidden]
  private func featureProjection(_ b: inout GraphBuilder, _ features: ValueID) throws -> ValueID {
    let w = weights.scope("feature_projection")
    let width = config.convDimensions.last!
    let x = try b.layerNorm(features, w.scope("layer_norm"), width, epsilon: config.normEpsilon)
    let hidden = try b.linear(x, w.scope("projection"), width, config.hiddenSize)
    b.state(w.path, hidden)
    return hidden
  }

  /// [batch, frames, hidden] -> [batch, frames, hidden], and the states
  private func encoder(_ b: inout GraphBuilder, _ hidden: ValueID) throws -> (last: ValueID, states: [ValueID]) {
    let w = weights.scope("encoder")
    var x = try b.add(hidden, positionalEmbedding(&b, hidden), name: w.child("embedded"))
    if !config.isStable { x = try norm(&b, x, w.scope("layer_norm")) }
    b.state("layer.0", x)
    var states = [x]
    for i in 0..<config.layerCount {
      let layer = w.scope("layers.\(i)")
      x = try config.isStable ? stableLayer(&b, x, layer) : postNormLayer(&b, x, layer)
      b.state("layer.\(i + 1)", x)
      states.append(x)
    }
    return (try config.isStable ? norm(&b, x, w.scope("layer_norm")) : x, states)
  }

  /// A grouped convolution around each frame. An even kernel yields one frame too many, and the last one goes.
  private func positionalEmbedding(_ b: inout GraphBuilder, _ hidden: ValueID) throws -> ValueID {
    let w = weights.scope("encoder.pos_conv_embed")
    let kernel = config.positionKernel
    var x = try b.weightNormConv1d(
      hidden, w.scope("conv"), config.hiddenSize, config.hiddenSize, kernel: kernel,
      Conv(paddingBefore: kernel / 2, paddingAfter: kernel / 2, groups: config.positionGroups))
    if kernel % 2 == 0 { x = try b.apply(.slice(Slice(axis: 1, dropLast: 1)), x, name: w.child("padding")) }
    x = try b.activation(x, config.featureActivation, name: w.child("activation"))
    b.state(w.path, x)
    return x
  }

  /// x + attention(norm(x)), then x + feedForward(norm(x))
  private func stableLayer(_ b: inout GraphBuilder, _ x: ValueID, _ w: WeightScope) throws -> ValueID {
    let attended = try b.add(
      x, attention(&b, norm(&b, x, w.scope("layer_norm")), w.scope("attention")), name: w.child("attention_residual"))
    let fed = try feedForward(&b, norm(&b, attended, w.scope("final_layer_norm")), w.scope("feed_forward"))
    return try b.add(attended, fed, name: w.child("feed_forward_residual"))
  }

  /// norm(x + attention(x)), then norm(x + feedForward(x))
  private func postNormLayer(_ b: inout GraphBuilder, _ x: ValueID, _ w: WeightScope) throws -> ValueID {
    let attended = try b.add(x, attention(&b, x, w.scope("attention")), name: w.child("attention_residual"))
    let a = try norm(&b, attended, w.scope("layer_norm"))
    let fed = try b.add(a, feedForward(&b, a, w.scope("feed_forward")), name: w.child("feed_forward_residual"))
    return try norm(&b, fed, w.scope("final_layer_norm"))
  }

  private func attention(_ b: inout GraphBuilder, _ x: ValueID, _ w: WeightScope) throws -> ValueID {
    let width = config.hiddenSize
    let q = try b.linear(x, w.scope("q_proj"), width, width)
    let k = try b.linear(x, w.scope("k_proj"), width, width)
    let v = try b.linear(x, w.scope("v_proj"), width, width)
    let scale = Float(1 / Double(width / config.headCount).squareRoot())
    let mixed = try b.apply(
      .attention(Attention(heads: config.headCount, scale: scale)), q, k, v, name: w.child("product"))
    let y = try b.linear(mixed, w.scope("out_proj"), width, width)
    b.state(w.path, y)
    return y
  }

  private func feedForward(_ b: inout GraphBuilder, _ x: ValueID, _ w: WeightScope) throws -> ValueID {
    let wide = try b.linear(x, w.scope("intermediate_dense"), config.hiddenSize, config.intermediateSize)
    let active = try b.activation(wide, config.hiddenActivation, name: w.child("activation"))
    let y = try b.linear(active, w.scope("output_dense"), config.intermediateSize, config.hiddenSize)
    b.state(w.path, y)
    return y
  }

  private func norm(_ b: inout GraphBuilder, _ x: ValueID, _ w: WeightScope) throws -> ValueID {
    try b.layerNorm(x, w, config.hiddenSize, epsilon: config.normEpsilon)
  }
}
