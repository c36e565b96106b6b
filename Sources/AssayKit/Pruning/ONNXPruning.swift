import Bytes
import Executor
import Formats
import Frontends
import IR
import Passes
import Tensors

/// An ONNX model whose layers are cut in its own messages: what stays is the source's, byte for byte but for names.
struct ONNXPruning {
  /// What becomes of everything.
  let plan: PrunePlan

  private let pruning: Pruning
  private let files: ModelFiles
  private let source: ONNXFile
  private let cut: ONNXCut
  /// What lies beside the model in the folder that is written; nil where a file is.
  private let beside: [(name: String, region: ByteRegion)]?

  /// Finds the layers in the graph and says what becomes of everything. Throws whatever could keep it from being done.
  init(_ pruning: Pruning, _ folder: ModelFolder) throws {
    guard case .some(let source) = folder.onnx else { preconditionFailure("this is no ONNX model") }
    (self.pruning, self.source, files) = (pruning, source, folder.files)
    let imported = try ImportedModel(
      folder, pruning.options, evaluating: Executor.elements)
    guard let blocks = try LayerBlocks.find(in: imported.graph) else {
      throw Failure("\(pruning.source): no transformer layers were found in the graph")
    }
    // Two looks at one graph: as it was read, and in canonical form, where exporters' detours are gone.
    let canonical = (try? LayerBlocks.find(in: imported.computed(threads: pruning.threads).graph)) ?? nil
    if let canonical, canonical.count != blocks.count {
      throw Failure(
        "\(pruning.source): \(blocks.count) layers are found in the graph as it was read and \(canonical.count) in its "
          + "canonical form, so that they cannot be cut in the file itself; an .assay as OUT would do")
    }
    let selection = try pruning.layers.selection(of: blocks.count, in: pruning.source)
    cut = try ONNXCut(source, blocks, in: imported.graph, keeping: selection)
    var plan = PrunePlan(selection, of: source.entries)
    let entries = Dictionary(source.entries.map { (Name($0.name), $0) }) { first, _ in first }
    for stored in cut.kept {
      guard let entry = entries[Name(stored.source)] else { continue }
      if let step = stored.step {
        let entry = TensorEntry(name: stored.name, dataType: entry.dataType, shape: stored.shape ?? entry.shape)
        plan.changed.append(.init(entry, from: stored.source, step: step))
      } else {
        let entry = TensorEntry(name: stored.name, dataType: entry.dataType, shape: entry.shape)
        plan.kept.append(.init(entry, from: stored.source))
      }
    }
    for (name, layer) in cut.dropped {
      if let entry = entries[Name(name)] { plan.dropped.append(.init(entry, layer: layer)) }
    }
    plan.notes = files.notes + cut.notes
    let isFolder = fileKind(pruning.source) == .folder && PruneTarget(extensionOf: pruning.target) == nil
    beside = isFolder ? try ONNXPruning.beside(files, source, &plan) : nil
    if !isFolder, case .audonnx(let folder) = folder, !folder.files.isEmpty {
      plan.notes.append(
        "\(folder.files.joined(separator: ", ")) beside the source stays behind; it describes the result too")
    }
    if !source.externalFiles.isEmpty {
      plan.notes.append("what lay in \(source.externalFiles.joined(separator: ", ")) is in the ONNX file now")
    }
    self.plan = plan
  }

  /// Where the result goes; throws where it cannot.
  func output() throws -> PruneOutput {
    let name = beside == nil ? nil : splitPath(source.path).name
    return try PruneOutput(pruning.target, of: pruning.source, files: files.paths, nameInFolder: name)
  }

  /// Writes, reads back, compares, publishes.
  func run(progress: @escaping @Sendable (Double) -> Void) throws -> PruneReport {
    let output = try output()
    let report = try output.publish({ try write(to: $0, called: $1, progress) }) { place in
      for (name, region) in beside ?? [] { try place.file(name).write(region.view) }
    }
    progress(1)
    return report
  }

