import Foundation
import IR
import Tensors
import TestSupport
import Testing

/// Operators whose meaning or form changed between versions; the values are calculated by hand.
@Suite struct ONNXVersionsTests {
  private func model(
    _ op: String, opset: Int, _ shape: [ONNXFixture.Length], _ more: [(String, Tensor)] = [],
    outputs: [String] = ["y"], with attributes: KeyValuePairs<String, ONNXFixture.Attribute> = [:]
  ) -> ONNXFixture {
    ONNXFixture(opset: opset, shape) { file in
      for (name, tensor) in more { file.initializer(name, tensor) }
      file.node(op, ["x"] + more.map(\.0), outputs, name: "here", with: attributes)
      for output in outputs { file.output(output) }
    }
  }

  private func expectEqual(_ found: Tensor, _ numbers: [Float], _ shape: Shape, _ place: SourceLocation) {
    #expect(found.shape == shape, sourceLocation: place)
    let found = found.floats
    #expect(found.count == numbers.count, sourceLocation: place)
    #expect(zip(found, numbers).allSatisfy { ($0 - $1).magnitude < 1e-6 }, "\(found)", sourceLocation: place)
  }

  // MARK: Softmax

  /// Logarithms of 1 to 8 in [2, 2, 2]: the softmax over any of them is the share of the sum.
  private let logarithms = (1...8).map { Float(log(Double($0))) }

  private func softmax(_ opset: Int, _ axis: Int?, _ sums: [Float], _ place: SourceLocation = #_sourceLocation) throws {
    let attributes: KeyValuePairs<String, ONNXFixture.Attribute> = axis.map { ["axis": .int($0)] } ?? [:]
    let shares = zip(1...8, sums).map { Float($0) / $1 }
    for shape in [[2, 2, 2], ["a", "b", 2]] as [[ONNXFixture.Length]] {
      // Which axes are one must be known, but for one of them.
      if opset < 13, axis == 0, case .named = shape[0] { continue }
      expectEqual(
        try model("Softmax", opset: opset, shape, with: attributes).y(logarithms, [2, 2, 2]), shares, [2, 2, 2], place)
      expectEqual(
        try model("LogSoftmax", opset: opset, shape, with: attributes).y(logarithms, [2, 2, 2]),
        shares.map { Float(log(Double($0))) }, [2, 2, 2], place)
    }
  }

  @Test func softmaxTwelveTakesAllAxesFromOneOnAsOne() throws {
    try softmax(12, 0, Array(repeating: 36, count: 8))
    try softmax(12, 1, [10, 10, 10, 10, 26, 26, 26, 26])
    try softmax(12, nil, [10, 10, 10, 10, 26, 26, 26, 26])
    try softmax(12, -2, [10, 10, 10, 10, 26, 26, 26, 26])
    try softmax(12, 2, [3, 3, 7, 7, 11, 11, 15, 15])
    try softmax(12, -1, [3, 3, 7, 7, 11, 11, 15, 15])
  }

  @Test func softmaxThirteenIsAlongOneAxis() throws {
    try softmax(13, 0, [6, 8, 10, 12, 6, 8, 10, 12])
    try softmax(13, 1, [4, 6, 4, 6, 12, 14, 12, 14])
    try softmax(13, -2, [4, 6, 4, 6, 12, 14, 12, 14])
    try softmax(13, 2, [3, 3, 7, 7, 11, 11, 15, 15])
    try softmax(13, nil, [3, 3, 7, 7, 11, 11, 15, 15])
  }

  // MARK: Attributes that became inputs

