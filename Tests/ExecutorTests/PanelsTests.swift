import Bytes
import Executor
import IR
import Tensors
import TestSupport
import Testing

/// Weights as an artifact holds them give the bits that the same weights in rows give.
@Suite struct PanelsTests {
  /// Random numbers around 0 of any type weights have.
  private static func weight(_ type: DataType, _ shape: Shape) -> Tensor {
    var random = SeededGenerator(seed: UInt64(shape.count))
    let floats = (0..<shape.count).map { _ in Float.random(in: -0.1...0.1, using: &random) }
    switch type {
    case .float16, .bfloat16:
      // The upper bits of a float, or a small half with any fraction.
      let halves = floats.map { float in
        type == .bfloat16
          ? UInt16(float.bitPattern >> 16)
          : UInt16(float < 0 ? 0x8000 : 0) | UInt16.random(in: 0x0000...0x2FFF, using: &random)
      }
      return Tensor(type, shape, bytes: view(halves.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }))
    default: return Tensor(floats, shape: shape)
    }
  }

  private static func graph(_ type: DataType, panels: Bool) throws -> Graph {
    var graph = Graph()
    func constant(_ shape: Shape, groups: Int) -> ValueID {
      let tensor = weight(type, shape)
      var storage = Constant.Storage.rowMajor(tensor)
      if panels {
        let arranged = PanelTensor(arranging: tensor, groups: groups)!
        storage = .panels(
          PanelTensor(type, arranged.layout, stored: arranged.piece(0..<arranged.layout.panels).stored))
      }
      return graph.addConstant("w\(shape)", Constant(storage, provenance: Provenance()))
    }
    var x = graph.addInput("x", TensorType(.float32, [.fixed(2), .symbol("time"), .fixed(1)]))
    x = try graph.addNode("first", .conv(Conv(stride: 2)), [x, constant([48, 1, 5], groups: 1)])
    let grouped = Conv(paddingBefore: 3, paddingAfter: 3, groups: 4)
    x = try graph.addNode("grouped", .conv(grouped), [x, constant([68, 12, 7], groups: 4)])
    let dilated = Conv(paddingBefore: 2, dilation: 2)
    x = try graph.addNode("dilated", .conv(dilated), [x, constant([530, 68, 2], groups: 1)])
    x = try graph.addNode("wide", .linear(Linear()), [x, constant([70, 530], groups: 1)])
    x = try graph.addNode("narrow", .linear(Linear()), [x, constant([3, 70], groups: 1)])
    graph.addOutput("y", x)
    return graph
  }

  @Test(arguments: [DataType.float32, .float16, .bfloat16], [1, 2])
  func theBitsAreTheSame(_ type: DataType, _ threads: Int) throws {
    let input = Self.weight(.float32, [2, 40, 1])
    for products in [Executor.Products.own, .blas] {
      let results = try [false, true].map { panels in
        try Executor(Self.graph(type, panels: panels), threads: threads, products: products).run(["x": input])["y"]!
      }
      #expect(results[0].shape == [2, 18, 3])
      #expect(results[0].floats.contains { $0 != 0 } && results[0].floats.allSatisfy(\.isFinite))
      #expect(results[0].bytes.array == results[1].bytes.array)
    }
  }

  /// Panels that a product does not read that way, and panels that are an output, are brought into rows.
  @Test func otherUsesGetRows() throws {
    let tensor = Self.weight(.float32, [20, 6])
    func graph(_ storage: Constant.Storage) throws -> Graph {
      var graph = Graph()
      let x = graph.addInput("x", TensorType(.float32, [.symbol("time"), .fixed(6)]))
      let weight = graph.addConstant("w", Constant(storage, provenance: Provenance()))
      let y = try graph.addNode("product", .linear(Linear()), [x, weight])
      graph.addOutput("y", y)
      graph.addOutput("sum", try graph.addNode("sum", .binary(Binary(.add)), [weight, weight]))
      graph.addOutput("w", weight)
      return graph
    }
    let arranged = try #require(PanelTensor(arranging: tensor, groups: 2))
    let stored = PanelTensor(.float32, arranged.layout, stored: arranged.piece(0..<arranged.layout.panels).stored)
    let input: NamedTensors = ["x": Self.weight(.float32, [5, 6])]
    let expected = try Executor(graph(.rowMajor(tensor)), threads: 1).run(input)
    for storage in [Constant.Storage.panels(arranged), .panels(stored)] {
      let result = try Executor(graph(storage), threads: 1).run(input)
      for name in ["y", "sum", "w"] { #expect(result[name]!.bytes.array == expected[name]!.bytes.array) }
    }
  }
}
