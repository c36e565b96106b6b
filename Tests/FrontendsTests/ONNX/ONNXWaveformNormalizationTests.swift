import Bytes
import Formats
import Frontends
import TestSupport
import Testing

/// Graphs of golden/audonnx/normalization, nearly all exported by PyTorch. What each is was checked by running it: scale and offset
/// of the waveform move the output of those that do not normalise, and of no other (`unmoved`).
@Suite struct ONNXWaveformNormalizationTests {
  static let root = Repository.golden("audonnx/normalization")

  private func answer(_ file: String) throws -> ONNXWaveformNormalization {
    ONNXWaveformNormalization(try ONNXFile(ByteRegion.mapping(Self.root + "/" + file)).model)
  }

  @Test func whatGraphsDoIsTold() throws {
    let expected = try #require(try Repository.json(Self.root + "/expected.json").object)
    #expect(expected.count > 20)
    for (file, json) in expected.map({ ($0.name, $0.value) }) {
      let answer = try answer(file)
      #expect(answer.kind == json["kind"]?.string, "\(file): \(answer)")
      if let unmoved = json["unmoved"]?.bool, answer.kind != "unknown" {
        #expect((answer.kind == "in-graph") == unmoved)
      }
      if let why = json["why"]?.string { #expect("\(answer)".contains(why), "\(file): \(answer)") }
    }
  }

  @Test(arguments: [
    ("nothing", ONNXWaveformNormalization.none(operators: ["Unsqueeze"])),
    ("instance-norm", .inGraph(operators: ["Unsqueeze", "InstanceNormalization", "Squeeze", "Unsqueeze"])),
    ("mean-only", .unknown("it only takes the mean off before the first Conv")),
    ("peak", .unknown("the operator Div on its way to the first Conv says nothing of that")),
    ("conditional", .unknown("the operator If on its way to the first Conv says nothing of that")),
    ("square", .unknown("the first Conv takes statistics of it")),
  ])
  func operatorsAreNamed(_ file: String, _ expected: ONNXWaveformNormalization) throws {
    #expect(try answer(file + ".onnx") == expected)
  }

  @Test func oneSentenceEach() throws {
    #expect(
      "\(try answer("nothing.onnx"))"
        == "the graph does not normalise it: the first Conv takes it as it is but for its shape (Unsqueeze)")
    #expect(
      "\(try answer("variance.onnx"))".hasPrefix("the graph normalises it before the first Conv (ReduceMean, Sub, "))
    #expect("\(try answer("scaled.onnx"))".hasPrefix("whether the graph normalises it is unknown: the operator Mul"))
  }
}
