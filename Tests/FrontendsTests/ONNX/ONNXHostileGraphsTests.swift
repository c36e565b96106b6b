import Executor
import IR
import Tensors
import TestSupport
import Testing

/// Small files that ask for much: refused by the importer or by the plan, in one line, before memory is asked for.
@Suite struct ONNXHostileGraphsTests {
  private static let huge = ONNXFixture.Length.fixed(1 << 40)

  private func file(
    _ op: String, opset: Int = 18, _ shape: [ONNXFixture.Length], _ more: [(String, Tensor)] = [],
    with attributes: KeyValuePairs<String, ONNXFixture.Attribute> = [:]
  ) -> ONNXFixture {
    ONNXFixture(opset: opset, shape) { file in
      for (name, tensor) in more { file.initializer(name, tensor) }
      file.node(op, ["x"] + more.map(\.0), ["y"], name: "here", with: attributes)
      file.output("y")
    }
  }

  private func expectRefused(
    _ file: ONNXFixture, _ text: String = "", _ place: SourceLocation = #_sourceLocation
  ) {
    let found = file.planned
    #expect(
      found != "accepted" && (text.isEmpty || found.contains(text)) && !found.contains("\n"), "\(found)",
      sourceLocation: place)
  }

  @Test func resultsThatAreTooLarge() {
    expectRefused(file("Expand", [1], [("to", list(1 << 40, 1 << 40))]), "more than")
    expectRefused(file("Expand", [1], [("to", list(1 << 39))]), "more than")
    expectRefused(file("Expand", [1], [("to", list(1 << 41))]), "is no shape")
    expectRefused(file("Tile", [1], [("n", list(1 << 40))]), "more than")
    expectRefused(file("Tile", [2], [("n", list(1 << 40))]), "is too large")
    expectRefused(file("Tile", [2], [("n", list(.max))]), "are no counts")
    expectRefused(file("Pad", [1], [("pads", list(1 << 40, 0))]), "more than")
    expectRefused(file("Pad", [1], [("pads", list(.max, .max))]), "are no lengths")
    expectRefused(file("Pad", [4], [("pads", list(-5, 0))]), "")
    expectRefused(
      file("Conv", [1, 1, "samples"], [("w", zeros([1, 1, 1]))], with: ["pads": .ints([1 << 40, 0])]), "pads")
    expectRefused(
      ONNXFixture([1]) {
        $0.initializer("shape", list(1 << 39))
        $0.node("ConstantOfShape", ["shape"], ["y"])
        $0.output("y")
      }, "more than")
    for (limit, step) in [(Float(1e30), Float(1)), (1, 1e-30), (.infinity, 1), (1, 0)] {
      expectRefused(
        ONNXFixture([1]) {
          for (name, number) in [("a", 0), ("b", limit), ("c", step)] {
            $0.initializer(name, Tensor([number], shape: []))
          }
          $0.node("Range", ["a", "b", "c"], ["y"], name: "here")
          $0.output("y")
        }, "Range")
    }
    expectRefused(
      ONNXFixture([1]) {
        for (name, number) in [("a", Int.min), ("b", .max), ("c", 1)] { $0.initializer(name, scalar(number)) }
        $0.node("Range", ["a", "b", "c"], ["y"], name: "here")
        $0.output("y")
      }, "a sequence has at most")
  }

  @Test func productsThatOverflow() {
    for axis in 0...3 {
      expectRefused(file("Flatten", [Self.huge, Self.huge, Self.huge], [], with: ["axis": .int(axis)]))
    }
    expectRefused(file("Softmax", opset: 12, [Self.huge, Self.huge, Self.huge], [], with: ["axis": .int(1)]))
    expectRefused(file("Reshape", [Self.huge, Self.huge], [("to", list(-1))]))
    expectRefused(file("Reshape", [Self.huge, Self.huge], [("to", list(1 << 40, 1 << 40))]), "more than")
    expectRefused(file("Size", [Self.huge, Self.huge]))
    expectRefused(file("Relu", [Self.huge, Self.huge]), "more than")
    // An empty tensor of absurd lengths is empty.
    expectRefused(file("Relu", [0, Self.huge, Self.huge]), "more than")
  }

  @Test func kernelsThatOverflow() {
    for kernel in [[Self.huge, Self.huge], [1_048_576, 1], [1, 0]] as [[ONNXFixture.Length]] {
      expectRefused(
        ONNXFixture([1, 1, 4, 4]) {
          $0.input("w", [1, 1] + kernel)
          $0.node("Conv", ["x", "w"], ["y"], name: "here")
          $0.output("y")
        }, "kernel")
    }
  }

  /// Doubling a length 64 times leaves every integer behind.
  @Test func lengthsThatGrow() {
    for shape in [[Self.huge], ["samples"]] as [[ONNXFixture.Length]] {
      expectRefused(
        ONNXFixture(shape) {
          var last = "x"
          for round in 0..<70 {
            $0.node("Concat", [last, last], ["y\(round)"], with: ["axis": .int(0)])
            last = "y\(round)"
          }
          $0.output(last)
        })
    }
  }

  @Test func headsThatAreTooMany() {
    expectRefused(
      ONNXFixture(opset: 23, [1, Self.huge, 1, 1]) {
        $0.input("k", [1, 1, 1, 1])
        $0.node("Attention", ["x", "k", "k"], ["y"], name: "here")
        $0.output("y")
      }, "heads")
    expectRefused(
      ONNXFixture(opset: 23, [1, 1, Self.huge]) {
        $0.input("k", [1, Self.huge, 1, 1])
        $0.input("v", [1, Self.huge, 1, Self.huge])
        $0.node(
          "Attention", ["x", "k", "v"], ["y"], name: "here",
          with: ["q_num_heads": .int(1 << 40), "kv_num_heads": .int(1 << 40)])
        $0.output("y")
      })
  }

  /// Integers at their ends, where arithmetic or a conversion could trap.
  @Test func numbersAtTheEnds() throws {
    func constants(_ op: String, _ a: Int, _ b: Int?, opset: Int = 18) -> ONNXFixture {
      ONNXFixture(opset: opset, [1]) {
        $0.initializer("a", list(a))
        if let b { $0.initializer("b", list(b)) }
        $0.node(op, b == nil ? ["a"] : ["a", "b"], ["y"], name: "here")
        $0.output("y", type: 7)
      }
    }
    for op in ["Add", "Sub", "Mul", "Div", "Mod", "Pow"] {
      for (a, b) in [(Int.max, Int.max), (.min, -1), (.min, .max), (.max, 2), (1, 0), (.min, .min)] {
        let found = constants(op, a, b).planned
        #expect(!found.contains("\n"), "\(op) \(a) \(b)")
      }
    }
    for op in ["Neg", "Abs", "Sign"] { #expect(!constants(op, .min, nil).planned.contains("\n")) }
    #expect(!constants("ReduceProd", .max, nil, opset: 17).planned.contains("\n"))
    #expect(!constants("Gather", .max, .max).planned.contains("\n"))
    // A number of 64 bits that no double holds.
    let last = ONNXFixture(["n"]) {
      $0.initializer("zero", list(0))
      $0.initializer("axis", list(0))
      $0.node("Constant", [], ["end"], with: ["value_int": .int(.max)])
      $0.node("Unsqueeze", ["end", "axis"], ["ends"])
      $0.node("Slice", ["x", "zero", "ends"], ["y"])
      $0.output("y")
    }
    #expect(try last.y([1, 2, 3], [3]).floats == [1, 2, 3])
    // Limits of floats on integers are the integers' own.
    let clip = ONNXFixture(opset: 10, [1]) {
      $0.initializer("a", list(-5, 7))
      $0.node("Clip", ["a"], ["y"], with: ["min": .float(-3.4e38), "max": .float(3.4e38)])
      $0.output("y", type: 7)
    }
    #expect(try clip.y([1], [1]).integers == [-5, 7])
    for signs in [(0, 1), (1, 0), (0, 0)] {
      let file = ONNXFixture([1]) {
        $0.initializer("a", list(1))
        $0.node(
          "IsInf", ["a"], ["y"], name: "here",
          with: ["detect_negative": .int(signs.0), "detect_positive": .int(signs.1)])
        $0.output("y", type: 9)
      }
      expectRefused(file, "IsInf")
    }
    for value in [Float.nan, .infinity, -.infinity] {
      let file = ONNXFixture([1]) {
        $0.initializer("a", Tensor([value], shape: []))
        $0.node("Cast", ["a"], ["i"], with: ["to": .int(7)])
        $0.node("Neg", ["i"], ["y"])
        $0.output("y", type: 7)
      }
      #expect(!file.planned.contains("\n"))
    }
  }

  @Test func shapesThatNumbersSay() {
    let file = ONNXFixture([2]) {
      $0.node("Cast", ["x"], ["shape"], with: ["to": .int(7)])
      $0.node("Expand", ["x", "shape"], ["y"], name: "here")
      $0.output("y")
    }
    expectRefused(file, "depends on numbers that are not known before the graph runs")
  }

  @Test func manyNodesAreReadInTime() throws {
    let file = ONNXFixture([2]) {
      var last = "x"
      for round in 0..<2000 {
        $0.node("Relu", [last], ["y\(round)"])
        last = "y\(round)"
      }
      $0.output(last)
    }
    #expect(file.refusal == "accepted")
  }
}
