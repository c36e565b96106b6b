import Bytes
import Synchronization
import Tensors

/// A file that torch wrote: its tensors, named through all containers, without running its pickle.
///
/// Names are joined by dots, integer keys and positions in decimal; a bare tensor's name is empty. Two tensors of one
/// joined name are an error. Opening reads the pickle and the archive's directory only.
public final class PyTorchCheckpoint: TensorSource {
  /// `pytorchZip`, `pytorchLegacy` or `torchscript`.
  public let format: FileFormat
  /// The tensors, in the pickle's order; TorchScript's constants follow as `constants.N`.
  public let entries: [TensorEntry]
  /// Every class and function that the file's pickles name.
  public let globals: [PickleGlobal]
  /// What holds numbers and is not among the entries: quantized and sparse tensors, tensors inside opaque objects.
  public let leftOut: [LeftOut]
  /// What the file says of itself: `root`, `version`, `byteorder`, `protocol`, where there.
  public let metadata: [(name: String, value: String)]

  /// The pickle's objects, from which the tree is made.
  let objects: PyTorchObjects

  private enum Place: Sendable {
    case member(ZipMember)
    case bytes(ByteView)
  }

  private struct Found: Sendable {
    let name: String
    let tensor: PyTorchTensor
    let place: Place
    /// Where the pickle speaks of it.
    let offset: Int

    /// The part of the storage that the layout counts from, in bytes.
    var base: Int { tensor.storage.part.lowerBound }

    /// What tells storages of the file apart.
    var storageName: String {
      if case .member(let member) = place { member.name } else { tensor.storage.key }
    }
  }

  private let tensors: [Name: Found]
  private let archive: ZipArchive?
  /// Where the file was read, as the user named it.
  let path: String
  private let fileSize: Int
  private let inflated = Mutex<(name: String, bytes: ByteView)?>(nil)

  /// Opens the file at `path`.
  public static func open(_ path: String) throws(FormatError) -> PyTorchCheckpoint {
    try PyTorchCheckpoint(ByteRegion.mapping(path))
  }

  /// Opens the file that fills `region`.
  public convenience init(_ region: ByteRegion) throws(FormatError) {
    do throws(FormatError) { try self.init(region.view, path: region.name) } catch { throw error.inFile(region.name) }
  }

  private init(_ view: ByteView, path: String) throws(FormatError) {
    self.path = path
    fileSize = view.count
    var found: [Found] = []
    if view.hasPrefix(FileFormat.zipMagic) {
      let file = try PyTorchArchive(view)
      archive = file.archive
      format = file.isScript ? .torchscript : .pytorchZip
      let pickle = try file.pickle("data.pkl")
      objects = PyTorchObjects(pickle: pickle, isScript: file.isScript)
      let walk = try PyTorchWalk(objects)
      found = try PyTorchCheckpoint.place(walk, file, folder: "data")
      var (globals, leftOut) = (pickle.globals, walk.leftOut)
      if file.isScript {
        let pickle = try file.pickle("constants.pkl")
        let walk = try PyTorchWalk(PyTorchObjects(pickle: pickle, isScript: true), prefix: "constants")
        found += try PyTorchCheckpoint.place(walk, file, folder: "constants")
        globals += pickle.globals.filter { new in
          !globals.contains { Name($0.module) == Name(new.module) && Name($0.name) == Name(new.name) }
        }
        leftOut += walk.leftOut
      }
      (self.globals, self.leftOut) = (globals, leftOut)
      var metadata = [(name: "root", value: file.root)]
      for name in ["version", "byteorder"] { if let word = try file.word(name) { metadata.append((name, word)) } }
      self.metadata = metadata + [("protocol", String(pickle.protocolVersion))]
    } else {
      guard PyTorchLegacy.starts(view) else { throw PyTorchCheckpoint.refusal(view) }
      let file = try PyTorchLegacy(view)
      (archive, format) = (nil, .pytorchLegacy)
      objects = PyTorchObjects(pickle: file.pickle)
      let walk = try PyTorchWalk(objects)
      for (name, tensor, offset) in walk.tensors {
        guard let bytes = file.storages[Name(tensor.storage.key)] else {
          throw FormatError("pytorch", .missing("the storage \(tensor.storage.key)"), offset: offset, place: [name])
        }
        found.append(Found(name: name, tensor: tensor, place: .bytes(bytes), offset: offset))
      }
      (globals, leftOut) = (file.globals, walk.leftOut)
      metadata = [("version", "1001"), ("byteorder", "little"), ("protocol", String(file.pickle.protocolVersion))]
    }

    entries = found.map {
      TensorEntry(name: $0.name, dataType: $0.tensor.layout.dataType, shape: $0.tensor.layout.shape)
    }
    var tensors: [Name: Found] = [:]
    for one in found {
      if let other = tensors.updateValue(one, forKey: Name(one.name)) {
        let first = "the tensor at byte \(other.offset) and the one"
        throw FormatError("pytorch", .duplicateName(one.name), offset: one.offset, place: [first])
      }
    }
    self.tensors = tensors
  }

  private static func place(
    _ walk: PyTorchWalk, _ file: PyTorchArchive, folder: String
  ) throws(FormatError) -> [Found] {
    var found: [Found] = []
    for (name, tensor, offset) in walk.tensors {
      do throws(FormatError) {
        let member = try file.member(tensor.storage, in: folder)
        found.append(Found(name: name, tensor: tensor, place: .member(member), offset: offset))
      } catch { throw error.inside(name) }
    }
    return found
  }

