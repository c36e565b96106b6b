import IR
import Tensors
import Testing

@testable import Passes

@Suite struct ResolveMasksTests {
  /// Scores [batch, time, time] and a mask made of `compare(Range(start, time, step), bound)`, added or multiplied.
  private func graph(
    start: Int = 0, bound: Int = 0, compare: Binary.Function = .greaterOrEqual, chosen: Float = 0,
    other: Float = -1e4, combine: Binary.Function = .add, fromList: Bool = false
  ) throws -> Graph {
    try GraphSketch { g in
      let x = g.input("x", [.symbol("batch"), .symbol("time"), .symbol("time")])
      let end = try g(.add, g.length(x, 2), g.integer(start))
      let places = try g(.arange(Arange()), g.integer(start), end, g.integer(1))
      let valid = try g(compare, places, g.integer(bound))
      let mask = try g(.select(Select()), valid, g.number(chosen), g.number(other))
      let shape = try g(.shapeOf(ShapeOf()), x)
      return try g(combine, x, g(.expand(Expand()), mask, shape))
    }.graph
  }

  @Test func aMaskThatMasksNothingGoes() throws {
    for graph in [
      try graph(), try graph(bound: -7), try graph(start: 3), try graph(chosen: 1, other: 0, combine: .multiply),
    ] {
      let after = try graph.after(ResolveMasks())
      #expect(after.nodes.isEmpty)
      #expect(try graph.distance(to: after) == 0)
    }
  }

  @Test func aMaskThatMasksSomethingStays() throws {
    for (graph, what) in [
      (try graph(bound: 1), "the first place"), (try graph(start: -1), "a negative place"),
      (try graph(compare: .greater), "not above zero"), (try graph(compare: .less, chosen: -1e4, other: 0), "below"),
      (try graph(chosen: 0.5), "a half is added"), (try graph(chosen: 1, combine: .add), "one is added"),
      (try graph(chosen: 0, combine: .multiply), "times zero"),
      (try graph(bound: 2, compare: .lessOrEqual), "up to two"),
    ] {
      let after = try graph.after(ResolveMasks())
      #expect(after.operators.contains("Add") || after.operators.contains("Mul"), "\(what)")
      #expect(try graph.distance(to: after) == 0, "\(what)")
    }
  }

  @Test func stepsBackwardsAreNotPositive() throws {
    // 3, 2, 1, 0, -1, ... down to the length's negative.
    let graph = try GraphSketch { g in
      let x = g.input("x", [.symbol("time")])
      let end = try g(.subtract, g.integer(3), g.length(x, 0))
      let places = try g(.arange(Arange()), g.integer(3), end, g.integer(-1))
      let mask = try g(.select(Select()), g(.greaterOrEqual, places, g.integer(0)), g.number(0), g.number(-5))
      return try g(.add, x, mask)
    }.graph
    let after = try graph.after(ResolveMasks())
    #expect(after.operators.contains("Add"))
    #expect(try graph.distance(to: after, lengths: ["time": 6]) == 0)
  }

  @Test func aMaskOfAnotherShapeStays() throws {
    // A zero for each of three rows makes three rows of one.
    let graph = try GraphSketch { g in
      let x = g.input("x", [.fixed(1), .symbol("time")])
      return try g(.add, x, g.constant(Tensor([0 as Float, 0, 0], shape: [3, 1])))
    }.graph
    let after = try graph.after(ResolveMasks())
    #expect(after.operators == ["Add"])
    #expect(try graph.distance(to: after) == 0)
    let open = try GraphSketch { g in
      let (x, z) = (g.input("x", [.symbol("rows"), .fixed(2)]), g.input("z", [.symbol("others"), .fixed(2)]))
      let zeros = try g(.expand(Expand()), g.number(0), g(.shapeOf(ShapeOf()), z))
      return try g(.add, x, zeros)
    }.graph
    let left = try open.after(ResolveMasks())
    #expect(left.operators.contains("Add"))
    #expect(try open.distance(to: left, lengths: ["rows": 1, "others": 4]) == 0)
  }

  @Test func masksThatAreFedStay() throws {
    let graph = try GraphSketch { g in
      let (x, mask) = (g.input("x", [.symbol("time")]), g.input("mask", [.symbol("time")]))
      let limits = try g(.select(Select()), g(.greater, mask, g.number(0)), g.number(0), g.number(-1e4))
      return try g(.add, x, limits)
    }.graph
    #expect(try graph.isLeft(by: ResolveMasks()))
  }

  @Test func choicesWithOneAnswerAreMade() throws {
    for truth in [true, false] {
      let graph = try GraphSketch { g in
        let (x, z) = (g.input("x", [.symbol("time")]), g.input("z", [.symbol("time")]))
        let condition = try g(.equal, g.integer(1), g.integer(truth ? 1 : 2))
        return try g(.select(Select()), condition, x, z)
      }.graph
      let after = try graph.after(ResolveMasks())
      #expect(after.nodes.isEmpty && after[after.outputs[0].value].name == (truth ? "x" : "z"))
      #expect(try graph.distance(to: after) == 0)
    }
  }

  // MARK: What changes nothing otherwise

  @Test func identitiesGo() throws {
    func single(_ body: (inout GraphSketch, ValueID) throws -> ValueID) throws -> Graph {
      try GraphSketch { g in
        let x = g.input("x", [.symbol("batch"), .symbol("time"), .fixed(4)])
        return try g(.tanh, body(&g, g(.relu, x)))
      }.graph
    }
    for graph in [
      try single { g, x in try g(.multiply, g.number(1), x) }, try single { g, x in try g(.add, x, g.number(0)) },
      try single { g, x in try g(.divide, x, g.number(1, rank: 2)) },
      try single { g, x in try g(.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(4)])), x) },
      try single { g, x in try g(.transpose(Transpose([0, 1, 2])), x) },
      try single { g, x in try g(.slice(Slice(axis: 1)), x) },
      try single { g, x in try g(.concat(Concat(axis: 0, count: 1)), x) },
    ] {
      let after = try graph.after(DropIdentities())
      #expect(after.operators == ["Relu", "Tanh"])
      #expect(try graph.distance(to: after) == 0)
    }
    for graph in [
      try single { g, x in try g(.subtract, g.number(0), x) }, try single { g, x in try g(.divide, g.number(1), x) },
      try single { g, x in try g(.add, x, g.number(0, rank: 4)) },
      try single { g, x in try g(.multiply, x, g.number(0)) },
      try single { g, x in try g(.transpose(Transpose([1, 0, 2])), x) },
      try single { g, x in try g(.slice(Slice(axis: 1, dropFirst: 1)), x) },
      try single { g, x in try g(.reshape(Reshape([.copy(axis: 1), .copy(axis: 0), .fixed(4)])), x) },
    ] { #expect(try graph.isLeft(by: DropIdentities())) }
  }

  @Test func theGuardOfASoftmaxGoesAndOthersStay() throws {
    func graph(_ value: Float, softmax: Bool = true) throws -> Graph {
      try GraphSketch { g in
        let x = g.input("x", [.symbol("time"), .fixed(4)])
        let p = try softmax ? g(.softmax(Softmax(axis: 1)), x) : g(.exponential, x)
        return try g(.select(Select()), g(.isNaN, p), g.number(value), p)
      }.graph
    }
    #expect(try graph(0).after(DropIdentities()).operators == ["Softmax"])
    #expect(try graph(1).isLeft(by: DropIdentities()))
    #expect(try graph(0, softmax: false).isLeft(by: DropIdentities()))
  }
}
