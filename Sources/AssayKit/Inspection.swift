import Bytes
import Formats
import Frontends
import IR
import Tensors

/// What a file or folder holds, told without running anything and without reading numbers unless asked to.
public struct Inspection: Sendable {
  /// What to look at beyond the list.
  public struct Options: Sendable {
    /// The nodes of the model's graph.
    public var graph = false
    /// Minimum, maximum and so on of every tensor.
    public var statistics = false
    /// SHA-256 of every tensor.
    public var digests = false

    /// Only the list.
    public init() {}
  }

  /// One tensor.
  public struct Row: Sendable {
    /// Name, type and shape.
    public let entry: TensorEntry
    /// SHA-256 of its elements, if asked for.
    public let digest: Digest?
    /// Its numbers in short, if asked for.
    public let statistics: Statistics?
  }

  /// What was inspected, as the user named it.
  public let path: String
  /// The contract's word for the format.
  public let format: FileFormat
  /// The tensors, in the file's order.
  public let rows: [Row]
  /// What the file says of itself.
  public let metadata: JSON
  /// Every class and function that a pickle names.
  public let globals: [String]
  /// What holds numbers and could not be listed as a tensor, with the reason.
  public let leftOut: [(name: String, reason: String)]
  /// The licence that the file, or what lies beside it, states.
  public let license: Metadata.License?
  /// The model's graph as text, if asked for: all of it, and its nodes.
  public let graph: (lines: [String], nodes: [String])?
  /// Choices that were made, a line each.
  public let notes: [String]
  /// What people read in the place of a member of `metadata`.
  let spelled: [String: [String]]

  /// Looks at the file or model folder at `path`.
  public init(_ path: String, options: Options = Options()) throws {
    self.path = path
    var notes: [String] = []
    var listed: (lines: [String], nodes: [String])?
    var spelled: [String: [String]] = [:]
    (format, metadata, globals, leftOut, license, rows) = try inFile(path) {
      let content = try Content.at(path)
      (notes, spelled) = (content.notes, content.spelled)
      if options.graph, let model = (content.source as? ONNXFile)?.model {
        listed = (model.lines, model.graph.nodes.map(\.description))
      }
      let rows = try content.source.entries.map { entry in
        let tensor = options.digests || options.statistics ? try content.source.tensor(entry.name) : nil
        return Row(
          entry: entry, digest: options.digests ? tensor?.digest : nil,
          statistics: options.statistics ? tensor.map(Statistics.init) : nil)
      }
      return (content.format, content.metadata, content.globals, content.leftOut, content.license, rows)
    }
    graph = options.graph ? try listed ?? Inspection.listing(Model.open(path).graph) : nil
    (self.notes, self.spelled) = (notes, spelled)
  }

  private static func listing(_ graph: Graph) -> (lines: [String], nodes: [String]) {
    (graph.description.split(separator: "\n").map(String.init), graph.nodes.map(graph.describe))
  }

  /// The inspection as the contract's document.
  public var json: JSON {
    [
      "format": JSON(format.rawValue),
      "tensors": JSON(
        rows.map { row in
          [
            "name": JSON(row.entry.name), "dtype": JSON(row.entry.dataType.rawValue),
            "shape": JSON(row.entry.shape.dimensions), "bytes": JSON(row.entry.bytes),
            "sha256": row.digest.map { JSON($0.description) }, "statistics": row.statistics?.json,
          ]
        }),
      "metadata": metadata, "globals": JSON(globals),
      "left_out": JSON(leftOut.map { ["name": JSON($0.name), "reason": JSON($0.reason)] }),
      "license": license?.json ?? .null,
      "nodes": graph.map { JSON($0.nodes) },
    ]
  }
}

/// What lies at a path, as tensors and words.
struct Content {
  var format: FileFormat
  var source: any TensorSource
  var metadata = JSON(.object([]))
  var globals: [String] = []
  var leftOut: [(name: String, reason: String)] = []
  var license: Metadata.License?
  var notes: [String] = []
  var spelled: [String: [String]] = [:]
  /// The files that the tensors are read from, where these are not the one that was named.
  var files: [String] = []

  /// What lies at `path`. A file can be looked at whatever lies beside it.
  static func at(_ path: String) throws -> Content {
    guard fileKind(path) == .file else { return try Content(ModelFolder.open(path)) }
    let region = try ByteRegion.mapping(path)
    switch FileFormat.of(region) {
    case .assay:
      let file = try ArtifactFile(region)
      return Content(
        format: .assay, source: file, metadata: file.description, license: file.artifact.metadata.license)
    case .npy: return Content(format: .npy, source: SingleTensor(try NPYFile.read(region)))
    case .onnx:
      do throws(FormatError) { return Content(try ModelFolder.open(path)) } catch {
        var content = Content(try ONNXFile(region), nil)
        content.notes.append("what lies beside it was not read: \(error)")
        return content
      }
    case .unknown where !path.hasSuffix(".index.json") && !AudonnxFolder.isThere(path):
      throw Failure("\(path): this is no format known here; PyTorch files, safetensors, ONNX, .assay and .npy are read")
    default: return try Content(ModelFolder.open(path))
    }
  }
}

extension Content {
  fileprivate init(_ folder: ModelFolder) {
    switch folder {
    case .checkpoint(let files): self.init(files)
    case .audonnx(let folder): self.init(folder.onnx, folder)
    case .onnx(let file): self.init(file, nil)
    }
  }

  fileprivate init(_ file: ONNXFile, _ folder: AudonnxFolder?) {
    let description = ONNXDescription(file.model, folder)
    (format, source, leftOut, notes) = (.onnx, file, file.leftOut, folder?.notes ?? [])
    files = [file.path] + file.externalFiles.map { joinPath(splitPath(file.path).folder, $0) }
    (metadata, spelled) = (description.json, description.lines)
    readLicense { () throws(FormatError) in try folder?.license() }
  }

  fileprivate init(_ files: ModelFiles) {
    (format, source, notes) = (files.format, files.weights, files.notes)
    self.files = files.paths
    readLicense(files.license)
    switch files.weights {
    case let checkpoint as PyTorchCheckpoint:
      metadata = JSON(members: checkpoint.metadata.map { ($0.name, JSON($0.value)) })
      globals = checkpoint.globals.map(\.description)
      leftOut = checkpoint.leftOut.map { ($0.name, $0.reason) }
    case let file as SafetensorsFile: metadata = JSON(members: file.metadata.map { ($0.name, JSON($0.value)) })
    case let sharded as ShardedCheckpoint:
      metadata = ["shards": JSON(sharded.shards.map(\.name))]
      globals = sharded.globals.map(\.description)
      leftOut = sharded.leftOut.map { ($0.name, $0.reason) }
    default: break
    }
  }

  private mutating func readLicense(_ read: () throws(FormatError) -> Metadata.License?) {
    do throws(FormatError) { license = try read() } catch { notes.append("no licence was read: \(error)") }
  }
}

/// An array without a name.
private struct SingleTensor: TensorSource {
  let only: Tensor
  var entries: [TensorEntry] { [TensorEntry(name: "", dataType: only.dataType, shape: only.shape)] }

  init(_ tensor: Tensor) { only = tensor }

  func tensor(_ name: String) throws(FormatError) -> Tensor { only }
}

extension ArtifactFile {
  /// Metadata and the names of the golden cases.
  fileprivate var description: JSON {
    let cases = artifact.goldens.compactMap { $0["name"] }
    return JSON(.object((artifact.metadata.json.object ?? []) + [JSON.Member("goldens", JSON(cases))]))
  }
}
