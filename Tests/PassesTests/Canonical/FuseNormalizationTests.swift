import IR
import Tensors
import Testing

@testable import Passes

@Suite struct FuseNormalizationTests {
  /// How the sketch departs from `(x - mean) / √(mean((x - mean)²) + ε) · γ + β`.
  struct Form {
    var axis = 2
    var varianceAxis = 2
    var epsilon: Float = 1e-5
    /// ε is added to the root instead.
    var isOutside = false
    /// The variance times this: width / (width - 1) makes it the unbiased one.
    var factor: Float?
    var squares: Binary.Function = .power
    var exponent: Float = 2
    var isMultiplied = false
    var scaleShape: Shape? = [4]
    var biasShape: Shape? = [4]
    var keeps = true
    /// The squares are those of x, not of x - mean.
    var isRaw = false
  }

  private func graph(_ change: (inout Form) -> Void = { _ in }) throws -> Graph {
    var form = Form()
    change(&form)
    return try GraphSketch { g in
      let x = g.input("x", [.symbol("batch"), .fixed(4), .fixed(4)])
      let centered = try g(.subtract, x, g.mean(x, [form.axis], keeps: form.keeps))
      let base = form.isRaw ? x : centered
      let squares =
        try form.squares == .power ? g(.power, base, g.number(form.exponent)) : g(.multiply, base, base)
      var variance = try g.mean(squares, [form.varianceAxis], keeps: form.keeps)
      if let factor = form.factor { variance = try g(.multiply, variance, g.number(factor)) }
      let epsilon = g.number(form.epsilon)
      let root =
        try form.isOutside
        ? g(.add, g(.squareRoot, variance), epsilon) : g(.squareRoot, g(.add, variance, epsilon))
      var y =
        try form.isMultiplied
        ? g(.multiply, g(.divide, g.number(1), root), centered) : g(.divide, centered, root)
      if let shape = form.scaleShape { y = try g(.multiply, g.weights(shape), y) }
      if let shape = form.biasShape { y = try g(.add, y, g.weights(shape)) }
      return y
    }.graph
  }

  @Test func theFormOfExportersIsOneOperator() throws {
    for change in [
      { _ in }, { $0.isMultiplied = true }, { $0.squares = .multiply }, { $0.epsilon = 0.25 }, { $0.scaleShape = nil },
      { $0.biasShape = nil }, { $0.scaleShape = [1, 1, 4] },
    ] as [(inout Form) -> Void] {
      let before = try graph(change)
      let after = try before.after(FuseLayerNormalization())
      #expect(after.operators == ["LayerNormalization"])
      #expect(try before.distance(to: after) < 1e-5)
    }
    var epsilon: Float?
    if case .layerNormalization(let op) = try graph({ $0.epsilon = 0.25 }).after(FuseLayerNormalization()).nodes[0].op {
      epsilon = op.epsilon
    }
    #expect(epsilon == 0.25)
  }

  @Test func otherFormsAreLeft() throws {
    for (change, what) in [
      ({ $0.isOutside = true }, "ε outside the root"), ({ $0.axis = 1 }, "the mean over another axis"),
      ({ $0.varianceAxis = 1 }, "the variance over another axis"),
      ({ ($0.axis, $0.varianceAxis) = (1, 1) }, "both over another axis"),
      ({ $0.factor = 4 / 3 }, "the unbiased variance"), ({ $0.exponent = 3 }, "cubes"),
      ({ $0.isRaw = true }, "squares of x"), ({ $0.epsilon = -1e-5 }, "a negative ε"),
    ] as [((inout Form) -> Void, String)] {
      let graph = try graph {
        change(&$0)
        ($0.scaleShape, $0.biasShape) = (nil, nil)
      }
      #expect(try graph.isLeft(by: FuseLayerNormalization()), "\(what)")
    }
  }

