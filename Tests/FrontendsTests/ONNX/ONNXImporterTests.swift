import Executor
import IR
import Tensors
import TestSupport
import Testing

/// What the importer refuses: one line each that names the operator, its domain, the opset and the node.
@Suite struct ONNXImporterTests {
  /// A model with one node called "here" that makes y of x.
  private func model(
    _ op: String, opset: Int = 18, shape: [ONNXFixture.Length] = [2, 3, 4], more: [(String, Tensor)] = [],
    domain: String = "", outputs: [String] = ["y"], with attributes: KeyValuePairs<String, ONNXFixture.Attribute> = [:]
  ) -> ONNXFixture {
    ONNXFixture(opset: opset, shape) { file in
      for (name, tensor) in more { file.initializer(name, tensor) }
      file.node(op, ["x"] + more.map(\.0), outputs, name: "here", domain: domain, with: attributes)
      file.output("y")
    }
  }

  private func expect(_ file: ONNXFixture, says text: String, _ place: SourceLocation = #_sourceLocation) {
    let found = file.refusal
    #expect(found.contains(text), "\(found)", sourceLocation: place)
    #expect(!found.contains("\n"), sourceLocation: place)
  }

  @Test func theFixtureIsRead() throws {
    #expect(try model("Relu").y([-1, 2], [1, 1, 2]).floats == [0, 2])
    #expect(model("Relu").refusal == "accepted" && model("Relu").planned == "accepted")
  }

