import Bytes
import Dispatch
import Executor
import IR
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite struct ExecutorTests {
  private let type = TensorType(.float32, [.symbol("rows"), .fixed(3)])
  private let x = floats([1, -2, 3, -4, 5, -6], shape: [2, 3])

  private func constant(_ values: [Float], _ shape: Shape) -> Constant {
    Constant(Tensor(values, shape: shape), provenance: Provenance())
  }

  /// Whole numbers only, so that every expected value is exact.
  @Test func inPlaceNeverOverwritesWhatIsStillNeeded() throws {
    var graph = Graph()
    let x = graph.addInput("x", type)
    let a = try graph.addNode("a", .unary(Unary(.relu)), [x])
    let b = try graph.addNode("b", .binary(Binary(.add)), [a, a])
    let c = try graph.addNode("c", .binary(Binary(.multiply)), [b, x])
    let d = try graph.addNode("d", .binary(Binary(.subtract)), [c, b])
    let e = try graph.addNode("e", .binary(Binary(.subtract)), [a, d])
    let f = try graph.addNode("f", .reshape(Reshape([.copy(axis: 0), .copy(axis: 1)])), [e])
    graph.addOutput("d", d)
    graph.addOutput("f", f)
    for threads in 1...3 {
      let results = try Executor(graph, threads: threads).run(["x": self.x])
      #expect(results["d"]?.floats == [0, 0, 12, 0, 40, 0])
      #expect(results["f"]?.floats == [1, 0, -9, 0, -35, 0])
    }
    #expect(self.x.floats == [1, -2, 3, -4, 5, -6])
  }

  @Test func theRightOperandsMemoryIsReusedOnlyWhereTheLeftOneIsReadInOrder() throws {
    // row (1 x 3) - full (2 x 3): the result lies in full's memory while the row is repeated over it.
    var graph = Graph()
    let x = graph.addInput("x", type)
    let row = graph.addConstant("row", constant([10, 20, 30], [1, 3]))
    let full = try graph.addNode("full", .binary(Binary(.add)), [x, x])
    graph.addOutput("y", try graph.addNode("y", .binary(Binary(.subtract)), [row, full]))
    let y = try Executor(graph, threads: 2).run(["x": self.x])["y"]
    #expect(y?.floats == [8, 24, 24, 18, 10, 42])
  }

  @Test func convolvesWithAWeightThatIsComputed() throws {
    // The same convolution with its weight stored, and made of a stored one: no pass is needed for a right answer.
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [1, 4, 2] as Shape))
    let w = graph.addConstant("w", constant([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [2, 2, 3]))
    let one = graph.addConstant("one", constant([1], []))
    let made = try graph.addNode("made", .binary(Binary(.multiply)), [w, one])
    graph.addOutput("stored", try graph.addNode("a", .conv(Conv()), [x, w]))
    graph.addOutput("computed", try graph.addNode("b", .conv(Conv()), [x, made]))
    let results = try Executor(graph, threads: 1).run(["x": floats([1, 0, 0, 0, 0, 1, 2, 0], shape: [1, 4, 2])])
    // torch.conv1d: y[t, o] = sum of x[t + k, c] w[o, c, k]; by hand: 1·w[o,0,0] + 1·w[o,1,2], then
    // 1·w[o,1,1] + 2·w[o,0,2].
    #expect(results["stored"]?.floats == [7, 19, 11, 29])
    #expect(results["computed"]?.floats == results["stored"]?.floats)
  }

  @Test func inputsThatDoNotFitAreErrorsThatNameThem() throws {
    var graph = Graph()
    let x = graph.addInput("signal", type)
    let mask = graph.addInput("mask", type)
    graph.addOutput("y", try graph.addNode("sum", .binary(Binary(.add)), [x, mask]))
    let executor = try Executor(graph, threads: 1)
    func failure(_ inputs: NamedTensors) -> ExecutionError? {
      do {
        _ = try executor.run(inputs)
        return nil
      } catch { return error }
    }
    let good = self.x
    #expect(failure(["signal": good, "mask": good]) == nil)
    #expect(failure(["signal": good])?.place == "mask")
    #expect(failure(["signal": good])?.what == "this input is missing")
    #expect(failure(["signal": good, "mask": good, "masks": good])?.place == "masks")
    let flat = failure(["signal": good.reshaped([6]), "mask": good])
    #expect(flat?.place == "signal")
    #expect(flat?.what.contains("[6]") == true && flat?.what.contains("F32[rows, 3]") == true)
    let wide = failure(["signal": good.reshaped([3, 2]), "mask": good])
    #expect(wide != nil && wide?.description.contains("[3, 2]") == true, "\(String(describing: wide))")
    let integers = failure(["signal": Tensor([Int64](repeating: 1, count: 6), shape: [2, 3]), "mask": good])
    #expect(integers?.place == "signal" && integers?.what.contains("I64") == true)
  }

  @Test func weightsThatAreNoFloatsAreRefusedByName() throws {
    var graph = Graph()
    let x = graph.addInput("x", type)
    let bytes = ByteRegion(copying: [UInt8](repeating: 0, count: 24)).view
    let w = graph.addConstant("double", Constant(Tensor(.float64, [3], bytes: bytes), provenance: Provenance()))
    graph.addOutput("y", try graph.addNode("sum", .binary(Binary(.add)), [x, w]))
    let error = #expect(throws: ExecutionError.self) { try Executor(graph, threads: 1) }
    #expect(error?.place == "double" && error?.what.contains("F64") == true)
  }

  @Test func halfWidthWeightsAreWidened() throws {
    // 1.5, -2, 65504 in float16 and 1.5, -2, 2^100 in bfloat16, by the formats' definitions.
    let halves: [(DataType, [UInt16], [Float])] = [
      (.float16, [0x3E00, 0xC000, 0x7BFF], [1.5, -2, 65504]),
      (.bfloat16, [0x3FC0, 0xC000, 0x7180], [1.5, -2, 0x1p100]),
    ]
    for (dataType, bits, values) in halves {
      // One byte further on, as a file may store it.
      var bytes: [UInt8] = [0]
      for half in bits { bytes += [UInt8(half & 255), UInt8(half >> 8)] }
      let view = try ByteRegion(copying: bytes).view.slice(1, 6, format: "test")
      var graph = Graph()
      let x = graph.addInput("x", type)
      let w = graph.addConstant("w", Constant(Tensor(dataType, [3], bytes: view), provenance: Provenance()))
      graph.addOutput("y", try graph.addNode("product", .binary(Binary(.multiply)), [x, w]))
      let y = try Executor(graph, threads: 2).run(["x": floats([1, 1, 1], shape: [1, 3])])["y"]
      #expect(y?.floats == values)
    }
  }

  @Test func concurrentRunsAgree() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("rows"), .fixed(64)]))
    var generator = SeededGenerator(seed: 7)
    let w = graph.addConstant("w", constant((0..<4096).map { _ in .random(in: -1...1, using: &generator) }, [64, 64]))
    let a = try graph.addNode("a", .linear(Linear()), [x, w])
    let b = try graph.addNode("b", .gelu(Gelu()), [a])
    let c = try graph.addNode("c", .linear(Linear()), [b, w])
    graph.addOutput("y", try graph.addNode("y", .binary(Binary(.add)), [c, a]))
    let executor = try Executor(graph, threads: 2)
    let inputs = (1...8).map { rows in
      Tensor((0..<rows * 64).map { _ in Float.random(in: -1...1, using: &generator) }, shape: [rows, 64])
    }
    let alone = try inputs.map { try #require(try executor.run(["x": $0])["y"]).digest }
    let together = Mutex([Digest?](repeating: nil, count: 64))
    DispatchQueue.concurrentPerform(iterations: 64) { index in
      let digest = (try? executor.run(["x": inputs[index % 8]]))?["y"]?.digest
      together.withLock { $0[index] = digest }
    }
    #expect(together.withLock { $0 } == (0..<64).map { alone[$0 % 8] })
  }
}

