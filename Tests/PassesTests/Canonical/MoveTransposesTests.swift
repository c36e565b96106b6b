import IR
import Tensors
import Testing

@testable import Passes

@Suite struct MoveTransposesTests {
  private let turn = Operator.transpose(Transpose([0, 2, 1]))

  /// What comes of x [2, time, 4] between two transposes.
  private func between(_ body: (inout GraphSketch, ValueID) throws -> ValueID) throws -> Graph {
    try GraphSketch { g in
      let x = g.input("x", [.fixed(2), .symbol("time"), .fixed(4)])
      return try g(turn, body(&g, g(turn, x)))
    }.graph
  }

  private func expect(
    _ before: Graph, becomes operators: [String], _ place: SourceLocation = #_sourceLocation
  ) throws {
    var after = before
    for _ in 0..<3 { after = try after.after(MoveTransposes()) }
    #expect(after.operators == operators, sourceLocation: place)
    #expect(try before.distance(to: after) < 1e-6, sourceLocation: place)
  }

  @Test func twoThatUndoEachOtherGo() throws {
    try expect(between { _, x in x }, becomes: [])
    try expect(between { g, x in try g(.tanh, x) }, becomes: ["Tanh"])
    try expect(between { g, x in try g(.gelu(Gelu()), g(.relu, x)) }, becomes: ["Relu", "Gelu"])
    try expect(between { g, x in try g(.slice(Slice(axis: 2, dropFirst: 1, dropLast: 2)), x) }, becomes: ["Slice"])
    try expect(between { g, x in try g(.slice(Slice(axis: 1, dropLast: 3)), x) }, becomes: ["Slice"])
    try expect(between { g, x in try g(.add, x, g(turn, g(turn, x))) }, becomes: ["Add"])
  }

  @Test func twoOrdersAreOne() throws {
    let before = try GraphSketch { g in
      let x = g.input("x", [.fixed(2), .symbol("time"), .fixed(4)])
      return try g(.transpose(Transpose([1, 2, 0])), g(.transpose(Transpose([2, 0, 1])), x))
    }.graph
    try expect(before, becomes: [])
    let other = try GraphSketch { g in
      let x = g.input("x", [.fixed(2), .symbol("time"), .fixed(4)])
      return try g(.transpose(Transpose([2, 0, 1])), g(.transpose(Transpose([2, 0, 1])), x))
    }.graph
    try expect(other, becomes: ["Transpose"])
    guard case .transpose(let op) = try other.after(MoveTransposes()).nodes[0].op else {
      Issue.record("no transpose")
      return
    }
    // y[i, j, k] = z[j, k, i] and z[a, b, c] = x[b, c, a] make y[i, j, k] = x[k, i, j].
    #expect(op.permutation == [1, 2, 0])
  }

  @Test(arguments: [[], [1], [4, 1], [1, 4, 1], [2, 1, 1], [1, 5]] as [Shape])
  func constantsWithOneLongAxisMove(_ shape: Shape) throws {
    for first in [false, true] {
      let before = try between { g, x in
        let c = g.weights(shape)
        return try first ? g(.subtract, c, x) : g(.subtract, x, c)
      }
      try expect(before, becomes: ["Sub"])
    }
  }

  @Test(arguments: [[4, 5], [2, 4, 1], [2, 4, 5]] as [Shape]) func constantsWithTwoLongAxesStay(_ shape: Shape) throws {
    let before = try between { g, x in try g(.add, x, g.weights(shape)) }
    try expect(before, becomes: ["Transpose", "Add", "Transpose"])
  }

  /// A constant of more axes gives the result more axes.
  @Test func constantsOfMoreAxesStay() throws {
    let before = try GraphSketch { g in
      let x = g.input("x", [.fixed(2), .symbol("time"), .fixed(4)])
      return try g(.add, g(turn, x), g.weights([1, 1, 4, 1]))
    }.graph
    #expect(try before.isLeft(by: MoveTransposes()))
  }

  @Test func valuesThatTwoUseStay() throws {
    let before = try GraphSketch { g in
      let x = g.input("x", [.fixed(2), .symbol("time"), .fixed(4)])
      let turned = try g(turn, x)
      return try g(.add, g(turn, g(.tanh, turned)), g(.relu, g(turn, g(.slice(Slice(axis: 1)), turned))))
    }.graph
    let after = try before.after(MoveTransposes())
    #expect(try before.distance(to: after) < 1e-6)
    #expect(after.operators.contains("Transpose"))
  }

  @Test func sumsOfTwoOrdersStay() throws {
    let before = try GraphSketch { g in
      let (x, z) = (g.input("x", [.fixed(4), .fixed(4), .fixed(4)]), g.input("z", [.fixed(4), .fixed(4), .fixed(4)]))
      return try g(.add, g(turn, x), g(.transpose(Transpose([1, 0, 2])), z))
    }.graph
    #expect(try before.isLeft(by: MoveTransposes()))
    let plain = try GraphSketch { g in
      let (x, z) = (g.input("x", [.fixed(4), .fixed(4), .fixed(4)]), g.input("z", [.fixed(4), .fixed(4), .fixed(4)]))
      return try g(.add, g(turn, x), z)
    }.graph
    #expect(try plain.isLeft(by: MoveTransposes()))
    let same = try GraphSketch { g in
      let (x, z) = (
        g.input("x", [.fixed(4), .symbol("t"), .fixed(4)]), g.input("z", [.fixed(4), .symbol("t"), .fixed(4)])
      )
      return try g(.subtract, g(turn, x), g(turn, z))
    }.graph
    try expect(same, becomes: ["Sub", "Transpose"])
  }

  @Test func axesOfLengthOneMoveByAReshape() throws {
    let before = try GraphSketch { g in
      try g(.transpose(Transpose([1, 0, 2])), g.input("x", [.fixed(1), .symbol("time"), .fixed(4)]))
    }.graph
    try expect(before, becomes: ["Reshape"])
    let long = try GraphSketch { g in
      try g(.transpose(Transpose([2, 0, 1])), g.input("x", [.fixed(1), .symbol("time"), .fixed(4)]))
    }.graph
    #expect(try long.isLeft(by: MoveTransposes()))
  }

  @Test func reshapesOfReshapes() throws {
    func graph(_ first: [Reshape.Length], _ second: [Reshape.Length]) throws -> Graph {
      try GraphSketch { g in
        let x = g.input("x", [.fixed(2), .symbol("time"), .fixed(4)])
        return try g(.reshape(Reshape(second)), g(.reshape(Reshape(first)), x))
      }.graph
    }
    try expect(
      graph([.copy(axis: 0), .copy(axis: 1), .fixed(2), .fixed(2)], [.copy(axis: 0), .copy(axis: 1), .fixed(4)]),
      becomes: ["Reshape"])
    try expect(graph([.rest, .fixed(2)], [.fixed(4), .rest]), becomes: ["Reshape"])
    try expect(graph([.copy(axis: 1), .fixed(8)], [.rest, .fixed(2), .copy(axis: 0)]), becomes: ["Reshape"])
    // The rest of the first is a length that the second copies.
    try expect(graph([.rest, .fixed(2)], [.copy(axis: 0), .fixed(1), .fixed(2)]), becomes: ["Reshape", "Reshape"])
  }
}
