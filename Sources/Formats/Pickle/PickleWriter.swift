import Bytes

/// Writes a pickle of protocol 2, opcode by opcode, with the memo that Python's own pickler keeps.
///
/// Short texts and globals of the same bytes are written once and recalled; everything else that Python memoises is stored and
/// never recalled, so that containers are trees.
struct PickleWriter {
  private var writer = ByteWriter()
  private var texts: [Name: Int] = [:]
  private var globals: [Name: Int] = [:]
  private var stored = 0

  /// Longer texts are written again: to find them would cost more than the pickle does.
  private static let recalledTextLimit = 256

  /// Starts a pickle.
  init() {
    put(.proto)
    writer.write(UInt8(2))
  }

  /// Ends the pickle; its bytes.
  mutating func finish() -> [UInt8] {
    put(.stop)
    return writer.bytes
  }

  /// Throws where the pickle has more bytes than our own reader takes.
  func checkSize() throws(FormatError) {
    guard writer.count <= PickleMachine.sizeLimit else {
      throw FormatError("pickle", .limitExceeded("a pickle of more than \(PickleMachine.sizeLimit) bytes"))
    }
  }

  mutating func put(_ opcode: PickleOpcode) { writer.write(opcode.rawValue) }

  /// Stores what is on top of the stack under the next number.
  mutating func memoize() {
    if stored < 256 {
      put(.binPut)
      writer.write(UInt8(stored))
    } else {
      put(.longBinPut)
      writer.write(UInt32(stored))
    }
    stored += 1
  }

  private mutating func recall(_ number: Int) {
    if number < 256 {
      put(.binGet)
      writer.write(UInt8(number))
    } else {
      put(.longBinGet)
      writer.write(UInt32(number))
    }
  }

  mutating func text(_ text: String) throws(FormatError) {
    let utf8 = Array(text.utf8)
    let isRecalled = utf8.count <= PickleWriter.recalledTextLimit
    if isRecalled, let number = texts[Name(text)] { return recall(number) }
    put(.binUnicode)
    guard utf8.count <= PickleMachine.sizeLimit else { return try tooLong() }
    writer.write(UInt32(utf8.count))
    writer.write(utf8)
    if isRecalled { texts[Name(text)] = stored }
    memoize()
    try checkSize()
  }

  private func tooLong() throws(FormatError) {
    throw FormatError("pickle", .limitExceeded("a pickle of more than \(PickleMachine.sizeLimit) bytes"))
  }

  mutating func global(_ module: String, _ name: String) {
    let key = Name(module + " " + name)
    if let number = globals[key] { return recall(number) }
    put(.global)
    writer.write((module + "\n" + name + "\n").utf8)
    globals[key] = stored
    memoize()
  }

  mutating func bool(_ value: Bool) { put(value ? .newTrue : .newFalse) }

  mutating func float(_ value: Double) {
    put(.binFloat)
    writer.write(value.bitPattern.byteSwapped)
  }

  mutating func int(_ value: Int) {
    switch value {
    case 0..<256:
      put(.binInt1)
      writer.write(UInt8(value))
    case 256..<65536:
      put(.binInt2)
      writer.write(UInt16(value))
    case Int(Int32.min)...Int(Int32.max):
      put(.binInt)
      writer.write(Int32(value))
    default:
      // The fewest bytes that keep the sign.
      var bytes = withUnsafeBytes(of: value.littleEndian) { Array($0) }
      while bytes.count > 1, bytes.last == (value < 0 ? 0xFF : 0), bytes[bytes.count - 2] >> 7 == (value < 0 ? 1 : 0) {
        bytes.removeLast()
      }
      put(.long1)
      writer.write(UInt8(bytes.count))
      writer.write(bytes)
    }
  }

  /// A whole number of more than 64 bits, in little-endian two's complement of at most 255 bytes.
  mutating func bigInt(_ bytes: ByteView) throws(FormatError) {
    guard bytes.count <= 255 else {
      throw FormatError("pickle", .unsupported("a whole number of more than 255 bytes"))
    }
    put(.long1)
    writer.write(UInt8(bytes.count))
    writer.write(bytes.array)
  }

  /// As Python does: protocol 2 has no bytes, so that they are Latin-1 text and the call that turns it into bytes.
  mutating func bytes(_ bytes: ByteView) throws(FormatError) {
    global("_codecs", "encode")
    guard bytes.count <= PickleMachine.sizeLimit else { return try tooLong() }
    var scalars = String.UnicodeScalarView()
    for byte in bytes.array { scalars.append(Unicode.Scalar(byte)) }
    try text(String(scalars))
    try text("latin1")
    put(.tuple2)
    memoize()
    put(.reduce)
    memoize()
  }

  /// Ends a tuple whose elements are on the stack; of more than three a mark stands before them.
  mutating func endTuple(_ count: Int) {
    switch count {
    case 0: return put(.emptyTuple)
    case 1: put(.tuple1)
    case 2: put(.tuple2)
    case 3: put(.tuple3)
    default: put(.tuple)
    }
    memoize()
  }

  mutating func integers(_ values: [Int]) {
    if values.count > 3 { put(.mark) }
    for value in values { int(value) }
    endTuple(values.count)
  }

  /// An empty `collections.OrderedDict`.
  mutating func orderedDict() {
    global("collections", "OrderedDict")
    put(.emptyTuple)
    put(.reduce)
    memoize()
  }

  /// Calls `body` for each of `count` elements in Python's batches, each between a mark and `many`; one alone ends with
  /// `one`.
  mutating func batches(
    _ count: Int, one: PickleOpcode, many: PickleOpcode, _ body: (inout PickleWriter, Int) throws(FormatError) -> Void
  ) throws(FormatError) {
    for start in stride(from: 0, to: count, by: 1000) {
      let end = min(start + 1000, count)
      if end - start > 1 { put(.mark) }
      for index in start..<end { try body(&self, index) }
      put(end - start > 1 ? many : one)
      try checkSize()
    }
  }
}
