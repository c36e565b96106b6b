import Bytes
import Foundation
import Tensors
import TestSupport
import Testing

/// Folders of `input_N.pb` and `output_N.pb`, as ONNX's own tests keep them, as golden cases.
@Suite struct ONNXTestDataTests {
  /// y = x · w, and n = the number of rows as 64-bit integers plus `more`.
  private func model(more: Int64 = 0) -> ONNXFixture {
    var file = ONNXFixture()
    file.input("x", ["rows", 2])
    file.input("k", [1], type: 7)
    // Files of before IR version 4 list constants as inputs, too; nobody feeds them.
    file.input("w", [2])
    file.initializer("w", Tensor([2 as Float, -3]))
    file.initializer("more", Tensor([more]))
    file.node("Mul", ["x", "w"], ["y"])
    file.node("Shape", ["x"], ["shape"])
    file.node("Gather", ["shape", "k"], ["n"])
    file.node("Add", ["n", "more"], ["m"])
    file.output("y")
    file.output("m", type: 7)
    return file
  }

  private let x = Tensor([1 as Float, 2, 3, 4], shape: [2, 2])
  private let k = Tensor([0 as Int64])
  private let y = Tensor([2 as Float, -6, 6, -12], shape: [2, 2])

  /// What `verify` says of a model and a folder that holds `files`.
  private func verify(
    _ file: ONNXFixture, _ files: KeyValuePairs<String, (name: String, tensor: Tensor)>, _ flags: String...
  ) throws -> Program.Outcome {
    try withTemporaryFolder { folder in
      let (model, data) = (folder + "/model.onnx", folder + "/test_data_set_0")
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: false)
      try Data(file.bytes).write(to: URL(fileURLWithPath: model))
      for (name, content) in files {
        try Data(ONNXFixture.tensor(content.name, content.tensor)).write(to: URL(fileURLWithPath: "\(data)/\(name).pb"))
      }
      return try Program.run(["verify", model, "--golden", data, "--json"] + flags)
    }
  }

  @Test(arguments: [[], ["--unfused"]]) func tensorsWithNamesAndWithout(_ flags: [String]) throws {
    let m = Tensor([2 as Int64])
    for files in [
      ["input_0": ("x", x), "input_1": ("k", k), "output_0": ("y", y), "output_1": ("m", m)],
      ["input_0": ("", x), "input_1": ("", k), "output_0": ("", y), "output_1": ("", m)],
      // Names go before places; what is not expected is not compared.
      ["input_0": ("k", k), "input_1": ("x", x), "output_0": ("m", m)],
    ] as [KeyValuePairs<String, (name: String, tensor: Tensor)>] {
      let outcome = try withFlags(flags, files)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let result = try #require(outcome.json()["cases"]?.array?.first)
      #expect(result["name"]?.string == "test_data_set_0")
      #expect(result["maker"]?.string == "an ONNX test-data folder" && result["reference"]?.bool == true)
      #expect(result["values"]?.array?.count == (files.count == 4 ? 2 : 1))
    }
  }

  private func withFlags(
    _ flags: [String], _ files: KeyValuePairs<String, (name: String, tensor: Tensor)>
  ) throws -> Program.Outcome {
    flags.isEmpty ? try verify(model(), files) : try verify(model(), files, flags[0])
  }

  @Test func wrongNumbersDiffer() throws {
    var numbers = y.floats
    numbers[3] += 0.001
    let off = Tensor(numbers, shape: [2, 2])
    let outcome = try verify(model(), ["input_0": ("", x), "input_1": ("", k), "output_0": ("", off)])
    #expect(outcome.status == 1)
    let value = try #require(outcome.json()["cases"]?.array?.first?["values"]?.array?.first)
    #expect(value["name"]?.string == "y" && value["at"]?.compact == "[1,1]" && value["holds"]?.bool == false)
    // The last bit is nothing.
    numbers[3] = y.floats[3].nextUp
    let close = Tensor(numbers, shape: [2, 2])
    #expect(try verify(model(), ["input_0": ("", x), "input_1": ("", k), "output_0": ("", close)]).status == 0)
    let flat = y.reshaped([4])
    #expect(try verify(model(), ["input_0": ("", x), "input_1": ("", k), "output_0": ("", flat)]).status == 1)
  }

  /// However large an integer is: one beside it is another.
  @Test(arguments: [0, 1_000_000, 1 << 24, 1 << 53]) func integersThatAreOffByOneDiffer(_ more: Int64) throws {
    for (offset, status) in [(0, 0), (1, 1), (-1, 1)] as [(Int64, Int32)] {
      let m = Tensor([2 + more + offset])
      let outcome = try verify(
        model(more: more), ["input_0": ("", x), "input_1": ("", k), "output_0": ("y", y), "output_1": ("m", m)])
      #expect(outcome.status == status, "\(more) \(offset) \(outcome.errors)")
    }
    let float = Tensor([Float(2 + more)])
    let outcome = try verify(model(more: more), ["input_0": ("", x), "input_1": ("", k), "output_0": ("m", float)])
    #expect(more > 1 << 24 || outcome.status == 0, "\(outcome.errors)")
  }

  @Test func whatCannotBeJudgedIsSaid() throws {
    for (files, text) in [
      (["input_0": ("", x), "output_0": ("", y)], "\"k\": this input is missing"),
      (["input_0": ("", x), "input_1": ("", k), "output_0": ("z", y)], "\"z\""),
      (["input_0": ("", x), "input_1": ("", k), "input_2": ("", k), "output_0": ("", y)], "no input number 2"),
      (
        ["input_0": ("", x), "input_1": ("", k), "output_0": ("", y), "output_1": ("", y), "output_2": ("", y)],
        "no output number 2"
      ),
      (["input_0": ("", x), "input_1": ("", k)], "no file here ends in .golden.json"),
      (["input_0": ("", k), "input_1": ("", x), "output_0": ("", y)], "x"),
    ] as [(KeyValuePairs<String, (name: String, tensor: Tensor)>, String)] {
      let outcome = try verify(model(), files)
      #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.status) \(outcome.errors)")
      #expect(outcome.errors.contains(text), "\(outcome.errors)")
    }
  }

  @Test func damagedTensorsAreSaid() throws {
    try withTemporaryFolder { folder in
      try Data(model().bytes).write(to: URL(fileURLWithPath: folder + "/model.onnx"))
      let whole = ONNXFixture.tensor("x", x)
      for (bytes, name) in [(Array(whole.dropLast(3)), "input_0"), ([0xFF, 0xFF, 0xFF], "output_0"), ([], "output_0")] {
        for (other, tensor) in [("input_0", x), ("input_1", k), ("output_0", y)] {
          try Data(ONNXFixture.tensor("", tensor)).write(to: URL(fileURLWithPath: "\(folder)/\(other).pb"))
        }
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name).pb"))
        let outcome = try Program.run("verify", folder + "/model.onnx", "--golden", folder)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.status) \(outcome.errors)")
        #expect(outcome.errors.contains(name + ".pb"), "\(outcome.errors)")
      }
    }
  }

  /// Integers that are fed may be axes; then each case has a graph of its own.
  @Test func axesThatAreFed() throws {
    var file = ONNXFixture()
    file.input("x", [2, 2])
    file.input("axes", [1], type: 7)
    file.node("ReduceSum", ["x", "axes"], ["y"], with: ["keepdims": .int(0)])
    file.output("y")
    for (axis, sums) in [(0, [4, 6]), (-1, [3, 7])] as [(Int64, [Float])] {
      let outcome = try verify(
        file, ["input_0": ("", x), "input_1": ("", Tensor([axis])), "output_0": ("", Tensor(sums))])
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }
}
