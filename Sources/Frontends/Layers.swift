import IR
import Tensors

// The modules that speech models are made of, each one call: weights by their PyTorch names, nodes by module path.

extension GraphBuilder {
  /// A weight of `scope` as a constant of the same path.
  mutating func weight(_ name: String, _ shape: [Int], of scope: WeightScope) throws -> ValueID {
    constant(scope.child(name), try scope(name, shape))
  }

  /// `nn.Linear(inputs, outputs)`
  mutating func linear(
    _ x: ValueID, _ scope: WeightScope, _ inputs: Int, _ outputs: Int, hasBias: Bool = true
  ) throws -> ValueID {
    try linear(
      x, weight: weight("weight", [outputs, inputs], of: scope),
      bias: hasBias ? weight("bias", [outputs], of: scope) : nil, name: scope.path)
  }

  /// `nn.LayerNorm(width)` over the last axis.
  mutating func layerNorm(_ x: ValueID, _ scope: WeightScope, _ width: Int, epsilon: Float) throws -> ValueID {
    try apply(
      .layerNormalization(LayerNormalization(epsilon: epsilon)), x, weight("weight", [width], of: scope),
      weight("bias", [width], of: scope), name: scope.path)
  }

  /// `nn.GroupNorm(groups, channels)` over time.
  mutating func groupNorm(
    _ x: ValueID, _ scope: WeightScope, groups: Int, channels: Int, epsilon: Float
  ) throws -> ValueID {
    try apply(
      .groupNormalization(GroupNormalization(groups: groups, epsilon: epsilon)), x,
      weight("weight", [channels], of: scope), weight("bias", [channels], of: scope), name: scope.path)
  }

  /// `nn.Conv1d(inputs, outputs, kernel)`, channels last.
  mutating func conv1d(
    _ x: ValueID, _ scope: WeightScope, _ inputs: Int, _ outputs: Int, kernel: Int, _ conv: Conv, hasBias: Bool
  ) throws -> ValueID {
    try apply(
      .conv(conv), x, weight("weight", [outputs, inputs / conv.groups, kernel], of: scope),
      hasBias ? weight("bias", [outputs], of: scope) : nil, name: scope.path)
  }

  /// `nn.Conv1d` whose weight is normalised for each tap: v · (g / ‖v‖), the norm over both channel axes.
  ///
  /// Takes the three spellings of PyTorch's history: `parametrizations.weight.original0` and `original1`, `weight_g`
  /// and `weight_v`, or the finished `weight`.
  mutating func weightNormConv1d(
    _ x: ValueID, _ scope: WeightScope, _ inputs: Int, _ outputs: Int, kernel: Int, _ conv: Conv
  ) throws -> ValueID {
    let spellings = [
      ("parametrizations.weight.original0", "parametrizations.weight.original1"), ("weight_g", "weight_v"),
    ]
    guard let (g, v) = spellings.first(where: { scope.has($0.0) || scope.has($0.1) }) else {
      return try conv1d(x, scope, inputs, outputs, kernel: kernel, conv, hasBias: true)
    }
    let magnitude = try weight(g, [1, 1, kernel], of: scope)
    let direction = try weight(v, [outputs, inputs / conv.groups, kernel], of: scope)
    let norm = try apply(
      .reduce(Reduce(.l2, axes: [0, 1], keepsAxes: true)), direction, name: scope.child("weight_norm"))
    let factor = try apply(.binary(Binary(.divide)), magnitude, norm, name: scope.child("weight_scale"))
    let weight = try apply(.binary(Binary(.multiply)), direction, factor, name: scope.child("weight"))
    return try apply(.conv(conv), x, weight, self.weight("bias", [outputs], of: scope), name: scope.path)
  }

  /// `x[:, :, None]`: a waveform as frames of one channel.
  mutating func unsqueezeChannel(_ x: ValueID, name: String) throws -> ValueID {
    try apply(.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(1)])), x, name: name)
  }

  /// `stack(values, dim=1)` of values [batch, frames, channels].
  mutating func stack(_ values: [ValueID], name: String) throws -> ValueID {
    var views: [ValueID] = []
    for (number, value) in values.enumerated() {
      let view = Reshape([.copy(axis: 0), .fixed(1), .copy(axis: 1), .copy(axis: 2)])
      views.append(try apply(.reshape(view), value, name: "\(name).states.\(number)"))
    }
    return try apply(.concat(Concat(axis: 1, count: views.count)), list: views, name: name + ".stack")
  }

  /// The activation that a configuration names.
  mutating func activation(_ x: ValueID, _ activation: Activation, name: String) throws -> ValueID {
    try apply(activation.op, x, name: name)
  }

  /// `x.mean(dim=1)`
  mutating func meanOverTime(_ x: ValueID, name: String) throws -> ValueID {
    try apply(.reduce(Reduce(.mean, axes: [1], keepsAxes: false)), x, name: name)
  }
}

/// The activations that a transformers configuration may name and a graph can compute.
public enum Activation: String, CaseIterable, Sendable {
  case gelu
  case geluNew = "gelu_new"
  case geluTanh = "gelu_pytorch_tanh"
  case relu
  case sigmoid
  case tanh

  var op: Operator {
    switch self {
    case .gelu: .gelu(Gelu(approximation: .none))
    case .geluNew, .geluTanh: .gelu(Gelu(approximation: .tanh))
    case .relu: .unary(Unary(.relu))
    case .sigmoid: .unary(Unary(.sigmoid))
    case .tanh: .unary(Unary(.tanh))
    }
  }
}
