import AssayKit
import Bytes
import Formats
import Foundation
import Frontends
import Tensors
import TestSupport
import Testing

/// Batches of clips of several lengths against the true frameworks: golden/batches, by tools/golden/make_batches.py.
@Suite struct BatchTests {
  static let names = [
    "audeering-zeros", "audeering-masked", "export-masked", "superb-masked", "base-zeros", "base-row", "base-masked",
    "mixed-masked", "postnorm-masked", "postnorm-singles", "speechbrain-row", "emotion2vec-masked",
  ]

  @Test(arguments: names) func isTheFrameworksOwn(_ name: String) throws {
    try BatchGolden(name).withFiles { golden, package, clips in
      try golden.check(Model.open(package), clips)
      #expect(golden.apart < 1e-5)
    }
  }

  @Test(arguments: ["audeering-masked", "superb-masked", "base-row"]) func fromAnArtifactToo(_ name: String) throws {
    try BatchGolden(name).withFiles { golden, package, clips in
      let artifact = package + ".assay"
      let outcome = try Program.run("convert", package, "-o", artifact, "--quiet")
      #expect(outcome.status == 0, "\(outcome.errors)")
      try golden.check(Model.open(artifact), clips)
    }
  }

  @Test(arguments: ["audeering-batch-ts17", "audeering-batch-dynamo20"]) func fromAnExportToo(_ export: String) throws {
    try BatchGolden("export-masked").withFiles { golden, _, clips in
      try golden.check(Model.open(Repository.golden("onnx/\(export)/model.onnx")), clips)
    }
  }

  /// The program's own options, one file for all clips and a line for each.
  @Test(arguments: ["audeering-masked", "superb-masked"]) func theProgramSavesTheBatch(_ name: String) throws {
    try BatchGolden(name).withFiles { golden, package, clips in
      let file = package + ".safetensors"
      let outcome = try Program.run(
        ["run", package, golden.isMasked ? "--masked" : "--batch", "--layers", "--json", "--save", file] + clips)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let lines = try outcome.output.split(separator: "\n").map {
        try JSON.read(view(Array($0.utf8)), format: "line")
      }
      #expect(lines.map { $0["input"]?.string } == clips)
      let shapes = lines.map { $0["outputs"]?["layer.1"]?["shape"]?.array?.compactMap(\.int) }
      #expect(shapes == [[1, 16, 32], [1, 1, 32], [1, 27, 32]])
      let saved = try SafetensorsFile.open(file)
      for (name, expected) in golden.expected { try golden.compare(saved.tensor(name), expected, name) }
    }
  }

  /// A norm over time hears the padding: no batch of several lengths equals single runs.
  @Test(arguments: ["superb-masked", "base-masked"]) func aNormOverTimeIsRefusedByName(_ name: String) throws {
    try BatchGolden(name).withFiles { _, package, clips in
      let outcome = try Program.run(["run", package, "--masked"] + clips)
      #expect(outcome.status == 2 && outcome.output.isEmpty && outcome.errorLines.count == 1)
      #expect(outcome.errors.contains("feature_extractor.conv_layers.0.layer_norm"), "\(outcome.errors)")
      // Clips of one length have no padding.
      #expect(try Program.run("run", package, "--masked", clips[0], clips[0]).status == 0)
    }
  }

  @Test func whatNobodyKnowsIsRefused() throws {
    let export = Repository.golden("onnx/audeering-batch-ts17/model.onnx")
    try BatchGolden("export-masked").withFiles { _, _, clips in
      let outcome = try Program.run(["run", export, "--batch"] + clips)
      #expect(outcome.status == 2 && outcome.output.isEmpty && outcome.errorLines.count == 1)
      #expect(outcome.errors.contains(clips[0]) && outcome.errors.contains("--masked"), "\(outcome.errors)")
      #expect(try Program.run("run", export, "--batch", clips[0], clips[0]).status == 0)
    }
  }

  /// The published ONNX file is of this kind: its batch is one.
  @Test func aGraphOfOneRowIsNoBatch() throws {
    let export = Repository.golden("onnx/audeering-ts12-eager/model.onnx")
    try BatchGolden("export-masked").withFiles { _, _, clips in
      for flag in ["--batch", "--masked"] {
        let outcome = try Program.run(["run", export, flag, "--quiet"] + clips)
        #expect(outcome.status == 2 && outcome.output.isEmpty && outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("\"signal\" holds one waveform, and no batch"), "\(outcome.errors)")
      }
    }
  }

