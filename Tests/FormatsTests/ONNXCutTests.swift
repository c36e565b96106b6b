import Bytes
import Formats
import Tensors
import TestSupport
import Testing

/// Cuts of graphs small enough to say by hand what has to be left.
@Suite struct ONNXCutTests {
  /// Three layers, each `state + state · w`, and a Relu behind them.
  struct Layers {
    var fixture = ONNXFixture()
    var states = ["x"]
    /// What stands behind the layers; in front of it others may be added.
    var last: String { states.last! }

    init(_ count: Int = 3, weights: (Int) -> String? = { "enc.layers.\($0).w" }, irVersion: Int = 10) {
      fixture.irVersion = irVersion
      fixture.input("x", [1, "t", 2])
      for layer in 0..<count {
        let (scope, state) = ("/enc/layers.\(layer)", states.last!)
        let own = weights(layer)
        if let own, own == "enc.layers.\(layer).w" {
          fixture.initializer(own, Tensor([Float(layer), 1, 2, 3], shape: [2, 2]))
          if irVersion < 4 { fixture.input(own, [2, 2]) }
        }
        fixture.node(
          "MatMul", [state, own ?? "w"], ["\(scope)/MatMul_output_0"], name: "\(scope)/MatMul",
          saying: ["namespace": ": Model/enc: Encoder/enc.layers.\(layer): Layer/linear_\(layer): aten.linear.default"])
        fixture.node("Add", [state, "\(scope)/MatMul_output_0"], ["\(scope)/Add_output_0"], name: "\(scope)/Add")
        fixture.valueInfo("\(scope)/MatMul_output_0", [1, "t", 2])
        states.append("\(scope)/Add_output_0")
      }
    }

    /// With a Relu of the last state as the output `y`.
    func ended() -> Layers {
      var layers = self
      layers.fixture.node("Relu", [last], ["y"], name: "/Relu")
      layers.fixture.output("y")
      return layers
    }
  }

  /// What a name is when `kept` of the layers of `enc` are left.
  static func renaming(_ kept: [Int]) -> ONNXCut.Renaming {
    { name, shared in
      for path in ["enc.layers.", "/enc/layers."] where name.hasPrefix(path) {
        let rest = name.dropFirst(path.count)
        guard let layer = Int(rest.prefix { $0.isNumber }) else { return name }
        return kept.firstIndex(of: shared ?? layer).map { path + "\($0)" + rest.drop { $0.isNumber } }
      }
      return name
    }
  }

  func cut(_ fixture: ONNXFixture, _ states: [String], _ kept: [Int], rank: Int = 3) throws -> ONNXFile {
    let file = try ONNXFile(ByteRegion(copying: fixture.bytes, name: "test.onnx"))
    return try withTemporaryFolder { folder in
      let writer = try FileWriter(folder + "/out.onnx")
      let cut = try ONNXCut(file, borders: states, rank: rank, keeping: kept, renaming: Self.renaming(kept))
      try cut.write(to: writer)
      #expect(writer.count == cut.byteCount)
      return try ONNXFile(ByteRegion(copying: writer.readBack().view.array, name: "out.onnx"))
    }
  }

  /// The graph as text, without types.
  func lines(_ file: ONNXFile) -> [String] {
    file.model.lines.filter { !$0.hasPrefix("input") && !$0.hasPrefix("output") }
  }

  func refusal(_ fixture: ONNXFixture, _ states: [String], _ kept: [Int], rank: Int = 3) -> String {
    do {
      return "not refused: \(lines(try cut(fixture, states, kept, rank: rank)))"
    } catch { return "\(error)" }
  }

  // MARK: What is left

