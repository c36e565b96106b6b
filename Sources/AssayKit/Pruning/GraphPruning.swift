import Bytes
import Formats
import Frontends
import IR
import Passes
import Tensors
import Verification

/// A model that is read as a graph, cut, and written as an artifact or as ONNX.
struct GraphPruning {
  /// What becomes of everything.
  let plan: PrunePlan

  private let pruning: Pruning
  private let conversion: Conversion
  private let source: ConversionSource
  /// The kind of file where only the constants are written.
  private let tensorFile: PruneTarget.TensorFile?
  /// The source's constants by what the source calls them.
  private let before: GraphTensors

  /// Reads the model, cuts it and says what becomes of everything. Throws whatever could keep it from being written.
  init(_ pruning: Pruning, _ kind: PruneTarget?) throws {
    if case .tensors(let file) = kind { tensorFile = file } else { tensorFile = nil }
    self.pruning = pruning
    var conversion = Conversion(source: pruning.source, target: pruning.target)
    conversion.layers = pruning.layers
    conversion.keepsTypes = pruning.dataType == nil
    conversion.dataType = pruning.dataType?.dataType ?? .float32
    conversion.goldens = pruning.goldens
    conversion.options = pruning.options
    conversion.normalizing = pruning.normalizing
    conversion.threads = pruning.threads
    self.conversion = conversion
    let source = try ConversionSource(conversion)
    self.source = source
    guard let cut = source.cut else { preconditionFailure("no layers were chosen") }
    let names = GraphPruning.names(cut.before, isFile: { if case .source = source.origin { true } else { false } }())
    before = GraphTensors(cut.before) { names[$0]! }
    var plan = PrunePlan(cut.selection, of: before.entries)
    let graph = source.graph
    for (id, from, steps) in cut.changes(in: graph) {
      let constant = graph.constants[id]!
      let entry = TensorEntry(name: graph[id].name, dataType: constant.dataType, shape: constant.shape)
      if steps.isEmpty {
        plan.kept.append(.init(entry, from: names[from]!))
      } else {
        plan.changed.append(.init(entry, from: names[from]!, step: steps.joined(separator: ", ")))
      }
    }
    let places = Dictionary(cut.before.constants.keys.map { (Name(cut.before[$0].name), $0) }) { first, _ in first }
    for (name, layer, constant) in cut.outcome.dropped {
      let entry = TensorEntry(
        name: places[Name(name)].flatMap { names[$0] } ?? name, dataType: constant.dataType, shape: constant.shape)
      plan.dropped.append(.init(entry, layer: layer))
    }
    plan.leftOut = source.leftCases.map { .init($0, "this golden case does not hold for fewer layers") }
    // What is left for another reason than the cut is told as a conversion tells it.
    if case .source(let imported) = source.origin {
      plan.leftOut += imported.ignored.map { .init($0.tensor, $0.reason) }
    }
    plan.notes = source.notes
    if tensorFile != nil { plan.notes.append("only the graph's constants are written: graph and metadata stay behind") }
    self.plan = plan
  }

  /// What constants are called in the manifest: as the source's file calls them where they are its tensors unchanged.
  private static func names(_ graph: Graph, isFile: Bool) -> [ValueID: String] {
    var names: [ValueID: String] = [:]
    var taken = Set(graph.constants.keys.map { Name(graph[$0].name) })
    for id in graph.constantOrder {
      let provenance = graph.constants[id]!.provenance
      names[id] = graph[id].name
      guard isFile, provenance.steps.isEmpty, provenance.sources.count == 1,
        let source = provenance.sources.first?.tensor,
        taken.insert(Name(source)).inserted
      else { continue }
      names[id] = source
    }
    return names
  }

  /// Where the result goes; throws where it cannot.
  func output() throws -> PruneOutput {
    try PruneOutput(pruning.target, of: pruning.source, files: sourceFiles.map(\.path))
  }