  /// Zeros before the clip, or something else behind it, are another batch than is made here; single runs are the same.
  @Test(arguments: ["\"padding_side\": \"left\"", "\"padding_value\": 1.0"]) func otherPaddingIsRefused(
    _ member: String
  )
    throws
  {
    try BatchGolden("superb-masked").withFiles { _, package, clips in
      try withTemporaryFolder { folder in
        let copy = folder + "/copy"
        try FileManager.default.copyItem(atPath: package, toPath: copy)
        let name = copy + "/preprocessor_config.json"
        let text = try String(contentsOfFile: name, encoding: .utf8)
        try
          ("{" + member + ","
          + text.drop { $0 != "{" }.dropFirst().replacing(/"padding_(side|value)": [^,}]*,?/, with: ""))
          .write(toFile: name, atomically: false, encoding: .utf8)
        let outcome = try Program.run(["run", copy, "--batch", "--quiet"] + clips)
        #expect(outcome.status == 2 && outcome.errors.contains("nothing says how"), "\(outcome.errors)")
        let (one, other) = (try Program.run("run", copy, clips[0]), try Program.run("run", package, clips[0]))
        #expect(one.status == 0 && one.output == other.output)
      }
    }
  }

  @Test func clipsThatRunOneByOneAreNoBatch() throws {
    try BatchGolden("emotion2vec-masked").withFiles { _, package, clips in
      let outcome = try Program.run(["run", package, "--batch"] + clips)
      #expect(outcome.status == 2 && outcome.errorLines.count == 1 && outcome.errors.contains("--masked"))
      #expect(try Program.run("run", package, "--batch", clips[0], clips[0]).status == 0)
    }
  }

  /// Clips of one length are what they are alone, whatever the framework does with others.
  @Test(arguments: names) func equalLengthsEqualSingleRuns(_ name: String) throws {
    try BatchGolden(name).withFiles { golden, package, clips in
      let model = try Model.open(package)
      let clip = try Clip.load(clips[0], rate: 16000)
      let single = try Runner(model, threads: 1).run(clip)
      for masked in [false, true] {
        let (results, _) = try Runner(model, threads: 1).run(batch: [clip, clip], masked: masked)
        for result in results {
          for (own, other) in zip(result.outputs, single.outputs) {
            #expect(own.tensor.shape == other.tensor.shape)
            let limit = 1e-5 * (other.tensor.floats.map(\.magnitude).max() ?? 0)
            #expect(zip(own.tensor.floats, other.tensor.floats).allSatisfy { abs($0 - $1) <= limit })
          }
        }
      }
    }
  }
}

/// One file of golden/batches.
final class BatchGolden {
  let expected: [(name: String, tensor: Tensor)]
  let isMasked: Bool
  /// True where the framework knows how long each clip is.
  let isOwn: Bool
  /// The largest relative difference that was seen.
  private(set) var apart: Float = 0

  private let clips: [Tensor]
  private let package: String
  private let flags: [String: Bool]

  init(_ name: String) throws {
    let file = try SafetensorsFile.open(Repository.golden("batches/\(name).safetensors"))
    let metadata = Dictionary(uniqueKeysWithValues: file.metadata.map { ($0.name, $0.value) })
    package = Repository.golden(metadata["package"]!)
    isMasked = metadata["mode"] == "masked"
    isOwn = metadata["own"] == "true"
    flags = try JSONDecoder().decode([String: Bool].self, from: Data(metadata["flags"]!.utf8))
    let names = file.entries.map(\.name)
    expected = try names.filter { !$0.hasPrefix("clip.") }.map { ($0, try file.tensor($0)) }
    clips = try (0..<3).map { try file.tensor("clip.\($0)") }
  }

  /// Calls `body` with a copy of the package that has the golden's flags, and the clips as files.
  func withFiles(_ body: (BatchGolden, _ package: String, _ clips: [String]) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let copy = folder + "/package"
      try FileManager.default.copyItem(atPath: package, toPath: copy)
      if !flags.isEmpty {
        let place = URL(fileURLWithPath: copy + "/preprocessor_config.json")
        var json = try JSONSerialization.jsonObject(with: Data(contentsOf: place)) as? [String: Any] ?? [:]
        json.merge(flags) { $1 }
        try JSONSerialization.data(withJSONObject: json).write(to: place)
      }
      let files = clips.indices.map { "\(folder)/clip-\($0).npy" }
      for (file, clip) in zip(files, clips) { try Data(NPYFile.encode(clip)).write(to: URL(fileURLWithPath: file)) }
      try body(self, copy, files)
    }
  }

  /// Runs the batch, and compares it whole and clip by clip.
  func check(_ model: Model, _ paths: [String]) throws {
    let clips = try paths.map { try Clip.load($0, rate: 16000) }
    let (results, outputs) = try Runner(model, threads: 2, layers: true).run(batch: clips, masked: isMasked)
    let (tensors, rows) = (
      Dictionary(uniqueKeysWithValues: outputs.map { ($0.name, $0.tensor) }),
      results.map { Dictionary(uniqueKeysWithValues: $0.outputs.map { ($0.name, $0.tensor) }) }
    )
    for (name, tensor) in expected {
      let own = try #require(tensors[name], "\(name)")
      try compare(own, tensor, name)
      // A clip's own frames are the batch's first ones, and nothing else.
      for (row, result) in rows.enumerated() {
        let part = try #require(result[name])
        let whole = own.floats[row * own.count / 3..<(row + 1) * own.count / 3]
        #expect(Array(whole.prefix(part.count)) == part.floats, "\(name) of clip \(row)")
        #expect(part.shape.rank == own.shape.rank && part.shape[0] == 1)
        let rest = whole.dropFirst(part.count)
        #expect(isOwn ? rest.allSatisfy { $0 == 0 } : rest.isEmpty, "\(name) of clip \(row)")
        if isOwn, own.shape.rank == 3, row != 2 { #expect(part.shape[1] < own.shape[1]) }
      }
    }
  }

  /// Within 1e-5 of the largest expected value.
  func compare(_ tensor: Tensor, _ expected: Tensor, _ name: String) throws {
    #expect(tensor.shape == expected.shape, "\(name)")
    let (own, other) = (tensor.floats, expected.floats)
    let difference = zip(own, other).map { ($0 - $1).magnitude }.max() ?? 0
    let relative = difference / (other.map(\.magnitude).max() ?? 1)
    apart = max(apart, relative)
    #expect(relative < 1e-5, "\(name)")
  }
}