  @Test func aLayerInTheMiddleGoes() throws {
    let layers = Layers().ended()
    let file = try cut(layers.fixture, layers.states, [0, 2])
    #expect(
      lines(file) == [
        "/enc/layers.0/MatMul_output_0 = MatMul(x, enc.layers.0.w)  /enc/layers.0/MatMul",
        "/enc/layers.0/Add_output_0 = Add(x, /enc/layers.0/MatMul_output_0)  /enc/layers.0/Add",
        "/enc/layers.1/MatMul_output_0 = MatMul(/enc/layers.0/Add_output_0, enc.layers.1.w)  /enc/layers.1/MatMul",
        "/enc/layers.1/Add_output_0 = Add(/enc/layers.0/Add_output_0, /enc/layers.1/MatMul_output_0)  /enc/layers.1/Add",
        "y = Relu(/enc/layers.1/Add_output_0)  /Relu",
      ])
    #expect(file.entries.map(\.name) == ["enc.layers.0.w", "enc.layers.1.w"])
    #expect(try file.tensor("enc.layers.1.w").floats == [2, 1, 2, 3])
    let text = String(decoding: try bytes(layers.fixture, layers.states, [0, 2]), as: UTF8.self)
    #expect(text.contains("enc: Encoder/enc.layers.1: Layer/linear_2:"))
    #expect(!text.contains("enc.layers.2") && !text.contains("/enc/layers.2"))
  }

  @Test func firstAndLastLayersGo() throws {
    let layers = Layers().ended()
    #expect(
      lines(try cut(layers.fixture, layers.states, [1])) == [
        "/enc/layers.0/MatMul_output_0 = MatMul(x, enc.layers.0.w)  /enc/layers.0/MatMul",
        "/enc/layers.0/Add_output_0 = Add(x, /enc/layers.0/MatMul_output_0)  /enc/layers.0/Add",
        "y = Relu(/enc/layers.0/Add_output_0)  /Relu",
      ])
  }

  func bytes(_ fixture: ONNXFixture, _ states: [String], _ kept: [Int]) throws -> [UInt8] {
    try withTemporaryFolder { folder in
      let file = try ONNXFile(ByteRegion(copying: fixture.bytes, name: "test.onnx"))
      let writer = try FileWriter(folder + "/out.onnx")
      try ONNXCut(file, borders: states, rank: 3, keeping: kept, renaming: Self.renaming(kept)).write(to: writer)
      return try writer.readBack().view.array
    }
  }

  /// With every layer kept each byte stays: fields that no reader knows, types, texts.
  @Test func whatIsNotCutStaysByteForByte() throws {
    var layers = Layers().ended()
    layers.fixture.part(10, Array("a text about the graph".utf8))
    layers.fixture.part(99, [1, 2, 3])
    layers.fixture.function("F", domain: "own")
    layers.fixture.addOpset("own", 1)
    layers.fixture.initializer("never used", Tensor([1] as [Float]))
    #expect(try bytes(layers.fixture, layers.states, [0, 1, 2]) == layers.fixture.bytes)
    let cut = try bytes(layers.fixture, layers.states, [0])
    #expect(try bytes(layers.fixture, layers.states, [0]) == cut)
    func isThere(_ part: [UInt8]) -> Bool { cut.indices.contains { cut[$0...].starts(with: part) } }
    #expect(isThere(ONNXFixture.field(10, Array("a text about the graph".utf8))))
    #expect(isThere(ONNXFixture.field(99, [1, 2, 3])))
    #expect(isThere(Array("never used".utf8)))
  }

  @Test func anOutputThatLeftADroppedLayerKeepsItsName() throws {
    var layers = Layers().ended()
    layers.fixture.output(layers.states[2])
    let file = try cut(layers.fixture, layers.states, [0])
    #expect(
      lines(file).suffix(2) == [
        "y = Relu(/enc/layers.0/Add_output_0)  /Relu",
        "/enc/layers.1/Add_output_0 = Identity(/enc/layers.0/Add_output_0)  /enc/layers.1/Add_output_0",
      ])
  }

  @Test func inputsBeforeVersion4GoWithTheirInitializers() throws {
    var layers = Layers(irVersion: 3).ended()
    layers.fixture.input("not used", [1])
    let file = try cut(layers.fixture, layers.states, [2])
    #expect(file.model.graph.inputs.map(\.name) == ["x", "enc.layers.0.w", "not used"])
    #expect(file.entries.map(\.name) == ["enc.layers.0.w"])
  }

  // MARK: Names

  /// Exporters store equal weights once, under the name of the first layer that has them.
  @Test func aSharedWeightGetsTheNameOfAKeptLayer() throws {
    let layers = Layers(weights: { $0 == 1 ? "enc.layers.0.w" : "enc.layers.\($0).w" }).ended()
    let file = try cut(layers.fixture, layers.states, [1, 2])
    #expect(file.entries.map(\.name) == ["enc.layers.0.w", "enc.layers.1.w"])
    #expect(try file.tensor("enc.layers.0.w").floats[0] == 0)
    #expect(try file.tensor("enc.layers.1.w").floats[0] == 2)
  }

  /// Its own name is that of another layer's weight then.
  @Test func aSharedWeightGetsOutOfTheWay() throws {
    let layers = Layers(4, weights: { $0 == 3 ? "enc.layers.0.w" : "enc.layers.\($0).w" }).ended()
    let file = try cut(layers.fixture, layers.states, [1, 2, 3])
    #expect(file.entries.map(\.name) == ["enc.layers.2.w", "enc.layers.0.w", "enc.layers.1.w"])
    #expect(try file.entries.map { try file.tensor($0.name).floats[0] } == [0, 1, 2])
  }

  @Test func noTwoValuesGetOneName() throws {
    // Layer 2's weight would be called as an input is.
    var layers = Layers(weights: { $0 == 1 ? nil : "enc.layers.\($0).w" })
    layers.fixture.initializer("w", Tensor([5, 5, 5, 5] as [Float], shape: [2, 2]))
    layers.fixture.input("enc.layers.1.w", [1])
    layers = layers.ended()
    let file = try cut(layers.fixture, layers.states, [0, 2])
    #expect(file.entries.map(\.name) == ["enc.layers.0.w", "enc.layers.1.w_1"])
    #expect(lines(file)[2].contains("MatMul(/enc/layers.0/Add_output_0, enc.layers.1.w_1)"))
  }

  @Test func graphsInsideAttributesFollow() throws {
    var layers = Layers()
    var then = ONNXFixture()
    // A name of its own that is also a name outside is not followed.
    let own = "/enc/layers.2/MatMul_output_0"
    then.node("Relu", [layers.states[3]], [own])
    then.node("Add", [own, layers.states[3]], ["inner"])
    then.output("inner")
    var other = ONNXFixture()
    other.output(layers.states[3])
    layers.fixture.initializer("yes", Tensor(.bool, [], bytes: view([1])))
    layers.fixture.node("If", ["yes"], ["y"], with: ["then_branch": .graph(then), "else_branch": .graph(other)])
    layers.fixture.output("y")
    let file = try cut(layers.fixture, layers.states, [2])
    #expect(
      file.model.lines.filter { $0.contains("layers.") && $0.hasPrefix("    ") } == [
        "    /enc/layers.2/MatMul_output_0 = Relu(/enc/layers.0/Add_output_0)",
        "    inner = Add(/enc/layers.2/MatMul_output_0, /enc/layers.0/Add_output_0)",
        "    output /enc/layers.0/Add_output_0: FLOAT",
      ])
    #expect(file.entries.map(\.name) == ["enc.layers.0.w", "yes"])
  }

  // MARK: Refusals

  @Test func whatUsesADroppedLayerIsNamed() {
    var layers = Layers().ended()
    layers.fixture.node("Exp", [layers.states[1]], ["z"], name: "/head/Exp")
    layers.fixture.output("z")
    #expect(
      refusal(layers.fixture, layers.states, [1, 2])
        == "test.onnx: onnx \"/head/Exp\" at byte \(place(of: "/head/Exp", in: layers.fixture)): not supported: "
        + "Exp uses what leaves layer 0, which is not to be kept")
    #expect(refusal(layers.fixture, layers.states, [0, 2]).hasPrefix("not refused"))

    var inside = Layers().ended()
    inside.fixture.node("Exp", ["/enc/layers.1/MatMul_output_0"], ["z"], name: "/head/Exp")
    inside.fixture.output("z")
    #expect(
      refusal(inside.fixture, inside.states, [0, 2]).hasSuffix(
        "Exp uses \"/enc/layers.1/MatMul_output_0\" of layer 1, which is not to be kept"))

    var given = Layers().ended()
    given.fixture.output("/enc/layers.1/MatMul_output_0")
    #expect(
      refusal(given.fixture, given.states, [0]).hasSuffix(
        "MatMul makes an output inside layer 1, which is not to be kept"))

    var held = Layers(weights: { $0 == 2 ? "enc.layers.0.w" : "enc.layers.\($0).w" }).ended()
    held.fixture.initializer("enc.layers.0.table", Tensor([1, 2] as [Float]))
    held.fixture.node("Mul", [held.last, "enc.layers.0.table"], ["z"])
    held.fixture.output("z")
    #expect(
      refusal(held.fixture, held.states, [2])
        == "test.onnx: onnx \"enc.layers.0.table\": not supported: others than its layer, which is not to be kept, use "
        + "this initializer")
  }

  /// Where the node of that name starts in the file: its field, as the reader says.
  func place(of name: String, in fixture: ONNXFixture) -> Int {
    (try? ONNXFile(ByteRegion(copying: fixture.bytes)).model.graph.nodes.first { $0.name == name }?.offset) ?? -1
  }

  @Test func bordersThatAreNone() {
    let layers = Layers().ended()
    #expect(
      refusal(layers.fixture, ["x", "nothing", layers.states[3]], [0]).contains("missing: a value at a block's border"))
    #expect(refusal(layers.fixture, [layers.states[1], "x", layers.states[2]], [0]).contains("does not leave block 0"))
    #expect(
      refusal(layers.fixture, [layers.states[0], layers.states[2], layers.states[1]], [0]).contains("does not leave"))
  }

  @Test func graphsThatNobodyCanRun() {
    var twice = Layers().ended()
    twice.fixture.node("Relu", ["x"], ["y"])
    #expect(refusal(twice.fixture, twice.states, [0]).contains("the name \"y\" is given twice"))
    var late = Layers()
    late.fixture.node("Relu", ["later"], ["y"])
    late.fixture.node("Relu", [late.last], ["later"])
    late.fixture.output("y")
    #expect(refusal(late.fixture, late.states, [0]).contains("made after it is used"))
  }

  /// A long row of layers: no step goes deeper for it, or looks at all others.
  @Test func manyNodes() throws {
    let layers = Layers(3000).ended()
    let file = try cut(layers.fixture, layers.states, [2999])
    #expect(file.model.graph.nodes.count == 3 && file.entries.map(\.name) == ["enc.layers.0.w"])
    #expect(try file.tensor("enc.layers.0.w").floats[0] == 2999)
  }

  // MARK: Shapes

  @Test func shapesAreReadOfWhatEntersTheLayer() throws {
    var layers = Layers(2)
    layers.fixture.node("Relu", [layers.states[1]], ["/enc/layers.1/relu"])
    layers.fixture.initializer("enc.layers.2.w", Tensor([9, 9, 9, 9] as [Float], shape: [2, 2]))
    layers.fixture.node("MatMul", ["/enc/layers.1/relu", "enc.layers.2.w"], ["/enc/layers.1/wide"])
    layers.fixture.node("Add", [layers.states[2], "/enc/layers.1/wide"], ["s"])
    layers.states[2] = "s"
    layers.fixture.node("Shape", ["/enc/layers.1/relu"], ["lengths"], name: "/Shape")
    layers.fixture.node("Expand", ["s", "lengths"], ["y"])
    layers.fixture.output("y")
    let file = try cut(layers.fixture, layers.states, [0])
    #expect(
      lines(file).suffix(2) == [
        "lengths = Shape(/enc/layers.0/Add_output_0)  /Shape", "y = Expand(/enc/layers.0/Add_output_0, lengths)",
      ])
    #expect(file.entries.map(\.name) == ["enc.layers.0.w"])
  }

  @Test func whatOnlyTheShapeIsWantedOfStaysWhereItMust() throws {
    var layers = Layers(2)
    layers.fixture.node("Shape", ["/enc/layers.1/MatMul_output_0"], ["lengths"], name: "/Shape")
    layers.fixture.node("Expand", [layers.last, "lengths"], ["y"])
    layers.fixture.output("y")
    let source = try ONNXFile(ByteRegion(copying: layers.fixture.bytes, name: "test.onnx"))
    let cut = try ONNXCut(source, borders: layers.states, rank: 3, keeping: [0], renaming: Self.renaming([0]))
    #expect(cut.notes == ["/enc/layers.1/MatMul of layer 1 stays: /Shape reads the shape of what it makes"])
    #expect(cut.kept.map(\.name) == ["enc.layers.0.w", "enc.layers.1.w"])
  }
}
