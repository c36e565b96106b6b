import AssayKit
import Bytes
import Formats
import Foundation
import Frontends
import Tensors
import TestSupport
import Testing

/// A checkpoint of `golden/pruned` and a cut of it that torch made.
struct PrunedGolden: Sendable, CustomTestStringConvertible {
  let model: String
  let cut: String
  let kept: [Int]
  /// Where what torch says of the tensors stands.
  let tensors: String
  let goldens: String

  var testDescription: String { "\(model) \(cut)" }
  var folder: String { Repository.golden("pruned/\(model)") }
  var list: String { kept.map(String.init).joined(separator: ",") }
  var reference: JSON { get throws { try Repository.json(Repository.golden("pruned/\(tensors)/tensors-\(cut).json")) } }

  /// All cuts of the checkpoints of that kind.
  static func all(_ models: String...) -> [PrunedGolden] {
    let manifest = try? Repository.json(Repository.golden("pruned/manifest.json"))
    return (manifest?["models"]?.object ?? []).filter { models.contains($0.name) }.flatMap { model in
      (model.value["cuts"]?.object ?? []).map { cut in
        PrunedGolden(
          model: model.name, cut: cut.name, kept: cut.value.array?.compactMap(\.int) ?? [],
          tensors: model.value["tensors"]?.string ?? model.name, goldens: model.value["goldens"]?.string ?? "")
      }
    }
  }

  /// Throws or complains unless `source` holds what torch has after the same surgery.
  func expect(_ source: any TensorSource, inOrder: Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let expected = try #require(try reference["tensors"]?.object)
    let (found, names) = (source.entries.map(\.name), expected.map(\.name))
    #expect((inOrder ? found : found.sorted()) == (inOrder ? names : names.sorted()), sourceLocation: sourceLocation)
    for entry in source.entries {
      let one = expected.first { $0.name == entry.name }?.value
      #expect(one?["dtype"]?.string == entry.dataType.rawValue, sourceLocation: sourceLocation)
      #expect(one?["shape"]?.array?.compactMap(\.int) == entry.shape.dimensions, sourceLocation: sourceLocation)
      #expect(
        try one?["sha256"]?.string == source.tensor(entry.name).digest.description, "\(entry.name)",
        sourceLocation: sourceLocation)
    }
  }
}

@Suite struct PruneTests {
  static let checkpoints = PrunedGolden.all(
    "pretraining", "pretraining-safetensors", "emotion", "superb", "emotion2vec", "emotion2vec-prefixed")

  func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  @Test func theGoldensAreThere() {
    #expect(Self.checkpoints.count == 4 + 4 + 4 + 3 + 2 + 2 && PrunedGolden.all("fairseq").count == 2)
  }

