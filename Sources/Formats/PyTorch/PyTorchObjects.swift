import Bytes
import Tensors

/// A block of bytes that tensors share, as the pickle speaks of it.
struct PyTorchStorage: Hashable, Sendable {
  /// The member `data/KEY`, or the key in the legacy stream.
  let key: String
  /// What the storage's class says of the elements; nil for a type we do not take.
  let dataType: DataType?
  /// Bytes of one element of the storage's class.
  let elementSize: Int
  /// Bytes of the whole storage under that key.
  let size: Int
  /// The part that this storage is, in bytes; all but very old files mean the whole.
  let part: Range<Int>
}

/// A tensor, as the pickle speaks of it.
struct PyTorchTensor: Sendable {
  let layout: StridedLayout
  let storage: PyTorchStorage
  /// The elements stand for their complex conjugates.
  let isConjugated: Bool
  /// The elements stand for their negatives.
  let isNegated: Bool
}

/// What an object of the pickle is to torch.
enum PyTorchMeaning {
  case tensor(PyTorchTensor)
  /// Named children; the key is a string, or a number for a position.
  case container([(key: PickleValue, value: PickleValue)])
  /// Seen through: the wrapper adds nothing to the value.
  case wrapper(PickleValue)
  /// Something with numbers that this reader does not take, and what it is.
  case unsupported(String)
  case opaque(String)
}

/// Reads torch's patterns in a pickle; no other class or function means anything.
struct PyTorchObjects {
  let pickle: Pickle
  /// True in TorchScript archives, where a class of `__torch__` is a module and its state its attributes.
  var isScript = false

  /// What the object at `index` is.
  func meaning(_ index: Int) throws(FormatError) -> PyTorchMeaning {
    let object = pickle.objects[index]
    switch object.kind {
    case .list, .tuple: return .container(object.items.enumerated().map { (.int($0), $1) })
    case .dict: return .container(pairs(object.items))
    case .set: return .opaque("a set")
    case .global: return .opaque("a class or function")
    case .persistent: return .unsupported("a storage without a tensor")
    case .instance: return try instance(object, at: index)
    }
  }

  private func pairs(_ items: [PickleValue]) -> [(key: PickleValue, value: PickleValue)] {
    stride(from: 0, to: items.count - 1, by: 2).map { (items[$0], items[$0 + 1]) }
  }

  private func instance(_ object: PickleObject, at index: Int) throws(FormatError) -> PyTorchMeaning {
    let name = pickle.globalName(object.items[0])
    guard let name, let arguments = pickle[object.items[1]], arguments.kind == .tuple else {
      return .opaque("an object of a class that is no name")
    }
    if let kind = PyTorchTypes.unsupported[name] { return .unsupported(kind) }
    let values = arguments.items
    switch name {
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3":
      return try tensor(name, values, at: object.offset)
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      return values.isEmpty ? .opaque(name) : .wrapper(values[0])
    case "torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type":
      return try rebuilt(values, at: object.offset)
    case "torch.jit._pickle.restore_type_tag", "torch.jit._pickle.build_tensorlist":
      return isScript && !values.isEmpty ? .wrapper(values[0]) : .opaque(name)
    case "collections.OrderedDict", "collections.defaultdict", "collections.Counter":
      // A counter's are in a dict.
      if name.hasSuffix("Counter"), let dict = values.first.flatMap({ pickle[$0] }), dict.kind == .dict {
        return .container(pairs(dict.items) + pairs(object.entries))
      }
      // Python 2 gave an ordered dict's pairs as a list of lists.
      let given = name.hasSuffix("OrderedDict") ? values.first.flatMap { pickle.sequence($0) } ?? [] : []
      let first = given.compactMap { pair -> (key: PickleValue, value: PickleValue)? in
        guard let pair = pickle.sequence(pair), pair.count == 2 else { return nil }
        return (pair[0], pair[1])
      }
      return .container(first + pairs(object.entries))
    default:
      if isScript && name.hasPrefix("__torch__"), let state = object.states.last { return .wrapper(state) }
      return .opaque(name)
    }
  }

  /// `_rebuild_from_type_v2(function, class, arguments, state)`: a tensor of a subclass, whose elements are a tensor's.
  private func rebuilt(_ values: [PickleValue], at place: Int) throws(FormatError) -> PyTorchMeaning {
    guard values.count >= 3, let name = pickle.globalName(values[0]), let arguments = pickle.sequence(values[2]) else {
      return .opaque("a tensor of a class of its own")
    }
    if let kind = PyTorchTypes.unsupported[name] { return .unsupported(kind) }
    switch name {
    case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3":
      return try tensor(name, arguments, at: place)
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      return arguments.isEmpty ? .opaque(name) : .wrapper(arguments[0])
    default: return .opaque(name)
    }
  }

