import Bytes
import Formats
import Tensors
import TestSupport
import Testing

/// Sums over the states of all layers, cut; what has to be left is worked out by hand.
@Suite struct ONNXStateSumsTests {
  private let cuts = ONNXCutTests()

  /// Three layers whose states are joined along the axis 1, as `torch.stack` does; `rest` makes `y` of `joined`.
  func stacked(
    axis: Int = 1, _ rest: (inout ONNXFixture) -> Void, last: (inout ONNXFixture, String) -> String = { $1 }
  ) -> ONNXCutTests.Layers {
    var layers = ONNXCutTests.Layers()
    layers.fixture.initializer("axis", Tensor([Int64(axis)]))
    let end = last(&layers.fixture, layers.last)
    let ends = layers.states.dropLast() + [end]
    for (number, state) in ends.enumerated() {
      layers.fixture.node("Unsqueeze", [state, "axis"], ["u\(number)"])
    }
    layers.fixture.node(
      "Concat", ends.indices.map { "u\($0)" }, ["joined"], name: "/stack", with: ["axis": .int(axis)])
    layers.fixture.valueInfo("joined", [1, 4, "t", 2])
    rest(&layers.fixture)
    layers.fixture.output("y")
    return layers
  }

  func sum(_ fixture: inout ONNXFixture, _ weights: String) {
    fixture.node("Mul", ["joined", weights], ["weighed"], name: "/weigh")
    fixture.node("ReduceSum", ["weighed", "axis"], ["y"], with: ["keepdims": .int(0)])
  }

  @Test func foldedWeightsLoseEntriesAndAddUpToOne() throws {
    let layers = stacked { fixture in
      fixture.initializer("weights", Tensor([0.5, 0.125, 0.125, 0.25] as [Float], shape: [4, 1, 1]))
      sum(&fixture, "weights")
    }
    let file = try cuts.cut(layers.fixture, layers.states, [0, 2])
    // States 0, 1 and 3 stay: (0.5, 0.125, 0.25) / 0.875.
    #expect(try file.tensor("weights").floats == [Float(0.5 / 0.875), Float(0.125 / 0.875), Float(0.25 / 0.875)])
    #expect(try file.tensor("weights").shape == [3, 1, 1])
    #expect(cuts.lines(file).contains("joined = Concat(u0, u1, u3) {axis=1}  /stack"))
    #expect(cuts.lines(file).contains("u3 = Unsqueeze(/enc/layers.1/Add_output_0, axis)"))
    #expect(!cuts.lines(file).contains { $0.hasPrefix("u2 ") })
    // What was said of the type of what is shorter now is gone: a node makes it and a node uses it, and no more.
    let bytes = try cuts.bytes(layers.fixture, layers.states, [0, 2])
    let name = ONNXFixture.field(1, Array("joined".utf8)) + ONNXFixture.field(2, Array("joined".utf8))
    #expect(bytes.indices.count { bytes[$0...].starts(with: name.prefix(8)) } == 1)
    #expect(layers.fixture.bytes.indices.count { layers.fixture.bytes[$0...].starts(with: name.prefix(8)) } == 2)
  }

  @Test func weightsThatAreNoSoftmaxStayAsTheyAre() throws {
    let layers = stacked { fixture in
      fixture.initializer("weights", Tensor([2, 3, 5, 7] as [Float], shape: [4, 1, 1]))
      sum(&fixture, "weights")
    }
    #expect(try cuts.cut(layers.fixture, layers.states, [1]).tensor("weights").floats == [2, 5])
  }

  /// The shape that counts states is used by others as well: they keep it.
  @Test func computedWeightsAreCutAtTheirSource() throws {
    let layers = stacked { fixture in
      fixture.initializer("layer_weights", Tensor([0.1, 0.2, 0.3, 0.4] as [Float]))
      fixture.initializer("shape", Tensor([4, 1, 1] as [Int64]))
      fixture.node("Softmax", ["layer_weights"], ["norm"], with: ["axis": .int(-1)])
      fixture.node("Reshape", ["norm", "shape"], ["weights"], name: "/view")
      fixture.node("Identity", ["shape"], ["other"])
      fixture.output("other", type: 7)
      sum(&fixture, "weights")
    }
    let file = try cuts.cut(layers.fixture, layers.states, [0, 2])
    #expect(try file.tensor("layer_weights").floats == [0.1, 0.2, 0.4])
    #expect(try file.tensor("shape").integers == [4, 1, 1])
    let place = try #require(file.model.graph.nodes.firstIndex { $0.name == "/view" })
    let constant = file.model.graph.nodes[place - 1]
    #expect(constant.op == "Constant" && file.model.graph.nodes[place].inputs == ["norm", constant.outputs[0]])
    guard case .tensor(let tensor)? = constant.attributes.first?.value else {
      Issue.record("the constant holds no tensor")
      return
    }
    #expect(try file.tensor(tensor).integers == [3, 1, 1])
  }

