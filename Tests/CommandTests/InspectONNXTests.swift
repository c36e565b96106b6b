import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct InspectONNXTests {
  private let root = Repository.golden("audonnx")

  @Test func aFolderIsShownWithItsLabels() throws {
    let outcome = try Program.run("inspect", root + "/published")
    #expect(outcome.status == 0)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines[0] == root + "/published: onnx")
    for line in [
      "  waveform: the graph does not normalise it: the first Conv takes it as it is but for its shape (Unsqueeze)",
      "  audonnx: $audonnx.core.model.Model==1.0.1 (model.yaml)", "    input signal [1, -1], transform none",
      "    output hidden_states [1, 4]: hidden_states-0, hidden_states-1, hidden_states-2, hidden_states-3",
      "    output logits [1, 3]: arousal, dominance, valence",
    ] { #expect(lines.contains(line), "\(line)") }
    #expect(outcome.errors.contains("stereo is mixed down"))
    let wide = try Program.run("inspect", root + "/auto").output
    #expect(wide.contains("output wide [1, 8]: wide-0, wide-1, wide-2, (...), wide-5, wide-6, wide-7"))
    #expect(try Program.run("inspect", root + "/transform").output.contains("transform audonnx.core.function.Function"))
  }

  @Test func theDocumentHoldsAllOfIt() throws {
    let document = try Program.run("inspect", root + "/normalized", "--json", "--graph").json()
    #expect(document["format"]?.string == "onnx")
    #expect(document["nodes"]?.array?.isEmpty == false)
    #expect(document["metadata"]?["waveform_normalization"]?["kind"]?.string == "in-graph")
    let audonnx = try #require(document["metadata"]?["audonnx"])
    #expect(
      audonnx.compact
        == #"{"class":"$audonnx.core.model.Model==1.0.1","files":["model.yaml"],"onnx":"model.onnx","#
        + #""inputs":[{"name":"signal","shape":[1,-1],"transform":null}],"#
        + #""outputs":[{"name":"hidden_states","shape":[1,4],"labels":["hidden_states-0","hidden_states-1","#
        + #""hidden_states-2","hidden_states-3"]},{"name":"logits","shape":[1,3],"#
        + #""labels":["arousal","dominance","valence"]}]}"#)
    let bare = try Program.run("inspect", root + "/hand/model.onnx", "--json").json()
    #expect(bare["metadata"]?["audonnx"] == nil)
    #expect(bare["metadata"]?["waveform_normalization"]?["kind"]?.string == "unknown")
  }

  @Test func aFileIsShownWhateverLiesBesideIt() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.copyItem(atPath: root + "/published/model.onnx", toPath: folder + "/model.onnx")
      try "$audonnx.core.model.Model==1:\n  path: [\n".write(
        toFile: folder + "/model.yaml", atomically: false, encoding: .utf8)
      let file = try Program.run("inspect", folder + "/model.onnx")
      #expect(file.status == 0 && file.errors.contains("what lies beside it was not read: "))
      let whole = try Program.run("inspect", folder)
      #expect(whole.status == 2 && whole.errorLines.count == 1)
    }
  }

  @Test(arguments: [
    ("published", "ONNX models can be inspected and not run yet"),
    ("transform", "the transform audonnx.core.function.Function: features other than the raw waveform"),
    ("legacy-transform/model.onnx", "the transform audonnx.core.function.Function: features other than"),
    ("reject/laughs.yaml", "limit exceeded"), ("reject/few-labels.yaml", "2 labels"),
  ])
  func whatCannotRunIsRefusedInOneLine(_ path: String, _ text: String) throws {
    for command in [
      ["run", root + "/" + path, Repository.golden("audio/speech.flac")],
      ["convert", root + "/" + path, "-o", "x.assay"],
    ] {
      let outcome = try Program.run(command)
      #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains(text), "\(outcome.errors)")
    }
  }
}
