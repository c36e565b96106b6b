import Bytes
import Executor
import Formats
import Frontends
import IR
import Tensors

/// A tensor of a source and how it is written.
struct ChosenTensor: Sendable {
  /// What the source says of it.
  let entry: TensorEntry
  /// What it is called in the file.
  let name: String
  /// What it is written as.
  let dataType: DataType

  /// True where the elements change.
  var isCast: Bool { dataType != entry.dataType }

  /// What the file says of it.
  var written: TensorEntry { TensorEntry(name: name, dataType: dataType, shape: entry.shape) }

  /// Its elements as they are written, cast when they are asked for.
  func cast(_ source: any TensorSource) throws(FormatError) -> DerivedTensor {
    FloatCast(try source.tensor(entry.name), to: dataType).tensor
  }
}

extension TensorConversion {
  /// The tensors that the patterns name, under the names they get.
  func choose(_ entries: [TensorEntry]) throws -> [ChosenTensor] {
    for glob in only where !entries.contains(where: { glob.matches($0.name) }) {
      throw Failure("\(source): --only \(glob.text) matches none of its \(entries.count) tensors")
    }
    let prefix = Array((strip ?? "").utf8)
    var taken: [Name: String] = [:]
    var didStrip = false
    let chosen = try entries.filter { entry in only.isEmpty || only.contains { $0.matches(entry.name) } }.map { entry in
      var name = entry.name
      if !prefix.isEmpty, name.utf8.starts(with: prefix) {
        didStrip = true
        guard let rest = String(validating: name.utf8.dropFirst(prefix.count), as: UTF8.self) else {
          throw Failure("\(source): --strip \(strip ?? "") cuts a letter of the name \"\(name)\" in two")
        }
        name = rest
      }
      if let other = taken.updateValue(entry.name, forKey: Name(name)) {
        throw Failure("\(source): \"\(other)\" and \"\(entry.name)\" would both be called \"\(name)\"")
      }
      let target = entry.dataType.isFloat ? dataType ?? entry.dataType : entry.dataType
      return ChosenTensor(entry: entry, name: name, dataType: target)
    }
    if strip != nil, !didStrip { throw Failure("\(source): --strip \(strip ?? ""): no name starts with it") }
    return chosen
  }

  /// Throws where the target cannot hold what was chosen.
  func check(_ chosen: [ChosenTensor]) throws {
    guard !chosen.isEmpty else { throw Failure("\(source): there is no tensor to write") }
    // One number can be spread over any shape.
    var bytes = 0
    for tensor in chosen {
      let sum = bytes.addingReportingOverflow(tensor.written.bytes)
      guard !sum.overflow else { throw Failure("\(source): all tensors together are too large to count") }
      bytes = sum.partialValue
    }
    guard target.hasSuffix(".safetensors") else { return }
    for tensor in chosen {
      if tensor.dataType == .complex128 {
        throw Failure("\(source): \"\(tensor.name)\" is C128, which safetensors lacks; a .pt file holds it")
      }
      if Name(tensor.name) == Name("__metadata__") {
        throw Failure("\(source): safetensors has no tensor called \"__metadata__\"; a .pt file holds it")
      }
    }
  }

  /// A few names in a row.
  func list(_ names: [String]) -> String {
    names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
      + (names.count > 3 ? " and \(names.count - 3) more" : "")
  }
}

/// What a conversion to tensors starts from.
struct OpenedTensors {
  /// The tensors.
  private(set) var tensors: any TensorSource
  /// A safetensors file's texts.
  private(set) var metadata: [(name: String, value: String)] = []
  /// What is no tensor, or cannot be read as one.
  private(set) var leftOut: [(name: String, reason: String)]
  /// Choices that were made, a line each.
  private(set) var notes: [String]
  /// The files that are read.
  private(set) var files: [String]

  /// A state dict's own attributes, as `_metadata`, where the names are its keys; they are among what is left out.
  private(set) var attributes: [PyTorchValue.Item] = []

  /// Opens what lies at `path`.
  init(_ path: String, threads: Int) throws {
    self = try inFile(path) { try OpenedTensors(Content.at(path), threads: threads) }
  }

  private init(_ content: Content, threads: Int) throws {
    (tensors, leftOut, notes, files) = (content.source, content.leftOut, content.notes, content.files)
    if let license = content.license { notes.append(license.text + "; a file of tensors has no place for it") }
    switch content.source {
    case let file as ArtifactFile:
      // No damage goes on into another file.
      try file.checkIntegrity(threads: threads)
      let graph = file.artifact.graph
      tensors = GraphTensors(graph) { graph[$0].name }
      notes.append("only the artifact's constants are written: graph, metadata and golden cases stay behind")
    case let file as SafetensorsFile: metadata = file.metadata
    case let checkpoint as PyTorchCheckpoint:
      leftOut = try checkpoint.withoutTensors().map { ($0.name, $0.reason) }
      attributes = try checkpoint.stateDictAttributes()
    case let sharded as ShardedCheckpoint:
      metadata = sharded.metadata
      leftOut = try sharded.withoutTensors().map { ($0.name, $0.reason) }
    case is ONNXFile: notes.append("only the model's initializers are written: the graph stays behind")
    default: break
    }
  }
}