  @Test func operatorsThatAreNotKnown() {
    expect(model("NonZero"), says: #""here": NonZero, opset 18: this operator is not supported"#)
    expect(
      model("Inverse", domain: "com.microsoft"),
      says: #""here": com.microsoft::Inverse, opset 18: operators of the domain com.microsoft are not supported"#)
    // A node without a name is called after what it makes.
    expect(
      ONNXFixture([2]) {
        $0.node("Frobnicate\n", ["x"], ["y"])
        $0.output("y")
      }, says: #""y": Frobnicate\u{a}, opset 18: this operator is not supported"#)
    expect(
      ONNXFixture([2]) {
        $0.function("Twice", domain: "local")
        $0.addOpset("local", 1)
        $0.node("Twice", ["x"], ["y"], name: "here", domain: "local")
        $0.output("y")
      }, says: #""here": local::Twice, opset 18: operators of the domain local are not supported"#)
  }

  @Test(arguments: [6, 29, 0, -1, 1 << 40]) func opsetsThatAreNotKnown(_ opset: Int) {
    expect(
      model("Relu", opset: opset),
      says: "ONNX's operators of versions 7 to 28 are known, found version \(opset)")
  }

  @Test func controlFlow() {
    var branch = ONNXFixture()
    branch.node("Identity", ["x"], ["b"])
    branch.output("b")
    for op in ["If", "Loop", "Scan"] {
      expect(
        model(op, with: ["body": .graph(branch)]), says: #""here": \#(op), opset 18: this operator is not supported"#)
    }
  }

  @Test func attributes() {
    expect(
      model("Relu", with: ["slope": .int(1)]), says: #""here": Relu, opset 18: the attribute "slope" is not known"#)
    expect(
      model("Softmax", with: ["axis": .float(1)]),
      says: #""here": Softmax, opset 18: the attribute "axis" is not known"#)
    expect(model("Transpose", with: ["perm": .int(0)]), says: #"the attribute "perm" is not known"#)
    expect(
      model("Gelu", opset: 20, with: ["approximate": .string("quick")]),
      says: #"the approximation "quick" is not known"#)
    expect(model("Concat"), says: #""here": Concat, opset 18: inputs and an axis are needed"#)
  }

  @Test func valuesThatAreNotThere() {
    for (inputs, text) in [
      (["x", "z"], #""here": Add, opset 18: "z": nothing before this makes this value"#),
      (["x"], #""here": Add, opset 18: the input 1 is missing"#),
      (["x", ""], #""here": Add, opset 18: the input 1 is missing"#),
      (["x", "x", "x"], #""here": Add, opset 18: an input 2 is not known"#),
    ] {
      expect(
        ONNXFixture([2]) {
          $0.node("Add", inputs, ["y"], name: "here")
          $0.output("y")
        }, says: text)
    }
    expect(
      ONNXFixture([2]) {
        $0.node("Relu", ["x"], ["y"])
        $0.output("z")
      }, says: #""z": nothing before this makes this value"#)
  }

  @Test func cyclesAndWrongOrder() {
    expect(
      ONNXFixture([2]) {
        $0.node("Add", ["x", "b"], ["a"], name: "first")
        $0.node("Relu", ["a"], ["b"], name: "second")
        $0.output("b")
      }, says: #""first": Add, opset 18: "b": nothing before this makes this value"#)
    expect(
      ONNXFixture([2]) {
        $0.node("Add", ["x", "y"], ["y"], name: "itself")
        $0.output("y")
      }, says: #""itself": Add, opset 18: "y": nothing before this makes this value"#)
  }

  @Test func secondValuesOfOneName() {
    for name in ["x", "a", "w"] {
      expect(
        ONNXFixture([2]) {
          $0.initializer("w", Tensor([1 as Float, 2]))
          $0.node("Relu", ["x"], ["a"])
          $0.node("Mul", ["a", "w"], [name], name: "here")
          $0.output("a")
        }, says: #""here": Mul, opset 18: a second value is called "\#(name)""#)
    }
    let twice = ONNXFixture([2]) {
      $0.input("x", [2])
      $0.node("Relu", ["x"], ["y"])
      $0.output("y")
    }
    #expect(twice.refusal != "accepted", "two inputs of one name")
  }

  @Test func elementTypes() {
    for (type, word) in [(11, "DOUBLE"), (10, "FLOAT16"), (2, "UINT8"), (8, "STRING"), (0, "UNDEFINED"), (99, "99")] {
      var file = ONNXFixture()
      file.input("x", [2], type: type)
      file.node("Identity", ["x"], ["y"])
      file.output("y")
      expect(file, says: #""x": this input is"#)
      expect(file, says: word)
    }
    expect(
      ONNXFixture([2]) {
        $0.initializer("w", type: 2, shape: [0])
        $0.node("Add", ["x", "w"], ["y"], name: "here")
        $0.output("y")
      }, says: #""here": Add, opset 18: "w": is U8, which a graph does not compute in"#)
    expect(model("Cast", with: ["to": .int(8)]), says: "a graph does not compute in STRING")
    expect(model("Cast", with: ["to": .int(2)]), says: #""here": Cast, opset 18: "#)
    expect(model("Cast", with: ["to": .int(-5)]), says: "a graph does not compute in element type -5")
    expect(model("Not"), says: #""here": Not, opset 18: "#)
    expect(
      ONNXFixture([2]) {
        $0.initializer("w", list(1, 2))
        $0.node("Add", ["x", "w"], ["y"], name: "here")
        $0.output("y")
      }, says: "a is F32 and b is I64")
  }

  @Test func inputsThatAreNoTensors() {
    var sequence = ONNXFixture()
    sequence.sequenceInput("x")
    sequence.node("Identity", ["x"], ["y"])
    sequence.output("y")
    expect(sequence, says: #""x": this input is no tensor of a known number of axes"#)
    expect(ONNXFixture([-1]) { $0.output("x") }, says: #""x": has an axis of -1 elements"#)
    expect(ONNXFixture([.fixed(.max)]) { $0.output("x") }, says: #""x": has an axis of"#)
    expect(ONNXFixture(.init(repeating: 1, count: 17)) { $0.output("x") }, says: #""x": has more than 16 axes"#)
    expect(
      ONNXFixture([2]) {
        $0.sparseInitializer("w")
        $0.node("Add", ["x", "w"], ["y"])
        $0.output("y")
      }, says: #""w": sparse tensors are not supported"#)
  }

  @Test func training() {
    let truth = Tensor(.bool, [], bytes: list(1).bytes[0..<1])
    expect(
      model("Dropout", opset: 13, more: [("ratio", Tensor([0.5 as Float], shape: [])), ("training", truth)]),
      says: #""here": Dropout, opset 13: training is not supported"#)
    let untrue = Tensor(.bool, [], bytes: list(0).bytes[0..<1])
    #expect(
      model("Dropout", opset: 13, more: [("ratio", Tensor([0.5 as Float], shape: [])), ("training", untrue)]).refusal
        == "accepted")
    let statistics = ["scale", "bias", "mean", "variance"].map { ($0, Tensor([1 as Float, 1, 1])) }
    expect(
      model("BatchNormalization", more: statistics, with: ["training_mode": .int(1)]),
      says: #""here": BatchNormalization, opset 18: training"#)
    expect(
      model("BatchNormalization", more: statistics, outputs: ["y", "mean'", "variance'"]),
      says: #"the result "mean'" is not supported"#)
    #expect(model("BatchNormalization", more: statistics).refusal == "accepted")
  }

  @Test func axes() {
    for (op, with:attributes) in [
      ("Softmax", ["axis": .int(3)]), ("Softmax", ["axis": .int(-4)]), ("Gather", ["axis": .int(3)]),
      ("Concat", ["axis": .int(.max)]), ("Split", ["axis": .int(.min), "num_outputs": .int(1)]),
    ] as [(String, KeyValuePairs<String, ONNXFixture.Attribute>)] {
      expect(
        model(op, more: op == "Gather" ? [("i", list(0))] : [], with: attributes), says: "among 3")
    }
    for op in ["Squeeze", "Unsqueeze", "ReduceSum"] {
      expect(model(op, more: [("axes", list(7))]), says: "there is no axis 7 among")
      expect(model(op, more: [("axes", list(.min))]), says: "there is no axis")
    }
    expect(
      model("Squeeze", shape: [1, 1, 2], more: [("axes", list(0, -3))]), says: "an axis is named twice in [0, -3]")
    expect(model("Unsqueeze", more: [("axes", list(0, 0))]), says: "an axis is named twice in [0, 0]")
    expect(model("Squeeze", more: [("axes", list(0))]), says: "axis 0 of F32[2, 3, 4] is not of length 1")
    expect(model("Transpose", with: ["perm": .ints([0, 0, 1])]), says: "[0, 0, 1] does not name every axis once")
    expect(model("Transpose", with: ["perm": .ints([1, 0])]), says: "does not order the axes")
    expect(model("Unsqueeze"), says: "the axes are missing")
    expect(
      model("Slice", more: [("starts", list(0)), ("ends", list(1)), ("axes", list(3))]), says: #""here": Slice"#)
    expect(
      model("Slice", more: [("starts", list(0)), ("ends", list(1)), ("axes", list(0)), ("steps", list(0))]),
      says: "a step is 0")
    expect(model("Pad", more: [("pads", list(0, 1))]), says: "pads are two numbers for each axis")
  }

  @Test func shapesThatDoNotFit() {
    expect(
      model("Split", more: [("parts", list(1, 1))], outputs: ["y", "z"], with: ["axis": .int(1)]),
      says: #""here": Split, opset 18: parts of [1, 1] do not make up axis 1 of F32[2, 3, 4]"#)
    expect(
      model("Split", more: [("parts", list(-1, 4))], outputs: ["y", "z"], with: ["axis": .int(1)]),
      says: "do not make up")
    expect(
      model("Split", more: [("parts", list(1, 2))], outputs: ["y", "z", "w"], with: ["axis": .int(1)]),
      says: #"the result "w" is not supported"#)
    expect(model("Gemm", more: [("w", zeros([4, 5]))]), says: #""here": Gemm, opset 18: a and b are matrices"#)
    expect(
      model("Gemm", shape: [2, 3], more: [("w", zeros([4, 5]))]), says: #""here": Gemm, opset 18: "#)
    expect(
      model("Gemm", shape: [2, 3], more: [("w", zeros([5, 4]))], with: ["transB": .int(1)]), says: #""here": Gemm"#)
    expect(model("MatMul", more: [("w", zeros([3, 5]))]), says: #""here": MatMul, opset 18: "#)
    expect(model("Conv", more: [("w", zeros([5, 3]))]), says: #""here": Conv, opset 18: F32[5, 3] is no kernel"#)
    expect(model("Conv", more: [("w", zeros([5, 2, 1]))]), says: #""here": Conv, opset 18: "#)
    expect(model("Conv", more: [("w", zeros([5, 3, 9]))]), says: #""here": Conv, opset 18: "#)
    expect(model("Conv", more: [("w", zeros([5, 3, 0]))]), says: "the kernel's length is not known")
    for attributes in [
      ["strides": .ints([0])], ["dilations": .ints([1, 1])], ["pads": .ints([1])], ["pads": .ints([-1, 0])],
      ["kernel_shape": .ints([3])], ["group": .int(0)], ["strides": .ints([.max])],
    ] as [KeyValuePairs<String, ONNXFixture.Attribute>] {
      expect(model("Conv", more: [("w", zeros([5, 3, 1]))], with: attributes), says: "do not fit 1 axes")
    }
    expect(model("Conv", more: [("w", zeros([5, 3, 1]))], with: ["group": .int(2)]), says: #""here": Conv"#)
    expect(
      model("Conv", more: [("w", zeros([5, 3, 1]))], with: ["auto_pad": .string("LEFT")]), says: #"the padding "LEFT""#)
    expect(model("Concat", more: [("w", zeros([2, 9, 5]))], with: ["axis": .int(1)]), says: "does not continue")
    expect(model("Add", more: [("w", zeros([5]))]), says: #""here": Add, opset 18: "#)
    expect(model("Reshape", more: [("to", list(5, 5))]), says: #""here": Reshape, opset 18: "#)
    expect(model("Reshape", more: [("to", list(-1, -1))]), says: #""here": Reshape"#)
    expect(model("Reshape", more: [("to", list(-2, 12))]), says: "is no shape")
    expect(model("Expand", more: [("to", list(5))]), says: #""here": Expand"#)
  }

  @Test func theWithdrawnGroupNormalization() {
    let parts = [("scale", Tensor([1 as Float, 1, 1])), ("bias", Tensor([0 as Float, 0, 0]))]
    expect(
      model("GroupNormalization", opset: 20, more: parts, with: ["num_groups": .int(3)]),
      says: #""here": GroupNormalization, opset 20: the operator is supported from version 21 on"#)
    #expect(model("GroupNormalization", opset: 21, more: parts, with: ["num_groups": .int(3)]).refusal == "accepted")
    expect(model("GroupNormalization", opset: 21, more: parts), says: "num_groups is missing")
    expect(
      model("GroupNormalization", opset: 21, more: parts, with: ["num_groups": .int(2)]), says: "do not divide into 2")
    expect(
      model("GroupNormalization", opset: 21, more: parts, with: ["num_groups": .int(0)]), says: "at least one group")
  }

  @Test func whatMustBeKnownNow() {
    func file(_ op: String, _ type: Int = 7) -> ONNXFixture {
      ONNXFixture([2, 3, 4]) {
        $0.input("axes", [1], type: type)
        $0.node(op, ["x", "axes"], ["y"], name: "here")
        $0.output("y")
      }
    }
    for op in ["Squeeze", "Unsqueeze", "ReduceSum"] {
      expect(file(op), says: #""here": \#(op), opset 18: the input "axes" must be a constant here"#)
    }
    expect(model("Squeeze", more: [("axes", Tensor([0 as Float]))]), says: #""axes" must be integers"#)
  }
}
