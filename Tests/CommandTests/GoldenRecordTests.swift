import AssayKit
import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct GoldenRecordTests {
  private static let package = Repository.golden("models/audeering")

  @Test func aRecordedCaseProvesSamenessAndSaysSo() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/speech.golden.json"
      let recorded = try Program.run(
        "golden", "record", Self.package + "/pytorch", Repository.golden("audio/speech.flac"), "-o", path, "--layers")
      #expect(recorded.status == 0, "\(recorded.errors)")
      #expect(
        recorded.output.split(separator: "\n") == [Substring(path), Substring(folder + "/speech.golden.safetensors")])

      // The case agrees with what transformers computed for the same recording.
      let own = try #require(try GoldenFolder.cases(path).first)
      let golden = try #require(
        try GoldenFolder.cases(Self.package + "/goldens/speech.golden.json").first)
      #expect(!own.isReference && golden.isReference)
      #expect(Set(own.expected.map(\.name)).isSuperset(of: ["logits", "hidden_states", "layer.0", "layer.1"]))
      for expected in golden.expected {
        let twin = try #require(own.expected.first { $0.name == expected.name })
        #expect(zip(expected.values.floats, twin.values.floats).allSatisfy { abs($0 - $1) < 1e-4 })
      }

      let artifact = folder + "/model.assay"
      let converted = try Program.run(
        "convert", Self.package + "/safetensors", "-o", artifact, "--golden", path, "--json"
      ).json()
      #expect(converted["cases"]?.array?.map { $0["reference"]?.bool } == [false])
      let verified = try Program.run("verify", artifact)
      #expect(verified.status == 0)
      #expect(verified.output.contains("recorded by assay itself"))
      // Another model is not the same.
      let other = try Program.run("verify", Self.package + "/both/pytorch_model.bin", "--golden", path)
      #expect(other.status == 1)
      #expect(other.output.contains("first value that is wrong by itself"))
    }
  }

  @Test(arguments: ["case.json", ".golden.json", "/nowhere/x.golden.json"])
  func namesThatCannotBeAreRefused(_ name: String) throws {
    try withTemporaryFolder { folder in
      let path = name.hasPrefix("/") ? name : folder + "/" + name
      let outcome = try Program.run(
        "golden", "record", Self.package + "/pytorch", Repository.golden("audio/speech.flac"), "-o", path)
      #expect(outcome.status == 2 && outcome.errorLines.count == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }
}
