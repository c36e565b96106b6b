import IR
import Tensors

@testable import Passes

/// A small transformer written down by hand, without any model's builder; names are those that a test asks for.
struct BlockSketch {
  /// Norms before attention and feed-forward, or after the sums.
  var isPreNorm = true
  /// The layers: each number stands for weights of its own, so that a model without a layer can be written down too.
  var layers = [0, 1, 2]
  /// What stands in front of a layer's weights, a dot behind it; nil for names that say nothing.
  var row: (Int) -> String? = { "encoder.layers.\($0)" }
  /// Attention taken apart, as exporters write it.
  var isApart = false
  /// A layer that has another activation.
  var odd: Int?
  /// A layer whose attention is an output too.
  var shown: Int?
  /// A layer that hears a value inside the layer before it too.
  var entered: Int?
  /// Weights of a sum of all states, that a softmax makes of them.
  var weights: [Float]?
  /// The weights are normalised already, and a constant.
  var isFolded = false
  /// The first layer hears what it adds to by another way, as exporters write two transpositions as one.
  var hasDetour = false
  /// A mask that all layers use, made of the length alone.
  var isMasked = false

  static let width = 4

  func graph() throws -> Graph {
    try GraphSketch { g in
      var builder = self
      return try builder.build(&g)
    }.graph
  }

  private mutating func build(_ g: inout GraphSketch) throws -> ValueID {
    let width = Self.width
    let x = g.input("x", [.symbol("batch"), .symbol("time"), .fixed(width)])
    var mask: ValueID?
    if isMasked {
      let length = try g.length(x, 1)
      let places = try g(.cast(Cast(to: .float32)), g(.arange(Arange()), g.integer(0), length, g.integer(1)))
      mask = try g(.multiply, places, g.number(-0.25))
    }
    var state = try g(.multiply, x, g.constant(.random([width], seed: 1), "scale"))
    let turned = hasDetour ? try g(.transpose(Transpose([0, 2, 1])), state) : state
    if hasDetour { state = try g(.transpose(Transpose([0, 2, 1])), turned) }
    var states = [state]
    var before: ValueID?
    for (layer, number) in layers.enumerated() {
      var made = UInt64(1000 * (number + 1))
      func weight(_ g: inout GraphSketch, _ name: String, _ shape: Shape) -> ValueID {
        made += 1
        return g.constant(.random(shape, seed: made), row(layer).map { $0 + "." + name })
      }
      func norm(_ g: inout GraphSketch, _ x: ValueID, _ name: String) throws -> ValueID {
        try g(
          .layerNormalization(LayerNormalization(epsilon: 1e-5)), x, weight(&g, name + ".weight", [width]),
          weight(&g, name + ".bias", [width]))
      }
      func linear(_ g: inout GraphSketch, _ x: ValueID, _ name: String) throws -> ValueID {
        try g(.linear(Linear()), x, weight(&g, name + ".weight", [width, width]), weight(&g, name + ".bias", [width]))
      }
      var heard = isPreNorm ? try norm(&g, state, "norm1") : state
      if hasDetour, layer == 0 { heard = try g(.transpose(Transpose([0, 2, 1])), turned) }
      if entered == layer, let before { heard = try g(.add, heard, before) }
      let q = try linear(&g, heard, "q")
      let k = try linear(&g, heard, "k")
      let v = try linear(&g, heard, "v")
      let mixed: ValueID
      if isApart || mask != nil {
        var scores = try g(.matMul(MatMul()), q, g(.transpose(Transpose([0, 2, 1])), k))
        if let mask { scores = try g(.add, scores, mask) }
        mixed = try g(.matMul(MatMul()), g(.softmax(Softmax(axis: 2)), scores), v)
      } else {
        mixed = try g(.attention(Attention(heads: 2, scale: 0.7)), q, k, v)
      }
      let attended = try linear(&g, mixed, "out")
      if shown == layer { g.output("attended", attended) }
      let middle = try g(.add, state, attended)
      let fed = isPreNorm ? try norm(&g, middle, "norm2") : try norm(&g, middle, "norm1")
      before = fed
      let active = try g(odd == layer ? .relu : .tanh, linear(&g, fed, "fc1"))
      let sum = try g(.add, isPreNorm ? middle : fed, linear(&g, active, "fc2"))
      state = isPreNorm ? sum : try norm(&g, sum, "norm2")
      states.append(state)
    }
    guard let weights else {
      return try g(
        .layerNormalization(LayerNormalization(epsilon: 1e-5)), state,
        g.constant(.random([width], seed: 2), "norm.weight"), g.constant(.random([width], seed: 3), "norm.bias"))
    }
    let joined = try g.concat(
      states.map { try g(.reshape(Reshape([.copy(axis: 0), .fixed(1), .copy(axis: 1), .copy(axis: 2)])), $0) }, axis: 1)
    let column: ValueID
    if isFolded {
      column = g.constant(Tensor(weights, shape: [weights.count, 1, 1]), "layer_weights")
    } else {
      let normal = try g(.softmax(Softmax(axis: 0)), g.constant(Tensor(weights), "layer_weights"))
      column = try g(.reshape(Reshape([.fixed(weights.count), .fixed(1), .fixed(1)])), normal)
    }
    return try g(.reduce(Reduce(.sum, axes: [1], keepsAxes: false)), g(.multiply, joined, column))
  }
}

extension GraphSketch {
  mutating func concat(_ values: [ValueID], axis: Int) throws -> ValueID {
    try add(.concat(Concat(axis: axis, count: values.count)), values)
  }
}
