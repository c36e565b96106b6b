import Bytes

/// A checkpoint's objects as plain data, and what of them is none.
public struct PyTorchTree: Sendable {
  /// The containers, plain data in them, and the tensors by their joined names.
  public let root: PyTorchValue
  /// What is neither plain data nor a tensor that can be read: where it stands, and what it is.
  public let leftOut: [LeftOut]
}

extension PyTorchCheckpoint {
  /// The file's objects as a tree: containers, plain data and tensors as they stand, nothing called.
  ///
  /// What is opaque is left out and listed; in a list or tuple, and at the root, `none` takes its place, so that
  /// positions stay. Parameters and tensor subclasses are plain tensors, `defaultdict` and `Counter` dicts, `torch.Size`
  /// a tuple, byte arrays bytes. A container that stands in several places is given, and written, in each. A TorchScript archive is a state
  /// dict of its tensors. The limits of the walk hold: hostile files are refused, not expanded.
  public func tree() throws(FormatError) -> PyTorchTree {
    guard format != .torchscript else {
      return PyTorchTree(root: .stateDict(entries.map { ($0.name, $0.name) }), leftOut: leftOut)
    }
    var maker = PyTorchTreeMaker(objects)
    do throws(FormatError) {
      let root = try maker.value(objects.pickle.root, depth: 0) ?? .none
      return PyTorchTree(root: root, leftOut: maker.leftOut)
    } catch { throw error.inFile(path) }
  }
}

/// Makes plain data of a pickle's objects, along the ways of `PyTorchWalk` and under its limits.
struct PyTorchTreeMaker {
  private let objects: PyTorchObjects
  private let holdsTensor: [Bool]
  private var visited: Set<Int> = []
  private var open: Set<Int> = []
  private var path: [String] = []
  private var steps = 0
  private var madeBytes = 0
  private var nameBytes = 0
  private(set) var leftOut: [LeftOut] = []

  /// A whole number may have this many bytes, or decimal digits in a pickle of protocol 0.
  private static let numberLimit = 255

  init(_ objects: PyTorchObjects) {
    self.objects = objects
    holdsTensor = PyTorchWalk.reachTensors(objects)
  }

  /// The value as plain data; nil where it is left out.
  mutating func value(_ value: PickleValue, depth: Int) throws(FormatError) -> PyTorchValue? {
    switch value {
    case .none: return PyTorchValue.none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .float(let value): return .float(value)
    case .string(let value): return .string(value)
    case .bytes(let range): return .bytes(objects.pickle.view[range])
    case .bigInt(let range): return try number(range) { $0 }
    case .bigDecimal(let range): return try number(range, PyTorchTreeMaker.complement)
    case .object(let index): return try object(index, depth: depth)
    }
  }

  private mutating func object(_ index: Int, depth: Int) throws(FormatError) -> PyTorchValue? {
    let object = objects.pickle.objects[index]
    if !visited.insert(index).inserted { steps += 1 + object.items.count + object.entries.count }
    guard steps <= PyTorchWalk.stepLimit else {
      throw FormatError(
        "pytorch", .limitExceeded("containers within containers make too many values"), offset: object.offset)
    }
    guard depth <= PyTorchWalk.nestingLimit else {
      throw FormatError(
        "pytorch", .limitExceeded("containers nested deeper than \(PyTorchWalk.nestingLimit)"), offset: object.offset)
    }
    guard open.insert(index).inserted else { return try leaveOut("a container that contains itself") }
    defer { open.remove(index) }

    switch object.kind {
    case .tuple: return .tuple(try sequence(object.items, depth))
    case .list: return .list(try sequence(object.items, depth))
    case .dict: return .dict(try items(PyTorchTreeMaker.pairs(object.items), depth))
    case .instance: return try instance(index, object, depth: depth)
    case .set: return try leaveOut("a set")
    case .global: return try leaveOut("the class or function " + (objects.pickle.globalName(.object(index)) ?? ""))
    case .persistent: return try leaveOut("a storage without a tensor")
    }
  }

  private mutating func instance(
    _ index: Int, _ object: PickleObject, depth: Int
  ) throws(FormatError) -> PyTorchValue? {
    if let call = objects.pickle.call(.object(index)) {
      switch call.name {
      case "_codecs.encode": if let bytes = try encoded(call.arguments) { return .bytes(bytes) }
      case "__builtin__.bytes", "builtins.bytes":
        if call.arguments.isEmpty { return .bytes(ByteRegion(copying: []).view) }
      case "__builtin__.bytearray", "builtins.bytearray":
        if let bytes = try bytes(call.arguments) { return .bytes(bytes) }
      case "torch.Size":
        if let first = call.arguments.first, let sizes = objects.pickle.sequence(first) {
          return .tuple(try sequence(sizes, depth))
        }
      default: break
      }
    }
    switch try objects.meaning(index) {
    case .tensor: return .tensor(path.joined(separator: "."))
    case .wrapper(let value): return try self.value(value, depth: depth + 1)
    case .container(let children):
      let items = try items(children, depth)
      guard objects.pickle.globalName(object.items[0]) == "collections.OrderedDict" else { return .dict(items) }
      return .orderedDict(items, attributes: try attributes(object.states, depth))
    case .unsupported(let what): return try leaveOut(what)
    case .opaque(let what):
      return try leaveOut((holdsTensor[index] ? "tensors inside an opaque object: " : "an object: ") + what)
    }
  }

