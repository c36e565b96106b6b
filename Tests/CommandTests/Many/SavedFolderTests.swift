import AssayKit
import Bytes
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct SavedFolderTests {
  private func saved(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(["run", Recordings.model, "--json"] + arguments)
  }

  @Test func everyOutputOfEachRecordingIsThere() throws {
    try withTemporaryFolder { folder in
      for (seed, name) in ["a", "b/c"].enumerated() {
        try Recordings.noise("\(folder)/in/\(name).npy", samples: 900, seed: UInt64(seed))
      }
      let out = folder + "/new/out"
      let outcome = try saved(folder + "/in", Recordings.clip, "--layers", "--save-dir", out)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try contents(out) == ["a.safetensors", "b/c.safetensors", "pcm16.safetensors"])
      for document in try outcome.documents {
        let name = try #require(document["name"]?.string)
        let file = try SafetensorsFile.open("\(out)/\(name).safetensors")
        #expect(file.metadata.first { $0.name == "name" }?.value == name)
        #expect(file.metadata.first { $0.name == "input" }?.value == document["input"]?.string)
        #expect(
          Set(file.entries.map(\.name)) == ["hidden_states", "logits", "layer.0", "layer.1", "layer.2", "layer.3"])
        let logits = document["outputs"]?["logits"]?["values"]?.array?.compactMap(\.double).map(Float.init)
        #expect(try file.tensor("logits").floats == logits && file.tensor("logits").shape == [1, 3])
      }
      // The same as --save gives of a single one.
      let single = folder + "/single.safetensors"
      #expect(try saved(Recordings.clip, "--layers", "--save", single).status == 0)
      for entry in try SafetensorsFile.open(single).entries {
        #expect(
          try SafetensorsFile.open(single).tensor(entry.name).digest
            == SafetensorsFile.open(out + "/pcm16.safetensors").tensor(entry.name).digest)
      }
    }
  }

  /// What numpy 2 writes for an array of 32 floats, `numpy.save(file, array)`: its header, byte for byte.
  @Test func arraysAreThoseOfNumPy() throws {
    try withTemporaryFolder { folder in
      let outcome = try saved(Recordings.clip, "--save-dir", folder, "--save-format", "npy")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try contents(folder) == ["pcm16.npy"])
      let bytes = try ByteRegion.mapping(folder + "/pcm16.npy").view.array
      let dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (32,), }"
      let header =
        [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(dictionary.utf8)
        + [UInt8](repeating: 0x20, count: 117 - dictionary.utf8.count) + [0x0A]
      #expect(Array(bytes.prefix(128)) == header && bytes.count == 128 + 32 * 4)
      let values = try outcome.json()["outputs"]?["hidden_states"]?["values"]?.array?.compactMap(\.double)
      #expect(try NPYFile.read(.mapping(folder + "/pcm16.npy")).floats == values?.map(Float.init))
      // One that is named, its batch's axis gone.
      #expect(
        try saved(Recordings.clip, "--save-dir", folder, "--save-format", "npy", "--outputs", "layer.1").status == 0)
      #expect(try NPYFile.read(.mapping(folder + "/pcm16.npy")).shape == [27, 32])
    }
  }

  @Test func anArrayThatNobodyCanTellIsRefused() throws {
    try withTemporaryFolder { folder in
      let out = folder + "/out"
      let two = try saved(Recordings.clip, "--save-dir", out, "--save-format", "npy", "--outputs", "logits,layer.0")
      #expect(two.status == 2 && two.errors.contains("--outputs names 2"))
      let superb = Repository.golden("onnx/superb-ts12/model.onnx")
      let outcome = try Program.run(
        "run", superb, Recordings.clip, "--save-dir", out, "--save-format", "npy", "--quiet")
      #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains("--outputs names one, as logits"))
      #expect(fileKind(out) == .missing)
      for arguments in [
        ["--save-format", "npy"], ["--save-dir", out, "--save-format", "npy", "--layers"],
        ["--save-dir", out, "--save-format", "csv"], ["--jobs", "0"], ["--jobs", "3", "--threads", "2"],
      ] {
        #expect(try Program.run(["run", Recordings.model, Recordings.clip] + arguments).status == 64, "\(arguments)")
      }
      let fed = ["--input", "signal=x.npy", "--save-dir", out]
      #expect(try Program.run(["run", Recordings.model] + fed).status == 64)
    }
  }

  @Test(arguments: ["frame", "utterance"]) func aViewIsChosen(_ granularity: String) throws {
    try withTemporaryFolder { folder in
      let (model, out) = (folder + "/model.onnx", folder + "/out")
      try Recordings.twoViews(model)
      try Recordings.noise(folder + "/x.npy", samples: 4096)
      let outcome = try Program.run(
        "run", model, folder + "/x.npy", "--granularity", granularity, "--json", "--save-dir", out, "--save-format",
        "npy")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let outputs = try #require(try outcome.json()["outputs"])
      let isFrame = granularity == "frame"
      #expect(outputs.object?.map(\.name) == [isFrame ? "frames" : "utterance", "scores"])
      // Whole, however long.
      if isFrame { #expect(outputs["frames"]?["values"]?.array?.count == 4096) }
      #expect(try NPYFile.read(.mapping(out + "/x.npy")).shape == (isFrame ? [1024, 4] : [4]))
      // Without a choice both are there, and the vector stands for the recording.
      let both = try Program.run(
        "run", model, folder + "/x.npy", "--json", "--save-dir", out, "--save-format", "npy")
      #expect(try both.json()["outputs"]?.object?.map(\.name) == ["frames", "utterance", "scores"])
      #expect(try both.json()["outputs"]?["frames"]?["values"] == nil)
      #expect(try NPYFile.read(.mapping(out + "/x.npy")).shape == [4])
      let refused = try saved(Recordings.clip, "--granularity", granularity)
      #expect(refused.status == 2 && refused.errorLines.count == 1)
      #expect(refused.errors.contains("this model of the system wav2vec2-regression has hidden_states, logits"))
      #expect(try saved(Recordings.clip, "--granularity", "word").status == 64)
    }
  }

  // MARK: Names

  private func refusal(_ inputs: [RunInput], in folder: String) throws -> String {
    let runner = try Runner(Model.open(Recordings.model), threads: 1)
    do {
      _ = try SavedFolder(folder + "/out", .safetensors, runner: runner, inputs: inputs)
      return "accepted"
    } catch {
      #expect(fileKind(folder + "/out") == .missing)
      return "\(error)"
    }
  }

  @Test func namesThatLeadOutAreRefused() throws {
    try withTemporaryFolder { folder in
      for name in ["../x", "..", "a/../b", "/x", "a//b", "", "a/", ".", "./a", "a\0b", "é/.."] {
        let refusal = try refusal([RunInput(path: "x.wav", name: name, place: "list in line 7")], in: folder)
        #expect(refusal.hasPrefix("list in line 7: the name ") && refusal.contains("no path inside"), "\(refusal)")
      }
      let long = String(repeating: "x", count: 225)
      #expect(try refusal([RunInput(path: "x.wav", name: "a/" + long)], in: folder).contains("more than 224 bytes"))
      for name in ["...", "a/b/c", ".a", "-", String(repeating: "x", count: 224)] {
        try withTemporaryFolder { place in
          let refusal = try refusal([RunInput(path: "x.wav", name: name)], in: place)
          #expect(refusal == "accepted")
        }
      }
    }
  }

  @Test func twoOfOneNameAreRefusedByBoth() throws {
    try withTemporaryFolder { folder in
      func input(_ path: String, _ name: String) -> RunInput { RunInput(path: path, name: name) }
      let same = try refusal([input("a/x.wav", "x"), input("y.wav", "y"), input("b/x.flac", "x")], in: folder)
      #expect(same.contains("b/x.flac") && same.contains("a/x.wav") && same.contains("out/x.safetensors"), "\(same)")
      let inside = try refusal([input("p.wav", "x.safetensors/deep/y"), input("q.wav", "x")], in: folder)
      #expect(inside.contains("p.wav") && inside.contains("q.wav") && inside.contains("a folder for this"), "\(inside)")
      // One letter, spelled in two ways: two names.
      #expect(try refusal([input("p.wav", "\u{E9}"), input("q.wav", "e\u{301}")], in: folder) == "accepted")
    }
  }

  @Test func whatIsReadIsNotWrittenOver() throws {
    try withTemporaryFolder { folder in
      try Recordings.noise(folder + "/x.npy")
      let before = try ByteRegion.mapping(folder + "/x.npy").view.array
      let outcome = try saved(folder + "/x.npy", "--save-dir", folder, "--save-format", "npy")
      #expect(outcome.status == 2 && outcome.errors.contains("would be written over"))
      #expect(try ByteRegion.mapping(folder + "/x.npy").view.array == before)
      // A model's file neither.
      let weights = folder + "/model.safetensors"
      try FileManager.default.copyItem(atPath: Recordings.model + "/model.safetensors", toPath: weights)
      try FileManager.default.copyItem(atPath: Recordings.model + "/config.json", toPath: folder + "/config.json")
      try Recordings.noise(folder + "/in/model.npy")
      let size = try ByteRegion.mapping(weights).count
      for model in [weights, folder] {
        let outcome = try Program.run("run", model, folder + "/in", "--save-dir", folder, "--quiet")
        #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(try ByteRegion.mapping(weights).count == size)
      }
    }
  }

  // MARK: Trouble

  @Test func olderFilesAreReplacedAndOthersStay() throws {
    try withTemporaryFolder { folder in
      for file in ["x.safetensors", "bad.safetensors", "other.txt", ".y.safetensors.1.assay-part"] {
        try Recordings.write("\(folder)/out/\(file)", "old")
      }
      try Recordings.noise(folder + "/x.npy")
      try Recordings.write(folder + "/bad.wav", "no audio")
      let outcome = try saved(folder + "/bad.wav", folder + "/x.npy", "--save-dir", folder + "/out")
      #expect(outcome.status == 2 && outcome.errorLines.count == 1)
      // What killed writers left is gone; of a recording without a result nothing new is written.
      #expect(try contents(folder + "/out") == ["bad.safetensors", "other.txt", "x.safetensors"])
      #expect(try SafetensorsFile.open(folder + "/out/x.safetensors").tensor("logits").shape == [1, 3])
      #expect(try ByteRegion.mapping(folder + "/out/bad.safetensors").view.array == Array("old".utf8))
    }
  }

  @Test func aFullDiskStopsTheRestAndLeavesNothingInParts() throws {
    try withTemporaryFolder { folder in
      try Recordings.noise(folder + "/in/a.npy")
      for name in ["b", "c", "d", "e", "f"] {
        try Recordings.noise("\(folder)/in/\(name).npy", samples: 16_000)
      }
      // The first fits in the 16 blocks that a file may have, the others' layers do not.
      let outcome = try Program.run(
        [
          "run", Recordings.model, folder + "/in", "--layers", "--json", "--save-dir", folder + "/out", "--threads",
          "2",
        ], fileBlocks: 16)
      #expect(outcome.status == 2, "\(outcome.errors)")
      #expect(outcome.errorLines.count == 1 && outcome.errors.contains("cannot write"))
      #expect(try contents(folder + "/out") == ["a.safetensors"])
      #expect(try outcome.documents.compactMap { $0["name"]?.string } == ["a"])
    }
  }

  @Test func aPlaceThatCannotBeWrittenIsToldBeforeTheWork() throws {
    try withTemporaryFolder { folder in
      try Recordings.write(folder + "/file", "x")
      for place in ["/proc/nowhere", "/proc", folder + "/file", folder + "/file/in"] {
        let outcome = try saved(Recordings.clip, "--save-dir", place)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.output.isEmpty, "\(outcome.errors)")
        #expect(outcome.errors.contains(place))
      }
      let save = try saved(Recordings.clip, "--save", "/proc/x.safetensors")
      #expect(save.status == 2 && save.output.isEmpty)
    }
  }

  @Test func killedAtAnyMomentFilesAreWholeOrMissing() throws {
    try withTemporaryFolder { folder in
      for number in 0..<20 {
        try Recordings.noise("\(folder)/in/\(number).npy", seed: UInt64(number))
      }
      for delay in [0.2, 0.5, 0.9] {
        try Program.kill(
          after: delay, ["run", Recordings.model, folder + "/in", "--layers", "--save-dir", folder + "/out"])
        guard fileKind(folder + "/out") == .folder else { continue }
        for file in try contents(folder + "/out") where !file.hasPrefix(".") {
          #expect(try SafetensorsFile.open(folder + "/out/" + file).entries.count == 6)
        }
      }
      #expect(try saved(folder + "/in", "--layers", "--save-dir", folder + "/out").status == 0)
      #expect(try contents(folder + "/out").count == 20)
    }
  }
}
