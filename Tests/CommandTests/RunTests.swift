import Bytes
import Formats
import Foundation
import TestSupport
import Testing

@Suite struct RunTests {
  static let model = Repository.golden("models/audeering/safetensors")
  static let speech = Repository.golden("models/audeering/goldens/speech.flac")

  @Test func printsTheContractsDocument() throws {
    let outcome = try Program.run("run", Self.model, Self.speech, "--json")
    #expect(outcome.status == 0)
    let document = try outcome.json()
    #expect(document.object?.map(\.name) == ["input", "name", "duration", "outputs", "labels", "preprocessing"])
    #expect(document["input"]?.string == Self.speech)
    #expect(document["outputs"]?["hidden_states"]?["shape"]?.array?.compactMap(\.int) == [1, 32])
    let expected = try Repository.json(Repository.golden("models/audeering/goldens/speech.golden.json"))
    let logits = try #require(expected["expected"]?["logits"]?["values"]?.array).compactMap(\.double)
    let values = (document["outputs"]?["logits"]?["values"]?.array ?? []).compactMap(\.double)
    #expect(values.count == 3 && zip(values, logits).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(document["labels"]?.object?.map(\.name) == ["arousal", "dominance", "valence"])
    #expect(document["labels"]?["valence"]?.double == values[2])
  }

  @Test func aLineForEachInputInOrder() throws {
    let files = ["speech.flac", "stereo-44k1.flac", "pcm24-16k.wav", "speech-8k.ogg"].map {
      Repository.golden("audio/" + $0)
    }
    let outcome = try Program.run(["run", Self.model, "--json"] + files)
    #expect(outcome.status == 0)
    let inputs = try outcome.output.split(separator: "\n").map {
      try JSON.read(view(Array($0.utf8)), format: "line")["input"]?.string
    }
    #expect(inputs == files)
  }

  @Test func savesLayersWhole() throws {
    try withTemporaryFolder { folder in
      let file = folder + "/out.safetensors"
      let outcome = try Program.run("run", Self.model, Self.speech, "--layers", "--save", file)
      #expect(outcome.status == 0)
      let saved = try SafetensorsFile.open(file)
      #expect(
        Set(saved.entries.map(\.name)) == ["hidden_states", "logits", "layer.0", "layer.1", "layer.2", "layer.3"])
      let stages = try SafetensorsFile.open(Repository.golden("models/audeering/goldens/stages.safetensors"))
      let expected = try stages.tensor("speech.layer.2").floats
      let actual = try saved.tensor("layer.2").floats
      #expect(actual.count == expected.count && zip(actual, expected).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }

  /// Not the recording, not a list, not the model, whatever writes.
  @Test func nothingThatIsReadIsWrittenOver() throws {
    try withTemporaryFolder { folder in
      let (model, clip, list) = (folder + "/model", folder + "/clip.svg", folder + "/list.scp")
      try FileManager.default.copyItem(atPath: Self.model, toPath: model)
      try FileManager.default.copyItem(atPath: Repository.golden("audio/pcm24-16k.wav"), toPath: clip)
      try Recordings.write(list, "a \(clip)\n")
      func bytes(_ path: String) throws -> [UInt8] { try ByteRegion.mapping(path).view.array }
      for (option, target) in [
        ("--save", clip), ("--plot", clip), ("--save", list), ("--save", model + "/model.safetensors"),
        ("--save", model + "/config.json"),
      ] {
        let before = try bytes(target)
        let outcome = try Program.run("run", model, "--scp", list, option, target)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(option) \(target)")
        #expect(outcome.errors.contains(target) && outcome.output.isEmpty, "\(outcome.errors)")
        #expect(try bytes(target) == before)
      }
      #expect(
        try Program.run("run", model, clip, "--plot", folder + "/y.svg", "--save", folder + "/y.svg").status == 64)
    }
  }

  @Test func longOutputsAreShownWhenNamed() throws {
    let short = try Program.run("run", Self.model, Self.speech, "--json", "--layers").json()
    #expect(short["outputs"]?["layer.1"]?["values"] == nil)
    #expect(short["outputs"]?["layer.1"]?["shape"]?.array?.count == 3)
    let named = try Program.run("run", Self.model, Self.speech, "--json", "--outputs", "layer.1").json()
    let shape = (named["outputs"]?["layer.1"]?["shape"]?.array ?? []).compactMap(\.int)
    #expect(named["outputs"]?["layer.1"]?["values"]?.array?.count == shape.reduce(1, *))
  }

