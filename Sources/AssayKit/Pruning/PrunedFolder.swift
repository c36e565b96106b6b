import Bytes
import Formats
import Frontends
import IR

/// What lies beside the weights of a model folder: configurations to rewrite, descriptions to copy, the rest.
struct PrunedFolder {
  /// What the weights' file is called in the new folder.
  let weights: String
  private var configurations: [(name: String, text: PrunedConfiguration)] = []
  private var copied: [(name: String, region: ByteRegion)] = []
  private var leftOut: [PrunePlan.LeftOut] = []
  private var notes: [String] = []

  /// Larger files are no descriptions.
  static let copyLimit = 64 << 20
  private static let extensions = [".json", ".yaml", ".yml", ".txt", ".md", ".model", ".vocab"]
  private static let legal = ["LICENSE", "LICENCE", "NOTICE", "COPYING"]

  /// Looks at all files of the folder. Throws where a configuration does not fit the weights.
  init(_ files: ModelFiles, _ layers: CheckpointLayers, _ selection: LayerSelection) throws(FormatError) {
    weights = files.weightFiles.count > 1 ? PrunedFolder.single(files.format) : files.weightFiles[0]
    let head = layers.family == .wav2vec2 ? files.nameOfHead.map { Name($0) } : nil
    let configuration = try PrunedFolder.configuration(files, layers)
    for name in try folderEntries(files.folder) where !files.weightFiles.contains(where: { Name($0) == Name(name) }) {
      let path = joinPath(files.folder, name)
      if let text = try PrunedFolder.rewritten(name, as: configuration, in: files.folder, layers, selection) {
        if text.steps.isEmpty { copied.append((name, try ByteRegion.mapping(path))) }
        if !text.steps.isEmpty { configurations.append((name, text)) }
      } else if Name(name) != head, let reason = PrunedFolder.reasonToLeave(name, fileKind(path)) {
        leftOut.append(PrunePlan.LeftOut(name, reason))
      } else if let region = try? ByteRegion.mapping(path), region.count <= PrunedFolder.copyLimit {
        copied.append((name, region))
      } else {
        leftOut.append(PrunePlan.LeftOut(name, "cannot be read, or is larger than \(PrunedFolder.copyLimit) bytes"))
      }
    }
    if fileKind(joinPath(files.folder, configuration)) != .file {
      notes.append("there is no \(configuration) that says how many layers the model has")
    }
  }

  /// The files whose text changes.
  var rewritten: [String] { configurations.map(\.name) }

  /// Adds to the plan what is done with the files.
  func describe(_ plan: inout PrunePlan) {
    plan.rewritten += configurations.map { .init($0.name, step: $0.text.steps.joined(separator: ", ")) }
    plan.copied += copied.map(\.name)
    plan.leftOut += leftOut
    plan.notes += notes
  }

  /// Writes configurations and copies.
  func write(to place: FolderWriter) throws(FormatError) {
    for (name, text) in configurations { try place.file(name).write(text.bytes) }
    for (name, region) in copied { try place.file(name).write(region.view) }
  }

  /// Says of a pruning into a file what the configuration beside it would have to say. Throws where the configuration of
  /// a folder does not fit the weights.
  static func note(
    _ files: ModelFiles, _ layers: CheckpointLayers, _ selection: LayerSelection, isFolder: Bool,
    _ plan: inout PrunePlan
  ) throws(FormatError) {
    let name = try configuration(files, layers)
    guard fileKind(joinPath(files.folder, name)) == .file else { return }
    let text: PrunedConfiguration?
    do throws(FormatError) {
      text = try rewritten(name, as: name, in: files.folder, layers, selection)
    } catch {
      // What lies beside a file that was named need not belong to it.
      guard !isFolder else { throw error }
      plan.notes.append("\(name) beside the source was not looked at: \(error)")
      return
    }
    guard let text, !text.steps.isEmpty else { return }
    plan.notes.append(
      "\(name) stays behind; for this file it has to say \(text.steps.joined(separator: ", "))"
        + (isFolder ? "; with a folder as OUT it would" : ""))
  }

  /// The file that says how many layers there are. Throws where FunASR's description leads into a folder inside, whose files
  /// would not come along.
  private static func configuration(_ files: ModelFiles, _ layers: CheckpointLayers) throws(FormatError) -> String {
    guard layers.family != .wav2vec2 else { return "config.json" }
    let folder = try FunASRFolder(files.folder)
    for name in [folder.weights, folder.configuration, folder.tokens].compactMap({ $0 })
    where name.utf8.contains(UInt8(ascii: "/")) {
      throw FormatError(
        "configuration",
        .unsupported("\(name) lies in a folder inside; a folder that is pruned has its files side by side"),
        file: joinPath(files.folder, FunASRFolder.name))
    }
    return folder.configuration ?? "config.yaml"
  }

  /// A configuration as it is afterwards; nil for other files than `configuration`.
  private static func rewritten(
    _ name: String, as configuration: String, in folder: String, _ layers: CheckpointLayers, _ selection: LayerSelection
  ) throws(FormatError) -> PrunedConfiguration? {
    let path = joinPath(folder, name)
    guard Name(name) == Name(configuration), fileKind(path) == .file else { return nil }
    do throws(FormatError) {
      let region = try ByteRegion.mapping(path)
      guard region.count <= YAML.sizeLimit else {
        throw FormatError("configuration", .limitExceeded("a configuration of \(YAML.sizeLimit) bytes"))
      }
      return layers.family == .wav2vec2
        ? try layers.pruning(config: region.view, keeping: selection)
        : try layers.pruning(yaml: region.view, keeping: selection)
    } catch { throw error.inFile(path) }
  }

  /// What shards are called together.
  private static func single(_ format: FileFormat) -> String {
    format == .safetensors ? "model.safetensors" : "pytorch_model.bin"
  }

  /// Why a file is not copied; nil where it is a description.
  static func reasonToLeave(_ name: String, _ kind: FileKind) -> String? {
    let lower = name.lowercased().utf8
    func ends(_ end: String) -> Bool { lower.suffix(end.utf8.count).elementsEqual(end.utf8) }
    guard kind == .file else {
      return kind == .missing ? "leads nowhere" : kind == .folder ? "is a folder" : "is no file"
    }
    if Name(name) == Name(PruneManifest.nameInFolder) || ends(".prune.json") {
      return "is the proof of another pruning"
    }
    if ends(".index.json") { return "says which shard holds which tensor" }
    let isDescription =
      extensions.contains(where: ends) || Name(name) == Name(".gitattributes")
      || legal.contains { name.utf8.starts(with: $0.utf8) }
    return isDescription ? nil : "is no description of the model"
  }
}
