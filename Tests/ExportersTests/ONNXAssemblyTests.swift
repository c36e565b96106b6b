import Bytes
import Exporters
import IR
import Tensors
import TestSupport
import Testing

/// Names of values, and the graph's constants.
@Suite struct ONNXAssemblyTests {
  /// An output is called as it is outside; whoever inside has its name gets another.
  @Test func inputsAndOutputsKeepTheirNames() throws {
    var graph = Graph()
    let x = graph.addInput("signal", type("batch", 2))
    let w = graph.addConstant("logits", constant([2, 2]))
    let a = try graph.addNode("hidden", .linear(Linear()), [x, w])
    let b = try graph.addNode("a\u{301}", .unary(Unary(.tanh)), [a])
    graph.addState("layer.0", a)
    graph.addState("\u{e1}", b)
    graph.addOutput("logits", b)
    graph.addOutput("\u{e1}", a)
    let exported = try Exported(graph)
    #expect(
      try exported.lines == ["\u{e1} = Gemm(signal, logits_1) {transB=1}", "logits = Tanh(\u{e1})"])
    #expect(exported.graph.nodes.map { Name($0.name) } == [Name("hidden"), Name("a\u{301}")])
    #expect(exported.graph.inputs.map(\.description) == ["signal: FLOAT[batch, 2]"])
    #expect(exported.graph.outputs.map(\.description) == ["logits: FLOAT[batch, 2]", "\u{e1}: FLOAT[batch, 2]"])
    #expect(exported.graph.initializers.map(\.name) == ["logits_1"])
    #expect(exported.faults == [])
    let states = try #require(exported.file.model.metadata.first { $0.name == "assay.states" }?.value)
    #expect(states == #"{"layer.0":"á","á":"logits"}"#)
  }

  @Test func whatHasAnotherNameAlreadyIsCopied() throws {
    var graph = Graph()
    let x = graph.addInput("x", type("batch", 2))
    let c = graph.addConstant("c", constant([2]))
    let sum = try graph.addNode("sum", .binary(Binary(.add)), [x, c])
    for (name, value) in [("a", sum), ("b", sum), ("input", x), ("numbers", c)] { graph.addOutput(name, value) }
    let exported = try Exported(graph)
    #expect(
      try exported.lines == ["a = Add(x, c)", "b = Identity(a)", "input = Identity(x)", "numbers = Identity(c)"])
    #expect(exported.faults == [])
  }

  @Test(arguments: ["x", ""]) func namesThatCannotBeAreRefused(_ name: String) throws {
    var graph = Graph()
    let x = graph.addInput("x", type("batch", 2))
    graph.addOutput(name, try graph.addNode("node", .unary(Unary(.relu)), [x]))
    #expect(throws: GraphError.self) { try ONNXExport(graph, metadata: .plain, producer: "assay") }
  }

  /// A name that a step of another operator would take stays the node's.
  @Test func stepsMakeRoomForNodes() throws {
    var graph = Graph()
    let x = graph.addInput("x", type("batch", 2))
    let gelu = try graph.addNode("g", .gelu(Gelu()), [x])
    graph.addOutput("y", try graph.addNode("g/erf", .unary(Unary(.relu)), [gelu]))
    graph.addOutput("z", try graph.addNode("ints/1", .unary(Unary(.relu)), [gelu]))
    let exported = try Exported(graph)
    #expect(exported.faults == [])
    #expect(exported.graph.nodes.filter { $0.op == "Relu" }.map(\.name) == ["g/erf_1", "ints/1"])
  }

  @Test func halvesAreWidenedInTheGraph() throws {
    for (type, name) in [(DataType.float16, "FLOAT16[2, 3]"), (.bfloat16, "BFLOAT16[2, 3]")] {
      let half = Tensor(type, [2, 3], bytes: view((0..<12).map { UInt8($0) }))
      var graph = Graph()
      let x = graph.addInput("x", ExportersTests.type("batch", "time", 3))
      let w = graph.addConstant("w", Constant(half, provenance: Provenance()))
      let product = try graph.addNode("product", .linear(Linear()), [x, w])
      let flat = graph.addInput("flat", ExportersTests.type("batch", 3))
      graph.addOutput("y", product)
      graph.addOutput("z", try graph.addNode("flat_product", .linear(Linear()), [flat, w]))
      let exported = try Exported(graph)
      #expect(
        try exported.lines == [
          // The narrow numbers are transposed, then widened.
          "w/transposed = Transpose(w) {perm=[1, 0]}", "w/transposed/f32 = Cast(w/transposed) {to=1}",
          "y = MatMul(x, w/transposed/f32)", "w/f32 = Cast(w) {to=1}", "z = Gemm(flat, w/f32) {transB=1}",
        ])
      #expect(exported.graph.initializers.map(\.description) == [name])
      #expect(try exported.file.tensor("w").digest == half.digest)
    }
  }

  /// However a constant is stored, its rows come out; and nothing else is an initializer.
  @Test(arguments: [1, 4]) func initializersAreTheConstants(_ threads: Int) throws {
    let weight = Tensor((0..<600_000).map { Float($0) }, shape: [60, 10, 1000])
    let panels = try #require(PanelTensor(arranging: weight, groups: 2))
    let stored = PanelTensor(.float32, panels.layout, stored: panels.piece(0..<panels.layout.panels).stored)
    var graph = Graph()
    let x = graph.addInput("x", type("batch", "time", 20))
    var y = x
    for (number, storage) in [Constant.Storage.panels(stored), .panels(panels), .rowMajor(weight)].enumerated() {
      let w = graph.addConstant("w\(number)", Constant(storage, provenance: Provenance()))
      y = try graph.addNode("conv\(number)", .conv(Conv(groups: 2)), [x, w])
      graph.addOutput("y\(number)", try graph.addNode("gelu\(number)", .gelu(Gelu()), [y]))
    }
    let exported = try Exported(graph, threads: threads)
    #expect(exported.file.entries.map(\.name) == ["w0", "w1", "w2"])
    for entry in exported.file.entries {
      #expect(entry.shape == weight.shape)
      #expect(try exported.file.tensor(entry.name).digest == weight.digest)
    }
    #expect(try exported.bytes == Exported(graph, threads: 3).bytes)
  }
}
