import Bytes

/// Runs a pickle's opcodes as far as data goes: a stack, a memo, containers. It calls nothing and imports nothing.
///
/// Opcode meanings: CPython's `Lib/pickletools.py`.
struct PickleMachine {
  /// A pickle may have this many bytes.
  static let sizeLimit = 128 << 20
  /// No more opcodes than this; a checkpoint of 1,000 tensors has about 60,000.
  static let opcodeLimit = 4_000_000
  /// No more containers and objects than this.
  static let objectLimit = 1_000_000
  /// The name of a class or function may have this many bytes, its module too.
  static let globalNameLimit = 1024
  /// No more values than this on the stack at once.
  static let stackLimit = 1_000_000
  /// No more memo entries than this.
  static let memoLimit = 1_000_000

  var reader: ByteReader
  private(set) var pickle: Pickle
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [UInt64: PickleValue] = [:]
  private var known: Set<Name> = []
  /// The absolute place of the opcode at work.
  private(set) var place: Int

  init(_ view: ByteView) {
    reader = ByteReader(view, format: "pickle")
    pickle = Pickle(view: view)
    place = view.offset
  }

  func error(_ reason: FormatError.Reason) -> FormatError { reader.error(reason, at: place) }

  mutating func run() throws(FormatError) -> Pickle {
    for _ in 0..<PickleMachine.opcodeLimit {
      place = reader.offset
      let byte = try reader.read(UInt8.self)
      guard let opcode = PickleOpcode(rawValue: byte) else {
        throw error(.invalid("no pickle opcode has the number \(byte)"))
      }
      if opcode == .stop {
        pickle.root = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw error(.invalid("values are left over at the pickle's end")) }
        pickle.view = try reader.view.slice(0, reader.position, format: "pickle")
        return pickle
      }
      try step(opcode)
    }
    throw error(.limitExceeded("a pickle of more than \(PickleMachine.opcodeLimit) opcodes"))
  }

  private mutating func step(_ opcode: PickleOpcode) throws(FormatError) {
    switch opcode {
    case .proto:
      let version = Int(try reader.read(UInt8.self))
      guard version <= 5 else { throw error(.unsupported("pickle protocol \(version)")) }
      if place == reader.view.offset { pickle.protocolVersion = version }
    case .frame: try frame()
    case .stop: break

    case .mark:
      guard marks.count < PickleMachine.stackLimit else { throw error(.limitExceeded("marks on the pickle's stack")) }
      marks.append(stack.count)
    case .pop: if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
    case .popMark: _ = try popToMark()
    case .dup: try push(try top())

    case .none: try push(.none)
    case .newTrue: try push(.bool(true))
    case .newFalse: try push(.bool(false))
    case .int, .long, .binInt, .binInt1, .binInt2, .long1, .long4, .float, .binFloat, .string, .binString,
      .shortBinString, .unicode, .binUnicode, .shortBinUnicode, .binUnicode8, .binBytes, .shortBinBytes, .binBytes8,
      .byteArray8:
      try push(try literal(opcode))

    case .emptyTuple: try make(.tuple, [])
    case .tuple1: try make(.tuple, try popLast(1))
    case .tuple2: try make(.tuple, try popLast(2))
    case .tuple3: try make(.tuple, try popLast(3))
    case .tuple: try make(.tuple, try popToMark())
    case .emptyList: try make(.list, [])
    case .list: try make(.list, try popToMark())
    case .emptySet: try make(.set, [])
    case .frozenSet: try make(.set, try popToMark())
    case .emptyDict: try make(.dict, [])
    case .dict: try make(.dict, try pairs(popToMark()))

    case .append: try append(try popLast(1))
    case .appends: try append(try popToMark())
    case .addItems: try add(try popToMark())
    case .setItem: try set(try popLast(2))
    case .setItems: try set(try pairs(popToMark()))

    case .put: try store(try decimal("memo index"))
    case .binPut: try store(UInt64(try reader.read(UInt8.self)))
    case .longBinPut: try store(UInt64(try reader.read(UInt32.self)))
    case .memoize: try store(UInt64(memo.count))
    case .get: try recall(try decimal("memo index"))
    case .binGet: try recall(UInt64(try reader.read(UInt8.self)))
    case .longBinGet: try recall(UInt64(try reader.read(UInt32.self)))

    case .persID: try make(.persistent, [.string(try lineText())])
    case .binPersID: try make(.persistent, try popLast(1))
    case .global: try global(try lineText(), try lineText())
    case .stackGlobal:
      let names = try popLast(2)
      guard case .string(let module) = names[0], case .string(let name) = names[1] else {
        throw error(.invalid("a global's module and name must be strings"))
      }
      try global(module, name)
    case .reduce, .newObj: try instance(try popLast(2))
    case .newObjEx: try instance(try popLast(3))
    case .inst:
      try global(try lineText(), try lineText())
      let callable = try pop()
      try make(.tuple, try popToMark())
      try instance([callable, try pop()])
    case .obj:
      var parts = try popToMark()
      guard !parts.isEmpty else { throw error(.invalid("an object without a class")) }
      let callable = parts.removeFirst()
      try make(.tuple, parts)
      try instance([callable, try pop()])
    case .build:
      let state = try pop()
      pickle.objects[try topObject("state can only be set on an object")].states.append(state)

    case .ext1, .ext2, .ext4: throw error(.unsupported("the pickle extension registry"))
    case .nextBuffer, .readOnlyBuffer: throw error(.unsupported("buffers kept outside of the pickle"))
    }
  }

  private mutating func frame() throws(FormatError) {
    let length = try reader.readSize("a frame's length")
    guard length <= reader.remaining else {
      throw error(.truncated(needed: length, available: reader.remaining))
    }
  }
}

