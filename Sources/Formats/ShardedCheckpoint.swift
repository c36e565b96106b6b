import Bytes
import Tensors

/// Several files that are one checkpoint, by an index (`*.index.json`) whose `weight_map` names each tensor's file.
///
/// Shards are plain names in the index's folder, of any format with tensors. Index and shards must agree both ways: a
/// tensor that its shard lacks, and a tensor of a shard that the index does not place there, are errors.
public final class ShardedCheckpoint: TensorSource {
  /// The tensors, shard by shard in the order of the shards' names.
  public let entries: [TensorEntry]
  /// The shards' file names and formats, sorted by name.
  public let shards: [(name: String, format: FileFormat)]
  /// What the shards' pickles name.
  public let globals: [PickleGlobal]
  /// What the shards leave out.
  public let leftOut: [LeftOut]

  private let sources: [Name: any TensorSource]
  private let places: [Name: Name]
  private let path: String

  /// An index may have this many bytes.
  public static let indexLimit = 100_000_000

  /// Opens the index at `path` and all its shards.
  public static func open(_ path: String) throws(FormatError) -> ShardedCheckpoint {
    do throws(FormatError) { return try ShardedCheckpoint(path) } catch { throw error.inFile(path) }
  }

  private init(_ path: String) throws(FormatError) {
    self.path = path
    places = try ShardedCheckpoint.places(path)
    var entries: [TensorEntry] = []
    var shards: [(name: String, format: FileFormat)] = []
    var globals: [PickleGlobal] = []
    var leftOut: [LeftOut] = []
    var sources: [Name: any TensorSource] = [:]
    var found = 0
    for shard in Set(places.values).sorted() {
      let file = joinPath(splitPath(path).folder, shard.text)
      let region = try ByteRegion.mapping(file)
      let format = FileFormat.of(region)
      let source: any TensorSource
      switch format {
      case .safetensors: source = try SafetensorsFile(region)
      case .pytorchZip, .pytorchLegacy:
        let checkpoint = try PyTorchCheckpoint(region)
        globals += checkpoint.globals
        leftOut += checkpoint.leftOut
        source = checkpoint
      default:
        throw FormatError("index", .unsupported("a shard that is neither safetensors nor a PyTorch file"), file: file)
      }
      for entry in source.entries {
        guard places[Name(entry.name)] == shard else {
          throw FormatError(
            "index", .invalid("the index does not place this tensor here"), file: file, place: [entry.name])
        }
      }
      found += source.entries.count
      entries += source.entries
      shards.append((shard.text, format))
      sources[shard] = source
    }
    if found != places.count {
      let present = Set(entries.map { Name($0.name) })
      let missing = places.keys.filter { !present.contains($0) }.min() ?? Name("")
      throw FormatError(
        "index", .missing("the tensor is not in its shard \(places[missing]?.text ?? "")"), place: [missing.text])
    }
    (self.entries, self.shards, self.globals, self.leftOut) = (entries, shards, globals, leftOut)
    self.sources = sources
  }

  private static func places(_ path: String) throws(FormatError) -> [Name: Name] {
    let region = try ByteRegion.mapping(path)
    guard region.count <= indexLimit else {
      throw FormatError("index", .limitExceeded("an index of more than \(indexLimit) bytes"))
    }
    let json = try JSON.read(region.view, format: "index")
    guard let map = json["weight_map"]?.object, !map.isEmpty else {
      throw FormatError("index", .missing("weight_map: tensor names to file names"), offset: json.offset)
    }
    var places: [Name: Name] = [:]
    for member in map {
      guard let shard = member.value.string else {
        throw FormatError("index", .invalid("a shard's name must be text"), offset: member.value.offset)
      }
      guard !shard.isEmpty, shard != ".", shard != "..", !shard.utf8.contains(where: { $0 == 0x2F || $0 == 0 }) else {
        throw FormatError(
          "index", .invalid("a shard must be a plain name in the index's folder"), offset: member.value.offset,
          place: [member.name])
      }
      places[Name(member.name)] = Name(shard)
    }
    return places
  }

  /// The name of the file that holds a tensor.
  public func shard(of tensor: String) -> String? { places[Name(tensor)]?.text }

  func source(of shard: Name) -> (any TensorSource)? { sources[shard] }

  /// The tensor of that name, from its shard.
  public func tensor(_ name: String) throws(FormatError) -> Tensor {
    guard let place = places[Name(name)], let source = sources[place] else {
      throw FormatError("index", .missing("no such tensor"), file: path, place: [name])
    }
    return try source.tensor(name)
  }
}
