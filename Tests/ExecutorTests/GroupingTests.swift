import Executor
import IR
import Tensors
import TestSupport
import Testing

/// Nodes computed together give what they give one by one. The reference runs node by node on OpenBLAS; that its
/// numbers are right is shown by the operators' goldens.
@Suite struct GroupingTests {
  enum Norm: CaseIterable { case none, layer, group, groups4 }

  /// Three convolutions with norms and GELUs, a projection, a residual around two products: [batch, samples] in.
  func graph(_ norm: Norm, kernels: [Int] = [10, 3, 2], strides: [Int] = [5, 2, 2]) throws -> Graph {
    var random = SeededGenerator(seed: 7)
    var b = GraphBuilder()
    func weight(_ name: String, _ shape: Shape, _ scale: Float = 0.4) -> ValueID {
      let numbers = (0..<shape.count).map { _ in Float.random(in: -scale...scale, using: &random) }
      return b.constant(name, Constant(Tensor(numbers, shape: shape), provenance: Provenance()))
    }
    let signal = b.input("signal", [.symbol("batch"), .symbol("samples")])
    var x = try b.apply(.reshape(Reshape([.copy(axis: 0), .copy(axis: 1), .fixed(1)])), signal, name: "frames")
    var width = 1
    for (i, kernel) in kernels.enumerated() {
      x = try b.apply(
        .conv(Conv(stride: strides[i])), x, weight("conv\(i).weight", [24, width, kernel]),
        weight("conv\(i).bias", [24]),
        name: "conv\(i)")
      width = 24
      let (scale, bias) = (weight("norm\(i).weight", [24]), weight("norm\(i).bias", [24]))
      switch norm {
      case .none: break
      case .layer:
        x = try b.apply(.layerNormalization(LayerNormalization(epsilon: 1e-5)), x, scale, bias, name: "norm\(i)")
      case .group, .groups4:
        x = try b.apply(
          .groupNormalization(GroupNormalization(groups: norm == .group ? 24 : 4, epsilon: 1e-5)), x, scale, bias,
          name: "norm\(i)")
      }
      x = try b.apply(.gelu(Gelu()), x, name: "gelu\(i)")
    }
    let hidden = try b.linear(x, weight: weight("a.weight", [17, 24]), bias: weight("a.bias", [17]), name: "a")
    let wide = try b.linear(hidden, weight: weight("b.weight", [40, 17]), bias: nil, name: "b")
    let active = try b.apply(.gelu(Gelu()), wide, name: "active")
    let back = try b.linear(active, weight: weight("c.weight", [17, 40]), bias: weight("c.bias", [17]), name: "c")
    let sum = try b.add(hidden, back, name: "sum")
    b.output("sum", try b.add(sum, hidden, name: "twice"))
    b.output("hidden", hidden)
    return b.graph
  }

  func signal(_ batch: Int, _ samples: Int) -> Tensor {
    var random = SeededGenerator(seed: UInt64(samples))
    let noise = (0..<batch * samples).map { _ in Float.random(in: -1...1, using: &random) + 0.2 }
    return Tensor(noise, shape: [batch, samples])
  }

  @Test(arguments: Norm.allCases, [30, 31, 2_921])
  func groupsGiveWhatSingleNodesGive(_ norm: Norm, _ samples: Int) throws {
    let graph = try graph(norm)
    let reference = try Executor(graph, threads: 1, products: .blas)
    for batch in [1, 2] {
      let input: NamedTensors = ["signal": signal(batch, samples)]
      let expected = try reference.run(input)
      for threads in [1, 3] {
        let grouped = try Executor(graph, threads: threads).run(input)
        for name in ["sum", "hidden"] {
          #expect(grouped[name]!.shape == expected[name]!.shape)
          let largest = expected[name]!.floats.reduce(1) { max($0, abs($1)) }
          // Sums of a few hundred products, in another order.
          #expect(zip(grouped[name]!.floats, expected[name]!.floats).allSatisfy { abs($0 - $1) <= 1e-5 * largest })
        }
        #expect(try Executor(graph, threads: threads).run(input)["sum"]!.digest == grouped["sum"]!.digest)
      }
    }
  }

