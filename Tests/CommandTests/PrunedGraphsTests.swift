import AssayKit
import Bytes
import Formats
import Foundation
import Frontends
import IR
import Tensors
import TestSupport
import Testing
import Verification

/// Models that are read as graphs, cut, and written as artifacts or as ONNX, with their proof.
@Suite struct PrunedGraphsTests {
  private static let root = Repository.golden("pruned")

  private func prune(
    _ source: String, _ list: String, to target: String, goldens: [String] = [], dataType: WeightType? = nil
  ) throws -> PruneReport {
    var pruning = Pruning(source: source, target: target, layers: .keep(try LayerList(list)))
    (pruning.goldens, pruning.dataType, pruning.threads) = (goldens, dataType, 2)
    return try pruning.run()
  }

  private func data(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  // MARK: Beside the source

  /// `verify --against` does to the source what the recipe says; a cut of other layers, which has as many, differs.
  @Test func aPrunedArtifactHoldsAgainstItsSource() throws {
    try withTemporaryFolder { folder in
      let (source, target, other) = (Self.root + "/emotion", folder + "/a.assay", folder + "/other")
      _ = try prune(source, "1,2,5,11,12,22,23", to: target, dataType: .f16)
      #expect(try #require(Verdict(target, against: source, threads: 2).weights).holds)
      let diff = try ModelDiff(source, target, threads: 2)
      #expect(diff.isSame && diff.operands.b.lostNames.isEmpty)
      // What was pruned before has as many layers as stay, and is compared as it is.
      _ = try prune(source, "1,2,5,11,12,22,23", to: other)
      #expect(try #require(Verdict(target, against: other, threads: 2).weights).holds)
      _ = try prune(source, "1,2,5,11,12,21,23", to: other + "-2")
      #expect(try #require(Verdict(target, against: other + "-2", threads: 2).weights).different.count == 16)
    }
  }

  // MARK: Ways to one file

  /// Cutting what was converted and converting what is cut gives the same bytes.
  @Test(arguments: [("emotion", "0-11"), ("emotion", "1,2,5,11,12,22,23"), ("pretraining", "0-11")])
  func cutBeforeOrAfterConvertingIsTheSameFile(_ name: String, _ list: String) throws {
    try withTemporaryFolder { folder in
      let source = "\(Self.root)/\(name)"
      let direct = try prune(source, list, to: folder + "/direct.assay")
      _ = try Conversion(source: source, target: folder + "/whole.assay").run()
      let later = try prune(folder + "/whole.assay", list, to: folder + "/later.assay")
      #expect(try data(folder + "/direct.assay") == data(folder + "/later.assay"))
      #expect(direct.root != nil && direct.root == later.root)
      #expect(direct.manifest?.kept.count == later.manifest?.kept.count)
      // The one names the checkpoint's tensors, the other the artifact's.
      let names = [direct, later].map { $0.plan.kept.map(\.source) }
      #expect(names[0].contains("wav2vec2.encoder.layers.11.attention.k_proj.weight"))
      #expect(names[1].contains("encoder.layers.11.attention.k_proj.weight"))
      // What the checkpoint's own pruning says of each tensor.
      let kept = try LayerList(list).runs.flatMap(Array.init)
      let cut = kept == Array(0..<12) ? "0-11" : "odd-set"
      let tensors = try JSON.read(
        ByteRegion.mapping("\(source)/tensors-\(cut).json").view, format: "tensors")
      var compared = 0
      let manifest = try #require(direct.manifest)
      for (tensor, digests) in zip(direct.plan.kept, manifest.kept) {
        guard tensor.source.contains("encoder.layers."),
          let member = tensors["tensors"]?.object?.first(where: { $0.name.hasSuffix(tensor.entry.name) })
        else { continue }
        #expect(member.value["sha256"]?.string == digests.after.description)
        #expect(member.value["from"]?.string == tensor.source)
        compared += 1
      }
      #expect(compared == 16 * kept.count)
    }
  }

  @Test func cutsAddUp() throws {
    try withTemporaryFolder { folder in
      let source = Self.root + "/emotion"
      _ = try prune(source, "0,2,4,6,8", to: folder + "/five.assay")
      let twice = try prune(folder + "/five.assay", "1,3-4", to: folder + "/three.assay")
      let once = try prune(source, "2,6,8", to: folder + "/once.assay")
      let file = try ArtifactFile(path: folder + "/three.assay")
      #expect(
        file.artifact.metadata.recipe == [
          .prune(layers: 24, keep: [0, 2, 4, 6, 8]), .prune(layers: 5, keep: [1, 3, 4]),
        ])
      // Layers are called in it as they were before all of it.
      let reasons = file.artifact.metadata.ignored
      let fourth = reasons.first { $0.tensor == "wav2vec2.encoder.layers.4.layer_norm.bias" }
      #expect(fourth?.reason == "belongs to layer 4, which was pruned")
      let direct = try ArtifactFile(path: folder + "/once.artifact".replacing("artifact", with: "assay"))
      #expect(Set(reasons.map { "\($0)" }) == Set(direct.artifact.metadata.ignored.map { "\($0)" }))
      #expect(file.artifact.graph.description == direct.artifact.graph.description)
      #expect(twice.manifest?.kept.map(\.after) == once.manifest?.kept.map(\.after))
    }
  }

