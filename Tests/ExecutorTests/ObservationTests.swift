import Executor
import IR
import Tensors
import Testing

@Suite struct ObservationTests {
  /// a = 2x, b = a + x, y = -b as 0 - b; `layer.0` is a.
  private func graph() throws -> Graph {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n")]))
    let zero = graph.addConstant("zero", Constant(floats([0]), provenance: Provenance()))
    let a = try graph.addNode("a", .binary(Binary(.add)), [x, x])
    let b = try graph.addNode("b", .binary(Binary(.add)), [a, x])
    graph.addState("layer.0", a)
    graph.addOutput("y", try graph.addNode("negative", .binary(Binary(.subtract)), [zero, b]))
    return graph
  }

  @Test func seesValuesByNodeStateAndOutputName() throws {
    let graph = try graph()
    var seen: [(String, [Float])] = []
    let observation = Observation(["layer.0", "b", "y", "nothing of this name"]) {
      (id, tensor) throws(ExecutionError) in
      seen.append((graph[id].name, tensor.floats))
      return nil
    }
    let results = try Executor(graph, threads: 1).run(["x": floats([1, 2])], observing: observation)
    #expect(seen.map(\.0) == ["a", "b", "negative"])
    #expect(seen.map(\.1) == [[2, 4], [3, 6], [-3, -6]])
    #expect(results["y"]?.floats == [-3, -6])
  }

  @Test func whatItHandsBackTakesTheValuesPlace() throws {
    let observation = Observation(["layer.0"]) { (_, _) throws(ExecutionError) in floats([100, 200]) }
    let executor = try Executor(graph(), threads: 1)
    #expect(try executor.run(["x": floats([1, 2])], observing: observation)["y"]?.floats == [-101, -202])
    // The next run is not touched by it.
    #expect(try executor.run(["x": floats([1, 2])])["y"]?.floats == [-3, -6])
  }

  @Test func aCopyIsShownThatStaysWhatItWas() throws {
    var kept: Tensor?
    let observation = Observation(["a"]) { (_, tensor) throws(ExecutionError) in
      kept = tensor
      return nil
    }
    _ = try Executor(graph(), threads: 1).run(["x": floats([1, 2])], observing: observation)
    #expect(kept?.floats == [2, 4])  // b and y were computed in a's memory since
  }

  @Test func itsErrorEndsTheRun() throws {
    let observation = Observation(["b"]) { (_, _) throws(ExecutionError) in throw ExecutionError("b", "enough") }
    let executor = try Executor(graph(), threads: 1)
    #expect(throws: ExecutionError("b", "enough")) { try executor.run(["x": floats([1, 2])], observing: observation) }
  }
}
