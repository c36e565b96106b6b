import IR
import Tensors

extension Emotion2VecConfiguration {
  /// The configuration that the tensors have: sizes, kernels, blocks and heads are theirs; what no tensor says - strides,
  /// epsilon, normalisation - is as in every published emotion2vec, and `notes` says so.
  ///
  /// Throws where the tensors are not of a model as published.
  init(_ weights: WeightScope) throws(GraphError) {
    let audio = weights.scope("modality_encoders.AUDIO")
    func shape(_ scope: WeightScope, _ name: String, rank: Int) throws(GraphError) -> [Int] {
      guard let shape = scope.shape(name) else {
        throw GraphError(scope.child(name), "this weight is missing, and there is no config.yaml that does without it")
      }
      guard shape.rank == rank, shape.dimensions.allSatisfy({ $0 > 0 }) else {
        throw GraphError(scope.child(name), "this weight has the shape \(shape); one of \(rank) axes is needed")
      }
      return shape.dimensions
    }
    func count(_ scope: WeightScope, from first: Int = 0, _ name: String) -> Int {
      var number = first
      while scope.has("\(number).\(name)") { number += 1 }
      return number - first
    }
    guard !weights.has("norm.weight") else {
      throw GraphError(
        weights.child("norm.weight"), "a norm after the last block is that of layer_norm_first, which is not supported")
    }
    let tokens = try shape(audio, "extra_tokens", rank: 3)
    (extraTokens, width) = (tokens[1], tokens[2])
    let blocks = weights.scope("blocks")
    let prenet = audio.scope("context_encoder.blocks")
    (prenetDepth, depth) = (count(prenet, "norm1.weight"), count(blocks, "norm1.weight"))
    let first = prenetDepth > 0 ? prenet : blocks
    hiddenWidth = try shape(first, "0.mlp.fc1.weight", rank: 2)[0]

    let scale = audio.shape("alibi_scale")?.dimensions ?? []
    guard scale.count == 4 || scale.count == 5, let heads = scale.dropLast(2).last, heads > 1, width % heads == 0 else {
      throw GraphError(
        audio.child("alibi_scale"),
        "the number of heads is read from the shape [1, 1, heads, 1, 1] of this weight, found \(scale); a config.yaml "
          + "beside the weights would say it")
    }
    headCount = heads
    hasScalePerBlock = scale.count == 5 && scale[0] > 1

    let convolutions = audio.scope("local_encoder.conv_layers")
    var features: [ConvolutionSpec] = []
    for (number, published) in Emotion2VecConfiguration.publishedFeatures.enumerated() {
      let weight = try shape(convolutions, "\(number).0.weight", rank: 3)
      guard weight[2] == published.kernel else {
        throw GraphError(
          convolutions.child("\(number).0.weight"),
          "no tensor says strides: they are known for the kernel \(published.kernel) here, found \(weight[2]); a "
            + "config.yaml beside the weights would say them")
      }
      features.append(ConvolutionSpec(channels: weight[0], kernel: weight[2], stride: published.stride))
    }
    self.features = features
    let positions = audio.scope("relative_positional_encoder")
    let convolution = try shape(positions, "1.0.weight", rank: 3)
    positionDepth = count(positions, from: 1, "0.weight")
    positionKernel = convolution[2]
    guard width % convolution[1] == 0 else {
      throw GraphError(positions.child("1.0.weight"), "\(width) channels are no groups of \(convolution[1])")
    }
    positionGroups = width / convolution[1]
    (normEpsilon, normalizes, hasTokenizer) = (1e-5, true, false)
    notes = [
      "there is no config.yaml: sizes, kernels, heads and blocks are those of the tensors; as in the published models "
        + "the strides are \(features.map { "\($0.stride)" }.joined(separator: ", ")), norm_eps is 1e-05, normalize and "
        + "norm_affine are true, layer_norm_first and conv_pos_pre_ln false"
    ]
  }

  /// Kernels and strides of every published emotion2vec.
  private static let publishedFeatures: [(kernel: Int, stride: Int)] = [
    (10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2),
  ]
}
