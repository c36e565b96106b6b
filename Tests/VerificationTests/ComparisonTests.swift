import Bytes
import Tensors
import TestSupport
import Testing
import Verification

@Suite struct ComparisonTests {
  struct NoFiles: GoldenFiles {
    func array(file: String, tensor: String?) throws(FormatError) -> Tensor {
      throw FormatError("test", .missing(file))
    }
    func recording(_ file: String) throws(FormatError) -> String { file }
  }

  /// A case with one expected value, written as its JSON.
  func expected(_ value: String, absolute: Double = 0, relative: Double = 0) throws -> GoldenCase.Expected {
    let text = """
      {"golden": 1, "name": "n", "system": "onnx", "input": {"kind": "zeros", "samples": 1}, "expected": {"v": \(value)},
      "tolerance": {"absolute": \(absolute), "relative": \(relative), "reason": "r"}, "maker": "m"}
      """
    return try GoldenCase(JSON.read(view(Array(text.utf8)), format: "json"), files: NoFiles()).expected[0]
  }

  @Test func limitIsAbsolutePlusRelativeTimesTheLargest() throws {
    let expected = try expected(#"{"shape": [3], "values": [1, -8, 2]}"#, absolute: 0.5, relative: 0.25)
    let held = Comparison(expected, actual: Tensor([3.5 as Float, -10.5, 4.5]))
    #expect(held.limit == 2.5)
    #expect(held.holds)
    #expect(held.difference == 2.5)
    let broken = Comparison(expected, actual: Tensor([1 as Float, -8, 4.75]))
    #expect(!broken.holds)
    #expect(broken.place == [2])
    #expect(broken.outliers == 1)
    #expect(broken.actual == 4.75 && broken.expected == 2)
  }

  @Test func aNaNIsEqualOnlyWhereExpected() throws {
    let number = try expected(#"{"shape": [2], "values": [1, 2]}"#, absolute: 1000)
    let result = Comparison(number, actual: Tensor([1 as Float, .nan]))
    #expect(!result.holds)
    #expect(result.difference == .infinity)
    let nan = try expected(#"{"shape": [2], "values": [1, "NaN"]}"#)
    #expect(Comparison(nan, actual: Tensor([1 as Float, .nan])).holds)
    #expect(!Comparison(nan, actual: Tensor([1 as Float, 2])).holds)
  }

  @Test func infinitiesAreEqualWithTheirSign() throws {
    let infinite = try expected(#"{"shape": [2], "values": ["Infinity", 1]}"#, relative: 0.1)
    #expect(Comparison(infinite, actual: Tensor([.infinity, 1 as Float])).holds)
    #expect(!Comparison(infinite, actual: Tensor([-.infinity, 1 as Float])).holds)
    #expect(!Comparison(infinite, actual: Tensor([3e38 as Float, 1])).holds)
  }

  @Test func placesNameSingleElements() throws {
    let sparse = try expected(#"{"shape": [2, 3], "at": [[1, 2], [0, 1]], "values": [6, 2]}"#)
    #expect(Comparison(sparse, actual: Tensor([0 as Float, 2, 0, 0, 0, 6], shape: [2, 3])).holds)
    let broken = Comparison(sparse, actual: Tensor([0 as Float, 2, 0, 0, 0, 7], shape: [2, 3]))
    #expect(broken.place == [1, 2])
  }

  /// What a golden case of arrays expects; its tolerance is as wide as can be.
  private func expected(_ tensor: Tensor) -> GoldenCase.Expected {
    GoldenCase(
      name: "n", system: "onnx", inputs: [:], outputs: [("v", tensor)],
      tolerance: Tolerance(absolute: 100, relative: 1, reason: "r"), maker: "m"
    ).expected[0]
  }

  @Test(arguments: [(5, 6), (0, 1), (1 << 24, 1 << 24 + 1), (1 << 53, 1 << 53 + 1), (.max, .min), (.max, .max - 1)])
  func integersAreTheSameOrWrong(_ a: Int, _ b: Int) {
    let expected = expected(Tensor([7, Int64(a)]))
    #expect(Comparison(expected, actual: Tensor([7, Int64(a)])).holds)
    let wrong = Comparison(expected, actual: Tensor([7, Int64(b)]))
    #expect(!wrong.holds && wrong.outliers == 1 && wrong.place == [1] && wrong.limit == 0)
    #expect(wrong.difference == max(1, (Double(a) - Double(b)).magnitude))
  }

  @Test func arraysHaveTypes() {
    let integers = Tensor([1 as Int64, 0])
    let truths = Tensor(.bool, [2], bytes: view([1, 0]))
    let floats = Tensor([1 as Float, 0])
    for (index, tensor) in [integers, truths].enumerated() {
      for (other, actual) in [integers, truths, floats].enumerated() {
        let comparison = Comparison(expected(tensor), actual: actual)
        #expect(comparison.holds == (index == other))
        #expect((comparison.mismatch == nil) == (index == other))
      }
    }
    #expect(!Comparison(expected(truths), actual: Tensor(.bool, [2], bytes: view([1, 1]))).holds)
    // Documents write all numbers as floats.
    #expect(Comparison(expected(floats), actual: integers).holds)
  }

  @Test func anotherShapeIsADifference() throws {
    let expected = try expected(#"{"shape": [1, 2], "values": [1, 2]}"#)
    let result = Comparison(expected, actual: Tensor([1 as Float, 2]))
    #expect(!result.holds)
    #expect(result.mismatch?.contains("[1, 2]") == true)
  }

  @Test(arguments: [
    #"{"shape": [2], "values": [1]}"#, #"{"shape": [-1], "values": []}"#, #"{"shape": [1], "values": ["x"]}"#,
    #"{"shape": [2], "at": [[2]], "values": [1]}"#, #"{"shape": [2], "at": [[0, 0]], "values": [1]}"#,
    #"{"shape": [2], "at": [[0], [1]], "values": [1]}"#, #"{"shape": [1], "values": [1], "extra": 1}"#,
    #"{"file": "missing.npy"}"#, #"{}"#, "3",
  ])
  func refusesExpectedValues(_ text: String) {
    #expect(throws: FormatError.self) { try expected(text) }
  }

  @Test(arguments: [-1.0, .infinity, .nan])
  func refusesTolerances(_ number: Double) {
    #expect(throws: FormatError.self) {
      try expected(
        #"{"shape": [1], "values": [1]}"#.replacing(
          "[1]}",
          with: "[1], \"tolerance\": {\"absolute\": \(JSON(number).compact), \"relative\": 0, \"reason\": \"\"}}"))
    }
  }
}