  private func tensor(_ name: String, _ values: [PickleValue], at place: Int) throws(FormatError) -> PyTorchMeaning {
    func refuse(_ what: String) -> FormatError { FormatError("pytorch", .invalid(what), offset: place) }
    let hasDataType = name.hasSuffix("_v3")
    guard values.count >= (hasDataType ? 7 : name.hasSuffix("_v2") ? 6 : 4) else {
      throw refuse("arguments are missing to \(name)")
    }
    guard let storage = try storage(values[0]), case .int(let offset) = values[1], let lengths = integers(values[2]),
      let strides = integers(values[3])
    else { throw refuse("\(name) needs a storage, an offset, a shape and strides") }

    var dataType = storage.dataType
    if hasDataType {
      guard let spelling = pickle.globalName(values[6]) else { throw refuse("\(name) needs a dtype") }
      dataType = PyTorchTypes.dataTypes[spelling]
      if dataType == nil { return .unsupported("a tensor of type \(spelling)") }
    }
    guard let dataType else { return .unsupported("a tensor of a type that is not known") }
    let bits = try metadata(values.dropFirst(hasDataType ? 7 : 6).first, at: place)
    if bits.conjugated && !(dataType == .complex64 || dataType == .complex128) {
      throw refuse("only complex tensors can be conjugated")
    }
    if bits.negated && !(dataType.isFloat || dataType == .complex64 || dataType == .complex128) {
      return .unsupported("a tensor of whole numbers with torch's negative bit")
    }
    let layout = StridedLayout(
      dataType: dataType, shape: try Shape.checked(lengths, format: "pytorch", offset: place), strides: strides,
      offset: offset)
    try layout.check(inside: storage.part.count, format: "pytorch", at: place)
    return .tensor(
      PyTorchTensor(layout: layout, storage: storage, isConjugated: bits.conjugated, isNegated: bits.negated))
  }

  /// A sequence of whole numbers; `torch.Size` is one too.
  private func integers(_ value: PickleValue) -> [Int]? {
    var items = pickle.sequence(value)
    if items == nil, let call = pickle.call(value), call.name == "torch.Size", let first = call.arguments.first {
      items = pickle.sequence(first)
    }
    guard let items, items.count <= 1024 else { return nil }
    let integers = items.compactMap { if case .int(let int) = $0 { int } else { nil } }
    return integers.count == items.count ? integers : nil
  }

  /// The bits of a lazily conjugated or negated tensor: `{"conj": True, "neg": True}`.
  private func metadata(
    _ value: PickleValue?, at place: Int
  ) throws(FormatError) -> (conjugated: Bool, negated: Bool) {
    var bits = (conjugated: false, negated: false)
    guard let value, let dict = pickle[value], dict.kind == .dict else { return bits }
    for (key, value) in pairs(dict.items) {
      guard case .string(let key) = key, case .bool(let isSet) = value, key == "conj" || key == "neg" else {
        throw FormatError("pytorch", .unsupported("this metadata of a tensor; conj and neg are"), offset: place)
      }
      if key == "conj" { bits.conjugated = isSet } else { bits.negated = isSet }
    }
    return bits
  }

  /// The storage that `value` names; nil if it is none.
  ///
  /// `("storage", class, key, location, elements)`, in the legacy stream with a sixth: nil or `(key, offset, elements)`.
  func storage(_ value: PickleValue) throws(FormatError) -> PyTorchStorage? {
    guard let object = pickle[value], object.kind == .persistent, let id = pickle.sequence(object.items[0]),
      id.count == 5 || id.count == 6, word(id[0]) == "storage"
    else { return nil }
    guard let type = pickle.globalName(id[1])?.split(separator: ".").last.map(String.init), let key = key(id[2]),
      case .int(let count) = id[4], count >= 0
    else {
      throw FormatError("pytorch", .invalid("a storage needs a class, a key and a size"), offset: object.offset)
    }
    let dataType = PyTorchTypes.storages[type]
    guard let elementSize = dataType?.size ?? PyTorchTypes.otherStorageSizes[type] else {
      throw FormatError("pytorch", .unsupported("a storage of class \(type)"), offset: object.offset)
    }
    func bytes(_ elements: Int) throws(FormatError) -> Int {
      let bytes = elements.multipliedReportingOverflow(by: elementSize)
      guard !bytes.overflow else {
        throw FormatError("pytorch", .overflow("a storage of \(elements) elements"), offset: object.offset)
      }
      return bytes.partialValue
    }
    let size = try bytes(count)
    var part = 0..<size
    if id.count == 6, let view = pickle.sequence(id[5]) {
      guard view.count == 3, case .int(let start) = view[1], case .int(let length) = view[2], start >= 0, length >= 0,
        try bytes(start) <= size, try bytes(length) <= size - bytes(start)
      else {
        throw FormatError("pytorch", .invalid("a part of a storage lies outside of it"), offset: object.offset)
      }
      part = try bytes(start)..<(try bytes(start) + bytes(length))
    }
    return PyTorchStorage(key: key, dataType: dataType, elementSize: elementSize, size: size, part: part)
  }

  /// Text; Python 2 wrote its own names as bytes.
  private func word(_ value: PickleValue) -> String? { if case .string(let text) = value { text } else { nil } }

  private func key(_ value: PickleValue) -> String? {
    switch value {
    case .string(let text): text
    case .int(let number): String(number)
    default: nil
    }
  }
}