  /// Both forms give the same; each is refused in the other's version.
  private func bothForms(
    _ op: String, since version: Int, attributes: KeyValuePairs<String, ONNXFixture.Attribute>,
    inputs: [(String, Tensor)], _ x: [Float], _ shape: [Int], gives numbers: [Float], _ result: Shape,
    plain: KeyValuePairs<String, ONNXFixture.Attribute> = [:], _ place: SourceLocation = #_sourceLocation
  ) throws {
    let lengths = shape.map { ONNXFixture.Length.fixed($0) }
    let old = model(op, opset: version - 1, lengths, with: attributes)
    let new = model(op, opset: version, lengths, inputs, with: plain)
    expectEqual(try old.y(x, Shape(shape)), numbers, result, place)
    expectEqual(try new.y(x, Shape(shape)), numbers, result, place)
    let (early, late) = (
      model(op, opset: version - 1, lengths, inputs, with: plain), model(op, opset: version, lengths, with: attributes)
    )
    #expect(
      early.refusal.contains(#""here": \#(op), opset \#(version - 1): "#), "\(early.refusal)", sourceLocation: place)
    #expect(late.refusal.contains(#""here": \#(op), opset \#(version): "#), "\(late.refusal)", sourceLocation: place)
  }

  @Test func clip() throws {
    try bothForms(
      "Clip", since: 11, attributes: ["min": .float(-1), "max": .float(2)],
      inputs: [("low", Tensor([-1 as Float], shape: [])), ("high", Tensor([2 as Float], shape: []))],
      [-3, -1, 0.5, 2, 7], [5], gives: [-1, -1, 0.5, 2, 2], [5])
    #expect(try model("Clip", opset: 10, [2], with: ["max": .float(0)]).y([-9, 9], [2]).floats == [-9, 0])
    #expect(try model("Clip", opset: 13, [2]).y([-9, 9], [2]).floats == [-9, 9])
    // The low limit is left out.
    let high = ONNXFixture(opset: 13, [2]) {
      $0.initializer("high", Tensor([1 as Float], shape: []))
      $0.node("Clip", ["x", "", "high"], ["y"])
      $0.output("y")
    }
    #expect(try high.y([-9, 9], [2]).floats == [-9, 1])
  }

  @Test func slice() throws {
    try bothForms(
      "Slice", since: 10, attributes: ["starts": .ints([1]), "ends": .ints([-1]), "axes": .ints([1])],
      inputs: [("starts", list(1)), ("ends", list(-1)), ("axes", list(1))],
      [1, 2, 3, 4, 5, 6, 7, 8], [2, 4], gives: [2, 3, 6, 7], [2, 2])
    // Backwards, every second, from beyond the end.
    let back = model(
      "Slice", opset: 13, [5],
      [("starts", list(99)), ("ends", list(.min)), ("axes", list(-1)), ("steps", list(-2))])
    #expect(try back.y([1, 2, 3, 4, 5], [5]).floats == [5, 3, 1])
    #expect(
      try model("Slice", opset: 9, [2, 3], with: ["starts": .ints([1, 0]), "ends": .ints([2, 2])])
        .y([1, 2, 3, 4, 5, 6], [2, 3]).floats == [4, 5])
  }

