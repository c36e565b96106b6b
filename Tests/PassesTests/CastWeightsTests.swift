import IR
import Passes
import Tensors
import TestSupport
import Testing

@Suite struct CastWeightsTests {
  private func graph(_ weight: Tensor, _ vector: Tensor) throws -> Graph {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("rows"), .fixed(weight.shape[1])]))
    let w = graph.addConstant("w", Constant(weight, provenance: Provenance(steps: ["before"])))
    let b = graph.addConstant("b", Constant(vector, provenance: Provenance()))
    graph.addOutput("y", try graph.addNode("y", .linear(Linear()), [x, w, b]))
    return graph
  }

  private func constant(_ name: String, _ graph: Graph) throws -> Constant {
    try #require(graph.constantOrder.first { graph[$0].name == name }.map { graph.constants[$0]! })
  }

  /// The same 16-bit patterns; NaN only has to be NaN.
  private func same(_ a: Tensor, _ b: Tensor, infinity: UInt16) -> Bool {
    let (a, b) = (a.bytes.array, b.bytes.array)
    return a.count == b.count
      && stride(from: 0, to: a.count, by: 2).allSatisfy { index in
        let (x, y) = (UInt16(a[index]) | UInt16(a[index + 1]) << 8, UInt16(b[index]) | UInt16(b[index + 1]) << 8)
        return x == y || x & 0x7FFF > infinity && y & 0x7FFF > infinity
      }
  }

  @Test(arguments: [(DataType.float16, "float16", 0x7C00 as UInt16), (.bfloat16, "bfloat16", 0x7F80)])
  func bitsAndLossesAreTorchs(_ type: DataType, _ name: String, _ infinity: UInt16) throws {
    let file = try SafetensorsFixture(Repository.golden("casts/casts.safetensors"))
    let lost = try Repository.json(Repository.golden("casts/casts.json"))["lost"]
    for (numbers, narrowed, key) in [
      (name + ".numbers", name + ".narrowed", name), ("float64.numbers", "float64." + name, "float64." + name),
    ] {
      let source = try file[numbers]
      let matrix = source.reshaped([2, source.count / 2])
      var graph = try graph(matrix, Tensor([1 as Float, 1e-30]))
      let (report, losses) = try CastWeights(to: type).cast(&graph)
      let weight = try constant("w", graph)
      #expect(weight.tensor.dataType == type && weight.tensor.shape == matrix.shape)
      #expect(same(weight.tensor, try file[narrowed], infinity: infinity), "\(key)")
      let step = "\(matrix.dataType.rawValue) to \(type.rawValue)"
      #expect(weight.provenance.steps == ["before", step])
      #expect(report.changes == ["w: " + step])
      #expect(losses.map(\.name) == ["w"])
      #expect(losses.first?.counts.overflowed == lost?[key]?["overflowed"]?.int, "\(key)")
      #expect(losses.first?.counts.flushed == lost?[key]?["flushed"]?.int, "\(key)")
    }
  }

  @Test func doublesBecomeFloatsAsTorchs() throws {
    let file = try SafetensorsFixture(Repository.golden("casts/casts.safetensors"))
    let lost = try Repository.json(Repository.golden("casts/casts.json"))["lost"]?["float64.float32"]
    var graph = try graph(file["float64.numbers"], Tensor([1 as Float, 2]))
    let losses = try CastWeights(to: .float32).cast(&graph).losses
    let (ours, torchs) = (try constant("w", graph).tensor.floats, try file["float64.float32"].floats)
    for (a, b) in zip(ours, torchs) { #expect(a.isNaN ? b.isNaN : a.bitPattern == b.bitPattern, "\(a), torch \(b)") }
    #expect(losses.first?.counts.overflowed == lost?["overflowed"]?.int)
    #expect(losses.first?.counts.flushed == lost?["flushed"]?.int)
  }

  @Test func vectorsStayFloat32() throws {
    let file = try SafetensorsFixture(Repository.golden("casts/casts.safetensors"))
    let half = try file["float64.float16"]
    // A vector that the source stores in half width is widened; a matrix that has the type already is left alone.
    var graph = try graph(half, half.reshaped([half.count]).prefixOfTwo())
    let report = try CastWeights(to: .float16).run(on: &graph)
    #expect(report.changes == ["b: F16 to F32"])
    #expect(try constant("b", graph).tensor.dataType == .float32)
    #expect(try constant("w", graph).tensor.digest == half.digest)
    #expect(try constant("w", graph).provenance.steps == ["before"])
  }

  /// Weights in panels are cast from where they lie, in whatever pieces they are asked for.
  @Test func panelsAreCastAsRowsAre() throws {
    let numbers = try SafetensorsFixture(Repository.golden("casts/casts.safetensors"))["float16.narrowed"]
    let matrix = numbers.reshaped([2, numbers.count / 2])
    var (inRows, inPanels) = (try graph(matrix, Tensor([1 as Float, 2])), try graph(matrix, Tensor([1 as Float, 2])))
    let id = try #require(inPanels.constantOrder.first { inPanels[$0].name == "w" })
    let panels = try #require(PanelTensor(arranging: matrix))
    inPanels.replaceConstant(id, with: Constant(.panels(panels), provenance: Provenance(steps: ["before"])))
    _ = try CastWeights(to: .float32).run(on: &inRows)
    _ = try CastWeights(to: .float32).run(on: &inPanels)
    let (a, b) = (try constant("w", inRows), try constant("w", inPanels))
    #expect(b.dataType == .float32 && b.digest == a.digest && b.provenance == a.provenance)
    #expect(b.storage.elements(5..<9).array == Array(a.tensor.bytes.array[20..<36]))
  }

  @Test func castingTwiceChangesNothing() throws {
    let file = try SafetensorsFixture(Repository.golden("casts/casts.safetensors"))
    let numbers = try file["float16.numbers"]
    var graph = try graph(numbers.reshaped([2, numbers.count / 2]), Tensor([1 as Float, 2]))
    _ = try CastWeights(to: .float16).run(on: &graph)
    let report = try CastWeights(to: .float16).cast(&graph)
    #expect(report.report.changes.isEmpty && report.losses.isEmpty)
  }
}

extension Tensor {
  /// The first two elements of a vector of 16-bit numbers.
  fileprivate func prefixOfTwo() throws -> Tensor {
    Tensor(dataType, [2], bytes: try bytes.slice(0, 4, format: "test"))
  }
}
