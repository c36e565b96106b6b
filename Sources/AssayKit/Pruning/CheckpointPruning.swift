import Bytes
import Formats
import Frontends
import IR
import Tensors

/// A checkpoint whose layers are cut into another checkpoint: tensors go from file to file, none is computed with.
struct CheckpointPruning {
  /// What becomes of everything.
  let plan: PrunePlan

  private let pruning: Pruning
  private let files: ModelFiles
  private let kind: PruneTarget.TensorFile
  /// The folder that is written; nil where a file is.
  private let folder: PrunedFolder?
  private let tree: PrunedTree?
  private let slices: [Name: [Int]]

  /// Finds the layers and says what becomes of everything. Throws whatever could keep it from being done.
  init(_ pruning: Pruning, _ files: ModelFiles, _ target: PruneTarget?) throws {
    guard files.format != .torchscript else {
      throw Failure("\(pruning.source): a TorchScript archive holds code, which would still call every layer")
    }
    (self.pruning, self.files) = (pruning, files)
    let entries = files.weights.entries
    let layers = try CheckpointLayers(entries)
    let selection = try pruning.layers.selection(of: layers.count, in: pruning.source)
    try layers.check(selection)
    var plan = PrunePlan(selection, of: entries)
    plan.notes = files.notes
    var slices: [Name: [Int]] = [:]
    for entry in entries {
      switch try layers.fate(of: entry, keeping: selection) {
      case .kept(let name):
        plan.kept.append(.init(TensorEntry(name: name, dataType: entry.dataType, shape: entry.shape), from: entry.name))
      case .sliced(let rows, let step):
        let shape = Shape([rows.count] + entry.shape.dimensions.dropFirst())
        plan.changed.append(
          .init(TensorEntry(name: entry.name, dataType: entry.dataType, shape: shape), from: entry.name, step: step))
        slices[Name(entry.name)] = rows
      case .dropped(let layer): plan.dropped.append(.init(entry, layer: layer))
      case .left(let reason): plan.leftOut.append(.init(entry.name, reason))
      }
    }
    self.slices = slices

    let isFolder = fileKind(pruning.source) == .folder
    if case .tensors(let file) = target { kind = file } else { kind = .init(files.format) }
    if target == nil, isFolder {
      let folder = try PrunedFolder(files, layers, selection)
      folder.describe(&plan)
      self.folder = folder
    } else {
      folder = nil
      try PrunedFolder.note(files, layers, selection, isFolder: isFolder, &plan)
    }
    tree = kind == .pytorch ? try PrunedTree(files, layers, selection, &plan) : nil
    try CheckpointPruning.noteFormats(files, kind, &plan)
    self.plan = plan
  }

  /// Where the result goes; throws where it cannot.
  func output() throws -> PruneOutput {
    try PruneOutput(pruning.target, of: pruning.source, files: files.paths, nameInFolder: folder?.weights)
  }

  /// Writes, reads back, compares, publishes.
  func run(progress: @escaping @Sendable (Double) -> Void) throws -> PruneReport {
    let output = try output()
    let report = try output.publish({ try write(to: $0, called: $1, progress) }) { try folder?.write(to: $0) }
    progress(1)
    return report
  }

  /// Writes the weights and proves them.
  private func write(
    to writer: FileWriter, called name: String, _ progress: @escaping @Sendable (Double) -> Void
  ) throws -> PruneManifest {
    let regions = try (files.weightFiles + (folder?.rewritten ?? [])).map { name in
      (name, try ByteRegion.mapping(joinPath(files.folder, name)))
    }
    let sources = Background { () throws(FormatError) in
      regions.map { PruneManifest.SourceFile(name: $0, bytes: $1.count, digest: Digest.of($1.view)) }
    }
    let source = SlicedSource(files.weights, slices)
    switch (kind, tree) {
    case (.pytorch, let tree?): try tree.write(from: source, to: writer) { progress($0 * 0.7) }
    default: try writeSafetensors(from: source, to: writer) { progress($0 * 0.7) }
    }
    // The disk works while the file is read back.
    let stored = Background { () throws(FormatError) in try writer.sync() }
    let region = try writer.readBack()
    let written: any TensorSource =
      kind == .safetensors ? try SafetensorsFile(region) : try PyTorchCheckpoint(region)
    let proof = PruneProof(plan, before: files.weights, after: written, threads: pruning.threads)
    let digests = try proof.digests(inOrder: kind == .pytorch)
    progress(0.95)
    let known = try sources.wait()
    try stored.wait()
    return try PruneManifest(
      plan, sources: known, kept: digests.kept, changed: digests.changed, output: (name, writer.count))
  }

