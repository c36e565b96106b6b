import IR
import Tensors
import Testing

@testable import Passes

@Suite struct ResolveShapesTests {
  private func x(_ g: inout GraphSketch) -> ValueID { g.input("x", [.symbol("batch"), .symbol("time"), .fixed(6)]) }

  private func expect(
    _ graph: Graph, becomes expected: [Operator], _ place: SourceLocation = #_sourceLocation
  ) throws {
    // What is left can be named when the list of lengths is gone.
    let after = try graph.after(ResolveShapes()).after(ResolveShapes())
    #expect(after.nodes.map(\.op) == expected, sourceLocation: place)
    for time in [1, 5, 40] {
      #expect(
        try graph.distance(to: after, lengths: ["batch": 2, "time": time]) == 0, "\(time)", sourceLocation: place)
    }
  }

  @Test func lengthsOfAxesAreNamed() throws {
    let graph = try GraphSketch { g in
      let x = x(&g)
      let shape = try g(
        .concat(Concat(axis: 0, count: 3)), g.length(x, 0, list: true), g.length(x, 1, list: true), g.integers(2, 3))
      return try g(.reshapeTo(ReshapeTo()), x, shape)
    }.graph
    try expect(graph, becomes: [.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(2), .fixed(3)]))])
  }

  @Test func whatIsLeftIsNamed() throws {
    let graph = try GraphSketch { g in
      let x = x(&g)
      return try g(.reshapeTo(ReshapeTo()), x, g.integers(0, -1, 2, 3))
    }.graph
    try expect(graph, becomes: [.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(2), .fixed(3)]))])
    // A zero that is meant as one.
    let literal = try GraphSketch { g in
      try g(.reshapeTo(ReshapeTo(allowsZero: true)), g.input("x", [.fixed(0), .fixed(3)]), g.integers(3, 0))
    }.graph
    try expect(literal, becomes: [.reshape(Reshape([.fixed(3), .fixed(0)]))])
  }

  /// x with its last axis apart, the second length computed by `length` from that of the time axis.
  private func computed(_ length: (inout GraphSketch, ValueID) throws -> ValueID) throws -> Graph {
    try GraphSketch { g in
      let x = x(&g)
      let own = try length(&g, g.length(x, 1, list: true))
      let shape = try g(
        .concat(Concat(axis: 0, count: 3)), g.length(x, 0, list: true), own, g.integers(6))
      return try g(.reshapeTo(ReshapeTo()), x, shape)
    }.graph
  }

  @Test func lengthsThatAreComputedRoundAboutAreCompared() throws {
    let graph = try computed { g, time in
      // (time · 2 + 1) / 2 is time.
      try g(.divide, g(.add, g(.multiply, time, g.integers(2)), g.integers(1)), g.integers(2))
    }
    let after = try graph.after(ResolveShapes())
    #expect(after.operators == ["Reshape"])
    #expect(try graph.distance(to: after) == 0)
  }

  /// time up to a limit, and nothing beyond: what holds for short clips is not taken for all.
  @Test(arguments: [1500, 2999, 480_000, 9_600_036, 57_600_000])
  func aLimitOnTheLengthIsNotOverlooked(_ limit: Int) throws {
    let graph = try GraphSketch { g in
      let x = g.input("x", [.symbol("batch"), .symbol("time")])
      let cut = try g(.minimum, g.length(x, 1, list: true), g.integers(limit))
      let shape = try g(.concat(Concat(axis: 0, count: 2)), g.integers(-1), cut)
      return try g(.reshapeTo(ReshapeTo()), x, shape)
    }.graph
    #expect(try graph.isLeft(by: ResolveShapes()))
    guard limit < 10_000 else { return }
    #expect(try graph.distance(to: graph.after(ResolveShapes()), lengths: ["batch": 1, "time": 2 * limit]) == 0)
  }

  /// The same where long clips can be computed: rows are cut to the limit first.
  @Test(arguments: [1500, 480_000, 57_600_000]) func aCutIsNotOverlooked(_ limit: Int) throws {
    let graph = try GraphSketch { g in
      let x = g.input("x", [.symbol("batch"), .symbol("time")])
      let cut = try g(.stridedSlice(StridedSlice()), x, g.integers(0), g.integers(limit), g.integers(1))
      let least = try g(.minimum, g.length(x, 1, list: true), g.integers(limit))
      let shape = try g(.concat(Concat(axis: 0, count: 3)), g.length(x, 0, list: true), least, g.integers(1))
      return try g(.reshapeTo(ReshapeTo()), cut, shape)
    }.graph
    let after = try graph.after(ResolveShapes())
    // The cut's own length is what the list says; x's is not.
    #expect(after.operators.contains("StridedSlice"))
    for time in [3, limit + 10] where time < 10_000 {
      #expect(try graph.distance(to: after, lengths: ["batch": 2, "time": time]) == 0)
    }
  }

  @Test func slicesThatDropKnownNumbers() throws {
    func graph(_ starts: Int, _ ends: Int, _ steps: Int = 1, axis: Int = 1) throws -> Graph {
      try GraphSketch { g in
        try g(
          .stridedSlice(StridedSlice()), x(&g), g.integers(starts), g.integers(ends), g.integers(axis),
          g.integers(steps))
      }.graph
    }
    for (starts, ends, axis, slice) in [
      (0, -1, 1, Slice(axis: 1, dropLast: 1)), (2, .max, 1, Slice(axis: 1, dropFirst: 2)),
      (1, -2, -2, Slice(axis: 1, dropFirst: 1, dropLast: 2)), (1, 5, 2, Slice(axis: 2, dropFirst: 1, dropLast: 1)),
      (-2, 99, -1, Slice(axis: 2, dropFirst: 4)),
    ] {
      let before = try graph(starts, ends, axis: axis)
      let after = try before.after(ResolveShapes())
      #expect(after.nodes.map(\.op) == [.slice(slice)])
      #expect(try before.distance(to: after, lengths: ["time": 7]) == 0)
    }
    for (starts, ends, steps) in [(0, 3, 1), (-3, .max, 1), (0, .max, 2), (-1, .min, -1), (0, .min, 1), (.min, -1, 1)] {
      let before = try graph(starts, ends, steps)
      #expect(try before.isLeft(by: ResolveShapes()), "\(starts) \(ends) \(steps)")
    }
  }

  @Test func numbersAtTheEndsDoNotTrap() throws {
    let graph = try computed { g, time in try g(.subtract, g(.add, time, g.integers(.max)), g.integers(.min)) }
    _ = try? graph.after(ResolveShapes())
    let sums = try computed { g, time in
      try g(.add, g(.multiply, g.integers(.max), g.integers(.max)), g(.multiply, time, g.integers(.max)))
    }
    _ = try? sums.after(ResolveShapes())
  }

  /// The same names of lengths where numbers differ: two inputs may call different lengths by one name.
  @Test func lengthsThatFedNumbersSayAreLeft() throws {
    let graph = try GraphSketch { g in
      let x = g.input("x", [.fixed(6)])
      let shape = try g(.cast(Cast(to: .int64)), g.input("shape", [.fixed(2)]))
      return try g(.reshapeTo(ReshapeTo()), x, shape)
    }.graph
    #expect(try graph.isLeft(by: ResolveShapes()))
  }
}