  /// An ordered dict's own attributes: the plain ones.
  private mutating func attributes(
    _ states: [PickleValue], _ depth: Int
  ) throws(FormatError) -> [PyTorchValue.Item] {
    guard let state = states.last, let dict = objects.pickle[state], dict.kind == .dict else { return [] }
    var plain: [(key: PickleValue, value: PickleValue)] = []
    for (key, value) in PyTorchTreeMaker.pairs(dict.items) {
      guard case .string(let word) = key else { continue }
      if case .object(let index) = value, holdsTensor[index] {
        path.append(word)
        _ = try leaveOut("tensors in an attribute")
        path.removeLast()
      } else {
        plain.append((key, value))
      }
    }
    return try items(plain, depth)
  }

  private mutating func sequence(_ values: [PickleValue], _ depth: Int) throws(FormatError) -> [PyTorchValue] {
    var made: [PyTorchValue] = []
    made.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      path.append(String(index))
      made.append(try self.value(value, depth: depth + 1) ?? PyTorchValue.none)
      path.removeLast()
    }
    return made
  }

  private mutating func items(
    _ pairs: [(key: PickleValue, value: PickleValue)], _ depth: Int
  ) throws(FormatError) -> [PyTorchValue.Item] {
    var made: [PyTorchValue.Item] = []
    made.reserveCapacity(pairs.count)
    for (key, value) in pairs {
      let isNamed = if case .object(let index) = value { holdsTensor[index] } else { false }
      guard let plain = try self.key(key, depth: depth), !isNamed || plain.nameWord != nil else {
        _ = try leaveOut("under a key that is " + (isNamed ? "neither text nor a whole number" : "no plain data"))
        continue
      }
      path.append(plain.nameWord ?? "?")
      if let child = try self.value(value, depth: depth + 1) { made.append(PyTorchValue.Item(plain, child)) }
      path.removeLast()
    }
    return made
  }

  /// A key as plain data that Python can look up.
  private mutating func key(_ key: PickleValue, depth: Int) throws(FormatError) -> PyTorchValue? {
    guard case .object(let index) = key else { return try value(key, depth: depth + 1) }
    let (object, before) = (objects.pickle.objects[index], leftOut.count)
    guard object.kind == .tuple, !holdsTensor[index],
      object.items.allSatisfy({ if case .object = $0 { false } else { true } })
    else { return nil }
    let made = try value(key, depth: depth + 1)
    leftOut.removeLast(leftOut.count - before)
    return made
  }

  private static func pairs(_ items: [PickleValue]) -> [(key: PickleValue, value: PickleValue)] {
    stride(from: 0, to: items.count - 1, by: 2).map { (items[$0], items[$0 + 1]) }
  }

  private mutating func leaveOut(_ reason: String) throws(FormatError) -> PyTorchValue? {
    let name = path.joined(separator: ".")
    nameBytes += name.utf8.count + reason.utf8.count
    guard nameBytes <= PyTorchWalk.namesLimit else {
      throw FormatError("pytorch", .limitExceeded("containers within containers make too many names"))
    }
    leftOut.append(LeftOut(name: name, reason: reason))
    return nil
  }
}

// Bytes and numbers that a pickle spells in a roundabout way.
extension PyTorchTreeMaker {
  /// What a byte array is made of: nothing, bytes, or text that stands for them.
  private mutating func bytes(_ arguments: [PickleValue]) throws(FormatError) -> ByteView? {
    guard let first = arguments.first else { return ByteRegion(copying: []).view }
    guard arguments.count == 1 else { return try encoded(arguments) }
    if case .bytes(let range) = first { return objects.pickle.view[range] }
    guard let call = objects.pickle.call(first), call.name == "_codecs.encode" else { return nil }
    return try encoded(call.arguments)
  }

  /// `_codecs.encode(text, "latin1")`: how protocols without bytes have them.
  private mutating func encoded(_ arguments: [PickleValue]) throws(FormatError) -> ByteView? {
    guard arguments.count == 2, case .string(let text) = arguments[0], case .string(let code) = arguments[1],
      code == "latin1" || code == "latin-1", text.unicodeScalars.allSatisfy({ $0.value < 256 })
    else { return nil }
    madeBytes += text.utf8.count
    guard madeBytes <= PickleMachine.sizeLimit else {
      throw FormatError("pytorch", .limitExceeded("more than \(PickleMachine.sizeLimit) bytes of Latin-1"))
    }
    return ByteRegion(copying: text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }).view
  }

  /// A whole number of more than 64 bits.
  private mutating func number(
    _ range: Range<Int>, _ bytes: (ByteView) -> ByteView
  ) throws(FormatError) -> PyTorchValue? {
    guard range.count <= PyTorchTreeMaker.numberLimit else {
      return try leaveOut("a whole number of more than \(PyTorchTreeMaker.numberLimit) bytes")
    }
    return .bigInt(bytes(objects.pickle.view[range]))
  }

  /// Little-endian two's complement of a decimal number.
  private static func complement(_ text: ByteView) -> ByteView {
    var magnitude: [UInt8] = []
    for digit in text.array where digit >= 0x30 && digit <= 0x39 {
      var carry = Int(digit - 0x30)
      for index in magnitude.indices {
        carry += Int(magnitude[index]) * 10
        magnitude[index] = UInt8(carry & 0xFF)
        carry >>= 8
      }
      if carry > 0 { magnitude.append(UInt8(carry)) }
    }
    magnitude.append(0)
    if text.hasPrefix([UInt8(ascii: "-")]) {
      var carry = 1
      for index in magnitude.indices {
        carry += Int(~magnitude[index])
        magnitude[index] = UInt8(carry & 0xFF)
        carry >>= 8
      }
    }
    return ByteRegion(copying: magnitude).view
  }
}
