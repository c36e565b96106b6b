import Bytes
import Tensors

/// The storages of an archive and the tensors in them, in the order in which a tree meets them.
struct PyTorchStorages {
  /// One storage of the archive.
  struct Storage: Sendable {
    /// How many bytes it has, as it is written.
    let byteCount: Int
    /// Reads it.
    let open: @Sendable () throws(FormatError) -> StreamedBytes
    /// The tensors in it by their source names, where they are not all of it.
    let views: [(name: String, layout: StridedLayout)]
    /// The only tensor's name, where it is all of it.
    let only: String?

    /// SHA-256 of each tensor's elements in rows.
    func digests(_ bytes: StreamedBytes) -> [Name: Digest] {
      if let only { return [Name(only): bytes.digest] }
      let whole = bytes.joined
      var digests: [Name: Digest] = [:]
      for (name, layout) in views { digests[Name(name)] = layout.digest(over: whole) }
      return digests
    }
  }

  private(set) var storages: [Storage] = []
  /// Every tensor of the tree.
  private(set) var tensors: [(name: String, source: String, placed: PlacedTensor)] = []

  private var places: [Name: PlacedTensor] = [:]

  init(_ writer: PyTorchWriter) throws(FormatError) {
    var entries: [Name: TensorEntry] = [:]
    for entry in writer.source.entries { entries[Name(entry.name)] = entry }
    for (name, tensor) in writer.replacements {
      entries[Name(name)] = TensorEntry(name: name, dataType: tensor.dataType, shape: tensor.shape)
    }
    var (seen, named): (Set<Name>, Set<Name>) = ([], [])
    var order: [(name: String, source: String)] = []
    try writer.root.forEachTensor { (name, source) throws(FormatError) in
      guard named.insert(Name(name)).inserted else { throw FormatError("pytorch", .duplicateName(name)) }
      guard entries[Name(source)] != nil else {
        throw FormatError("pytorch", .missing("the source has no tensor of this name"), place: [source])
      }
      order.append((name, source))
    }
    let own = order.map(\.source).filter { seen.insert(Name($0)).inserted && writer.replacements[$0] == nil }
    var shared: [Name: SharedStorage] = [:]
    for storage in (writer.source as? any SharingTensorSource)?.sharedStorages(among: own) ?? [] {
      for (name, _) in storage.tensors { shared[Name(name)] = storage }
    }
    for (name, source) in order {
      if places[Name(source)] == nil {
        if let storage = shared[Name(source)] {
          add(storage, writer)
        } else if let entry = entries[Name(source)] {
          add(entry, writer)
        }
      }
      if let placed = places[Name(source)] { tensors.append((name, source, placed)) }
    }
  }

  private mutating func add(_ entry: TensorEntry, _ writer: PyTorchWriter) {
    let (conversion, replacement, source) = (writer.conversion, writer.replacements[entry.name], writer.source)
    let dataType = conversion?.target(entry.dataType) ?? entry.dataType
    places[Name(entry.name)] = PlacedTensor(
      storage: storages.count, count: entry.shape.count,
      layout: StridedLayout(dataType: dataType, shape: entry.shape, strides: entry.shape.torchStrides, offset: 0))
    storages.append(
      Storage(
        byteCount: entry.shape.count * dataType.size,
        open: { () throws(FormatError) in
          let tensor = if let replacement { replacement } else { try source.tensor(entry.name) }
          guard tensor.dataType == entry.dataType, tensor.shape == entry.shape else {
            throw FormatError(
              "pytorch", .invalid("the tensor is not of the type and shape announced"), place: [entry.name])
          }
          return StreamedBytes(tensor, dataType, conversion)
        }, views: [], only: entry.name))
  }

  private mutating func add(_ storage: SharedStorage, _ writer: PyTorchWriter) {
    let conversion = writer.conversion
    let dataType = conversion?.target(storage.dataType) ?? storage.dataType
    var views: [(name: String, layout: StridedLayout)] = []
    for (name, layout) in storage.tensors {
      let written = StridedLayout(
        dataType: dataType, shape: layout.shape, strides: layout.strides, offset: layout.offset)
      places[Name(name)] = PlacedTensor(storage: storages.count, count: storage.count, layout: written)
      views.append((name, written))
    }
    storages.append(
      Storage(
        byteCount: storage.count * dataType.size,
        open: { () throws(FormatError) in StreamedBytes(try storage.tensor(), dataType, conversion) }, views: views,
        only: nil))
  }

  /// How many bytes all storages have; small ones of many elements may claim more than can be counted.
  func byteCount() throws(FormatError) -> Int {
    var total = 0
    for storage in storages {
      let sum = total.addingReportingOverflow(storage.byteCount)
      guard !sum.overflow, sum.partialValue < 1 << 62 else {
        throw FormatError("pytorch", .overflow("all tensors together"))
      }
      total = sum.partialValue
    }
    return total
  }

  /// The tree as a pickle.
  func pickle(_ root: PyTorchValue) throws(FormatError) -> [UInt8] {
    var writer = PickleWriter()
    try writer.value(root) { (name) throws(FormatError) in
      guard let place = places[Name(name)] else {
        throw FormatError("pytorch", .invalid("a tensor under a key that gives it no name"), place: [name])
      }
      return place
    }
    return writer.finish()
  }
}

extension StreamedBytes {
  /// A tensor's elements as `dataType`.
  fileprivate init(_ tensor: Tensor, _ dataType: DataType, _ conversion: PyTorchWriter.Conversion?) {
    if let conversion, tensor.dataType != dataType {
      self.init(conversion.apply(tensor))
    } else {
      self.init(tensor.bytes)
    }
  }

  /// All pieces in one; a copy unless there is one only.
  fileprivate var joined: ByteView {
    if pieces == 1 { return piece(0) }
    return Tensor(.uint8, [count], pieces: (0..<pieces).lazy.map(piece)).bytes
  }
}

extension Shape {
  /// Torch's strides of elements in rows: an axis without elements counts as one.
  fileprivate var torchStrides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * max(dimensions[axis + 1], 1)
    }
    return strides
  }
}
