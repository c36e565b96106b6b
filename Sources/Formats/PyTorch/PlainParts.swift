import Bytes

// What of a checkpoint is no tensor, for those who keep the tensors alone.
extension PyTorchTree {
  /// The largest parts of the tree without a tensor, in order, then what the tree leaves out.
  public var partsWithoutTensors: [LeftOut] {
    var parts: [LeftOut] = []
    root.listPlain(nil, &parts)
    return parts + leftOut
  }
}

extension PyTorchCheckpoint {
  /// What is neither a tensor nor a container on the way to one: where it stands, and what it is.
  ///
  /// Of a TorchScript archive, whose code and attributes are left behind as a matter of course, only what holds numbers.
  public func withoutTensors() throws(FormatError) -> [LeftOut] {
    format == .torchscript ? leftOut : try tree().partsWithoutTensors
  }
}

extension PyTorchCheckpoint {
  /// The attributes of a state dict that is the whole file, as `_metadata`; none where a tensor lies deeper.
  public func stateDictAttributes() throws(FormatError) -> [PyTorchValue.Item] {
    guard format != .torchscript, case .orderedDict(let items, let attributes) = try tree().root else { return [] }
    let isFlat = items.allSatisfy { item in
      if case .tensor = item.value { true } else { !item.value.holdsTensor }
    }
    return isFlat ? attributes : []
  }
}

extension ShardedCheckpoint {
  /// What of the shards is neither a tensor nor a container on the way to one.
  public func withoutTensors() throws(FormatError) -> [LeftOut] {
    var parts: [LeftOut] = []
    for shard in shards {
      if let checkpoint = source(of: Name(shard.name)) as? PyTorchCheckpoint {
        parts += try checkpoint.withoutTensors()
      }
    }
    return parts
  }

  /// `__metadata__` of the shards, as far as those that have a key agree on its text.
  public var metadata: [(name: String, value: String)] {
    var texts: [Name: Set<Name>] = [:]
    for shard in shards {
      for (name, value) in (source(of: Name(shard.name)) as? SafetensorsFile)?.metadata ?? [] {
        texts[Name(name), default: []].insert(Name(value))
      }
    }
    return texts.keys.sorted().compactMap { name in
      texts[name]?.count == 1 ? texts[name]?.first.map { (name.text, $0.text) } : nil
    }
  }
}

extension PyTorchValue {
  fileprivate func listPlain(_ name: String?, _ parts: inout [LeftOut]) {
    guard holdsTensor else {
      parts.append(LeftOut(name: name ?? "", reason: "plain data: " + kind))
      return
    }
    switch self {
    case .list(let values), .tuple(let values):
      for (index, value) in values.enumerated() { value.listPlain(PyTorchValue.join(name, String(index)), &parts) }
    case .dict(let items): PyTorchValue.listPlain(items, name, &parts)
    case .orderedDict(let items, let attributes):
      PyTorchValue.listPlain(items, name, &parts)
      PyTorchValue.listPlain(attributes, name, &parts)
    default: break
    }
  }

  private static func listPlain(_ items: [Item], _ name: String?, _ parts: inout [LeftOut]) {
    for item in items { item.value.listPlain(join(name, item.key.nameWord ?? "?"), &parts) }
  }

  /// What it is, in a few words.
  private var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .int, .bigInt, .float: "a number"
    case .string: "text"
    case .bytes: "bytes"
    case .list(let values): "a list of \(values.count)"
    case .tuple(let values): "a tuple of \(values.count)"
    case .dict(let items), .orderedDict(let items, _): "a dict of \(items.count)"
    case .tensor: "a tensor"
    }
  }
}