  /// Writes the model and proves it.
  private func write(
    to writer: FileWriter, called name: String, _ progress: @escaping @Sendable (Double) -> Void
  ) throws -> PruneManifest {
    let home = splitPath(source.path).folder
    let regions = try ([splitPath(source.path).name] + source.externalFiles).map { name in
      (name, try ByteRegion.mapping(joinPath(home, name)))
    }
    let sources = Background { () throws(FormatError) in
      regions.map { PruneManifest.SourceFile(name: $0, bytes: $1.count, digest: Digest.of($1.view)) }
    }
    try cut.write(to: writer) { progress($0 * 0.6) }
    // The disk works while the file is read back.
    let stored = Background { () throws(FormatError) in try writer.sync() }
    let written = try ONNXFile(writer.readBack())
    let proof = PruneProof(plan, before: source, after: written, threads: pruning.threads)
    let digests = try proof.digests(inOrder: true)
    progress(0.9)
    try checkLayers(written)
    let known = try sources.wait()
    try stored.wait()
    return try PruneManifest(
      plan, sources: known, kept: digests.kept, changed: digests.changed, output: (name, writer.count))
  }

  /// Throws unless the layers that were to stay are what is found in the result.
  private func checkLayers(_ written: ONNXFile) throws {
    let imported = try ImportedModel(.onnx(written), evaluating: Executor.elements)
    let found = try LayerBlocks.find(in: imported.graph)?.count ?? 0
    guard found == plan.selection.kept.count else {
      throw Failure(
        "\(pruning.target): \(found) layers are found in what was written, not \(plan.selection.kept.count); "
          + "nothing was written")
    }
  }

  /// The files beside the ONNX file that describe it. Throws where it does not lie in the folder itself.
  private static func beside(
    _ files: ModelFiles, _ source: ONNXFile, _ plan: inout PrunePlan
  ) throws -> [(name: String, region: ByteRegion)] {
    guard resolvedPath(splitPath(source.path).folder) == resolvedPath(files.folder) else {
      throw Failure("\(source.path): the ONNX file does not lie in the folder itself; OUT has to be an .onnx file")
    }
    var copied: [(name: String, region: ByteRegion)] = []
    for name in try folderEntries(files.folder) where Name(name) != Name(splitPath(source.path).name) {
      let path = joinPath(files.folder, name)
      if source.externalFiles.contains(where: { Name($0) == Name(name) }) { continue }
      if let reason = PrunedFolder.reasonToLeave(name, fileKind(path)) {
        plan.leftOut.append(.init(name, reason))
      } else if let region = try? ByteRegion.mapping(path), region.count <= PrunedFolder.copyLimit {
        copied.append((name, region))
      } else {
        plan.leftOut.append(.init(name, "cannot be read, or is larger than \(PrunedFolder.copyLimit) bytes"))
      }
    }
    plan.copied = copied.map(\.name)
    return copied
  }
}

extension ModelFolder {
  /// The ONNX file that the model is; nil for a checkpoint.
  fileprivate var onnx: ONNXFile? {
    switch self {
    case .checkpoint: nil
    case .audonnx(let folder): folder.onnx
    case .onnx(let file): file
    }
  }
}

extension ONNXCut {
  /// Cuts `file` where layers were found in the graph that it was read as.
  init(
    _ file: ONNXFile, _ blocks: LayerBlocks, in graph: Graph, keeping selection: LayerSelection
  ) throws(FormatError) {
    try self.init(
      file, borders: blocks.states.map { graph[$0].name }, rank: graph[blocks.states[0]].type.rank,
      keeping: selection.kept
    ) { name, layer in
      for stack in blocks.stacks where stack.layer(of: name) != nil {
        return stack.renamed(name, keeping: selection)
          ?? layer.flatMap { stack.renamed(name, asOf: $0, keeping: selection) }
      }
      return name
    }
  }
}
