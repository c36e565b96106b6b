import Bytes
import Tensors

/// A tensor as it is written: its elements lie in a storage of the archive.
struct PlacedTensor {
  /// The number of the storage, which is its name in `data/`.
  let storage: Int
  /// How many elements the storage has.
  let count: Int
  /// Where its elements lie there.
  let layout: StridedLayout
}

// Torch's patterns in a pickle, as torch 2 writes them.
extension PickleWriter {
  /// Writes a tree; `place` says where a tensor's elements lie.
  mutating func value(
    _ value: PyTorchValue, _ place: (String) throws(FormatError) -> PlacedTensor
  ) throws(FormatError) {
    switch value {
    case .none: put(.none)
    case .bool(let value): bool(value)
    case .int(let value): int(value)
    case .bigInt(let bytes): try bigInt(bytes)
    case .float(let value): float(value)
    case .string(let value): try text(value)
    case .bytes(let value): try bytes(value)
    case .tensor(let name): try tensor(try place(name))
    case .tuple(let values):
      if values.count > 3 { put(.mark) }
      for value in values { try self.value(value, place) }
      endTuple(values.count)
    case .list(let values):
      put(.emptyList)
      memoize()
      try batches(values.count, one: .append, many: .appends) { (writer, index) throws(FormatError) in
        try writer.value(values[index], place)
      }
    case .dict(let items): try dict(items, place)
    case .orderedDict(let items, let attributes):
      orderedDict()
      try set(items, place)
      guard !attributes.isEmpty else { return }
      try dict(attributes, place)
      put(.build)
    }
    try checkSize()
  }

  private mutating func dict(
    _ items: [PyTorchValue.Item], _ place: (String) throws(FormatError) -> PlacedTensor
  ) throws(FormatError) {
    put(.emptyDict)
    memoize()
    try set(items, place)
  }

  private mutating func set(
    _ items: [PyTorchValue.Item], _ place: (String) throws(FormatError) -> PlacedTensor
  ) throws(FormatError) {
    try batches(items.count, one: .setItem, many: .setItems) { (writer, index) throws(FormatError) in
      try writer.value(items[index].key, place)
      try writer.value(items[index].value, place)
    }
  }

  /// `_rebuild_tensor_v2(storage, offset, lengths, strides, False, OrderedDict())`; for types without a class of storage
  /// `_rebuild_tensor_v3` of an untyped one, with the type behind.
  private mutating func tensor(_ tensor: PlacedTensor) throws(FormatError) {
    let dataType = tensor.layout.dataType
    let storageClass = PyTorchTypes.storageClasses[dataType]
    global("torch._utils", storageClass == nil ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
    put(.mark)
    put(.mark)
    try text("storage")
    if let storageClass { global("torch", storageClass) } else { global("torch.storage", "UntypedStorage") }
    try text(String(tensor.storage))
    try text("cpu")
    int(storageClass == nil ? tensor.count * dataType.size : tensor.count)
    endTuple(5)
    put(.binPersID)
    int(tensor.layout.offset)
    integers(tensor.layout.shape.dimensions)
    integers(tensor.layout.strides)
    bool(false)
    orderedDict()
    if storageClass == nil, let name = PyTorchTypes.names[dataType] { global("torch", name) }
    endTuple(storageClass == nil ? 7 : 6)
    put(.reduce)
    memoize()
  }
}