  private func writeSafetensors(
    from source: SlicedSource, to writer: FileWriter, progress: (Double) -> Void
  ) throws(FormatError) {
    let names = Dictionary(plan.renamings.map { (Name($0.name), $0.source) }) { first, _ in first }
    let total = Double(max(1, plan.after.bytes))
    var done = 0
    try SafetensorsWriter.write(
      plan.kept.map(\.entry) + plan.changed.map(\.entry), metadata: metadata, to: writer
    ) { (entry) throws(FormatError) in
      let tensor = try source.tensor(names[Name(entry.name)] ?? entry.name)
      progress(Double(done) / total)
      done += entry.bytes
      return tensor
    }
  }

  /// What the source's own metadata says; of another format what transformers wants to see there.
  private var metadata: [(name: String, value: String)] {
    switch files.weights {
    case let file as SafetensorsFile: file.metadata
    case let sharded as ShardedCheckpoint where files.format == .safetensors: sharded.metadata
    default: [("format", "pt")]
    }
  }

  /// What changes with the kind of file.
  private static func noteFormats(
    _ files: ModelFiles, _ kind: PruneTarget.TensorFile, _ plan: inout PrunePlan
  ) throws(FormatError) {
    if files.format == .pytorchLegacy, kind == .pytorch {
      plan.notes.append("the source is of torch before 1.6; the result is a zip archive, as torch writes them since")
    }
    if files.weightFiles.count > 1 { plan.notes.append("the \(files.weightFiles.count) shards become one file") }
    guard kind == .safetensors else { return }
    if files.format != .safetensors {
      plan.notes.append("safetensors holds tensors only; what else the source holds is left")
    }
    let leftOut: [LeftOut] =
      switch files.weights {
      case let checkpoint as PyTorchCheckpoint: try checkpoint.withoutTensors()
      case let sharded as ShardedCheckpoint: try sharded.withoutTensors()
      default: []
      }
    plan.leftOut += leftOut.map { PrunePlan.LeftOut($0.name, $0.reason) }
    let groups = (files.weights as? any SharingTensorSource)?.sharedGroups(among: plan.renamings.map(\.source)) ?? []
    for group in groups {
      plan.notes.append(
        "\(group.joined(separator: ", ")) share their elements in the source, and are written each by itself")
    }
  }
}

extension ModelFiles {
  /// Where the files lie that the model is made of.
  var paths: [String] { places.map(\.path) }
}

extension PrunePlan {
  /// The tensors of the result and what the source calls them.
  var renamings: [(name: String, source: String)] {
    kept.map { ($0.entry.name, $0.source) } + changed.map { ($0.entry.name, $0.source) }
  }
}

/// A source some of whose tensors have only some rows of their first axis.
struct SlicedSource: TensorSource {
  let source: any TensorSource
  let slices: [Name: [Int]]

  init(_ source: any TensorSource, _ slices: [Name: [Int]]) { (self.source, self.slices) = (source, slices) }

  var entries: [TensorEntry] {
    source.entries.map { entry in
      guard let rows = slices[Name(entry.name)] else { return entry }
      return TensorEntry(
        name: entry.name, dataType: entry.dataType, shape: Shape([rows.count] + entry.shape.dimensions.dropFirst()))
    }
  }

  func tensor(_ name: String) throws(FormatError) -> Tensor {
    let tensor = try source.tensor(name)
    return slices[Name(name)].map(tensor.rows) ?? tensor
  }
}

extension Tensor {
  /// Some rows of the first axis, in the order given.
  func rows(_ rows: [Int]) -> Tensor {
    let row = bytes.count / max(shape[0], 1)
    return Tensor(
      dataType, Shape([rows.count] + shape.dimensions.dropFirst()),
      pieces: rows.map { bytes[$0 * row..<($0 + 1) * row] })
  }
}