// The stack.
extension PickleMachine {
  private mutating func push(_ value: PickleValue) throws(FormatError) {
    guard stack.count < PickleMachine.stackLimit else {
      throw error(.limitExceeded("more than \(PickleMachine.stackLimit) values on the pickle's stack"))
    }
    stack.append(value)
  }

  private func top() throws(FormatError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw error(.invalid("a value is needed and the pickle's stack is empty"))
    }
    return value
  }

  private mutating func pop() throws(FormatError) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func popLast(_ count: Int) throws(FormatError) -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else {
      throw error(.invalid("a value is needed and the pickle's stack is empty"))
    }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popToMark() throws(FormatError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw error(.invalid("no mark on the pickle's stack")) }
    let values = Array(stack[mark...])
    stack.removeLast(values.count)
    return values
  }

  private func topObject(_ rule: String) throws(FormatError) -> Int {
    guard case .object(let index) = try top() else { throw error(.invalid(rule)) }
    return index
  }
}

// Containers, objects and the memo.
extension PickleMachine {
  private mutating func make(_ kind: PickleObject.Kind, _ items: [PickleValue]) throws(FormatError) {
    guard pickle.objects.count < PickleMachine.objectLimit else {
      throw error(.limitExceeded("more than \(PickleMachine.objectLimit) objects in a pickle"))
    }
    pickle.objects.append(PickleObject(kind: kind, offset: place, items: items))
    try push(.object(pickle.objects.count - 1))
  }

  private mutating func instance(_ items: [PickleValue]) throws(FormatError) {
    guard case .object = items[0], let arguments = pickle[items[1]], arguments.kind == .tuple else {
      throw error(.invalid("a call needs something to call and a tuple of arguments"))
    }
    try make(.instance, items)
  }

  private mutating func global(_ module: String, _ name: String) throws(FormatError) {
    guard module.utf8.count <= PickleMachine.globalNameLimit, name.utf8.count <= PickleMachine.globalNameLimit else {
      throw error(.limitExceeded("a class's name of more than \(PickleMachine.globalNameLimit) bytes"))
    }
    if known.insert(Name(module + "\n" + name)).inserted {
      pickle.globals.append(PickleGlobal(module: module, name: name, offset: place))
    }
    try make(.global, [.string(module), .string(name)])
  }

  private func pairs(_ values: [PickleValue]) throws(FormatError) -> [PickleValue] {
    guard values.count.isMultiple(of: 2) else { throw error(.invalid("a key without a value")) }
    return values
  }

  private mutating func append(_ values: [PickleValue]) throws(FormatError) {
    let index = try topObject("only lists are appended to")
    switch pickle.objects[index].kind {
    case .list: pickle.objects[index].items.append(contentsOf: values)
    case .instance: pickle.objects[index].elements.append(contentsOf: values)
    default: throw error(.invalid("only lists are appended to"))
    }
  }

  private mutating func add(_ values: [PickleValue]) throws(FormatError) {
    let index = try topObject("only sets are added to")
    switch pickle.objects[index].kind {
    case .set: pickle.objects[index].items.append(contentsOf: values)
    case .instance: pickle.objects[index].elements.append(contentsOf: values)
    default: throw error(.invalid("only sets are added to"))
    }
  }

  private mutating func set(_ values: [PickleValue]) throws(FormatError) {
    let index = try topObject("only dicts have keys")
    switch pickle.objects[index].kind {
    case .dict: pickle.objects[index].items.append(contentsOf: values)
    case .instance: pickle.objects[index].entries.append(contentsOf: values)
    default: throw error(.invalid("only dicts have keys"))
    }
  }

  private mutating func store(_ index: UInt64) throws(FormatError) {
    memo[index] = try top()
    guard memo.count <= PickleMachine.memoLimit else {
      throw error(.limitExceeded("more than \(PickleMachine.memoLimit) memo entries in a pickle"))
    }
  }

  private mutating func recall(_ index: UInt64) throws(FormatError) {
    guard let value = memo[index] else { throw error(.invalid("memo entry \(index) was never stored")) }
    try push(value)
  }
}
