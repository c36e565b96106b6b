import Bytes

/// Walks the fields of one protobuf message (the wire format of proto2 and proto3); nothing is copied.
///
/// Every length is checked against the bytes of the message before it is believed. Groups, which no ONNX file has had
/// since 2017, are refused.
struct ProtobufReader {
  /// A field's contents as the wire says them.
  enum Value {
    /// Wire type 0.
    case varint(UInt64)
    /// Wire type 1.
    case fixed64(UInt64)
    /// Wire type 2: a message, a text, bytes, or packed numbers.
    case bytes(ByteView)
    /// Wire type 5.
    case fixed32(UInt32)
  }

  /// One field.
  struct Field {
    /// The field's number in its message's definition.
    let number: Int
    /// What it holds.
    let value: Value
    /// All of it as it stands in the file: number, length, contents.
    let raw: ByteView

    /// Where it starts, in bytes from the start of the file.
    var offset: Int { raw.offset }
  }

  private var reader: ByteReader
  /// The format named in errors.
  let format: String

  /// Starts at the first field of the message that fills `view`.
  init(_ view: ByteView, format: String) {
    reader = ByteReader(view, format: format)
    self.format = format
  }

  /// The next field; nil at the end of the message.
  mutating func next() throws(FormatError) -> Field? {
    guard reader.remaining > 0 else { return nil }
    let (start, offset) = (reader.position, reader.offset)
    let tag = try reader.varint()
    let number = tag >> 3
    guard number >= 1, number < 1 << 29 else {
      throw FormatError(format, .invalid("protobuf: \(number) is no field number"), offset: offset)
    }
    let value: Value
    switch tag & 7 {
    case 0: value = .varint(try reader.varint())
    case 1: value = .fixed64(try reader.read())
    case 2:
      let place = reader.offset
      let length = try reader.varint()
      guard let count = Int(exactly: length), count <= reader.remaining else {
        throw FormatError(
          format, .truncated(needed: Int(clamping: length), available: reader.remaining), offset: place)
      }
      value = .bytes(try reader.slice(count))
    case 5: value = .fixed32(try reader.read())
    default:
      throw FormatError(
        format, .unsupported("protobuf: wire type \(tag & 7) in field \(number)"), offset: offset)
    }
    return Field(number: Int(number), value: value, raw: reader.view[start..<reader.position])
  }
}

extension ProtobufReader {
  /// A text of the message that fills `view`; empty where it is not there.
  static func text(_ number: Int, in view: ByteView, _ format: String) throws(FormatError) -> String {
    var (reader, text) = (ProtobufReader(view, format: format), "")
    while let field = try reader.next() {
      if field.number == number { text = try field.text(format) }
    }
    return text
  }

  /// A message inside the one that fills `view`; empty where it is not there.
  static func message(_ number: Int, in view: ByteView, _ format: String) throws(FormatError) -> ByteView {
    var (reader, message) = (ProtobufReader(view, format: format), view[0..<0])
    while let field = try reader.next() {
      if field.number == number { message = try field.bytes(format) }
    }
    return message
  }
}

extension ByteReader {
  /// The next variable-length integer: at most ten bytes, at most 64 bits.
  mutating func varint() throws(FormatError) -> UInt64 {
    let start = offset
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard remaining > 0 else { throw error(.truncated(needed: 1, available: 0), at: start) }
      let byte = try read(UInt8.self)
      guard shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw error(.invalid("protobuf: a number of more than 64 bits"), at: start)
  }
}

extension ProtobufReader.Field {
  private func wrong(_ needed: String, _ format: String) -> FormatError {
    FormatError(format, .invalid("protobuf: field \(number) needs \(needed)"), offset: offset)
  }

  /// The field's bytes.
  func bytes(_ format: String) throws(FormatError) -> ByteView {
    guard case .bytes(let view) = value else { throw wrong("bytes", format) }
    return view
  }

  /// The field as UTF-8.
  func text(_ format: String) throws(FormatError) -> String {
    let view = try bytes(format)
    guard let text = view.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw FormatError(format, .invalid("this is not UTF-8"), offset: view.offset)
    }
    return text
  }

  /// The field as a signed integer.
  func int(_ format: String) throws(FormatError) -> Int {
    guard case .varint(let bits) = value else { throw wrong("an integer", format) }
    return Int(truncatingIfNeeded: Int64(bitPattern: bits))
  }

  /// The field as a 32-bit float.
  func float(_ format: String) throws(FormatError) -> Float {
    guard case .fixed32(let bits) = value else { throw wrong("a 32-bit float", format) }
    return Float(bitPattern: bits)
  }

  /// Appends the field's integers, packed or one by itself.
  func append(to numbers: inout [Int], _ format: String) throws(FormatError) {
    guard case .bytes(let packed) = value else {
      numbers.append(try int(format))
      return
    }
    var reader = ByteReader(packed, format: format)
    while reader.remaining > 0 {
      numbers.append(Int(truncatingIfNeeded: Int64(bitPattern: try reader.varint())))
    }
  }

  /// Appends the field's floats, packed or one by itself.
  func append(to numbers: inout [Float], _ format: String) throws(FormatError) {
    guard case .bytes(let packed) = value else {
      numbers.append(try float(format))
      return
    }
    guard packed.count % 4 == 0 else { throw wrong("whole 32-bit floats", format) }
    var reader = ByteReader(packed, format: format)
    while reader.remaining > 0 { numbers.append(Float(bitPattern: try reader.read())) }
  }
}