  @Test func pad() throws {
    try bothForms(
      "Pad", since: 11, attributes: ["pads": .ints([0, 1, 0, 2]), "value": .float(9)],
      inputs: [("pads", list(0, 1, 0, 2)), ("value", Tensor([9 as Float], shape: []))],
      [1, 2], [2, 1], gives: [9, 1, 9, 9, 9, 2, 9, 9], [2, 4])
    // Since 18 perhaps along some axes only.
    let some = model(
      "Pad", opset: 18, [2, 1],
      [("pads", list(1, 0)), ("value", Tensor([0 as Float], shape: [])), ("axes", list(-1))])
    #expect(try some.y([1, 2], [2, 1]).floats == [0, 1, 0, 2])
    #expect(
      try model("Pad", opset: 10, [3], with: ["pads": .ints([2, 1]), "mode": .string("reflect")]).y([1, 2, 3], [3])
        .floats
        == [3, 2, 1, 2, 3, 2])
  }

  @Test func squeezeAndUnsqueeze() throws {
    try bothForms(
      "Squeeze", since: 13, attributes: ["axes": .ints([-2])], inputs: [("axes", list(-2))],
      [1, 2], [1, 1, 2], gives: [1, 2], [1, 2])
    try bothForms(
      "Unsqueeze", since: 13, attributes: ["axes": .ints([2, 0])], inputs: [("axes", list(2, 0))],
      [1, 2], [2], gives: [1, 2], [1, 2, 1])
    #expect(try model("Squeeze", opset: 13, [1, 2, 1]).y([1, 2], [1, 2, 1]).shape == [2])
    #expect(try model("Unsqueeze", opset: 13, [2], [("axes", list(-1))]).y([1, 2], [2]).shape == [2, 1])
  }

  @Test func reductions() throws {
    try bothForms(
      "ReduceSum", since: 13, attributes: ["axes": .ints([0]), "keepdims": .int(0)], inputs: [("axes", list(0))],
      [1, 2, 3, 4], [2, 2], gives: [4, 6], [2], plain: ["keepdims": .int(0)])
    for (op, numbers) in [
      ("ReduceMean", [1.5, 3.5]), ("ReduceMax", [2, 4]), ("ReduceMin", [1, 3]), ("ReduceProd", [2, 12]),
      ("ReduceL1", [3, 7]), ("ReduceL2", [2.236068, 5]), ("ReduceSumSquare", [5, 25]),
      ("ReduceLogSum", [1.0986123, 1.9459101]), ("ReduceLogSumExp", [2.3132617, 4.3132617]),
    ] as [(String, [Float])] {
      try bothForms(
        op, since: 18, attributes: ["axes": .ints([-1])], inputs: [("axes", list(-1))], [1, 2, 3, 4], [2, 2],
        gives: numbers, [2, 1])
    }
    // No axes are all axes, unless the node says that they are none.
    #expect(try model("ReduceSum", opset: 13, [2, 2]).y([1, 2, 3, 4], [2, 2]).floats == [10])
    #expect(
      try model("ReduceSum", opset: 13, [2, 2], with: ["noop_with_empty_axes": .int(1)]).y([1, 2, 3, 4], [2, 2]).floats
        == [1, 2, 3, 4])
  }

  @Test func split() throws {
    let parts: [(ONNXFixture, String)] = [
      (model("Split", opset: 12, [5], outputs: ["a", "y"], with: ["split": .ints([2, 3])]), "attribute"),
      (model("Split", opset: 13, [5], [("parts", list(2, 3))], outputs: ["a", "y"]), "input"),
    ]
    for (file, form) in parts {
      #expect(try file.y([1, 2, 3, 4, 5], [5]).floats == [3, 4, 5], "\(form)")
    }
    for file in [
      model("Split", opset: 13, [5], outputs: ["a", "y"], with: ["split": .ints([2, 3])]),
      model("Split", opset: 12, [5], [("parts", list(2, 3))], outputs: ["a", "y"]),
    ] { #expect(file.refusal.contains(#""here": Split, opset 1"#), "\(file.refusal)") }
    // Since 18 the last part may be shorter.
    let uneven = model("Split", opset: 18, [5], outputs: ["a", "y"], with: ["num_outputs": .int(2)])
    #expect(try uneven.y([1, 2, 3, 4, 5], [5]).floats == [4, 5])
    let even = model("Split", opset: 12, [4], outputs: ["a", "y"])
    #expect(try even.y([1, 2, 3, 4], [4]).floats == [3, 4])
  }

  @Test func divisionOfIntegersCutsOff() throws {
    let file = ONNXFixture([1]) {
      $0.initializer("a", list(7, -7, 7, -7))
      $0.initializer("b", list(2, 2, -2, -2))
      $0.node("Div", ["a", "b"], ["q"])
      $0.node("Cast", ["q"], ["y"], with: ["to": .int(1)])
      $0.output("y")
    }
    #expect(try file.y([0], [1]).floats == [3, -3, -3, 3])
  }

  @Test func reshapeReadsZerosAsItIsTold() throws {
    let x: [Float] = [1, 2, 3, 4, 5, 6]
    #expect(try model("Reshape", opset: 13, [2, 3], [("to", list(0, 1, 3))]).y(x, [2, 3]).shape == [2, 1, 3])
    #expect(try model("Reshape", opset: 14, [2, 3], [("to", list(-1, 2))]).y(x, [2, 3]).shape == [3, 2])
    let literal = model("Reshape", opset: 14, [0, 3], [("to", list(3, 0))], with: ["allowzero": .int(1)])
    #expect(try literal.y([], [0, 3]).shape == [3, 0])
  }
}
