import IR
import Tensors
import Testing

@Suite struct ShapingTests {
  private let x = f32("batch", "time", 8)
  private let list = TensorType(.int64, [2] as Shape)

  private func refused(_ op: Operator, _ given: Given...) -> String {
    do {
      let type =
        switch given.count {
        case 2: try made(op, given[0], given[1])
        case 3: try made(op, given[0], given[1], given[2])
        case 4: try made(op, given[0], given[1], given[2], given[3])
        default: try made(op, given[0], given[1], given[2], given[3], given[4])
        }
      return "accepted: \(type)"
    } catch { return error.what }
  }

  @Test func theShapeOfAnythingIsAList() throws {
    #expect(try inferred(.shapeOf(ShapeOf()), TensorType(.bool, ["n", 2])) == TensorType(.int64, [2] as Shape))
    #expect(try inferred(.shapeOf(ShapeOf()), f32()) == TensorType(.int64, [0] as Shape))
  }

  @Test func listsSayShapesAsOnnxDoes() throws {
    let op = Operator.reshapeTo(ReshapeTo())
    #expect(try made(op, .fed(x), .list(0, -1, 4)) == f32("batch", "node.1", 4))
    #expect(try made(op, .fed(f32(2, 6)), .list(0, 3, -1)) == f32(2, 3, 2))
    #expect(try made(op, .fed(x), .fed(list)) == f32("node.0", "node.1"))
    #expect(try made(.reshapeTo(ReshapeTo(allowsZero: true)), .fed(f32(2, 0)), .list(0, 7)) == f32(0, 7))
    #expect(refused(op, .fed(f32(2, 0)), .list(3, 0)).contains("the numbers of elements differ") == false)
    #expect(refused(op, .fed(f32(4)), .list(-1, -1)) == "only one length can be what is left")
    #expect(refused(op, .fed(f32(4)), .list(2, 0)) == "F32[4] has no axis 1")
    #expect(refused(op, .fed(f32(4)), .list(-2, -2)) == "[-2, -2] is no shape")
    #expect(refused(op, .fed(f32(4)), .list(5)).contains("the numbers of elements differ"))
    #expect(refused(op, .fed(f32(4)), .fed(TensorType(.int64, ["n"]))).contains("a known number of elements"))
    #expect(refused(op, .fed(f32(4)), .fed(TensorType(.int64, [17] as Shape))) == "a tensor has at most 16 axes")
    #expect(refused(op, .fed(f32(4)), .fed(f32(1))).contains("shape is F32"))
  }

  @Test func expandsToBothShapes() throws {
    let op = Operator.expand(Expand())
    #expect(try made(op, .fed(f32("n", 1)), .list(3, 1, 4)) == f32(3, "n", 4))
    #expect(try made(op, .fed(f32("n", 1, 1)), .fed(list)) == f32("node.0", "node.1", "node.2"))
    #expect(refused(op, .fed(f32(3)), .list(2)).contains("do not broadcast"))
    #expect(refused(op, .fed(f32(3)), .list(-1)) == "[-1] is no shape")
  }

  /// [start, end, step) of ten elements, by Python's slices.
  @Test(
    arguments: [
      (2, 7, 2, 3), (-3, 10, 1, 3), (0, Int64.max, 3, 4), (-1, .min, -1, 10), (8, 2, -2, 3), (20, 30, 1, 0),
      (20, 0, -1, 9), (.min, .max, 1, 10), (.max, .min, -1, 10), (5, 5, 1, 0), (3, 4, .max, 1), (3, -20, -.max, 1),
    ] as [(Int64, Int64, Int64, Int)]) func slicesAreClamped(_ start: Int64, _ end: Int64, _ step: Int64, _ count: Int)
    throws
  {
    let type = try made(
      .stridedSlice(StridedSlice()), .fed(f32("n", 10)), .list(start), .list(end), .list(-1), .list(step))
    #expect(type == f32("n", .fixed(count)))
  }

