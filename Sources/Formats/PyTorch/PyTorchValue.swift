import Bytes

/// What a checkpoint is made of: Python's plain data, and tensors by name. Values, so that editing one changes no other.
public indirect enum PyTorchValue: Sendable {
  /// A key of a dict and what stands under it.
  public struct Item: Sendable {
    /// Text, a number, or other plain data that Python can look up.
    public var key: PyTorchValue
    /// What stands under the key.
    public var value: PyTorchValue

    /// Creates an item.
    public init(_ key: PyTorchValue, _ value: PyTorchValue) { (self.key, self.value) = (key, value) }
  }

  case none
  case bool(Bool)
  case int(Int)
  /// A whole number of more than 64 bits: little-endian two's complement, at most 255 bytes.
  case bigInt(ByteView)
  case float(Double)
  case string(String)
  case bytes(ByteView)
  case list([PyTorchValue])
  case tuple([PyTorchValue])
  case dict([Item])
  /// `collections.OrderedDict` and its own attributes, as the `_metadata` of a state dict.
  case orderedDict([Item], attributes: [Item])
  /// The tensor that the source calls so, whatever it is called here.
  case tensor(String)

  /// A state dict: tensors of the source, in order, under other names or their own.
  public static func stateDict(_ tensors: [(name: String, source: String)]) -> PyTorchValue {
    .orderedDict(tensors.map { Item(.string($0.name), .tensor($0.source)) }, attributes: [])
  }
}

// Tensors in a tree.
extension PyTorchValue {
  /// The word that a value adds to joined names as a key: text, or a whole number in decimal; nil for other keys.
  var nameWord: String? {
    switch self {
    case .string(let text): text
    case .int(let number): String(number)
    default: nil
    }
  }

  /// Calls `body` with each tensor's joined name in this tree and its name in the source, in order.
  ///
  /// What stands under a key that is neither text nor a whole number has no name and holds no tensor.
  public func forEachTensor<E: Error>(
    _ body: (_ name: String, _ source: String) throws(E) -> Void
  ) throws(E) { try visit(nil, body) }

  private func visit<E: Error>(_ name: String?, _ body: (String, String) throws(E) -> Void) throws(E) {
    switch self {
    case .tensor(let source): try body(name ?? "", source)
    case .list(let values), .tuple(let values):
      for (index, value) in values.enumerated() where value.isContainer {
        try value.visit(PyTorchValue.join(name, String(index)), body)
      }
    case .dict(let items), .orderedDict(let items, _):
      for item in items where item.value.isContainer {
        if let word = item.key.nameWord { try item.value.visit(PyTorchValue.join(name, word), body) }
      }
    default: break
    }
  }

  private var isContainer: Bool {
    switch self {
    case .tensor, .list, .tuple, .dict, .orderedDict: true
    default: false
    }
  }

  /// True when a tensor is in this tree.
  public var holdsTensor: Bool {
    switch self {
    case .tensor: true
    case .list(let values), .tuple(let values): values.contains(where: \.holdsTensor)
    case .dict(let items), .orderedDict(let items, _): items.contains { $0.value.holdsTensor }
    default: false
    }
  }

  static func join(_ parent: String?, _ word: String) -> String { parent.map { $0 + "." + word } ?? word }

  /// The same tree with tensors called otherwise, or dropped where `rename` gives nil; all else stays.
  ///
  /// `rename` gets a tensor's joined name and gives the new one. Only the last key on the way to a tensor changes: a new
  /// name that lies in another container, or another place of a list, is refused.
  public func renamingTensors(_ rename: (String) throws(FormatError) -> String?) throws(FormatError) -> PyTorchValue {
    try renaming(nil, rename) ?? .none
  }

  private func renaming(
    _ name: String?, _ rename: (String) throws(FormatError) -> String?
  ) throws(FormatError) -> PyTorchValue? {
    switch self {
    case .tensor:
      guard let new = try rename(name ?? "") else { return nil }
      guard Name(new) == Name(name ?? "") else { throw PyTorchValue.misplaced(name ?? "", new) }
      return self
    case .list(let values): return .list(try PyTorchValue.renaming(values, name, rename))
    case .tuple(let values): return .tuple(try PyTorchValue.renaming(values, name, rename))
    case .dict(let items): return .dict(try PyTorchValue.renaming(items, name, rename))
    case .orderedDict(let items, let attributes):
      return .orderedDict(try PyTorchValue.renaming(items, name, rename), attributes: attributes)
    default: return self
    }
  }

  private static func renaming(
    _ items: [Item], _ name: String?, _ rename: (String) throws(FormatError) -> String?
  ) throws(FormatError) -> [Item] {
    var renamed: [Item] = []
    renamed.reserveCapacity(items.count)
    for item in items {
      guard let word = item.key.nameWord, item.value.isContainer else {
        renamed.append(item)
        continue
      }
      let old = join(name, word)
      guard case .tensor = item.value else {
        if let value = try item.value.renaming(old, rename) { renamed.append(Item(item.key, value)) }
        continue
      }
      guard let new = try rename(old) else { continue }
      if Name(new) == Name(old) {
        renamed.append(item)
        continue
      }
      let prefix = name.map { $0 + "." } ?? ""
      guard new.utf8.starts(with: prefix.utf8) else { throw misplaced(old, new) }
      let key = String(decoding: new.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
      if case .int = item.key {
        guard let number = Int(key), String(number) == key else { throw misplaced(old, new) }
        renamed.append(Item(.int(number), item.value))
      } else {
        renamed.append(Item(.string(key), item.value))
      }
    }
    return renamed
  }

  private static func renaming(
    _ values: [PyTorchValue], _ name: String?, _ rename: (String) throws(FormatError) -> String?
  ) throws(FormatError) -> [PyTorchValue] {
    var renamed: [PyTorchValue] = []
    for (index, value) in values.enumerated() {
      let old = join(name, String(index))
      guard case .tensor = value else {
        if let value = try value.renaming(old, rename) { renamed.append(value) }
        continue
      }
      guard let new = try rename(old) else { continue }
      guard Name(new) == Name(join(name, String(renamed.count))) else { throw misplaced(old, new) }
      renamed.append(value)
    }
    return renamed
  }

  private static func misplaced(_ old: String, _ new: String) -> FormatError {
    FormatError(
      "pytorch", .unsupported("the new name \"\(new)\", which lies in another container of the checkpoint"),
      place: [old])
  }
}