  /// Writes, reads back, judges, compares, publishes; a golden case that does not hold keeps the result from appearing.
  func run(progress: @escaping @Sendable (Double) -> Void) throws -> PruneReport {
    let output = try output()
    if let tensorFile { return try runTensors(tensorFile, to: output, progress) }
    var conversion: ConversionReport?
    do {
      let report = try output.publish { writer, name in
        var manifest: PruneManifest?
        let report = try self.conversion.run(
          source, to: writer,
          proving: { written in
            let artifact = written as? ArtifactFile
            let stated = artifact.map { file in zip(file.entries.map { Name($0.name) }, file.digests) }
            let proof = PruneProof(
              plan, before: before, after: Constants(written),
              stating: Dictionary(stated.map(Array.init) ?? []) { first, _ in first }, threads: pruning.threads)
            let digests = try proof.digests(inOrder: false)
            manifest = try PruneManifest(
              plan, sources: sources().wait(), kept: digests.kept, changed: digests.changed,
              output: (name, writer.count))
          }, progress: progress)
        conversion = report
        guard let manifest else { throw Failure("\(pruning.target): a golden case does not hold") }
        return manifest
      }
      return PruneReport(report, cases: conversion?.cases ?? [], root: conversion?.root)
    } catch {
      guard let cases = conversion?.cases, !cases.allSatisfy(\.holds) else { throw error }
      return PruneReport(plan, target: pruning.target, cases: cases)
    }
  }

  /// Writes the constants and nothing else.
  private func runTensors(
    _ kind: PruneTarget.TensorFile, to output: PruneOutput, _ progress: @escaping @Sendable (Double) -> Void
  ) throws -> PruneReport {
    let own = try sources()
    let constants = GraphTensors(source.graph) { source.graph[$0].name }
    let report = try output.publish { writer, name in
      let written: any TensorSource
      switch kind {
      case .safetensors:
        try SafetensorsWriter.write(constants.entries, metadata: [("format", "pt")], to: writer) {
          (entry) throws(FormatError) in try constants.tensor(entry.name)
        }
        written = try SafetensorsFile(writer.readBack())
      case .pytorch:
        let root = PyTorchValue.stateDict(constants.entries.map { ($0.name, $0.name) })
        _ = try PyTorchWriter(root, from: constants).write(to: writer) { progress($0 * 0.7) }
        written = try PyTorchCheckpoint(writer.readBack())
      }
      let digests = try PruneProof(plan, before: before, after: written, threads: pruning.threads)
        .digests(inOrder: false)
      return try PruneManifest(
        plan, sources: own.wait(), kept: digests.kept, changed: digests.changed, output: (name, writer.count))
    }
    progress(1)
    return report
  }

  /// The files that were read: what they are called, and where they lie.
  private var sourceFiles: [(name: String, path: String)] {
    switch source.origin {
    case .artifact: [(splitPath(pruning.source).name, pruning.source)]
    case .source(let imported): imported.files.places
    }
  }

  /// The digests of the files that were read, which are made meanwhile; a conversion knows them.
  private func sources() throws -> Background<[PruneManifest.SourceFile]> {
    let files = try sourceFiles.map { file in
      (name: file.name, region: try inFile(file.path) { try ByteRegion.mapping(file.path) })
    }
    return Background { [source] () throws(FormatError) in
      let known = try source.knownDigests() ?? files.map { Digest.of($0.region.view) }
      return zip(files, known).map { PruneManifest.SourceFile(name: $0.name, bytes: $0.region.count, digest: $1) }
    }
  }
}

/// A written file's constants, without an artifact's golden arrays.
private struct Constants: TensorSource {
  private let source: any TensorSource
  let entries: [TensorEntry]

  init(_ source: any TensorSource) {
    self.source = source
    let goldens = Set((source as? ArtifactFile)?.artifact.goldenTensors.map { Name($0.name) } ?? [])
    entries = source.entries.filter { !goldens.contains(Name($0.name)) }
  }

  func tensor(_ name: String) throws(FormatError) -> Tensor { try source.tensor(name) }
}
