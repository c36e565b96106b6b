import Executor
import IR
import Tensors
import TestSupport
import Testing

@testable import Passes

@Suite struct MaskPaddingTests {
  private static let signal: [Dimension] = [.symbol("batch"), .symbol("samples")]
  private static let samples = [23, 57, 12]

  /// A waveform as frames of one channel.
  private static func frames(_ g: inout GraphSketch) throws -> ValueID {
    try g(.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(1)])), g.input("signal", signal))
  }

  private static func features(_ g: inout GraphSketch) throws -> ValueID {
    let a = try g(.conv(Conv(stride: 2)), frames(&g), g.weights([4, 1, 5]), g.weights([4]))
    let b = try g(.gelu(Gelu()), try g(.layerNormalization(LayerNormalization(epsilon: 1e-5)), a))
    return try g(
      .linear(Linear()), g(.conv(Conv(stride: 2, dilation: 2)), b, g.weights([4, 4, 2])), g.weights([8, 4]))
  }

  private static func attend(_ g: inout GraphSketch, _ x: ValueID, prefix: Int?) throws -> ValueID {
    let q = try g(.linear(Linear()), x, g.weights([8, 8])), k = try g(.linear(Linear()), x, g.weights([8, 8]))
    let op = Attention(heads: 2, scale: 0.5, alibi: prefix.map { .init(prefix: $0) })
    return try g.add(.attention(op), [q, k, x] + (prefix == nil ? [] : [g.constant(Tensor([0.5, 0.25]))]))
  }

  /// Everything that is followed, each in a graph whose batch must equal single runs.
  enum Way: CaseIterable {
    case convolutions, even, relative, attention, prefixed, states, maximum, decomposed, turned, fourAxes

    var graph: Graph {
      get throws { try GraphSketch { g in try build(&g) }.graph }
    }

    private func build(_ g: inout GraphSketch) throws -> ValueID {
      switch self {
      case .convolutions: return try MaskPaddingTests.features(&g)
      case .even:
        let x = try MaskPaddingTests.features(&g)
        let wide = try g(.conv(Conv(paddingBefore: 4, paddingAfter: 4, groups: 2)), x, g.weights([8, 4, 8]))
        let cut = try g(.slice(Slice(axis: 1, dropLast: 1)), wide)
        let sum = try g(.add, x, cut)
        g.output("pooled", try g.mean(sum, [1], keeps: false))
        return sum
      case .relative:
        let u = try MaskPaddingTests.features(&g)
        var x = u
        for _ in 0..<3 {
          x = try g(.conv(Conv(paddingBefore: 2, paddingAfter: 2, groups: 2)), x, g.weights([8, 4, 5]), g.weights([8]))
          x = try g(.gelu(Gelu()), try g(.layerNormalization(LayerNormalization(epsilon: 1e-5)), x))
        }
        return try g(.add, u, x)
      case .attention: return try MaskPaddingTests.attend(&g, MaskPaddingTests.features(&g), prefix: nil)
      case .prefixed:
        let x = try MaskPaddingTests.features(&g)
        let row = try g(.reduce(Reduce(.maximum, axes: [1, 2], keepsAxes: true)), x)
        let tokens = g.weights([1, 3, 8])
        let expanded = try g(.select(Select()), try g(.isNaN, row), tokens, tokens)
        var y = try g.add(.concat(Concat(axis: 1, count: 2)), [expanded, x])
        for _ in 0..<2 { y = try g(.add, y, MaskPaddingTests.attend(&g, y, prefix: 3)) }
        g.output("tokens", y)
        y = try g(.slice(Slice(axis: 1, dropFirst: 3)), y)
        g.output("pooled", try g.mean(y, [1], keeps: false))
        return y
      case .states:
        let x = try MaskPaddingTests.features(&g), y = try MaskPaddingTests.attend(&g, x, prefix: nil)
        let view = Operator.reshape(Reshape([.copy(axis: 0), .fixed(1), .copy(axis: 1), .copy(axis: 2)]))
        let all = try g.add(.concat(Concat(axis: 1, count: 2)), [g(view, x), g(view, y)])
        let weighed = try g(.multiply, all, g.weights([2, 1, 1]))
        let sum = try g(.reduce(Reduce(.sum, axes: [1], keepsAxes: false)), weighed)
        return try g.mean(g(.linear(Linear()), sum, g.weights([5, 8]), g.weights([5])), [1])
      case .maximum:
        let x = try MaskPaddingTests.features(&g)
        g.output("least", try g(.reduce(Reduce(.minimum, axes: [1], keepsAxes: false)), x))
        g.output("norm", try g(.reduce(Reduce(.l2, axes: [1, 2], keepsAxes: false)), x))
        return try g(.reduce(Reduce(.maximum, axes: [1], keepsAxes: false)), x)
      case .decomposed:
        // What is taken apart in an ONNX graph: the waveform's own mean and deviation.
        let x = g.input("signal", MaskPaddingTests.signal)
        let centered = try g(.subtract, x, g.mean(x, [1]))
        let variance = try g.mean(try g(.multiply, centered, centered), [1])
        return try g(.divide, centered, g(.squareRoot, g(.add, variance, g.number(1e-5))))
      case .turned:
        let x = try g(.transpose(Transpose([0, 2, 1])), MaskPaddingTests.features(&g))
        g.output("pooled", try g.mean(x, [2], keeps: false))
        return try g(.tanh, x)
      case .fourAxes:
        let x = try MaskPaddingTests.features(&g)
        let heads = try g(.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(2), .fixed(4)])), x)
        let picked = try g(.gather(Gather(axis: 2)), heads, g.integer(1))
        return try g(.softmax(Softmax(axis: 2)), picked)
      }
    }
  }

  @Test(arguments: Way.allCases) func aRowIsWhatItIsAlone(_ way: Way) throws {
    let graph = try way.graph
    var masked = graph
    let made = try MaskPadding().mask(&masked)
    try masked.validate()
    let longest = Self.samples.max()!
    let clips = Self.samples.enumerated().map { Tensor.random([1, $1], seed: UInt64($0 + 1)) }
    // What is padded is no zero here but where a convolution would read it.
    let rows = clips.flatMap { $0.floats + [Float](repeating: way == .decomposed ? 7 : 0, count: longest - $0.count) }
    let batch = try Executor(masked, threads: 2).run([
      "signal": Tensor(rows, shape: [3, longest]), made.lengths: Tensor(Self.samples.map(Int64.init)),
    ])
    for (row, clip) in clips.enumerated() {
      let single = try Executor(graph, threads: 1).run(["signal": clip])
      for (name, expected) in single {
        let (whole, lengths) = (try #require(batch[name]), expected.shape.dimensions)
        let extent = made.extents[masked.value(called: name)!]
        if let extent { #expect(extent.count(samples: clip.count) == lengths[extent.axis]) }
        // The first elements of each axis.
        var own: [Float] = []
        let strides = whole.shape.strides
        for index in 0..<expected.count {
          let place = zip(expected.shape.strides, lengths).enumerated().reduce(row * strides[0]) { sum, axis in
            axis.offset == 0 ? sum : sum + index / axis.element.0 % axis.element.1 * strides[axis.offset]
          }
          own.append(whole.floats[place])
        }
        let apart = zip(own, expected.floats).map { ($0 - $1).magnitude }.max() ?? 0
        #expect(apart < 1e-5, "\(name) of row \(row) of \(way)")
      }
    }
  }

  /// What mixes padding in, in a way that is not known, is refused by the node's name.
  @Test func theRestIsRefusedByName() throws {
    func refusal(_ promise: MaskPadding.Promise = .singleRuns, _ body: (inout GraphSketch) throws -> ValueID) throws
      -> String
    {
      var graph = try GraphSketch(body).graph
      do {
        _ = try MaskPadding(promise).mask(&graph)
        return "accepted"
      } catch { return "\(error)" }
    }
    let norm = Operator.groupNormalization(GroupNormalization(groups: 2, epsilon: 1e-5))
    func last(_ op: Operator) throws -> String {
      try refusal { g in try g(op, Self.features(&g)) }
    }
    #expect(try last(norm).contains("statistics run over the padding"))
    #expect(try refusal(.framework) { g in try g(norm, Self.features(&g)) } == "accepted")
    for op: Operator in [
      .softmax(Softmax(axis: 1)), .softmax(Softmax(axis: 0)), .reduce(Reduce(.product, axes: [1], keepsAxes: true)),
      .reduce(Reduce(.mean, axes: [1, 2], keepsAxes: false)), .reduce(Reduce(.mean, axes: [0], keepsAxes: false)),
      .transpose(Transpose([1, 0, 2])), .slice(Slice(axis: 0, dropLast: 1)),
      .reshape(Reshape([.copy(axis: 0), .rest])),
      .reshape(Reshape([.copy(axis: 0), .copy(axis: 2), .copy(axis: 1)])),
    ] {
      let why = try last(op)
      #expect(why.contains("n") && why.contains("padding is not known"), "\(op): \(why)")
    }
    // Scores of all pairs of frames, a norm along time, a shift in time, a length that padding makes.
    let others: [String] = try [
      refusal { g in
        let x = try Self.features(&g)
        return try g(.matMul(MatMul()), x, g(.transpose(Transpose([0, 2, 1])), x))
      },
      refusal { g in
        let x = try Self.features(&g)
        return try g(.layerNormalization(LayerNormalization(epsilon: 1e-5)), g(.transpose(Transpose([0, 2, 1])), x))
      },
      refusal { g in
        let x = try Self.features(&g)
        return try g(.add, x, g(.slice(Slice(axis: 1, dropFirst: 1)), g(.pad(Pad()), x, g.integers(0, 0, 0, 0, 1, 0))))
      },
      refusal { g in
        let x = try Self.features(&g)
        let sum = try g(.reduce(Reduce(.sum, axes: [1], keepsAxes: false)), x)
        return try g(.divide, sum, g(.cast(Cast(to: .float32)), g.length(x, 1)))
      },
      refusal { g in
        let x = try Self.features(&g)
        return try g.add(.concat(Concat(axis: 1, count: 2)), [x, x])
      },
    ]
    // More strides than anybody needs make counts that take long to tell.
    let deep = try refusal { g in
      var x = try Self.features(&g)
      let weight = g.weights([8, 8, 1])
      for _ in 0..<65 { x = try g(.conv(Conv(stride: 2)), x, weight) }
      return x
    }
    #expect(deep.contains("more than 64 strides"))
    for why in others { #expect(why.contains("padding is not known"), "\(why)") }
  }

  /// Floor((n - span + padding) / stride) + 1, for each length.
  @Test func countsFollowTheLengths() {
    let count = FrameCount.samples.adding(-10).divided(by: 5).adding(1).adding(-3).divided(by: 2).adding(1)
    for samples in 30..<400 { #expect(count(samples: samples) == ((samples - 10) / 5 + 1 - 3) / 2 + 1) }
    #expect(count == FrameCount.samples.adding(-10).divided(by: 5).adding(-2).divided(by: 2).adding(1))
    #expect(FrameCount.samples.adding(3).adding(-3) == .samples && FrameCount.samples.divided(by: 1) == .samples)
  }
}
