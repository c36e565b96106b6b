import Bytes
import Formats
import Tensors

/// A model as it lies in a folder: weights in one or several files, configurations beside them.
public struct ModelFiles: Sendable {
  /// The folder.
  public let folder: String
  /// All tensors.
  public private(set) var weights: any TensorSource
  /// The names of the files that hold them.
  public private(set) var weightFiles: [String]
  /// What the weights' format is called.
  public let format: FileFormat
  /// Choices that were made, a line each.
  public private(set) var notes: [String]
  /// The names of what describes the weights, in the folder.
  private let descriptions: [String]
  /// The file of a head that was added: its name here, and where it lies.
  private var head: (name: String, path: String)?

  /// Weight files by the names transformers gives them, the first one there is taken.
  static let candidates = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
  ]
  /// Files that hold the graph too; weights go before them.
  static let graphs = ["model.onnx"]
  /// A configuration may have this many bytes.
  static let configurationLimit = 16 << 20

  /// Weight files by the names they have in FunASR's folders, where `config.yaml` lies beside them.
  static let candidatesWithYAML = ["model.pt"]
  /// Weight files by the names SpeechBrain gives them, where `config.json` lies beside them.
  static let candidatesOfSpeechBrain = ["wav2vec2.ckpt"]
  /// Checkpoints of fairseq's that say enough by themselves.
  static let checkpoints = ["emotion2vec_base.pt"]

  /// True where the folder at `path` holds weights under one of the known names.
  static func isThere(_ path: String) -> Bool { !present(in: path).isEmpty }

  /// The weight files of known names in the folder at `path`, those to take first before others.
  private static func present(in path: String) -> [String] {
    func isFile(_ name: String) -> Bool { fileKind(joinPath(path, name)) == .file }
    // What cannot be read is complained of when it is opened.
    let funASR = try? FunASRFolder(path)
    let named = [funASR?.weights].compactMap(\.self)
    let others =
      candidates + (isFile("config.json") ? candidatesOfSpeechBrain : [])
      + (funASR?.configuration != nil ? candidatesWithYAML : []) + checkpoints
    return named + others.filter { isFile($0) && !named.contains($0) }
  }

  /// Opens the model folder at `path`, or the weight file there with the configurations beside it.
  public static func open(_ path: String) throws(FormatError) -> ModelFiles {
    switch fileKind(path) {
    case .missing: throw FormatError("model", .missing("there is no file or folder of this name"), file: path)
    case .other: throw FormatError("model", .unsupported("this is neither a file nor a folder"), file: path)
    case .file:
      let (folder, name) = splitPath(path)
      return try ModelFiles(folder: folder, weights: name, notes: [])
    case .folder:
      let present = present(in: path)
      guard let name = present.first else {
        // What keeps a folder of FunASR's from being one says more.
        _ = try FunASRFolder(path)
        throw FormatError(
          "model",
          .missing(
            "a model folder holds one of " + candidates.joined(separator: ", ")
              + ", model.yaml, model.onnx, or config.yaml and model.pt"),
          file: path)
      }
      let others = (present.dropFirst() + graphs.filter { fileKind(joinPath(path, $0)) == .file })
        .joined(separator: ", ")
      let notes = others.isEmpty ? [] : ["\(name) was taken; the folder also holds \(others)"]
      return try ModelFiles(folder: path, weights: name, notes: notes)
    }
  }

  /// An ONNX file, the files that hold its tensors, and what lies beside it.
  init(_ file: ONNXFile, at path: String, in folder: String, beside names: [String], notes: [String]) {
    (self.folder, self.notes, weights, format) = (folder, notes, file, .onnx)
    let name = path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.utf8.count + 1)) : splitPath(path).name
    let inside = splitPath(name).folder
    weightFiles = [name] + file.externalFiles.map { inside == "." ? $0 : joinPath(inside, $0) }
    descriptions = names
  }

  private init(folder: String, weights name: String, notes: [String]) throws(FormatError) {
    self.folder = folder
    self.notes = notes
    descriptions = ModelFiles.descriptions(in: folder)
    let path = joinPath(folder, name)
    if name.hasSuffix(".index.json") {
      let sharded = try ShardedCheckpoint.open(path)
      weights = sharded
      weightFiles = sharded.shards.map(\.name)
      format = sharded.shards.first?.format ?? .unknown
      return
    }
    let region = try ByteRegion.mapping(path)
    format = FileFormat.of(region)
    weightFiles = [name]
    switch format {
    case .safetensors: weights = try SafetensorsFile(region)
    case .pytorchZip, .pytorchLegacy, .torchscript: weights = try PyTorchCheckpoint(region)
    case .onnx, .assay, .npy, .unknown:
      throw FormatError(
        "model",
        .unsupported("the file's contents are \(format.rawValue); weights are read from safetensors and PyTorch"),
        file: path)
    }
  }

  /// The names of what describes weights in `folder`, FunASR's where it has a configuration of that kind.
  private static func descriptions(in folder: String) -> [String] {
    let names = ["config.json", "preprocessor_config.json"]
    let theirs = (try? FunASRFolder(folder)).map {
      $0.configuration == nil ? [] : [FunASRFolder.name] + $0.descriptions
    }
    // One file may be named for several things.
    var seen: Set<Name> = []
    return (names + (theirs ?? [])).filter {
      fileKind(joinPath(folder, $0)) == .file && seen.insert(Name($0)).inserted
    }
  }

  /// The names of all files that a model is made of: its weights, then the configurations that are there.
  public var names: [String] {
    weightFiles + descriptions
  }

  /// The same files, and where each lies; a head's may lie elsewhere.
  public var places: [(name: String, path: String)] {
    names.map { name in
      if let head, Name(head.name) == Name(name) { return head }
      return (name, joinPath(folder, name))
    }
  }

  /// The name of the file that holds a tensor.
  public func file(of tensor: String) -> String {
    guard let union = weights as? TensorUnion else {
      return ModelFiles.shard(of: tensor, in: weights) ?? weightFiles[0]
    }
    return union.isOfSecond(tensor)
      ? weightFiles.last! : ModelFiles.shard(of: tensor, in: union.first) ?? weightFiles[0]
  }

  /// The sources of tensors, each with its file; of shards the first.
  var sources: [(tensors: any TensorSource, file: String)] {
    guard let union = weights as? TensorUnion else { return [(weights, weightFiles[0])] }
    return [(union.first, weightFiles[0]), (union.second, weightFiles.last!)]
  }

  private static func shard(of tensor: String, in source: any TensorSource) -> String? {
    (source as? ShardedCheckpoint)?.shard(of: tensor)
  }

  /// The model with a head whose weights are in another file. That file is called as it is, or, where one of the model's
  /// is called so, `head/` and its name. A tensor that both files have throws.
  func adding(_ file: HeadFile) throws(FormatError) -> ModelFiles {
    var (all, name) = (self, splitPath(file.path).name)
    if names.contains(where: { Name($0) == Name(name) }) { name = "head/" + name }
    all.weights = try TensorUnion(
      weights, file.source, files: (joinPath(folder, weightFiles[0]), file.path))
    all.weightFiles.append(name)
    all.head = (name, file.path)
    all.notes += file.notes
    return all
  }

  /// The JSON file `name` in the folder; nil where there is none.
  public func configuration(_ name: String) throws(FormatError) -> JSON? {
    let path = joinPath(folder, name)
    guard fileKind(path) == .file else { return nil }
    return try ModelFiles.reading(path) { (view) throws(FormatError) in try JSON.read(view, format: "configuration") }
  }

  /// What `body` makes of the small text file at `path`; what it throws gets the file's name.
  static func reading<R>(
    _ path: String, _ body: (ByteView) throws(FormatError) -> R
  ) throws(FormatError) -> R {
    do throws(FormatError) {
      let region = try ByteRegion.mapping(path)
      guard region.count <= configurationLimit else {
        throw FormatError("configuration", .limitExceeded("a configuration of \(configurationLimit) bytes"))
      }
      return try body(region.view)
    } catch { throw error.inFile(path) }
  }

  /// The YAML file `name` in the folder.
  func yaml(_ name: String) throws(FormatError) -> YAML {
    let path = joinPath(folder, name)
    do throws(FormatError) {
      return try YAML.read(ByteRegion.mapping(path).view, format: "configuration")
    } catch { throw error.inFile(path) }
  }
}
