import Bytes

/// A protobuf message put together of fields that stand in another one and of new ones. What is copied stays where it
/// lies until it is written.
struct ProtobufPieces: Sendable {
  private enum Piece: Sendable {
    case bytes([UInt8])
    case view(ByteView)
  }

  private var pieces: [Piece] = []
  /// The message's length in bytes.
  private(set) var count = 0

  /// Adds a field as it stands elsewhere, byte for byte.
  mutating func add(_ field: ProtobufReader.Field) { append(field.raw) }

  /// Adds an integer, negative ones in two's complement.
  mutating func add(_ field: Int, _ value: Int) {
    append(ProtobufPieces.varint(UInt64(field << 3)) + ProtobufPieces.varint(UInt64(bitPattern: Int64(value))))
  }

  /// Adds a text.
  mutating func add(_ field: Int, _ text: String) { append(ProtobufPieces.start(field, text.utf8.count) + text.utf8) }

  /// Adds bytes.
  mutating func add(_ field: Int, _ bytes: ByteView) {
    append(ProtobufPieces.start(field, bytes.count))
    append(bytes)
  }

  /// Adds a message.
  mutating func add(_ field: Int, _ message: ProtobufPieces) {
    append(ProtobufPieces.start(field, message.count))
    add(message)
  }

  /// Adds the fields of a message.
  mutating func add(_ message: ProtobufPieces) {
    for piece in message.pieces {
      switch piece {
      case .bytes(let bytes): append(bytes)
      case .view(let view): append(view)
      }
    }
  }

  /// The number and the length before contents of `count` bytes.
  private static func start(_ field: Int, _ count: Int) -> [UInt8] {
    varint(UInt64(field << 3 | 2)) + varint(UInt64(count))
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private mutating func append(_ more: [UInt8]) {
    count += more.count
    if case .bytes(var bytes) = pieces.last {
      pieces.removeLast()
      bytes += more
      pieces.append(.bytes(bytes))
    } else {
      pieces.append(.bytes(more))
    }
  }

  /// Neighbours in a file stay neighbours.
  private mutating func append(_ view: ByteView) {
    count += view.count
    if case .view(let last) = pieces.last, last.region === view.region, last.range.upperBound == view.offset {
      pieces[pieces.count - 1] = .view(view.region.view[last.offset..<view.range.upperBound])
    } else {
      pieces.append(.view(view))
    }
  }
}

extension ProtobufPieces {
  /// Views up to so many bytes are gathered before they are written.
  private static let gatherLimit = 1 << 16
  /// Long views are written so many bytes at a time.
  private static let stepSize = 16 << 20

  /// Writes the message at the end of the file; `progress` is called with the share that is written.
  func write(to writer: FileWriter, progress: (Double) -> Void) throws(FormatError) {
    var (gathered, written) = ([UInt8](), 0)
    func flush() throws(FormatError) {
      try writer.write(gathered)
      written += gathered.count
      gathered.removeAll(keepingCapacity: true)
      progress(Double(written) / Double(max(count, 1)))
    }
    for piece in pieces {
      switch piece {
      case .bytes(let bytes): gathered += bytes
      case .view(let view) where view.count <= ProtobufPieces.gatherLimit: gathered += view.array
      case .view(let view):
        try flush()
        for start in stride(from: 0, to: view.count, by: ProtobufPieces.stepSize) {
          let part = view[start..<min(start + ProtobufPieces.stepSize, view.count)]
          try writer.write(part)
          written += part.count
          progress(Double(written) / Double(count))
        }
      }
      if gathered.count >= 16 * ProtobufPieces.gatherLimit { try flush() }
    }
    try flush()
  }
}

extension ProtobufPieces {
  /// What becomes of a field when a message is written anew.
  enum Fate {
    /// It stays byte for byte.
    case same
    /// It goes.
    case gone
    /// It holds another text.
    case text(String)
    /// It holds another message.
    case message(ProtobufPieces)

    /// Another message where there is one.
    static func changed(_ message: ProtobufPieces?) -> Fate { message.map { .message($0) } ?? .same }

    /// Another text, unless it is `old`.
    static func named(_ text: String, not old: String) -> Fate { Name(text) == Name(old) ? .same : .text(text) }
  }

  /// The message that fills `view` with another fate for some of its fields; nil where all of them stay.
  static func rewriting(
    _ view: ByteView, _ fate: (ProtobufReader.Field) throws(FormatError) -> Fate
  ) throws(FormatError) -> ProtobufPieces? {
    var (message, isSame) = (ProtobufPieces(), true)
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() {
      switch try fate(field) {
      case .same:
        message.add(field)
        continue
      case .gone: break
      case .text(let text): message.add(field.number, text)
      case .message(let inner): message.add(field.number, inner)
      }
      isSame = false
    }
    return isSame ? nil : message
  }

  /// The message that fills `view` with `text` in a field; nil where that is there already.
  static func rewriting(_ view: ByteView, text number: Int, _ text: String) throws(FormatError) -> ProtobufPieces? {
    try rewriting(view) { (field) throws(FormatError) in
      field.number == number ? .named(text, not: try field.text("onnx")) : .same
    }
  }
}