  @Test(arguments: ["emotion", "emotion-onnx-ts17", "emotion-onnx-dynamo20"])
  func anArtifactCarriesCasesOfItsOwn(_ name: String) throws {
    try withTemporaryFolder { folder in
      let isONNX = name.contains("onnx")
      let goldens = "\(Self.root)/emotion\(isONNX ? "-onnx" : "")/goldens-odd-set"
      let source = "\(Self.root)/\(name)" + (isONNX ? "/model.onnx" : "")
      let report = try prune(source, "1,2,5,11,12,22,23", to: folder + "/cut.assay", goldens: [goldens])
      #expect(report.holds && report.cases.count == 2 && report.manifest?.changed.isEmpty == true)
      let verdict = try Verdict(folder + "/cut.assay", threads: 2)
      #expect(verdict.holds && verdict.cases.count == 2)
      #expect(verdict.cases.allSatisfy { $0.comparisons.contains { $0.name == "layer.7" } })
      // Cut again, they do not hold any more, and are told.
      let again = try prune(folder + "/cut.assay", "0-3", to: folder + "/again.assay")
      #expect(again.plan.leftOut.map(\.name) == ["noise", "short"])
      #expect(again.notes.contains { $0.contains("noise, short") })
      #expect(try Model.open(folder + "/again.assay").goldens.isEmpty)
    }
  }

  @Test func aCaseThatDoesNotHoldKeepsTheFileAway() throws {
    try withTemporaryFolder { folder in
      let goldens = Self.root + "/emotion/goldens-0-11"
      let program = try Program.run(
        "prune", Self.root + "/emotion", "--keep", "1-12", "-o", folder + "/cut.assay", "--golden", goldens)
      #expect(program.status == 1 && program.output.contains("a golden case does not hold"), "\(program.errors)")
      #expect(try folderEntries(folder) == [])
    }
  }

  // MARK: Types, ONNX, old artifacts