  @Test(arguments: checkpoints) func foldersAreWhatTorchMakesOfThem(_ golden: PrunedGolden) throws {
    try withTemporaryFolder { folder in
      let out = folder + "/out"
      let pruned = try Program.run("prune", golden.folder, "--keep", golden.list, "-o", out, "--json")
      #expect(pruned.status == 0 && pruned.errors.isEmpty, "\(pruned.errors)")
      let files = try ModelFiles.open(out)
      try golden.expect(files.weights, inOrder: files.format != .safetensors)
      #expect(files.weightFiles == (try ModelFiles.open(golden.folder).weightFiles))
      try expectModules(files, golden)

      // Configurations differ in the numbers alone; the rest is copied.
      let report = try pruned.json()
      let rewritten = (report["rewritten"]?.array ?? []).compactMap { $0["name"]?.string }
      #expect(rewritten == [golden.model.hasPrefix("emotion2vec") ? "config.yaml" : "config.json"])
      var config = try text(out + "/" + rewritten[0])
      for (key, new) in try #require(try golden.reference["config"]?.object).map({ ($0.name, $0.value.int ?? -1) }) {
        let word = try #require(key.split(separator: ".").last)
        let old = ["num_hidden_layers": golden.model == "superb" ? 6 : 24, "depth": 4, "prenet_depth": 2][String(word)]
        let pattern = try Regex("(\\b\(word)\"?: )\(new)\\b")
        #expect(config.matches(of: pattern).count == 1 || word == "depth")
        config.replace(try Regex("(\\s\"?\(word)\"?: )\(new)\\b", as: (Substring, Substring).self)) {
          $0.output.1 + String(old ?? -1)
        }
      }
      #expect(config == (try text(golden.folder + "/" + rewritten[0])))
      let copied = (report["copied"]?.array ?? []).compactMap(\.string)
      #expect(copied.contains("README.md"))
      for name in copied {
        #expect(FileManager.default.contentsEqual(atPath: golden.folder + "/" + name, andPath: out + "/" + name))
      }
      let all = Set(copied + rewritten + files.weightFiles + ["prune.json"])
      #expect(Set(try FileManager.default.contentsOfDirectory(atPath: out)) == all)
      try expectProof(Repository.json(out + "/prune.json"), golden, report)
    }
  }

  /// The versions of modules in a state dict are those of modules that are there.
  func expectModules(_ files: ModelFiles, _ golden: PrunedGolden) throws {
    let attributes = try (files.weights as? PyTorchCheckpoint)?.stateDictAttributes() ?? []
    guard case .orderedDict(let modules, _)? = PyTorchValue.dict(attributes)["_metadata"] else {
      #expect(golden.model == "pretraining-safetensors" || golden.model.hasPrefix("emotion2vec"))
      return
    }
    let names = modules.compactMap { if case .string(let name) = $0.key { name } else { nil } }
    let layers = names.compactMap { $0.wholeMatch(of: /.*encoder\.layers\.(\d+)/)?.output.1 }.compactMap { Int($0) }
    #expect(layers == Array(golden.kept.indices) && names.contains("wav2vec2.encoder.layers.0.attention.k_proj"))
  }

  /// The proof fits its schema, says what torch says, and its sums add up.
  func expectProof(_ proof: JSON, _ golden: PrunedGolden, _ report: JSON) throws {
    let schemas = Repository.root + "/Sources/AssayKit/AssayKit.docc/Schemas/"
    #expect(try JSONSchema(schemas + "prune-manifest.schema.json").complaints(proof) == [])
    #expect(try JSONSchema(schemas + "prune.schema.json").complaints(report) == [])
    #expect(proof["map"]?.array?.map { $0["from"]?.int } == golden.kept)
    #expect(proof["map"]?.array?.map { $0["to"]?.int } == Array(golden.kept.indices))
    let expected = try golden.reference["tensors"]
    for tensor in (proof["kept"]?.array ?? []) + (proof["changed"]?.array ?? []) {
      let one = try #require(expected?[tensor["name"]?.string ?? ""])
      #expect(tensor["from"]?.string == one["from"]?.string)
      #expect(tensor["sha256_after"]?.string == one["sha256"]?.string)
      #expect((tensor["sha256_before"]?.string == tensor["sha256_after"]?.string) == (tensor["step"] == nil))
    }
    let changed = proof["changed"]?.array ?? []
    #expect(changed.compactMap { $0["name"]?.string } == (golden.model == "superb" ? ["layer_weights"] : []))
    let gone = (proof["dropped"]?.array ?? []).reduce(0) { $0 + ($1["bytes"]?.int ?? 0) }
    let sliced = golden.model == "superb" ? 4 * (6 - golden.kept.count) : 0
    #expect(proof["before"]?["bytes"]?.int == (proof["after"]?["bytes"]?.int ?? 0) + gone + sliced)
    let source = try #require(proof["source"]?["files"]?.array?.first)
    let file = golden.folder + "/" + (source["name"]?.string ?? "")
    #expect(try source["sha256"]?.string == Digest.of(ByteRegion.mapping(file).view).description)
  }

  @Test(arguments: PrunedGolden.all("pretraining", "pretraining-safetensors", "emotion", "superb"))
  func prunedFoldersComputeWhatTorchComputes(_ golden: PrunedGolden) throws {
    try withTemporaryFolder { folder in
      let out = folder + "/out"
      let dropped = Set(0..<(golden.model == "superb" ? 6 : 24)).subtracting(golden.kept).sorted().map(String.init)
        .joined(separator: ",")
      #expect(try Program.run("prune", golden.folder, "--drop", dropped, "-o", out).status == 0)
      let verified = try Program.run(
        "verify", out, "--golden", Repository.golden("pruned/\(golden.goldens)/goldens-\(golden.cut)"), "--json")
      #expect(verified.status == 0, "\(verified.output.prefix(2000))")
      let cases = try #require(try verified.json()["cases"]?.array)
      let values = cases.flatMap { $0["values"]?.array ?? [] }
      #expect(
        cases.count == 2
          && values.count { $0["name"]?.string?.hasPrefix("layer.") == true } == 2 * (golden.kept.count + 1))
    }
  }

  @Test(arguments: PrunedGolden.all("fairseq")) func fairseqCheckpointsKeepTheirNesting(_ golden: PrunedGolden) throws {
    try withTemporaryFolder { folder in
      let out = folder + "/out.pt"
      let pruned = try Program.run(
        "prune", golden.folder + "/checkpoint.pt", "--keep", golden.list, "-o", out, "--json")
      #expect(pruned.status == 0, "\(pruned.errors)")
      let checkpoint = try PyTorchCheckpoint.open(out)
      try golden.expect(checkpoint, inOrder: true)
      let root = try checkpoint.tree().root
      #expect(root["cfg"]?["model"]?["encoder_layers"]?.int == golden.kept.count)
      #expect(root["cfg"]?["model"]?["encoder_embed_dim"]?.int == 16 && root["cfg"]?["common"]?["seed"]?.int == 1)
      #expect(root["extra_state"]?["epoch"]?.int == 3 && root["last_optimizer_state"] == nil)
      if case .list(let history)? = root["optimizer_history"] {
        #expect(history[0]["num_updates"]?.int == 1000)
      } else {
        Issue.record("fairseq asks for the optimizer's history")
      }
      let left = (try pruned.json()["left_out"]?.array ?? []).compactMap { $0["name"]?.string }
      #expect(left.count { $0.hasPrefix("last_optimizer_state.state.") } == 4 && left.contains("args"))
      #expect(try pruned.json()["rewritten"]?.array?.map { $0["name"]?.string } == ["cfg.model.encoder_layers"])
      // As safetensors the same tensors have joined names.
      let flat = folder + "/out.safetensors"
      #expect(try Program.run("prune", golden.folder + "/checkpoint.pt", "--keep", golden.list, "-o", flat).status == 0)
      try golden.expect(SafetensorsFile.open(flat), inOrder: false)
    }
  }

  @Test(arguments: [PrunedGolden.all("superb")[1], PrunedGolden.all("pretraining-safetensors")[2]])
  func theExtensionSaysTheKind(_ golden: PrunedGolden) throws {
    try withTemporaryFolder { folder in
      for name in ["a.safetensors", "a.pt", "a.bin", "a.pth"] {
        let out = folder + "/" + name
        let pruned = try Program.run("prune", golden.folder, "--keep", golden.list, "-o", out)
        #expect(pruned.status == 0)
        #expect(pruned.errors.contains("config.json stays behind; for this file it has to say num_hidden_layers"))
        let isSafetensors = name.hasSuffix(".safetensors")
        let files = try ModelFiles.open(out)
        #expect(files.format == (isSafetensors ? .safetensors : .pytorchZip))
        try golden.expect(files.weights, inOrder: false)
        #expect(try Repository.json(out + ".prune.json")["output"]?["name"]?.string == name)
      }
      let metadata = try SafetensorsFile.open(folder + "/a.safetensors").metadata
      #expect(metadata.map(\.name) == ["format"] && metadata.map(\.value) == ["pt"])
      // Another cut to the same name is another file, and another proof.
      let again = try Program.run("prune", folder + "/a.safetensors", "--keep", "0", "-o", folder + "/a.pt")
      #expect(again.status == 0, "\(again.errors)")
      let proof = try Repository.json(folder + "/a.pt.prune.json")
      #expect(proof["layers"]?["before"]?.int == golden.kept.count && proof["layers"]?["after"]?.int == 1)
      #expect(try proof["output"]?["bytes"]?.int == ByteRegion.mapping(folder + "/a.pt").count)
    }
  }

  /// A graph's constants by themselves are those of torch's cut, whatever the graph was read from.
  @Test(arguments: ["emotion", "emotion-onnx-ts17"]) func graphsBecomeTensors(_ model: String) throws {
    let golden = try #require(PrunedGolden.all("emotion").first { $0.cut == "odd-set" })
    let expected = try golden.reference["tensors"]?.object?.compactMap { $0.value["sha256"]?.string } ?? []
    try withTemporaryFolder { folder in
      var source = Repository.golden("pruned/\(model)/model.onnx")
      let prefix = model == "emotion" ? "" : "wav2vec2."
      if model == "emotion" {
        source = folder + "/source.assay"
        #expect(try Program.run("convert", golden.folder, "-o", source).status == 0)
      }
      for name in ["out.safetensors", "out.pt"] {
        let pruned = try Program.run("prune", source, "--keep", golden.list, "-o", folder + "/" + name)
        #expect(
          pruned.status == 0 && pruned.errors.contains("only the graph's constants are written"), "\(pruned.errors)")
        let weights = try ModelFiles.open(folder + "/" + name).weights
        let names = weights.entries.map(\.name)
        #expect(
          names.contains(prefix + "encoder.layers.6.feed_forward.output_dense.weight") && names.count == 7 * 16 + 40)
        // Weight norm is folded; all else is the checkpoint's.
        let strange = try weights.entries.filter { !expected.contains(try weights.tensor($0.name).digest.description) }
        #expect(strange.map(\.name) == [prefix + "encoder.pos_conv_embed.conv.weight"])
        #expect(try Repository.json(folder + "/\(name).prune.json")["kept"]?.array?.count == names.count)
      }
    }
  }

  @Test(arguments: checkpoints.filter { ["even", "1,4", "0-3"].contains($0.cut) })
  func thePlanIsWhatIsDoneAndTwiceIsTheSame(_ golden: PrunedGolden) throws {
    try withTemporaryFolder { folder in
      let plan = try Program.run("prune", golden.folder, "--keep", golden.list, "--dry-run", "--json").json()
      let done = try Program.run("prune", golden.folder, "--keep", golden.list, "-o", folder + "/a", "--json").json()
      for name in ["layers", "map", "dropped", "left_out", "rewritten", "copied", "before", "after", "notes"] {
        #expect(plan[name]?.compact == done[name]?.compact, "\(name)")
      }
      #expect(plan["published"]?.bool == false && done["published"]?.bool == true && plan["output"]?.isNull == true)
      let schema = try JSONSchema(Repository.root + "/Sources/AssayKit/AssayKit.docc/Schemas/prune.schema.json")
      #expect(schema.complaints(plan) == [])
      let text = try Program.run("prune", golden.folder, "--keep", golden.list, "--dry-run", "-o", folder + "/never")
        .output
      #expect(text.hasPrefix("plan; nothing is written\n") && text.hasSuffix("/never: not written\n"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])

      let source = folder + "/source"
      try FileManager.default.copyItem(atPath: golden.folder, toPath: source)
      let again = try Program.run("prune", source, "--keep", golden.list, "-o", folder + "/b", "--threads", "1")
      #expect(again.status == 0)
      for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/a") {
        #expect(
          FileManager.default.contentsEqual(atPath: "\(folder)/a/\(name)", andPath: "\(folder)/b/\(name)"), "\(name)")
      }
    }
  }
}

extension PyTorchValue {
  /// What stands under a key.
  subscript(_ key: String) -> PyTorchValue? {
    switch self {
    case .dict(let items), .orderedDict(let items, _):
      items.first { if case .string(key) = $0.key { true } else { false } }?.value
    default: nil
    }
  }

  /// The number.
  var int: Int? { if case .int(let number) = self { number } else { nil } }
}