  /// Models that end with a norm stack what it makes, which then follows the last kept layer.
  @Test func aNormBehindTheLastStateStays() throws {
    let layers = stacked(
      { fixture in
        fixture.initializer("weights", Tensor([1, 2, 3, 4] as [Float], shape: [4, 1, 1]))
        sum(&fixture, "weights")
      },
      last: { fixture, state in
        fixture.initializer("scale", Tensor([1, 1] as [Float]))
        fixture.node("LayerNormalization", [state, "scale"], ["normed"])
        return "normed"
      })
    let file = try cuts.cut(layers.fixture, layers.states, [0, 1])
    #expect(cuts.lines(file).contains("normed = LayerNormalization(/enc/layers.1/Add_output_0, scale)"))
    #expect(cuts.lines(file).contains("joined = Concat(u0, u1, u3) {axis=1}  /stack"))
    #expect(try file.tensor("weights").floats == [1, 2, 3])
  }

  /// States joined along the first axis are weighed as rows.
  @Test func rowsOfAllElements() throws {
    let layers = stacked(axis: 0) { fixture in
      fixture.initializer("rows", Tensor([4, -1] as [Int64]))
      fixture.node("Reshape", ["joined", "rows"], ["flat"], name: "/rows")
      fixture.initializer("weights", Tensor([1, 2, 3, 4] as [Float], shape: [4, 1]))
      fixture.node("Mul", ["flat", "weights"], ["weighed"])
      fixture.node("ReduceSum", ["weighed", "axis"], ["y"], with: ["keepdims": .int(0)])
    }
    let file = try cuts.cut(layers.fixture, layers.states, [1, 2])
    #expect(try file.tensor("weights").floats == [1, 3, 4])
    #expect(file.model.graph.nodes.contains { $0.op == "Constant" && $0.outputs == ["/rows/shape"] })
  }

  @Test func whatIsNotKnownIsNamed() {
    func refused(_ rest: (inout ONNXFixture) -> Void) -> String {
      let layers = stacked(rest)
      return cuts.refusal(layers.fixture, layers.states, [0])
    }
    let odd = refused { $0.node("Softmax", ["joined"], ["y"], name: "/odd") }
    #expect(odd.contains("onnx \"/odd\" at byte"))
    #expect(odd.hasSuffix("Softmax computes with the states of all layers in a way that is not known"))
    #expect(
      refused { fixture in
        fixture.input("weights", [4, 1, 1])
        sum(&fixture, "weights")
      }.hasSuffix("Mul weighs the states of all layers by something that is not one number for each"))
    #expect(
      refused { fixture in
        fixture.initializer("weights", Tensor([1, 2, 3, 4] as [Float], shape: [4, 1, 1]))
        fixture.node("Neg", ["weights"], ["z"])
        fixture.output("z")
        sum(&fixture, "weights")
      }.hasSuffix("Mul weighs the states of all layers by \"weights\", which others use too"))
    #expect(
      refused { fixture in
        fixture.output("joined")
        fixture.node("ReduceMean", ["joined", "axis"], ["y"])
      }.hasSuffix("an output that holds the states of all layers"))
    var flat = ONNXCutTests.Layers()
    flat.fixture.node("Concat", flat.states, ["y"], name: "/cat", with: ["axis": .int(2)])
    flat.fixture.output("y")
    #expect(
      cuts.refusal(flat.fixture, flat.states, [0]).hasSuffix(
        "Concat joins the states of all layers along an axis that they have"))
  }

  /// The last two states are not those of the last two kept layers, unless these are the same.
  @Test func someStates() {
    var some = ONNXCutTests.Layers()
    some.fixture.node("Concat", Array(some.states.suffix(2)), ["y"], name: "/cat", with: ["axis": .int(2)])
    some.fixture.output("y")
    #expect(
      cuts.refusal(some.fixture, some.states, [0, 2]).hasSuffix(
        "Concat uses what leaves layer 1, which is not to be kept"))
    #expect(
      cuts.refusal(some.fixture, some.states, [0, 1]).hasSuffix(
        "Concat combines what leaves several layers, and not all layers are to be kept"))
    #expect(cuts.refusal(some.fixture, some.states, [0, 1, 2]).hasPrefix("not refused"))
    // What enters the first and leaves the last layer is always there.
    var ends = ONNXCutTests.Layers()
    ends.fixture.node("Add", ["x", ends.last], ["y"], name: "/skip")
    ends.fixture.output("y")
    #expect(cuts.refusal(ends.fixture, ends.states, [1]).contains("y = Add(x, /enc/layers.0/Add_output_0)"))
  }
}
