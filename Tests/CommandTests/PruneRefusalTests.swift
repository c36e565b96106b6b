import Bytes
import Formats
import Foundation
import Frontends
import IR
import Tensors
import TestSupport
import Testing

@testable import AssayKit

/// What cannot be pruned, and what a pruning leaves where it does not come to its end.
@Suite struct PruneRefusalTests {
  static let model = Repository.golden("pruned/pretraining")
  static let flat = Repository.golden("pruned/pretraining-safetensors")

  func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test(arguments: [
    ("5-3", "the run 5-3 descends"), ("3,1", "layer 1 stands after layer 3"), ("1,1", "named twice"),
    ("0-3,2", "named twice"), ("", "a layer is missing"), (",", "a layer is missing"), ("0,,1", "a layer is missing"),
    ("0-", "no layer"), ("-1", "no layer"), ("1-2-3", "no layer"), ("all", "no layer"), ("0x1", "no layer"),
    ("01", "no layer"), ("1.5", "no layer"), ("+1", "no layer"), ("٣", "no layer"), ("0 1", "no layer"),
    ("0-99999999999999999999", "no layer"), ("1000000", "no layer"),
  ])
  func listsThatAreNoneAreWrongUsage(_ list: String, _ reason: String) throws {
    try withTemporaryFolder { folder in
      for option in ["--keep", "--drop"] {
        let words = list.isEmpty ? [option, list] : [option + "=" + list]
        let outcome = try Program.run(["prune", Self.model] + words + ["-o", folder + "/out"])
        #expect(outcome.status == 64, "\(outcome.errors)")
        #expect(outcome.errors.contains(reason) && outcome.errors.contains("0-3,7,9-11"), "\(outcome.errors)")
      }
      #expect(try names(folder).isEmpty)
    }
  }