  /// Several tasks for a group norm's sums, tiles of each number of workers, products in pieces.
  @Test(arguments: Norm.allCases, [Executor.Products.own, .blas])
  func anyNumberOfThreadsGivesTheSameBits(_ norm: Norm, _ products: Executor.Products) throws {
    let executor = try Executor(graph(norm), threads: 2, products: products)
    // So far from zero that the variance shows in what order doubles were added up.
    let input: NamedTensors = ["signal": Tensor(signal(1, 6_131).floats.map { $0 + 1e5 }, shape: [1, 6_131])]
    let expected = try executor.run(input)
    for threads in [1, 3, 7] {
      let result = try executor.run(input, threads: threads)
      for name in ["sum", "hidden"] { #expect(result[name]!.digest == expected[name]!.digest, "\(threads) threads") }
    }
  }

  @Test func aPeakIsThatOfThePlan() throws {
    let graph = try graph(.layer)
    let executor = try Executor(graph, threads: 2)
    #expect(
      try executor.peakBytes([[1, 9_131]], observing: [], threads: 2)
        == Plan(graph, inputs: [[1, 9_131]], workers: 2).peakBytes)
    // What is looked at has to be kept.
    #expect(
      try executor.peakBytes([[1, 9_131]], observing: ["conv0"], threads: 2)
        > executor.peakBytes([[1, 9_131]], observing: [], threads: 2))
  }

  /// A kernel shorter than its stride leaves frames out; a tile must not shift the rest.
  @Test func kernelsShorterThanTheirStride() throws {
    let graph = try graph(.layer, kernels: [4, 1, 3], strides: [6, 3, 1])
    let input: NamedTensors = ["signal": signal(1, 3_000)]
    let expected = try Executor(graph, threads: 1, products: .blas).run(input)["sum"]!.floats
    let grouped = try Executor(graph, threads: 2).run(input)["sum"]!.floats
    #expect(zip(grouped, expected).allSatisfy { abs($0 - $1) <= 1e-4 })
  }

  @Test func whatIsWatchedIsNeverHidden() throws {
    let graph = try graph(.group)
    let input: NamedTensors = ["signal": signal(1, 5_000)]
    let executor = try Executor(graph, threads: 2)
    let plain = try executor.run(input)["sum"]!
    var seen: [String: Shape] = [:]
    let names = ["conv0", "norm1", "gelu2", "b", "c", "signal", "c.weight"]
    let watched = try executor.run(
      input,
      observing: Observation(names) { id, tensor in
        seen[graph[id].name] = tensor.shape
        return nil
      })
    #expect(Set(seen.keys).isSubset(of: Set(names)) && seen.count >= 5)
    #expect(seen["conv0"] == [1, 999, 24])
    #expect(zip(watched["sum"]!.floats, plain.floats).allSatisfy { abs($0 - $1) <= 1e-4 })
  }

  @Test func replacedValuesAreWhatFollowsSees() throws {
    let graph = try graph(.layer)
    let input: NamedTensors = ["signal": signal(1, 2_000)]
    let executor = try Executor(graph, threads: 1)
    let zero = try executor.run(
      input,
      observing: Observation(["gelu2"]) { _, tensor in
        Tensor([Float](repeating: 0, count: tensor.count), shape: tensor.shape)
      })["hidden"]!
    let bias = graph.constants.first { graph[$0.key].name == "a.bias" }!.value.tensor.floats
    #expect(Array(zero.floats.prefix(17)) == bias)
  }

  @Test func longAudioNeedsLittleMoreMemoryBetweenNodes() throws {
    let graph = try graph(.layer)
    let tiled = try Plan(graph, inputs: [[1, 1_600_000]], workers: 2)
    let single = try Plan(graph, inputs: [[1, 1_600_000]], workers: 2, groups: false)
    #expect(tiled.peakBytes * 3 / 2 < single.peakBytes)
    #expect(tiled.steps.count < single.steps.count)
  }
}
