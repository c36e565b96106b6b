import Bytes
import Formats
import IR
import Tensors

/// The file with a user's head, beside an encoder that has none.
struct HeadFile {
  /// Where it lies.
  let path: String
  /// Its tensors.
  let source: any TensorSource
  /// Its layers.
  let state: SequentialState
  /// Choices that were made, a line each.
  private(set) var notes: [String] = []

  /// What the notebook that this kind of head comes from calls the file.
  static let name = "emotion_classifier.pth"
  private static let extensions = [".pth", ".pt", ".ckpt", ".bin", ".safetensors"]

  /// What would do where there is no head.
  static func needed(_ width: Int) -> String {
    "\(name) in the folder, another file there with the state dict of an nn.Sequential whose first layer takes \(width) "
      + "numbers, or --head FILE"
  }

  /// The head for weights whose own tensors make them a model of the system `own`: the one the user names, else one that
  /// lies beside an encoder without a head. Throws where the user wants one that cannot be had.
  static func choose(for own: ModelSystem, _ files: ModelFiles, width: Int, _ options: ImportOptions) throws
    -> HeadFile?
  {
    let wants = options.system == .speechbrain || options.head != nil || options.headActivation != nil
    guard own == .wav2vec2 else {
      if wants {
        throw GraphError(
          "",
          "the weights have a classifier of their own and are of the system \(own.rawValue); a head goes on an encoder "
            + "without one")
      }
      return nil
    }
    if let asked = options.system, asked != .speechbrain {
      if options.head != nil || options.headActivation != nil {
        throw GraphError("", "--head and --head-activation are for the system speechbrain, not \(asked.rawValue)")
      }
      return nil
    }
    let head = try options.head.map { try HeadFile($0, width: width) } ?? find(beside: files, width: width)
    if wants, head == nil {
      throw FormatError(
        "head", .missing("the encoder has no head; one is read from \(needed(width))"), file: files.folder)
    }
    return head
  }

  /// Opens the file at `path`, which must hold a head for an encoder of this width.
  init(_ path: String, width: Int) throws {
    guard fileKind(path) == .file else {
      let what = fileKind(path) == .missing ? "there is no file of this name" : "this is not a file"
      throw FormatError(
        "head", .missing("\(what); --head takes a file with the state dict of an nn.Sequential"), file: path)
    }
    self.path = path
    source = try HeadFile.tensors(path)
    do throws(GraphError) { state = try SequentialState(source.entries) } catch { throw HeadFile.error(error, path) }
    guard state.inputs == width else {
      throw HeadFile.error(
        GraphError(
          "\(state.prefix)\(state.layers[0].number).weight",
          "takes \(state.inputs) numbers; the encoder gives \(width)"), path)
    }
  }

  /// The head that lies in the folder of `files`: the one by the known name, else the only one there is; nil where there
  /// is none. Several throw.
  static func find(beside files: ModelFiles, width: Int) throws -> HeadFile? {
    let own = joinPath(files.folder, name)
    if fileKind(own) != .missing || isLink(own) { return try HeadFile(own, width: width) }
    let found = try others(beside: files).filter { name in
      guard let entries = try? tensors(joinPath(files.folder, name)).entries else { return false }
      return SequentialState.looksLikeHead(entries, width: width)
    }
    guard let name = found.first else { return nil }
    guard found.count == 1 else {
      throw FormatError(
        "head",
        .invalid(
          "\(found.joined(separator: ", ")) could each be the head; --head FILE names one, and --system wav2vec2 is the "
            + "encoder alone"), file: files.folder)
    }
    var file = try HeadFile(joinPath(files.folder, name), width: width)
    file.notes.append("\(name) was taken for the head")
    return file
  }

  /// The files of the folder, by their names, that could hold a head and are not the encoder's.
  private static func others(beside files: ModelFiles) throws(FormatError) -> [String] {
    let taken = Set((files.weightFiles + ModelFiles.candidates + ModelFiles.candidatesWithYAML).map { Name($0) })
    return try folderEntries(files.folder).sorted { Name($0) < Name($1) }.filter { name in
      !taken.contains(Name(name)) && extensions.contains(where: name.hasSuffix)
        && fileKind(joinPath(files.folder, name)) == .file
    }
  }

  /// What to say of an encoder that was taken without a head, though there are files that could have held one.
  static func noteOnOthers(beside files: ModelFiles) -> [String] {
    guard let others = try? others(beside: files), !others.isEmpty else { return [] }
    return ["no head was taken: \(others.joined(separator: ", ")) in the folder hold none for this encoder"]
  }

  private static func tensors(_ path: String) throws(FormatError) -> any TensorSource {
    let region = try ByteRegion.mapping(path)
    switch FileFormat.of(region) {
    case .safetensors: return try SafetensorsFile(region)
    case .pytorchZip, .pytorchLegacy: return try PyTorchCheckpoint(region)
    case let format:
      throw FormatError(
        "head", .unsupported("the file's contents are \(format.rawValue); a head is read from safetensors and PyTorch"),
        file: path)
    }
  }

  private static func error(_ error: GraphError, _ path: String) -> FormatError {
    FormatError("head", .invalid(error.what), file: path, place: error.place.isEmpty ? [] : [error.place])
  }
}
