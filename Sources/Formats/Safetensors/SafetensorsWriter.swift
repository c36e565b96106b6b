import Bytes
import Tensors

/// Writes safetensors files: the same tensors give the same bytes, whatever their order.
///
/// Ordered as the reference implementation does, by type from the widest to the narrowest and then by name, so that
/// every tensor is aligned; the header is padded with spaces to 8 bytes. Metadata is sorted by key.
public enum SafetensorsWriter {
  /// Writes `tensors` to `path`, which appears only once it is whole.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [(name: String, value: String)] = [], to path: String
  ) throws(FormatError) {
    let file = try FileWriter(path)
    try write(tensors, metadata: metadata, to: file)
    try file.publish()
  }

  /// Writes `tensors` through `file`, which the caller publishes.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [(name: String, value: String)] = [], to file: FileWriter
  ) throws(FormatError) {
    let entries = tensors.map { TensorEntry(name: $0.name, dataType: $0.tensor.dataType, shape: $0.tensor.shape) }
    let byName = Dictionary(tensors.map { (Name($0.name), $0.tensor) }) { first, _ in first }
    try write(entries, metadata: metadata, to: file) { (entry) throws(FormatError) in byName[Name(entry.name)]! }
  }

  /// Writes the tensors of `entries` to `path`, asking `tensor` for one after the other, in the file's order.
  ///
  /// Names given twice, `__metadata__`, types the format lacks and tensors unlike their entry are refused.
  public static func write(
    _ entries: [TensorEntry], metadata: [(name: String, value: String)] = [], to path: String,
    tensor: (TensorEntry) throws(FormatError) -> Tensor
  ) throws(FormatError) {
    let file = try FileWriter(path)
    try write(entries, metadata: metadata, to: file, tensor: tensor)
    try file.publish()
  }

  /// Writes the tensors of `entries` through `file`, which the caller publishes, asking for one after the other.
  public static func write(
    _ entries: [TensorEntry], metadata: [(name: String, value: String)], to file: FileWriter,
    tensor: (TensorEntry) throws(FormatError) -> Tensor
  ) throws(FormatError) {
    let sorted = try arrange(entries)
    let header = try header(sorted, metadata)
    try file.reserve(sorted.reduce(0) { $0 + $1.bytes })
    try file.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) })
    try file.write(header)
    for entry in sorted {
      let tensor = try tensor(entry)
      guard tensor.dataType == entry.dataType, tensor.shape == entry.shape else {
        throw FormatError(
          "safetensors", .invalid("the tensor is not of the type and shape announced"), file: file.target,
          place: [entry.name])
      }
      try file.write(tensor.bytes)
    }
  }

  private static func arrange(_ entries: [TensorEntry]) throws(FormatError) -> [TensorEntry] {
    var ranked: [(rank: Int, entry: TensorEntry)] = []
    var names: Set<Name> = []
    for entry in entries {
      guard names.insert(Name(entry.name)).inserted, Name(entry.name) != Name("__metadata__") else {
        throw FormatError("safetensors", .duplicateName(entry.name))
      }
      guard let rank = SafetensorsFile.dataTypes.firstIndex(of: entry.dataType) else {
        throw FormatError(
          "safetensors", .unsupported("the element type \(entry.dataType.rawValue)"), place: [entry.name])
      }
      ranked.append((rank, entry))
    }
    return ranked.sorted { a, b in
      a.rank != b.rank ? a.rank < b.rank : Name(a.entry.name) < Name(b.entry.name)
    }.map(\.entry)
  }

  private static func header(
    _ entries: [TensorEntry], _ metadata: [(name: String, value: String)]
  ) throws(FormatError) -> [UInt8] {
    var members: [(String, JSON?)] = []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { Name($0.name) < Name($1.name) }
      for (a, b) in zip(sorted, sorted.dropFirst()) where Name(a.name) == Name(b.name) {
        throw FormatError("safetensors", .duplicateName(a.name))
      }
      members.append(("__metadata__", JSON(members: sorted.map { ($0.name, JSON($0.value)) })))
    }
    var place = 0
    for entry in entries {
      let end = place.addingReportingOverflow(entry.bytes)
      guard !end.overflow else { throw FormatError("safetensors", .overflow("all tensors together")) }
      members.append(
        (
          entry.name,
          [
            "dtype": JSON(entry.dataType.rawValue), "shape": JSON(entry.shape.dimensions),
            "data_offsets": JSON([place, end.partialValue]),
          ]
        ))
      place = end.partialValue
    }
    var header = Array(JSON(members: members).compact.utf8)
    header += repeatElement(0x20, count: padding(after: header.count, to: 8))
    guard header.count <= SafetensorsFile.headerLimit else {
      throw FormatError("safetensors", .limitExceeded("a header of more than \(SafetensorsFile.headerLimit) bytes"))
    }
    return header
  }
}
