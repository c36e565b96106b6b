import AssayKit
import Bytes
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

/// audEERING's model as a checkpoint folder and as an audonnx folder of the same weights. The graph was exported by
/// PyTorch from the very network whose checkpoint it is (golden/onnx), so one road is the other's reference.
@Suite struct AudeeringRoadsTests {
  static let exports = ["audeering-ts12-eager", "audeering-dynamo20"]

  /// Calls `body` with the checkpoint's folder, which normalises recordings as the published one does, and the audonnx
  /// folder of the published layout.
  private func withFolders<R>(_ export: String, _ body: (_ checkpoint: String, _ audonnx: String) throws -> R) throws
    -> R
  {
    try withTemporaryFolder { folder in
      let (checkpoint, audonnx) = (folder + "/checkpoint", folder + "/audonnx")
      let files = FileManager.default
      try files.copyItem(atPath: Repository.golden("onnx/audeering-checkpoint"), toPath: checkpoint)
      let preprocessor = checkpoint + "/preprocessor_config.json"
      let flags = try String(contentsOfFile: preprocessor, encoding: .utf8)
      let flagged = flags.replacingOccurrences(of: #""do_normalize": false"#, with: #""do_normalize": true"#)
      try #require(flagged != flags)
      try flagged.write(toFile: preprocessor, atomically: true, encoding: .utf8)
      try files.createDirectory(atPath: audonnx, withIntermediateDirectories: true)
      for (name, source) in [
        ("model.onnx", "onnx/\(export)/model.onnx"), ("model.yaml", "audonnx/published/model.yaml"),
      ] {
        try files.copyItem(atPath: Repository.golden(source), toPath: "\(audonnx)/\(name)")
      }
      return try body(checkpoint, audonnx)
    }
  }

  /// The largest absolute difference over the largest expected value, as the contract measures it.
  private func relativeError(_ actual: RunResult, _ expected: RunResult, _ name: String) throws -> Float {
    let a = try #require(actual.outputs.first { $0.name == name }).tensor
    let b = try #require(expected.outputs.first { $0.name == name }).tensor
    try #require(a.shape == b.shape)
    let largest = b.floats.map(\.magnitude).max() ?? 0
    return zip(a.floats, b.floats).map { ($0 - $1).magnitude / largest }.reduce(0) {
      max($0, $1.isNaN ? .infinity : $1)
    }
  }

  /// A recording of each kind, and the shortest clip that has a frame, with an offset that only normalising takes away.
  private func clips(_ folder: String) throws -> [Clip] {
    let short = folder + "/short.npy"
    try Data(NPYFile.encode(.init((0..<400).map { 0.2 + 0.01 * Float($0 * 37 % 101) / 101 })))
      .write(to: URL(fileURLWithPath: short))
    let recordings = ["speech.flac", "stereo-44k1.flac", "speech-8k.ogg"].map { Repository.golden("audio/" + $0) }
    return try (recordings + [short]).map { try Clip.load($0, rate: 16000) }
  }

  @Test(arguments: exports) func bothRoadsGiveTheSameNumbers(_ export: String) throws {
    try withFolders(export) { checkpoint, audonnx in
      let reference = try Runner(Model.open(checkpoint), threads: 2)
      let normalised = try Runner(Model.open(audonnx, normalizing: true), threads: 2)
      let plain = try Runner(Model.open(audonnx), threads: 2)
      for clip in try clips(checkpoint) {
        let expected = try reference.run(clip)
        let (same, other) = (try normalised.run(clip), try plain.run(clip))
        for name in ["logits", "hidden_states"] {
          let error = try relativeError(same, expected, name)
          #expect(error <= 1e-5, "\(clip.path) \(name): \(error)")
          // An audonnx folder says nothing of normalising, and audonnx does none: then it is another waveform.
          let without = try relativeError(other, expected, name)
          #expect(without > 1e-2, "\(clip.path) \(name): \(without)")
        }
        #expect(same.labels.map(\.name) == ["arousal", "dominance", "valence"])
        #expect(expected.labels.map(\.name) == same.labels.map(\.name))
        #expect(expected.preprocessing?.normalizationEpsilon == 1e-7)
        #expect(same.preprocessing?.normalizationEpsilon == 1e-7)
        #expect(other.preprocessing?.normalizationEpsilon == nil)
      }
    }
  }

  @Test func theProgramSaysWhichWasDone() throws {
    try withFolders(Self.exports[0]) { checkpoint, audonnx in
      let speech = Repository.golden("audio/float32-16k.wav")
      let done = "zero mean, unit variance (epsilon 1e-07)"
      for (arguments, isNormalised) in [([checkpoint], true), ([audonnx, "--normalize"], true), ([audonnx], false)] {
        let text = try Program.run(["run"] + arguments + [speech])
        #expect(text.status == 0, "\(text.errors)")
        #expect(text.output.contains(done) == isNormalised && text.output.contains("as it is") != isNormalised)
        #expect(text.errors.contains("unless --normalize") == (arguments[0] == audonnx), "\(text.errors)")
        let document = try Program.run(["run"] + arguments + [speech, "--json"]).json()
        #expect(document["preprocessing"]?["normalization"]?["epsilon"]?.double == (isNormalised ? 1e-7 : nil))
      }
    }
  }
}