  private static func refusal(_ view: ByteView) -> FormatError {
    if view.count > 262, view.withUnsafeBytes({ $0[257...].starts(with: "ustar".utf8) }) {
      return FormatError("pytorch", .unsupported("a tar checkpoint from before torch 0.1.10"), offset: view.offset)
    }
    return FormatError(
      "pytorch", .invalid("no PyTorch file: neither a zip archive nor torch's legacy stream"), offset: view.offset)
  }

  /// The tensor of that name, its member's CRC checked: a view of the file where its elements lie in order, else a copy.
  public func tensor(_ name: String) throws(FormatError) -> Tensor {
    do throws(FormatError) {
      guard let found = tensors[Name(name)] else { throw FormatError("pytorch", .missing("no such tensor")) }
      let tensor = found.tensor
      let storage = try bytes(found.place).slice(
        tensor.storage.part.lowerBound, tensor.storage.part.count, format: "pytorch")
      let plain = try tensor.layout.tensor(over: storage, fileSize: fileSize, format: "pytorch")
      return tensor.resolved(plain)
    } catch { throw error.inside(name).inFile(path) }
  }

  private func bytes(_ place: Place) throws(FormatError) -> ByteView {
    switch place {
    case .bytes(let bytes): return bytes
    case .member(let member):
      guard let archive else { throw FormatError("pytorch", .missing("the archive")) }
      if member.isStored { return try archive.contents(member) }
      // Many tensors may share one deflated storage: the last one inflated is kept.
      if let kept = inflated.withLock({ $0 }), Name(kept.name) == Name(member.name) { return kept.bytes }
      let bytes = try archive.contents(member)
      inflated.withLock { $0 = (member.name, bytes) }
      return bytes
    }
  }
}

// What lies in one storage.
extension PyTorchCheckpoint: SharingTensorSource {
  /// The tensors among `names` that have elements in common in one storage.
  public func sharedGroups(among names: [String]) -> [[String]] {
    groups(names.compactMap { tensors[Name($0)] }, StorageOverlap.groups) { $0.storageName }.map { $0.map(\.name) }
  }

  /// Storages for groups of one type that lie in one storage without a gap, so that what others had of it does not come
  /// along; tensors with torch's conjugate or negative bit stand by themselves.
  public func sharedStorages(among names: [String]) -> [SharedStorage] {
    let plain = names.compactMap { tensors[Name($0)] }.filter { !$0.tensor.isConjugated && !$0.tensor.isNegated }
    return groups(plain, StorageOverlap.neighbours) { $0.storageName + " " + $0.tensor.layout.dataType.rawValue }
      .compactMap(storage)
  }

  private func groups(
    _ all: [Found], _ together: ([StorageOverlap.Member]) -> [[Int]], by key: (Found) -> String
  ) -> [[Found]] {
    var storages: [Name: [Found]] = [:]
    var order: [Name] = []
    for one in all {
      let name = Name(key(one))
      if storages[name] == nil { order.append(name) }
      storages[name, default: []].append(one)
    }
    return order.flatMap { name in
      let members = storages[name] ?? []
      return together(members.map { StorageOverlap.Member(layout: $0.tensor.layout, base: $0.base) })
        .map { $0.map { members[$0] } }
    }
  }

  /// The storage of a group; nil where tensors are not whole elements apart.
  private func storage(_ group: [Found]) -> SharedStorage? {
    let (dataType, place, path) = (group[0].tensor.layout.dataType, group[0].place, path)
    guard group.allSatisfy({ $0.base % dataType.size == 0 }) else { return nil }
    let layouts = group.map { $0.tensor.layout.moved(back: -($0.base / dataType.size)) }
    let extents = layouts.map(\.extent)
    let places = (extents.map(\.lowerBound).min() ?? 0)..<(extents.map(\.upperBound).max() ?? 0)
    return SharedStorage(
      dataType: dataType, count: places.count,
      tensors: zip(group, layouts).map { ($0.name, $1.moved(back: places.lowerBound)) }
    ) { () throws(FormatError) in
      do throws(FormatError) {
        let bytes = try self.bytes(place)
        for layout in layouts { try layout.checkCopy(of: bytes, fileSize: self.fileSize, format: "pytorch") }
        return StridedLayout.storage(layouts, over: bytes, places: places)
      } catch { throw error.inside(group[0].name).inFile(path) }
    }
  }
}

extension PyTorchTensor {
  /// `plain` with the signs turned that torch's conjugate and negative bits say.
  func resolved(_ plain: Tensor) -> Tensor {
    guard isConjugated || isNegated else { return plain }
    let isComplex = plain.dataType == .complex64 || plain.dataType == .complex128
    let size = isComplex ? plain.dataType.size / 2 : plain.dataType.size
    let region = ByteRegion(count: plain.bytes.count, name: plain.bytes.region.name) { target in
      plain.bytes.withUnsafeBytes { target.copyMemory(from: $0) }
      // A number's sign is its last byte's highest bit; imaginary parts are the odd ones.
      for (index, place) in stride(from: size - 1, to: target.count, by: size).enumerated() {
        let isImaginary = isComplex && !index.isMultiple(of: 2)
        if isNegated != (isConjugated && isImaginary) { target[place] ^= 0x80 }
      }
    }
    return Tensor(plain.dataType, plain.shape, bytes: region.view)
  }
}
