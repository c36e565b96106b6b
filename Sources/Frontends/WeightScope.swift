import Bytes
import IR
import Tensors

/// The source's tensors and a ledger of which were taken: at the end every tensor is used, ignored by a rule, or an
/// error.
public final class WeightLedger {
  private let source: any TensorSource
  private let file: (String) -> String
  private let entries: [Name: TensorEntry]
  private var used: Set<Name> = []

  /// Opens a ledger; `file` tells which file of the model holds a tensor.
  public init(_ source: any TensorSource, file: @escaping (String) -> String) {
    self.source = source
    self.file = file
    entries = Dictionary(uniqueKeysWithValues: source.entries.map { (Name($0.name), $0) })
  }

  /// All names, in the file's order.
  public var names: [String] { source.entries.map(\.name) }

  func contains(_ name: String) -> Bool { entries[Name(name)] != nil }

  func shape(_ name: String) -> Shape? { entries[Name(name)]?.shape }

  /// Takes the tensor `name`, which must have `shape` and hold floats.
  func take(_ name: String, _ shape: [Int]) throws -> Constant {
    guard let entry = entries[Name(name)] else {
      throw GraphError(name, "this weight is missing; the configuration asks for it with the shape \(shape)")
    }
    guard entry.shape.dimensions == shape else {
      throw GraphError(name, "this weight has the shape \(entry.shape); the configuration asks for \(shape)")
    }
    guard entry.dataType.isFloat else {
      throw GraphError(name, "this weight is \(entry.dataType.rawValue); F64, F32, F16 or BF16 can be computed with")
    }
    used.insert(Name(name))
    return Constant(
      try source.tensor(name), provenance: Provenance(sources: [.init(file: file(name), tensor: name)]))
  }

  /// Settles the account: what was not taken must be ignored by `rule`, which says why, or it is an error.
  public func settle(_ rule: (String) -> String?) throws(GraphError) -> [Metadata.Ignored] {
    var ignored: [Metadata.Ignored] = []
    var unknown: [String] = []
    for name in names where !used.contains(Name(name)) {
      if let reason = rule(name) {
        ignored.append(Metadata.Ignored(tensor: name, reason: reason))
      } else {
        unknown.append(name)
      }
    }
    if let first = unknown.first {
      let more = unknown.count > 1 ? " (and \(unknown.count - 1) more)" : ""
      throw GraphError(first, "the model that the configuration describes does not use this tensor\(more)")
    }
    return ignored
  }
}

/// A module's weights: names are given relative to it, and nodes are called after it.
public struct WeightScope {
  /// The module's path as nodes and constants are called: the same whatever prefix the file uses.
  public let path: String
  private let ledger: WeightLedger
  /// What the module's names start with in the file.
  private let prefix: String

  /// The scope of the model, or of the part of it at `path`, whose names in the file start with `prefix`.
  public init(_ ledger: WeightLedger, prefix: String, path: String = "") {
    (self.ledger, self.prefix, self.path) = (ledger, prefix, path)
  }

  /// The scope of a module inside this one.
  public func scope(_ name: String) -> WeightScope {
    WeightScope(ledger, prefix: prefix + name + ".", path: child(name))
  }

  /// The path of something in this module.
  public func child(_ name: String) -> String { path.isEmpty ? name : path + "." + name }

  /// True when the file has the tensor.
  public func has(_ name: String) -> Bool { ledger.contains(prefix + name) }

  /// The shape the file gives the tensor.
  public func shape(_ name: String) -> Shape? { ledger.shape(prefix + name) }

  /// Takes the tensor, which must have `shape`.
  public func callAsFunction(_ name: String, _ shape: [Int]) throws -> Constant {
    try ledger.take(prefix + name, shape)
  }
}
