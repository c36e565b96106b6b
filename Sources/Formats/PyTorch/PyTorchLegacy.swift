import Bytes
import Tensors

/// The stream that torch wrote before 1.6: magic number, protocol 1001, system, objects, storage keys, storages.
struct PyTorchLegacy {
  /// The objects.
  let pickle: Pickle
  /// The globals of all pickles of the stream.
  let globals: [PickleGlobal]
  /// Each storage's bytes.
  let storages: [Name: ByteView]

  // 0x1950a86a20f9469cfc6c, as a long of ten bytes and in decimal.
  private static let magicBytes: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
  private static let magicText = Array("119547037146038801333356".utf8)

  /// True when the stream starts with torch's magic number, in any pickle protocol.
  static func starts(_ view: ByteView) -> Bool {
    if view.hasPrefix([UInt8(ascii: "L")] + magicText) || view.hasPrefix([0x8A, 10] + magicBytes) { return true }
    guard view.count > 2, view[0] == 0x80, view[1] <= 5 else { return false }
    let start = view[2] == 0x95 ? 11 : 2
    return view.count > start && view.withUnsafeBytes { $0[start...].starts(with: [0x8A, 10] + magicBytes) }
  }

  init(_ view: ByteView) throws(FormatError) {
    var position = 0
    func next() throws(FormatError) -> Pickle {
      let pickle = try Pickle.read(view.slice(position, view.count - position, format: "pickle"))
      position += pickle.view.count
      return pickle
    }
    func refuse(_ reason: FormatError.Reason) -> FormatError {
      FormatError("pytorch", reason, offset: view.offset + position)
    }
    guard PyTorchLegacy.starts(view) else { throw refuse(.invalid("torch's magic number is missing")) }
    _ = try next()
    guard case .int(1001) = try next().root else { throw refuse(.unsupported("another protocol than 1001")) }
    let system = try next()
    guard PyTorchLegacy.isLittleEndian(system) else {
      throw refuse(.unsupported("a checkpoint that is not little-endian"))
    }
    pickle = try next()
    let keys = try next()
    globals = pickle.globals
    storages = try PyTorchLegacy.storages(
      keys, PyTorchLegacy.announced(pickle), try view.slice(position, view.count - position, format: "pytorch"))
  }

  private static func isLittleEndian(_ system: Pickle) -> Bool {
    guard let dict = system[system.root], dict.kind == .dict else { return false }
    for index in stride(from: 0, to: dict.items.count - 1, by: 2) {
      if case .string("little_endian") = dict.items[index], case .bool(let isLittle) = dict.items[index + 1] {
        return isLittle
      }
    }
    return false
  }

  /// The storages that the objects speak of; the first to name a key says what its elements are.
  private static func announced(_ pickle: Pickle) throws(FormatError) -> [Name: PyTorchStorage] {
    let objects = PyTorchObjects(pickle: pickle)
    var announced: [Name: PyTorchStorage] = [:]
    for index in pickle.objects.indices where pickle.objects[index].kind == .persistent {
      guard let storage = try objects.storage(.object(index)) else { continue }
      if let first = announced[Name(storage.key)], first.size != storage.size {
        throw FormatError(
          "pytorch", .invalid("the storage \(storage.key) has two sizes"), offset: pickle.objects[index].offset)
      }
      if announced[Name(storage.key)] == nil { announced[Name(storage.key)] = storage }
    }
    return announced
  }

  /// For each key a count of elements (64 bits) and the bytes.
  private static func storages(
    _ keys: Pickle, _ announced: [Name: PyTorchStorage], _ view: ByteView
  ) throws(FormatError) -> [Name: ByteView] {
    guard let list = keys.sequence(keys.root) else {
      throw FormatError("pytorch", .invalid("the storage keys are no list"), offset: keys.view.offset)
    }
    var reader = ByteReader(view, format: "pytorch")
    var storages: [Name: ByteView] = [:]
    for key in list {
      let text: String
      switch key {
      case .string(let string): text = string
      case .int(let number): text = String(number)
      default: throw FormatError("pytorch", .invalid("a storage key is no text"), offset: keys.view.offset)
      }
      guard let storage = announced[Name(text)] else {
        throw reader.error(.invalid("the storage \(text) belongs to no object"))
      }
      let count = try reader.readSize("a storage's elements")
      // `size` was made of a count of elements of the same type.
      let elementSize = storage.elementSize
      guard count.multipliedReportingOverflow(by: elementSize) == (storage.size, false) else {
        throw reader.error(
          .invalid("the storage \(text) has \(count) elements here and \(storage.size / elementSize) in the objects"))
      }
      guard storages.updateValue(try reader.slice(storage.size), forKey: Name(text)) == nil else {
        throw reader.error(.duplicateName(text))
      }
    }
    guard reader.remaining == 0 else { throw reader.error(.invalid("bytes after the last storage")) }
    return storages
  }
}
