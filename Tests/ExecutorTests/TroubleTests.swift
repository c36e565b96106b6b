import Bytes
import Executor
import IR
import Tensors
import Testing

/// What `op` makes of `inputs`, of which the first `fed` are fed and the others stored.
func result(_ op: Operator, _ inputs: Tensor...) throws -> Tensor { try result(op, fed: inputs.count, inputs) }

/// What `op` makes of `inputs`, of which the first `count` are fed and the others stored.
func result(_ op: Operator, fed count: Int, _ inputs: [Tensor]) throws -> Tensor {
  var (graph, fed) = (Graph(), NamedTensors())
  var ids: [ValueID?] = []
  for (index, tensor) in inputs.enumerated() {
    let name = "input \(index)"
    if index < count {
      // Only lists of a known number of elements say shapes.
      let lengths = tensor.shape.dimensions.enumerated().map { axis, length in
        tensor.dataType == .float32 ? Dimension.symbol("\(name).\(axis)") : .fixed(length)
      }
      ids.append(graph.addInput(name, TensorType(tensor.dataType, lengths)))
      fed[name] = tensor
    } else {
      ids.append(graph.addConstant(name, Constant(tensor, provenance: Provenance())))
    }
  }
  graph.addOutput("y", try graph.addNode("node", op, ids))
  return try #require(try Executor(graph, threads: 2).run(fed)["y"])
}

/// Numbers that nobody can compute with end in one error that names the node, whenever they are found.
@Suite struct TroubleTests {
  private func failure(_ op: Operator, _ inputs: Tensor...) -> String {
    do {
      return "made \(try result(op, fed: inputs.count, inputs).shape)"
    } catch let error as ExecutionError {
      return error.place == "node" ? error.what : "at \(error.place): \(error.what)"
    } catch { return "\(error)" }
  }

  /// Few integers are known when the run is planned, many are not.
  private func both(_ values: [Int64]) -> [Tensor] {
    [Tensor(values), Tensor(values + [Int64](repeating: 1, count: 5000))]
  }

  @Test(arguments: [Binary.Function.divide, .modulo, .remainder]) func divisionBy0(_ function: Binary.Function) {
    for divisors in both([2, 0, 3]) {
      let dividends = Tensor([Int64](repeating: 7, count: divisors.count))
      #expect(failure(.binary(Binary(function)), dividends, divisors) == "an integer is divided by 0")
    }
    #expect(failure(.binary(Binary(function)), int32s([1, 1]), int32s([1, 0])) == "an integer is divided by 0")
    #expect(
      failure(.binary(Binary(function)), floats([1, 1]), floats([1, 0])) == "made [2]", "floats have an infinity")
  }

  @Test func indicesOutsideAnAxis() {
    let x = floats([1, 2, 3, 4, 5, 6], shape: [3, 2])
    for (index, length, axis) in [(3, 3, 0), (-4, 3, 0), (2, 2, 1), (Int64.max, 2, 1), (.min, 3, 0)] {
      for indices in both([0, index]) {
        #expect(
          failure(.gather(Gather(axis: axis)), x, indices)
            == "the index \(index) is outside an axis of \(length) elements")
      }
    }
    #expect(
      failure(.gather(Gather(axis: 0)), Tensor([7 as Int64, 8]), int32s([2]))
        == "the index 2 is outside an axis of 2 elements")
    #expect(
      failure(.gather(Gather(axis: 0)), floats([], shape: [0, 2]), number(0))
        == "the index 0 is outside an axis of 0 elements")
  }

  @Test func placesOutsideAnAxis() {
    let x = floats([1, 2, 3, 4, 5, 6], shape: [3, 2])
    for (place, message) in [
      ([0, 2], "the index 2 is outside an axis of 2"), ([3, 0], "the index 3 is outside an axis of 3"),
      ([-4, 0], "the index -4 is outside an axis of 3"), ([0, .min], "the index \(Int64.min) is outside an axis of 2"),
    ] as [([Int64], String)] {
      for reduction in Scatter.Reduction.allCases {
        let what = failure(.scatter(Scatter(reduction)), x, Tensor(place, shape: [1, 2]), floats([9]))
        #expect(what == message + " elements")
      }
    }
  }

  @Test func sequencesThatDoNotGoOn() {
    let range = Operator.arange(Arange())
    #expect(failure(range, number(0), number(4), number(0)) == "no sequence goes from 0 to 4 by 0")
    for wrong in [0, Float.nan, .infinity] {
      let what = failure(range, floats([0], shape: []), floats([4], shape: []), floats([wrong], shape: []))
      #expect(what == "no sequence goes from 0.0 to 4.0 by \(Double(wrong))")
    }
    #expect(failure(range, number(0), number(.max), number(1)) == "a sequence has at most 4294967296 numbers")
    #expect(failure(range, number(.min), number(.max), number(1)).contains("at most"))
    #expect(failure(range, Tensor([1 as Int64, 2]), number(4), number(1)).contains("single numbers"))
  }

  @Test func shapesThatDependOnFloats() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [2] as Shape))
    let list = try graph.addNode("list", .cast(Cast(to: .int64)), [x])
    graph.addOutput("y", try graph.addNode("node", .reshapeTo(ReshapeTo()), [x, list]))
    let error = #expect(throws: ExecutionError.self) { try Executor(graph, threads: 1).run(["x": floats([2, 1])]) }
    #expect(error?.place == "node")
    #expect(error?.what.contains("depends on numbers that are not known before the graph runs") == true)
  }

  @Test func lengthsThatTurnOutOtherwise() {
    #expect(failure(.binary(Binary(.add)), floats([1, 2]), floats([1, 2, 3])) == "[2] and [3] do not broadcast")
    #expect(failure(.matMul(MatMul()), floats([1, 2]), floats([1, 2, 3])).contains("cannot be multiplied"))
    #expect(
      failure(.concat(Concat(axis: 0, count: 2)), floats([1], shape: [1, 1]), floats([1, 2], shape: [1, 2]))
        .contains("does not continue"))
    let list = Tensor([2, 2] as [Int64])
    #expect(failure(.reshapeTo(ReshapeTo()), floats([1, 2, 3]), list).contains("the numbers of elements differ"))
    #expect(failure(.reshapeTo(ReshapeTo()), floats([1, 2]), Tensor([-1, -1] as [Int64])).contains("only one length"))
    #expect(failure(.expand(Expand()), floats([1, 2, 3]), list).contains("do not broadcast"))
    #expect(failure(.tile(Tile()), floats([1, 2]), Tensor([-1 as Int64])).contains("are no counts"))
    #expect(failure(.pad(Pad(.reflect)), floats([1, 2]), Tensor([2, 0] as [Int64])).contains("cannot be added"))
    #expect(failure(.pad(Pad()), floats([1, 2]), Tensor([.min, 0] as [Int64])).contains("are no lengths"))
    #expect(failure(.expand(Expand()), floats([1]), Tensor([1 << 39, 1] as [Int64])).contains("more than"))
  }

  @Test func slicesOfOneAxisTwice() {
    let x = floats([1, 2, 3, 4, 5, 6, 7, 8])
    let (starts, ends) = (Tensor([5, 5] as [Int64]), Tensor([8, 8] as [Int64]))
    for axes in [[0, 0], [0, -1]] as [[Int64]] {
      #expect(
        failure(.stridedSlice(StridedSlice()), x, starts, ends, Tensor(axes)) == "the axes \(axes) name one twice")
    }
  }
}