  @Test func listsAreRead() throws {
    #expect(try LayerList("0-3, 7 ,9-11").runs == [0...3, 7...7, 9...11])
    let choices: [(LayerChoice, [Int])] = [
      (.keep(try LayerList("0-2")), [0, 1, 2]), (.keep(try LayerList("1,3-4")), [1, 3, 4]),
      (.drop(try LayerList("0,5")), [1, 2, 3, 4]), (.drop(try LayerList("1-4")), [0, 5]),
    ]
    for (choice, kept) in choices { #expect(try choice.selection(of: 6, in: "x").kept == kept) }
    #expect(throws: Failure("x: there is no layer 6; the model has 6 layers, 0-5")) {
      try LayerChoice.keep(LayerList("2-6")).selection(of: 6, in: "x")
    }
    #expect(throws: Failure("x: there is no layer 999999; the model has 6 layers, 0-5")) {
      try LayerChoice.drop(LayerList("999999")).selection(of: 6, in: "x")
    }
    #expect(throws: Failure("x: all 6 layers would go; a model keeps at least one")) {
      try LayerChoice.drop(LayerList("0-5")).selection(of: 6, in: "x")
    }
  }

  @Test(arguments: [
    ["--keep", "0", "--drop", "1", "-o", "OUT"], ["-o", "OUT"], ["--keep", "0"], ["--keep", "0", "-o", ""],
    ["--keep", "0", "--dtype", "f16", "-o", "OUT"], ["--keep", "0", "--golden", "x", "-o", "OUT.pt"],
    ["--rank", "a.wav", "-o", "OUT"], ["--rank", "a.wav", "--keep", "0"], ["--rank", "a.wav", "--dry-run"],
  ])
  func wrongUsage(_ arguments: [String]) throws {
    try withTemporaryFolder { folder in
      let outcome = try Program.run(
        ["prune", Self.model] + arguments.map { $0.replacing("OUT", with: folder + "/out") })
      #expect(outcome.status == 64 && outcome.output.isEmpty, "\(outcome.errors)")
      #expect(try names(folder).isEmpty)
    }
  }

  /// Arguments in a folder with a copy of a model, and what the one line says.
  @Test(arguments: [
    (["MODEL", "--keep", "0,24", "-o", "OUT"], "there is no layer 24; the model has 24 layers, 0-23"),
    (["MODEL", "--drop", "0-23", "-o", "OUT"], "all 24 layers would go"),
    (["MODEL", "--keep", "0", "-o", "MODEL"], "this is the source"),
    (["MODEL", "--keep", "0", "-o", "MODEL/inside"], "this lies inside the source"),
    (["MODEL", "--keep", "0", "-o", "MODEL/inside.pt"], "this lies inside the source"),
    (["MODEL/pytorch_model.bin", "--keep", "0", "-o", "MODEL/pytorch_model.bin"], "this is the source"),
    (["MODEL/pytorch_model.bin", "--keep", "0", "-o", "MODEL/../model/./pytorch_model.bin"], "this is the source"),
    (["MODEL", "--keep", "0", "-o", "FULL"], "a folder of this name is there, and not empty"),
    (["MODEL", "--keep", "0", "-o", "FULL/file"], "a file or device has this name"),
    (["MODEL", "--keep", "0", "-o", "FULL.pt"], "a folder or device has this name"),
    (["MODEL", "--keep", "0", "-o", "FOLDER/nowhere/out"], "cannot open"),
    (["MODEL", "--keep", "0", "-o", "/proc/out"], "/proc/out"),
    (["MODEL", "--keep", "0", "-o", "/proc/out.pt"], "/proc/out.pt"),
    (["/nowhere", "--keep", "0", "-o", "OUT"], "there is no file or folder of this name"),
    (["FULL", "--keep", "0", "-o", "OUT"], "a model folder holds one of"),
    (["SCRIPT", "--keep", "0", "-o", "OUT.pt"], "a TorchScript archive holds code"),
    (["CUT", "--keep", "0", "-o", "OUT.safetensors"], "cut short"),
    (["OTHER", "--keep", "0", "-o", "OUT"], "no tensor is of a transformer layer"),
    (["WRONG", "--keep", "0", "-o", "OUT"], "12 layers, and the weights have 24"),
  ])
  func whatCannotBePrunedIsOneLine(_ arguments: [String], _ reason: String) throws {
    try withTemporaryFolder { folder in
      let files = FileManager.default
      for name in ["model", "wrong"] { try files.copyItem(atPath: Self.model, toPath: "\(folder)/\(name)") }
      let config = try String(contentsOfFile: folder + "/wrong/config.json", encoding: .utf8)
      try config.replacing("\"num_hidden_layers\": 24", with: "\"num_hidden_layers\": 12")
        .write(toFile: folder + "/wrong/config.json", atomically: false, encoding: .utf8)
      for name in ["full", "full.pt", "other"] {
        try files.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
      }
      try "x".write(toFile: folder + "/full/file", atomically: false, encoding: .utf8)
      try SafetensorsWriter.write([("a", Tensor([1 as Float]))], to: folder + "/other/model.safetensors")
      let whole = try Data(contentsOf: URL(fileURLWithPath: Self.flat + "/model.safetensors"))
      try whole.prefix(whole.count - 100).write(to: URL(fileURLWithPath: folder + "/cut.safetensors"))
      let before = try names(folder)
      let words = [
        ("MODEL", "/model"), ("FULL", "/full"), ("OUT", "/out"), ("CUT", "/cut.safetensors"), ("OTHER", "/other"),
        ("WRONG", "/wrong"), ("FOLDER", ""),
      ]
      let outcome = try Program.run(
        ["prune"]
          + arguments.map { argument in
            words.reduce(argument.replacing("SCRIPT", with: Repository.golden("formats/pytorch/accept/torchscript.pt")))
            {
              $0.replacing($1.0, with: folder + $1.1)
            }
          })
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(outcome.errors)")
      #expect(outcome.errorLines.count == 1 && outcome.errors.contains(reason), "\(outcome.errors)")
      #expect(try names(folder) == before && names(folder + "/model") == names(Self.model))
    }
  }

  @Test func descriptionsAreCopiedAndTheRestIsListed() throws {
    try withTemporaryFolder { folder in
      let (files, source, out) = (FileManager.default, folder + "/source", folder + "/out")
      try files.createDirectory(atPath: folder + "/blobs", withIntermediateDirectories: false)
      try files.createDirectory(atPath: source + "/example", withIntermediateDirectories: true)
      // As the hub's cache keeps them: links to blobs elsewhere.
      for name in try names(Self.flat) {
        try files.copyItem(atPath: "\(Self.flat)/\(name)", toPath: "\(folder)/blobs/\(name)")
        try files.createSymbolicLink(atPath: "\(source)/\(name)", withDestinationPath: "../blobs/\(name)")
      }
      for name in ["LICENSE", "NOTICE.other", ".gitattributes", "vocab.TXT", "a.yml", "spm.model"] {
        try name.write(toFile: "\(source)/\(name)", atomically: false, encoding: .utf8)
      }
      for name in ["training_args.bin", "flax.msgpack", "prune.json", "x.index.json", "run.py", ".hidden"] {
        try name.write(toFile: "\(source)/\(name)", atomically: false, encoding: .utf8)
      }
      try files.createSymbolicLink(atPath: source + "/gone.json", withDestinationPath: "nowhere")
      files.createFile(atPath: source + "/large.json", contents: nil)
      try FileHandle(forWritingTo: URL(fileURLWithPath: source + "/large.json")).truncate(atOffset: 64 << 20 + 1)
      try files.createDirectory(atPath: out, withIntermediateDirectories: false)
      let report = try Program.run("prune", source, "--keep", "0-3", "-o", out, "--json").json()
      let copied = [
        ".gitattributes", "LICENSE", "NOTICE.other", "README.md", "a.yml", "preprocessor_config.json", "spm.model",
        "vocab.TXT",
      ]
      #expect(report["copied"]?.array?.compactMap(\.string) == copied)
      #expect(try names(out) == (copied + ["config.json", "model.safetensors", "prune.json"]).sorted())
      let left = (report["left_out"]?.array ?? []).compactMap { $0["name"]?.string }
      #expect(
        left == [
          ".hidden", "example", "flax.msgpack", "gone.json", "large.json", "prune.json", "run.py", "training_args.bin",
          "x.index.json",
        ])
      let attributes = try files.attributesOfItem(atPath: out + "/README.md")
      #expect(attributes[.type] as? FileAttributeType == .typeRegular)
    }
  }

  @Test(arguments: ["sharded", "legacy", "both"]) func otherContainers(_ container: String) throws {
    let source = Repository.golden("models/audeering/" + container)
    try withTemporaryFolder { folder in
      let out = folder + "/out"
      let pruned = try Program.run("prune", source, "--keep", "0,2", "-o", out)
      #expect(pruned.status == 0, "\(pruned.errors)")
      let (before, after) = (try ModelFiles.open(source), try ModelFiles.open(out))
      #expect(after.weightFiles == [container == "legacy" ? "pytorch_model.bin" : "model.safetensors"])
      #expect(after.format == (container == "legacy" ? .pytorchZip : .safetensors))
      #expect(after.weights.entries.count == before.weights.entries.count - 16)
      let moved = "encoder.layers.1.final_layer_norm.weight"
      #expect(
        try after.weights.tensor("wav2vec2." + moved).digest
          == before.weights.tensor("wav2vec2." + moved.replacing("layers.1", with: "layers.2")).digest)
      #expect(
        pruned.errors.contains(
          ["sharded": "the 2 shards become one file", "legacy": "of torch before 1.6"][container] ?? "was taken"))
    }
  }

  @Test func tensorsThatShareElementsStaySharedOrThatIsSaid() throws {
    try withTemporaryFolder { folder in
      let source = try Self.sharing(folder)
      let (pt, flat) = (folder + "/out.pt", folder + "/out.safetensors")
      let kept = try Program.run("prune", source, "--keep", "1", "-o", pt)
      let split = try Program.run("prune", source, "--keep", "1", "-o", flat)
      #expect(kept.status == 0 && split.status == 0)
      let groups = try PyTorchCheckpoint.open(pt).sharedGroups(among: PyTorchCheckpoint.open(pt).entries.map(\.name))
      #expect(groups == [["head.weight", "tied.weight"]])
      #expect(split.errors.contains("head.weight, tied.weight share their elements in the source"))
      #expect(!kept.errors.contains("share their elements"))
    }
  }

  /// A checkpoint with two layers and two names for one tensor.
  private static func sharing(_ folder: String) throws -> String {
    let path = folder + "/source.pt"
    let tensors = folder + "/tensors.safetensors"
    let names = ["encoder.layers.0.attention.w", "encoder.layers.1.attention.w", "head.weight"]
    try SafetensorsWriter.write(names.enumerated().map { ($1, Tensor([Float($0), 2, 3])) }, to: tensors)
    let root = PyTorchValue.stateDict(names.map { ($0, $0) } + [("tied.weight", "head.weight")])
    let file = try FileWriter(path)
    _ = try PyTorchWriter(root, from: SafetensorsFile.open(tensors)).write(to: file)
    try file.publish()
    return path
  }

  @Test func aTensorThatDoesNotReadBackIsNamed() throws {
    let selection = try #require(LayerSelection(of: 2, keeping: [0]))
    let entry = TensorEntry(name: "a", dataType: .float32, shape: [1])
    var plan = PrunePlan(selection, of: [entry])
    plan.kept = [.init(entry, from: "b")]
    let (one, other) = (Tensor([1 as Float]).digest, Tensor([2 as Float]).digest)
    #expect(throws: Failure("out: the tensor \"a\" does not read back as the source's \"b\"; nothing was written")) {
      try PruneManifest(plan, sources: [], kept: [.init(before: one, after: other)], changed: [], output: ("out", 4))
    }
  }

  @Test func theProofReadsBothFiles() throws {
    try withTemporaryFolder { folder in
      func write(_ name: String, _ tensors: [(String, [Float])], _ metadata: String) throws -> SafetensorsFile {
        try SafetensorsWriter.write(
          tensors.map { ($0.0, Tensor($0.1)) }, metadata: [("a", metadata)], to: "\(folder)/\(name).safetensors")
        return try SafetensorsFile.open("\(folder)/\(name).safetensors")
      }
      let source = try write(
        "source", [("encoder.layers.0.attention.w", [1, 2]), ("encoder.layers.1.attention.w", [3, 4])], "b")
      let selection = try #require(LayerSelection(of: 2, keeping: [1]))
      var plan = PrunePlan(selection, of: source.entries)
      let entry = TensorEntry(name: "encoder.layers.0.attention.w", dataType: .float32, shape: [2])
      plan.kept = [.init(entry, from: "encoder.layers.1.attention.w")]
      func digests(_ tensors: [(String, [Float])]) throws -> [PruneManifest.Digests] {
        try PruneProof(plan, before: source, after: write("out", tensors, ""), threads: 2).digests(inOrder: true).kept
      }
      let right = try digests([("encoder.layers.0.attention.w", [3, 4])])
      #expect(right[0].before == right[0].after)
      let wrong = try digests([("encoder.layers.0.attention.w", [3, 5])])
      #expect(wrong[0].before == right[0].before && wrong[0].after == Tensor([3, 5] as [Float]).digest)
      for other in [
        [("encoder.layers.0.attention.v", [3, 4])], [("encoder.layers.0.attention.w", [3, 4, 5])],
        [("encoder.layers.0.attention.w", [3, 4]), ("more", [0])], [],
      ] as [[(String, [Float])]] {
        #expect(throws: FormatError.self) { try digests(other) }
      }
      // What a safetensors file says of itself stays.
      let pruned = try Program.run(
        "prune", folder + "/source.safetensors", "--keep", "1", "-o", folder + "/p.safetensors")
      #expect(pruned.status == 0)
      #expect(try SafetensorsFile.open(folder + "/p.safetensors").metadata.map { $0.name + $0.value } == ["ab"])
    }
  }

  @Test func aFullDiskLeavesNothing() throws {
    try withTemporaryFolder { folder in
      for name in ["out", "out.pt", "out.safetensors"] {
        let outcome = try Program.run(
          ["prune", Self.model, "--keep", "0-11", "-o", folder + "/" + name], fileBlocks: 16)
        #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(try names(folder).isEmpty)
      }
    }
  }

  @Test func killedAtAnyMomentNothingOfTheNameAppears() throws {
    try withTemporaryFolder { folder in
      let whole = folder + "/whole"
      let started = ContinuousClock.now
      #expect(try Program.run("prune", Self.model, "--keep", "0-11", "-o", whole).status == 0)
      let duration = (ContinuousClock.now - started) / .seconds(1)
      #expect(try Program.run("prune", Self.model, "--keep", "0-11", "-o", whole + ".pt").status == 0)
      // Close together around its end, where names are given.
      let moments = (0..<10).map { Double($0) / 10 } + (0..<20).map { 0.8 + Double($0) / 50 }
      for step in moments {
        for (name, place) in [("out", folder + "/out"), ("out.pt", folder + "/out.pt")] {
          try Program.kill(after: step * duration, ["prune", Self.model, "--keep", "0-11", "-o", place])
          guard try names(folder).contains(name) else { continue }
          // It got that far: then it is whole.
          let files = name == "out" ? try names(whole).map { ("whole/" + $0, "out/" + $0) } : [("whole.pt", "out.pt")]
          // The archive's folder is called after the file, so such a file is held against itself.
          for (a, b) in files where name == "out" {
            #expect(FileManager.default.contentsEqual(atPath: "\(folder)/\(a)", andPath: "\(folder)/\(b)"))
          }
          if name != "out" {
            #expect(
              try PyTorchCheckpoint.open(place).entries.count == PyTorchCheckpoint.open(whole + ".pt").entries.count)
          }
          try FileManager.default.removeItem(atPath: place)
        }
      }
      try "part".write(toFile: folder + "/.out.pt.1.assay-part", atomically: false, encoding: .utf8)
      try FileManager.default.createDirectory(atPath: folder + "/.out.1.assay-part", withIntermediateDirectories: false)
      try "part".write(toFile: folder + "/.out.1.assay-part/x", atomically: false, encoding: .utf8)
      for name in ["out", "out.pt"] {
        #expect(try Program.run("prune", Self.model, "--keep", "0", "-o", folder + "/" + name).status == 0)
      }
      #expect(try names(folder) == ["out", "out.pt", "out.pt.prune.json", "whole", "whole.pt", "whole.pt.prune.json"])
    }
  }
}