  /// Without the axis that is left, a mean of [batch, 4] is taken off [batch, 4, 4] by other rules.
  @Test func meansWithoutTheirAxisAreLeft() throws {
    let graph = try GraphSketch { g in
      let x = g.input("x", [.fixed(4), .fixed(4)])
      let centered = try g(.subtract, x, g.mean(x, [1], keeps: false))
      let variance = try g.mean(g(.multiply, centered, centered), [1], keeps: false)
      return try g(.divide, centered, g(.squareRoot, g(.add, variance, g.number(1e-5))))
    }.graph
    #expect(try graph.isLeft(by: FuseLayerNormalization()))
  }

  /// Factors and sums of other shapes stay outside; the numbers stay as they are.
  @Test(arguments: [[4, 1], [1], [2, 1, 1, 4], [1, 1, 1, 4], [3, 4, 4]] as [Shape])
  func otherShapesOfScaleAndBias(_ shape: Shape) throws {
    for change in [{ $0.scaleShape = shape }, { $0.biasShape = shape }] as [(inout Form) -> Void] {
      let before = try graph(change)
      let after = try before.after(FuseLayerNormalization())
      #expect(after.operators.contains("LayerNormalization"))
      #expect(try before.distance(to: after, lengths: ["batch": 3]) < 1e-5, "\(shape)")
    }
  }

  @Test func theFactorOfASharedNormStaysOutside() throws {
    let before = try GraphSketch { g in
      let x = g.input("x", [.symbol("time"), .fixed(4)])
      let norm = try g(.layerNormalization(LayerNormalization(epsilon: 1e-5)), x)
      return try g(.add, g(.multiply, norm, g.weights([4])), norm)
    }.graph
    #expect(try before.isLeft(by: FuseLayerNormalization()))
  }

  @Test func aBiasBeforeAScaleIsNoNormsOwn() throws {
    let before = try GraphSketch { g in
      let x = g.input("x", [.symbol("time"), .fixed(4)])
      let norm = try g(.layerNormalization(LayerNormalization(epsilon: 1e-5)), x)
      return try g(.multiply, g(.add, norm, g.weights([4])), g.weights([4]))
    }.graph
    let after = try before.after(FuseLayerNormalization())
    #expect(after.operators == ["LayerNormalization", "Mul"])
    #expect(try before.distance(to: after) < 1e-5)
  }

  // MARK: Groups

  private func groups(scale: Float, bias: Float, _ shape: Shape = [4]) throws -> Graph {
    try GraphSketch { g in
      let x = g.input("x", [.symbol("batch"), .symbol("time"), .fixed(4)])
      func uniform(_ value: Float) -> ValueID { g.constant(Tensor([Float](repeating: value, count: 4))) }
      let norm = try g(
        .groupNormalization(GroupNormalization(groups: 2, epsilon: 1e-5)), x, uniform(scale), uniform(bias))
      return try g(.add, g(.multiply, norm, g.weights(shape)), g.weights(shape))
    }.graph
  }

  @Test func aGroupNormTakesItsScaleAndBias() throws {
    let before = try groups(scale: 1, bias: 0)
    let after = try before.after(FuseGroupNormalization())
    #expect(after.operators == ["GroupNormalization"])
    #expect(try before.distance(to: after) < 1e-5)
  }

  @Test(arguments: [(2, 0), (1, 1), (1, -1), (0, 0)] as [(Float, Float)])
  func aGroupNormWithNumbersOfItsOwnKeepsThem(_ scale: Float, _ bias: Float) throws {
    let before = try groups(scale: scale, bias: bias)
    #expect(try before.distance(to: before.after(FuseGroupNormalization())) < 1e-5)
  }

  @Test(arguments: [[1, 1, 1, 4], [1], [5, 1]] as [Shape]) func otherShapesBesideAGroupNorm(_ shape: Shape) throws {
    let before = try groups(scale: 1, bias: 0, shape)
    #expect(try before.distance(to: before.after(FuseGroupNormalization())) < 1e-5)
  }
}