  @Test func slicesThatAreNoneAreRefused() throws {
    let op = Operator.stridedSlice(StridedSlice())
    #expect(try made(op, .fed(x), .list(1), .list(9)) == f32("node.0", "time", 8))
    #expect(try made(op, .fed(x), .list(1, 2), .list(9, 9), .list(2, 1)) == f32("batch", "node.1", 7))
    #expect(
      try made(op, .fed(x), .fed(TensorType(.int32, [1] as Shape)), .list(9), .list(2))
        == f32("batch", "time", "node.2"))
    #expect(refused(op, .fed(x), .list(1), .list(9), .list(2), .list(0)).contains("a step is 0"))
    #expect(refused(op, .fed(x), .list(1), .list(9), .list(2), .list(.min)).contains("a step is 0"))
    #expect(refused(op, .fed(x), .list(1), .list(9), .list(3)).contains("there is no axis 3"))
    #expect(refused(op, .fed(x), .list(1), .list(9), .list(-4)).contains("there is no axis -4"))
    #expect(refused(op, .fed(x), .list(1, 1), .list(9, 9), .list(2, -1)) == "the axes [2, -1] name one twice")
    #expect(refused(op, .fed(x), .list(1, 1), .list(9)).contains("need one length"))
    #expect(refused(op, .fed(x), .list(1, 1, 1, 1), .list(9, 9, 9, 9)).contains("there is no axis 3"))
  }

  @Test func sequencesAreCounted() throws {
    let op = Operator.arange(Arange())
    func count(_ start: Int64, _ limit: Int64, _ delta: Int64) throws -> TensorType {
      try made(op, .number(start), .number(limit), .number(delta))
    }
    #expect(try count(2, 11, 3) == TensorType(.int64, [3] as Shape))
    #expect(try count(5, -4, -2) == TensorType(.int64, [5] as Shape))
    #expect(try count(3, 3, 1) == TensorType(.int64, [0] as Shape))
    #expect(try count(1 << 62, (1 << 62) + 10, 3) == TensorType(.int64, [4] as Shape), "exact, where doubles are not")
    #expect(try count(.min, .max, 1 << 62) == TensorType(.int64, [4] as Shape))
    #expect(try count(0, 1 << 32, 1) == TensorType(.int64, [.fixed(1 << 32)]))
    #expect(try made(op, .fed(f32()), .fed(f32(1)), .fed(f32())) == f32("node.0"))
    #expect(refused(op, .number(0), .number(4), .number(0)) == "no sequence goes from 0 to 4 by 0")
    #expect(refused(op, .number(0), .number((1 << 32) + 1), .number(1)).contains("at most 4294967296 numbers"))
    #expect(refused(op, .number(.min), .number(.max), .number(1)).contains("at most"))
    #expect(refused(op, .number(0), .fed(f32()), .number(1)).contains("single numbers of one type"))
    #expect(refused(op, .list(0, 1), .number(4), .number(1)).contains("single numbers of one type"))
    let one = Given.stored(Tensor([1 as Float], shape: []))
    for wrong in [0, Float.nan, .infinity, -.infinity] {
      #expect(
        refused(op, one, one, .stored(Tensor([wrong], shape: [])))
          == "no sequence goes from 1.0 to 1.0 by \(Double(wrong))")
    }
  }

  @Test func padsLengthenAndShorten() throws {
    let op = Operator.pad(Pad())
    #expect(
      try made(op, .fed(x), .list(0, 1, -2, 0, 2, -1))
        == f32("batch", .symbolic("time", offset: 3), 5))
    #expect(try made(op, .fed(x), .fed(TensorType(.int64, [6] as Shape))) == f32("node.0", "node.1", "node.2"))
    #expect(refused(op, .fed(x), .list(0, 1)).contains("two numbers for each axis"))
    #expect(refused(op, .fed(f32(4)), .list(-3, -2)).contains("cannot be added to 4 in mode constant"))
    #expect(refused(op, .fed(f32(4)), .list(.min, 0)).contains("are no lengths"))
    #expect(refused(op, .fed(f32(4)), .list(0, 0), .number(1)) == "the value is one number of the type of x")
    #expect(refused(op, .fed(f32(4)), .list(0, 0), .fed(f32(2))) == "the value is one number of the type of x")
    #expect(try made(.pad(Pad(.reflect)), .fed(f32(4)), .list(3, 3)) == f32(10))
    #expect(refused(.pad(Pad(.reflect)), .fed(f32(4)), .list(4, 0)).contains("in mode reflect"))
    for mode in [Pad.Mode.reflect, .edge, .wrap] {
      #expect(try made(.pad(Pad(mode)), .fed(f32(0, 3)), .list(0, 1, 0, 1)) == f32(0, 5), "nothing is added to nothing")
      #expect(refused(.pad(Pad(mode)), .fed(f32(0)), .list(1, 0)).contains("in mode \(mode.rawValue)"))
    }
  }

  @Test func tilesMultiply() throws {
    let op = Operator.tile(Tile())
    #expect(try made(op, .fed(f32("n", "t", 3, 2)), .list(1, 2, 0, 3)) == f32("n", "node.1", 0, 6))
    #expect(try made(op, .fed(f32(2, 3)), .fed(list)) == f32("node.0", "node.1"))
    #expect(refused(op, .fed(x), .list(1)).contains("a number for each axis"))
    #expect(refused(op, .fed(x), .list(1, 1, -1)).contains("are no counts"))
    #expect(refused(op, .fed(x), .list(1, 1, 1 << 39)).contains("is too large"))
    #expect(refused(op, .fed(x), .list(1, 1, .max)).contains("are no counts"))
  }
}