  @Test func graphInputsAreFedAsTheyAre() throws {
    try withTemporaryFolder { folder in
      let file = folder + "/zeros.npy"
      let zeros = [Float](repeating: 0, count: 16000)
      try Data(NPYFile.encode(.init(zeros, shape: [1, 16000]))).write(to: URL(fileURLWithPath: file))
      let raw = try Program.run("run", Self.model, "--input", "signal=" + file, "--json").json()
      let waveform = try Program.run("run", Self.model, file, "--json").json()
      let expected = try Repository.json(Repository.golden("models/audeering/goldens/silence-1s.golden.json"))
      let logits = (expected["expected"]?["logits"]?["values"]?.array ?? []).compactMap(\.double)
      for document in [raw, waveform] {
        let values = (document["outputs"]?["logits"]?["values"]?.array ?? []).compactMap(\.double)
        #expect(values.count == 3 && zip(values, logits).allSatisfy { abs($0 - $1) < 1e-5 })
      }
      let wrong = try Program.run("run", Self.model, "--input", "sound=" + file)
      #expect(wrong.status == 2)
      #expect(wrong.errors.contains("signal"))
    }
  }

  @Test func aBatchPadsWithWhatTheModelHears() throws {
    try withTemporaryFolder { folder in
      let file = folder + "/batch.safetensors"
      let clips = ["pcm24-16k.wav", "float32-16k.wav"].map { Repository.golden("audio/" + $0) }
      let outcome = try Program.run(["run", Self.model, "--batch", "--save", file, "--json"] + clips)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.split(separator: "\n").count == 2)
      #expect(try SafetensorsFile.open(file).tensor("logits").shape == [2, 3])
    }
  }

  @Test func tooFewSamplesAreAClearError() throws {
    try withTemporaryFolder { folder in
      for (count, status) in [(0, 2), (1, 2), (399, 2), (400, 0)] {
        let file = folder + "/\(count).npy"
        let samples = (0..<count).map { Float($0 % 7) / 7 }
        try Data(NPYFile.encode(.init(samples))).write(to: URL(fileURLWithPath: file))
        let outcome = try Program.run("run", Self.model, file)
        #expect(outcome.status == status)
        if status == 2 {
          #expect(outcome.errorLines.count == 1)
          #expect(outcome.errors.contains("\(count) samples") && outcome.errors.contains("at least 400"))
        }
      }
    }
  }

  @Test func theNumberOfThreadsChangesNothing() throws {
    let one = try Program.run("run", Self.model, Self.speech, "--json", "--layers", "--threads", "1")
    #expect(
      try Program.run("run", Self.model, Self.speech, "--json", "--layers", "--threads", "1").output == one.output)
    #expect(
      try Program.run("run", Self.model, Self.speech, "--json", "--layers", "--threads", "3").output == one.output)
  }

  @Test func aPlanTellsWhatARunWouldTake() throws {
    let second = try Program.run("run", Self.model, "--plan", "--seconds", "1", "--json").json()
    let operators = try #require(second["operators"]?.array)
    // 3 layers: 6 linear each, the projection before them and two in the head; 7 feature convolutions and one for places.
    #expect(operators.first { $0["name"]?.string == "Linear" }?["nodes"]?.int == 21)
    #expect(operators.first { $0["name"]?.string == "Conv" }?["nodes"]?.int == 8)
    // 2 · 49 frames · 3 layers · (4 · 32 · 32 + 2 · 32 · 64), the projection, and the head once.
    let linear = 2 * 49 * 3 * (4 * 32 * 32 + 2 * 32 * 64) + 2 * 49 * 32 * 32 + 2 * (32 * 32 + 32 * 3)
    #expect(operators.first { $0["name"]?.string == "Linear" }?["operations"]?.int == linear)
    let minute = try Program.run("run", Self.model, "--plan", "--seconds", "60", "--json").json()
    #expect(try #require(minute["peak_bytes"]?.int) > #require(second["peak_bytes"]?.int))
    #expect(try Program.run("run", Self.model, "--plan", "--seconds", "0.001").status == 2)
  }

  @Test func namesWithControlCharactersAreEscaped() throws {
    let outcome = try Program.run("run", Self.model, "/tmp/\u{1B}[31mred.wav")
    #expect(outcome.status == 2)
    #expect(!outcome.errors.contains("\u{1B}"))
    #expect(outcome.errors.contains("\\u{1b}"))
  }
}
