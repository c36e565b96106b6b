import Bytes
import TestSupport
import Testing

/// Every document that `--json` prints fits its published schema.
@Suite struct SchemaTests {
  func schema(_ name: String) throws -> JSONSchema {
    try JSONSchema(Repository.root + "/Sources/AssayKit/AssayKit.docc/Schemas/\(name).schema.json")
  }

  @Test func documentsFitTheirSchemas() throws {
    let package = Repository.golden("models/audeering")
    try withTemporaryFolder { folder in
      let artifact = folder + "/model.assay"
      let onnx = Repository.golden("onnx/audeering-ts12-eager")
      let commands = [
        (
          "convert",
          ["convert", package + "/pytorch", "-o", artifact, "--golden", package + "/goldens", "--dtype", "f32"]
        ),
        ("convert", ["convert", package + "/pytorch", "-o", folder + "/h.assay", "--dtype", "bf16"]),
        (
          "convert",
          [
            "convert", package + "/pytorch", "-o", folder + "/x.assay", "--golden", package + "/goldens", "--dtype",
            "f16",
          ]
        ),
        ("convert", ["convert", artifact, "-o", folder + "/m.onnx", "--golden", package + "/goldens"]),
        ("convert", ["convert", artifact, "-o", folder + "/m.onnx", "--dtype", "f16"]),
        (
          "convert-tensors",
          ["convert", Repository.golden("formats/pytorch/accept/fairseq-like.pt"), "-o", folder + "/t.safetensors"]
        ),
        (
          "convert-tensors",
          [
            "convert", Repository.golden("formats/pytorch/accept/views-zip-p2.pt"), "-o", folder + "/t.pt", "--only",
            "[!p]*", "--strip", "w", "--dtype", "f16",
          ]
        ),
        ("inspect", ["inspect", package + "/legacy", "--graph", "--statistics", "--digests"]),
        ("inspect", ["inspect", artifact]),
        ("inspect", ["inspect", Repository.golden("audonnx/published"), "--graph", "--digests"]),
        ("verify", ["verify", artifact, "--against", package + "/safetensors"]),
        ("verify", ["verify", package + "/both/pytorch_model.bin", "--golden", package + "/goldens"]),
        ("diff", ["diff", package + "/pytorch", artifact]),
        ("diff", ["diff", package + "/pytorch", package + "/folded"]),
        ("diff", ["diff", package + "/pytorch", package + "/both/pytorch_model.bin"]),
        ("diff", ["diff", Repository.golden("models/mixed"), Repository.golden("models/base")]),
        ("prune", ["prune", package + "/pytorch", "--keep", "0,2", "-o", folder + "/pruned"]),
        ("prune", ["prune", artifact, "--drop", "1", "-o", folder + "/pruned.assay"]),
        ("prune", ["prune", artifact, "--drop", "1", "-o", folder + "/pruned.safetensors"]),
        ("prune", ["prune", onnx + "/model.onnx", "--keep", "0", "-o", folder + "/pruned.onnx"]),
        ("prune", ["prune", onnx + "/model.onnx", "--keep", "0", "--dry-run"]),
        ("plan", ["run", artifact, "--plan", "--seconds", "2.5"]),
        ("run", ["run", artifact, Repository.golden("audio/speech.flac"), "--layers"]),
        ("run", ["run", onnx + "/model.onnx", Repository.golden("audio/float32-16k.wav"), "--normalize"]),
        ("verify", ["verify", onnx + "/model.onnx", "--golden", onnx + "/goldens/samples-400.golden.json"]),
      ]
      for (name, command) in commands {
        let document = try Program.run(command + ["--json"]).json()
        #expect(try schema(name).complaints(document) == [], "\(command)")
      }
    }
  }

  @Test func aRecordingWithoutAResultFitsItsOwn() throws {
    let model = Repository.golden("models/audeering/safetensors")
    let outcome = try Program.run("run", model, "/nowhere.wav", "--json")
    #expect(outcome.status == 2)
    #expect(try schema("run-error").complaints(outcome.json()) == [])
    #expect(try schema("run").complaints(outcome.json()) != [])
  }

  @Test func anUnlikeDocumentDoesNotFit() throws {
    let wrong: JSON = ["input": 3, "outputs": [:], "labels": ["a": "b"], "more": []]
    let complaints = try schema("run").complaints(wrong)
    #expect(complaints.count == 5, "\(complaints)")
  }
}