@Suite struct UnusualGraphTests {
  /// A constant of halves that is itself an output comes out as it is computed with.
  @Test func halvesAreWidened() throws {
    var graph = Graph()
    let halves = ByteRegion(copying: [0x00, 0x3C, 0x00, 0xC0]).view
    let id = graph.addConstant("c", Constant(Tensor(.float16, [2], bytes: halves), provenance: Provenance()))
    graph.addOutput("y", id)
    #expect(try Executor(graph, threads: 1).run([:])["y"]?.floats == [1, -2])
  }

  /// Names that only Unicode takes for equal are two names.
  @Test func namesAreBytes() throws {
    var graph = Graph()
    let a = graph.addInput("\u{E9}", TensorType(.float32, [.fixed(1)]))
    let b = graph.addInput("e\u{301}", TensorType(.float32, [.fixed(1)]))
    graph.addOutput("\u{E9}", b)
    graph.addOutput("e\u{301}", a)
    let outputs = try Executor(graph, threads: 1).run([
      "\u{E9}": Tensor([1 as Float]), "e\u{301}": Tensor([2 as Float]),
    ])
    #expect(outputs["\u{E9}"]?.floats == [2] && outputs["e\u{301}"]?.floats == [1])
    #expect(graph.value(called: "e\u{301}") == a)
  }

  /// No elements, and lengths whose product without the zero fits nothing.
  @Test func emptyAndHugeIsRefused() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.fixed(0), .fixed(1), .symbol("n")]))
    let y = graph.addInput("y", TensorType(.float32, [.fixed(0), .symbol("m"), .fixed(1)]))
    graph.addOutput("z", try graph.addNode("z", .binary(Binary(.add)), [x, y]))
    let empty = ByteRegion(copying: []).view
    let huge = 1 << 40
    #expect(throws: ExecutionError.self) {
      try Executor(graph, threads: 1).run([
        "x": Tensor(.float32, [0, 1, huge], bytes: empty), "y": Tensor(.float32, [0, huge, 1], bytes: empty),
      ])
    }
  }
}
