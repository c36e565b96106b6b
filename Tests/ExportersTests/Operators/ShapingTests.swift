import IR
import Tensors
import Testing

/// Operators that take integers as inputs: ONNX wants most of these as I64, and single numbers without an axis.
@Suite struct ShapingTests {
  private func lines(_ op: Operator, _ inputs: [TensorType]) throws -> [String] {
    let exported = try Exported(single(op, inputs))
    #expect(exported.faults == [])
    return try exported.lines
  }

  @Test func shapesAreInputs() throws {
    #expect(try lines(.shapeOf(ShapeOf()), [type(of: .bool, "a", 2)]) == ["y = Shape(x)"])
    #expect(
      try lines(.reshapeTo(ReshapeTo(allowsZero: true)), [type("a"), type(of: .int64, 3)]) == [
        "y = Reshape(x, x1) {allowzero=1}"
      ])
    #expect(
      try lines(.reshapeTo(ReshapeTo()), [type("a"), type(of: .int32, 3)]) == [
        "node/input_1 = Cast(x1) {to=7}", "y = Reshape(x, node/input_1) {allowzero=0}",
      ])
    #expect(try lines(.expand(Expand()), [type("a"), type(of: .int64, 3)]) == ["y = Expand(x, x1)"])
    #expect(
      try lines(.tile(Tile()), [type("a"), type(of: .int32, 1)]) == [
        "node/input_1 = Cast(x1) {to=7}", "y = Tile(x, node/input_1)",
      ])
  }

  @Test func slicesByInputs() throws {
    let list = type(of: .int64, 1)
    #expect(
      try lines(.stridedSlice(StridedSlice()), [type("a"), list, list, list, list]) == ["y = Slice(x, x1, x2, x3, x4)"])
    #expect(try lines(.stridedSlice(StridedSlice()), [type("a"), list, list]) == ["y = Slice(x, x1, x2)"])
    var graph = Graph()
    let x = graph.addInput("x", type("a"))
    let (starts, steps) = (graph.addInput("starts", list), graph.addInput("steps", type(of: .int32, 1)))
    graph.addOutput("y", try graph.addNode("node", .stridedSlice(StridedSlice()), [x, starts, starts, nil, steps]))
    #expect(
      try Exported(graph).lines == [
        "node/input_4 = Cast(steps) {to=7}", "y = Slice(x, starts, starts, _, node/input_4)",
      ])
  }

  @Test func sequencesOfSingleNumbers() throws {
    let number = type(of: .int64)
    #expect(try lines(.arange(Arange()), [number, number, number]) == ["y = Range(x, x1, x2)"])
    #expect(
      try lines(.arange(Arange()), [number, type(of: .int64, 1), number]) == [
        "node/input_1 = Reshape(x1, [])", "y = Range(x, node/input_1, x2)",
      ])
  }

  @Test(arguments: Pad.Mode.allCases) func paddingInModes(_ mode: Pad.Mode) throws {
    let inputs = [type("a", "b"), type(of: .int64, 4)]
    guard mode != .wrap else {
      #expect(throws: GraphError.self) { try lines(.pad(Pad(mode)), inputs) }
      return
    }
    #expect(try lines(.pad(Pad(mode)), inputs) == ["y = Pad(x, x1) {mode=\"\(mode.rawValue)\"}"])
  }

  @Test func paddingWithAValue() throws {
    #expect(
      try lines(.pad(Pad()), [type("a"), type(of: .int32, 2), type(1)]) == [
        "node/input_1 = Cast(x1) {to=7}", "node/input_2 = Reshape(x2, [])",
        "y = Pad(x, node/input_1, node/input_2) {mode=\"constant\"}",
      ])
    #expect(try lines(.pad(Pad()), [type(), type(of: .int64, 0)]) == ["y = Identity(x)"])
  }
}
