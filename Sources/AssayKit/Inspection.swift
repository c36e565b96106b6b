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

  /// Looks at the file or model folder at `path`.
  public init(_ path: String, options: Options = Options()) throws {
    self.path = path
    var notes: [String] = []
    var listed: (lines: [String], nodes: [String])?
    (format, metadata, globals, leftOut, license, rows) = try inFile(path) {
      let content = try Content(path)
      notes = content.notes
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
    self.notes = notes
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

  init(_ path: String) throws {
    if fileKind(path) == .file {
      let region = try ByteRegion.mapping(path)
      let found = FileFormat.of(region)
      switch found {
      case .assay:
        let file = try ArtifactFile(region)
        (format, source, metadata) = (.assay, file, file.description)
        license = file.artifact.metadata.license
        return
      case .npy:
        (format, source) = (.npy, SingleTensor(try NPYFile.read(region)))
        return
      case .onnx:
        let file = try ONNXFile(region)
        (format, source, metadata, leftOut) = (.onnx, file, file.model.description, file.leftOut)
        return
      case .unknown where !path.hasSuffix(".index.json"):
        throw Failure(
          "\(path): this is no format known here; PyTorch files, safetensors, ONNX, .assay and .npy are read")
      default: break
      }
    }
    let files = try ModelFiles.open(path)
    (format, source, notes) = (files.format, files.weights, files.notes)
    // A file can be looked at whatever lies beside it.
    do throws(FormatError) { license = try files.license() } catch { notes.append("no licence was read: \(error)") }
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
}

extension ONNXModel {
  /// What the model says of itself, beside its tensors.
  fileprivate var description: JSON {
    [
      "ir_version": JSON(irVersion), "producer": JSON("\(producer.name) \(producer.version)"),
      "opsets": JSON(members: opsets.map { ($0.domain.isEmpty ? "ai.onnx" : $0.domain, JSON($0.version)) }),
      "inputs": JSON(graph.inputs.map { JSON("\($0)") }), "outputs": JSON(graph.outputs.map { JSON("\($0)") }),
      "operators": JSON(members: operators.map { ($0.key, JSON($0.value)) }),
      "functions": functions.isEmpty ? nil : JSON(functions.map { JSON($0.name) }),
      "metadata": metadata.isEmpty ? nil : JSON(members: metadata.map { ($0.name, JSON($0.value)) }),
    ]
  }

  /// How often each operator of the outer graph is used, most used first.
  private var operators: [(key: String, value: Int)] {
    var counts: [String: Int] = [:]
    for node in graph.nodes { counts[node.domain.isEmpty ? node.op : node.domain + "::" + node.op, default: 0] += 1 }
    return counts.sorted { $0.value != $1.value ? $0.value > $1.value : Name($0.key) < Name($1.key) }
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
