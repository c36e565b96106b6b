import Bytes
import IR

/// A protobuf message put together in memory, but for the elements of tensors: those are counted now and read when they
/// are written, so that a model's weights need no memory.
///
/// Fields stand in the order in which they are added. Lists are written an element a field, as the definitions of proto2
/// that ONNX keeps to ask for.
struct ProtobufMessage: Sendable {
  /// Everything but the elements of tensors.
  private(set) var bytes: [UInt8] = []
  /// Elements, and after how many of the other bytes they stand.
  private(set) var payloads: [(place: Int, storage: Constant.Storage)] = []
  /// The message's length in bytes.
  private(set) var count = 0

  /// Adds an integer, negative ones in two's complement.
  mutating func add(_ field: Int, _ value: Int) {
    tag(field, wire: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// Adds a 32-bit float.
  mutating func add(_ field: Int, _ value: Float) {
    tag(field, wire: 5)
    append(withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) })
  }

  /// Adds bytes.
  mutating func add(_ field: Int, _ value: [UInt8]) {
    tag(field, wire: 2)
    varint(UInt64(value.count))
    append(value)
  }

  /// Adds a text.
  mutating func add(_ field: Int, _ value: String) { add(field, Array(value.utf8)) }

  /// Adds a message.
  mutating func add(_ field: Int, _ message: ProtobufMessage) {
    tag(field, wire: 2)
    varint(UInt64(message.count))
    payloads += message.payloads.map { (bytes.count + $0.place, $0.storage) }
    bytes += message.bytes
    count += message.count
  }

  /// Adds the elements of a tensor in rows, as bytes.
  mutating func add(_ field: Int, _ storage: Constant.Storage) {
    tag(field, wire: 2)
    varint(UInt64(storage.byteCount))
    payloads.append((bytes.count, storage))
    count += storage.byteCount
  }

  private mutating func tag(_ field: Int, wire: Int) { varint(UInt64(field << 3 | wire)) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append([UInt8(rest & 0x7F) | 0x80])
      rest >>= 7
    }
    append([UInt8(rest)])
  }

  private mutating func append(_ more: [UInt8]) {
    bytes += more
    count += more.count
  }
}

extension ProtobufMessage {
  /// Writes the message at `start` of the file, a piece of a tensor at a time; tensors are shared out over `threads`.
  ///
  /// `progress` is called with the share of the tensors' bytes that is written, by one thread at a time.
  func write(
    to writer: FileWriter, at start: Int, threads: Int, progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws(FormatError) {
    var (done, place) = (0, start)
    var places: [Int] = []
    for payload in payloads {
      try writer.write(Array(bytes[done..<payload.place]), at: place)
      place += payload.place - done
      done = payload.place
      places.append(place)
      place += payload.storage.byteCount
    }
    try writer.write(Array(bytes[done...]), at: place)
    let (payloads, starts) = (payloads, places)
    let written = WrittenShare(of: count - bytes.count, progress)
    try inParallel(payloads.count, threads: threads) { (number) throws(FormatError) in
      let storage = payloads[number].storage
      var place = starts[number]
      for number in 0..<storage.pieceCount {
        let rows = storage.rows(ofPiece: number)
        try writer.write(rows, at: place)
        place += rows.count
      }
      written.add(storage.byteCount)
    }
  }
}

extension Constant.Storage {
  /// How many bytes the elements have in rows.
  fileprivate var byteCount: Int { shape.count * dataType.size }
}