  @Test func typesStayUnlessOneIsAskedFor() throws {
    try withTemporaryFolder { folder in
      let source = folder + "/half.assay"
      var conversion = Conversion(source: Self.root + "/emotion", target: source)
      conversion.dataType = .bfloat16
      _ = try conversion.run()
      let kept = try prune(source, "0-5", to: folder + "/kept.assay")
      #expect(kept.plan.changed.isEmpty && kept.manifest!.kept.allSatisfy { $0.before == $0.after })
      #expect(kept.plan.kept.contains { $0.entry.dataType == .bfloat16 })
      let wide = try prune(source, "0-5", to: folder + "/wide.assay", dataType: .f32)
      #expect(wide.plan.changed.allSatisfy { $0.step == "BF16 to F32" } && wide.plan.changed.count > 30)
      let file = try ArtifactFile(path: folder + "/wide.assay")
      #expect(
        file.artifact.metadata.recipe == [
          .cast(.bfloat16), .prune(layers: 24, keep: Array(0...5)), .cast(.float32),
        ])
    }
  }

  @Test func checkpointsAndArtifactsBecomeONNX() throws {
    try withTemporaryFolder { folder in
      _ = try Conversion(source: Self.root + "/emotion", target: folder + "/whole.assay").run()
      for (source, name) in [(Self.root + "/emotion", "a"), (folder + "/whole.assay", "b")] {
        let target = "\(folder)/\(name).onnx"
        let report = try prune(
          source, "0,2,4,6,8,10,12,14,16,18,20,22", to: target, goldens: [Self.root + "/emotion/goldens-even"])
        #expect(report.cases.count == 2 && report.manifest != nil)
        // What comes out is read back as any other ONNX file is.
        let model = try Model.open(target, normalizing: true)
        #expect(model.graph.states.count == 13)
        let clip = try Clip.load(Self.root + "/rank/noise.npy", rate: 16000)
        let logits = try #require(
          Runner(model, threads: 2).run(clip).outputs.first { $0.name == "logits" }
        ).tensor.floats
        let golden = try #require(GoldenFolder.cases(Self.root + "/emotion/goldens-even/noise.golden.json").first)
        let expected = try #require(golden.expected.first { $0.name == "logits" }).values.floats
        #expect(zip(logits, expected).allSatisfy { ($0 - $1).magnitude < 1e-5 }, "\(logits) \(expected)")
      }
      #expect(try data(folder + "/a.onnx") == data(folder + "/b.onnx"))
    }
  }

  /// Artifacts of released versions have no states where they were made of ONNX, and all others have them.
  @Test func releasedArtifactsCanBeCut() throws {
    try withTemporaryFolder { folder in
      let base = Repository.golden("files/v1/base-f32.assay")
      let report = try prune(base, "1", to: folder + "/base.assay")
      #expect(report.plan.selection.count == 2 && report.manifest?.kept.isEmpty == false)
      // An artifact of ONNX as it was made before: no states.
      let source = Self.root + "/superb-onnx-dynamo20/model.onnx"
      _ = try Conversion(source: source, target: folder + "/new.assay").run()
      var artifact = try ArtifactFile(path: folder + "/new.assay").artifact
      #expect(artifact.graph.states.count == 7)
      artifact.graph = artifact.graph.withoutStates()
      let writer = try FileWriter(folder + "/old.assay")
      try artifact.write(to: writer, threads: 1)
      try writer.publish()
      _ = try prune(folder + "/old.assay", "1,4", to: folder + "/a.assay")
      _ = try prune(folder + "/new.assay", "1,4", to: folder + "/b.assay")
      #expect(try data(folder + "/a.assay") == data(folder + "/b.assay"))
      let verdict = try Verdict(
        folder + "/a.assay", goldens: [Self.root + "/superb-onnx/goldens-1,4"], threads: 2)
      #expect(verdict.holds && verdict.cases.count == 2)
    }
  }

  // MARK: What is refused

  @Test func damageDoesNotGoOn() throws {
    try withTemporaryFolder { folder in
      var bytes = try data(Repository.golden("files/v1/base-f32.assay"))
      bytes[bytes.count / 2] ^= 4
      try bytes.write(to: URL(fileURLWithPath: folder + "/bad.assay"))
      let outcome = try Program.run("prune", folder + "/bad.assay", "--keep", "0", "-o", folder + "/out.assay")
      #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
      #expect(try folderEntries(folder) == ["bad.assay"])
    }
  }

  @Test func whatCannotBeWrittenIsSaid() throws {
    try withTemporaryFolder { folder in
      let source = Repository.golden("files/v1/base-f32.assay")
      for (arguments, what) in [
        (["--keep", "2", "-o", folder + "/x.assay"], "there is no layer 2"),
        (["--drop", "0,1", "-o", folder + "/x.assay"], "keeps at least one"),
        (["--keep", "0", "-o", source], "this is the source"),
      ] {
        let outcome = try Program.run(["prune", source] + arguments)
        #expect(outcome.status == 2 && outcome.errors.contains(what), "\(arguments): \(outcome.errors)")
      }
      let plan = try Program.run("prune", source, "--keep", "0", "--dry-run")
      #expect(plan.status == 0 && plan.output.contains("layers 2 -> 1"), "\(plan.errors)")
      #expect(try folderEntries(folder) == [])
      // Without layers there is nothing to choose from, and without a cut an artifact is none again.
      #expect(try Program.run("convert", source, "-o", folder + "/y.assay").status == 2)
    }
  }
}

extension Graph {
  fileprivate func withoutStates() -> Graph {
    var copy = Graph()
    var values: [ValueID: ValueID] = [:]
    for id in inputs { values[id] = copy.addInput(self[id].name, self[id].type) }
    for id in constantOrder { values[id] = copy.addConstant(self[id].name, constants[id]!) }
    for node in nodes {
      values[node.output] = try? copy.addNode(node.name, node.op, node.inputs.map { $0.flatMap { values[$0] } })
    }
    for output in outputs { copy.addOutput(output.name, values[output.value]!) }
    return copy
  }
}
