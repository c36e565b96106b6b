import Bytes

// Numbers and strings: the opcodes with an argument of their own.
extension PickleMachine {
  mutating func literal(_ opcode: PickleOpcode) throws(FormatError) -> PickleValue {
    switch opcode {
    case .binInt: .int(Int(try reader.read(Int32.self)))
    case .binInt1: .int(Int(try reader.read(UInt8.self)))
    case .binInt2: .int(Int(try reader.read(UInt16.self)))
    case .long1: try longInteger(Int(try reader.read(UInt8.self)))
    case .long4: try longInteger(try length(try reader.read(Int32.self)))
    case .binFloat: .float(Double(bitPattern: try reader.read(UInt64.self).byteSwapped))
    case .int, .long: try decimalInteger()
    case .float: try decimalFloat()

    case .shortBinUnicode: .string(try reader.text(Int(try reader.read(UInt8.self))))
    case .binUnicode: .string(try reader.text(Int(try reader.read(UInt32.self))))
    case .binUnicode8: .string(try reader.text(try reader.readSize("a string's length")))
    case .unicode: .string(try rawUnicode())
    case .string: try quotedString()
    case .shortBinString: try oldString(Int(try reader.read(UInt8.self)))
    case .binString: try oldString(try length(try reader.read(Int32.self)))

    case .shortBinBytes: .bytes(try range(Int(try reader.read(UInt8.self))))
    case .binBytes: .bytes(try range(Int(try reader.read(UInt32.self))))
    case .binBytes8, .byteArray8: .bytes(try range(try reader.readSize("the number of bytes")))
    default: throw error(.invalid("this opcode has no literal"))
    }
  }

  private func length(_ count: Int32) throws(FormatError) -> Int {
    guard count >= 0 else { throw error(.invalid("a negative length")) }
    return Int(count)
  }

  private mutating func range(_ count: Int) throws(FormatError) -> Range<Int> {
    let start = reader.position
    _ = try reader.slice(count)
    return start..<reader.position
  }

  /// Little-endian two's complement of any length.
  private mutating func longInteger(_ count: Int) throws(FormatError) -> PickleValue {
    let range = try range(count)
    guard count <= 8 else { return .bigInt(range) }
    var value: UInt64 = 0
    for index in range.reversed() { value = value << 8 | UInt64(reader.view[index]) }
    // Shifted to the top and back, so that the sign spreads.
    let spare = UInt64(64 - 8 * count)
    return .int(count == 0 ? 0 : Int(Int64(bitPattern: value << spare) >> Int64(spare)))
  }

  /// Protocol 2 and older from Python 2: text if it is UTF-8.
  private mutating func oldString(_ count: Int) throws(FormatError) -> PickleValue {
    let range = try range(count)
    return text(range).map { .string($0) } ?? .bytes(range)
  }

  private func text(_ range: Range<Int>) -> String? {
    reader.view.withUnsafeBytes { String(validating: $0[range], as: UTF8.self) }
  }
}

// Protocol 0: text that ends with the line.
extension PickleMachine {
  mutating func lineText() throws(FormatError) -> String {
    let line = try reader.line()
    guard let text = line.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw error(.invalid("this is not UTF-8"))
    }
    return text
  }

  mutating func decimal(_ what: String) throws(FormatError) -> UInt64 {
    guard let value = UInt64(try lineText()) else { throw error(.invalid("this \(what) is no number")) }
    return value
  }

  private mutating func decimalInteger() throws(FormatError) -> PickleValue {
    let start = reader.position
    var digits = try lineText()[...]
    let end = reader.position - 1
    if digits == "00" { return .bool(false) }
    if digits == "01" { return .bool(true) }
    if digits.hasSuffix("L") { digits = digits.dropLast() }
    if let value = Int(digits) { return .int(value) }
    let unsigned = digits.hasPrefix("-") ? digits.dropFirst() : digits
    guard !unsigned.isEmpty, unsigned.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
      throw error(.invalid("this is no whole number"))
    }
    return .bigDecimal(start..<end)
  }

  private mutating func decimalFloat() throws(FormatError) -> PickleValue {
    guard let value = Double(try lineText()) else { throw error(.invalid("this is no number")) }
    return .float(value)
  }

  /// Python's "raw-unicode-escape": Latin-1 with \u and \U escapes.
  private mutating func rawUnicode() throws(FormatError) -> String {
    let bytes = try reader.line().array
    var scalars = String.UnicodeScalarView()
    var index = 0
    while index < bytes.count {
      let digits = index + 1 < bytes.count && bytes[index] == 0x5C ? [0x75: 4, 0x55: 8][bytes[index + 1]] ?? 0 : 0
      if digits == 0 {
        scalars.append(Unicode.Scalar(bytes[index]))
        index += 1
        continue
      }
      let code = bytes.dropFirst(index + 2).prefix(digits)
      guard code.count == digits, let number = UInt32(String(decoding: code, as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(number)
      else { throw error(.invalid("no such escape in a string")) }
      scalars.append(scalar)
      index += 2 + digits
    }
    return String(scalars)
  }

  /// Python 2's `repr` of a string, without escapes other than of quotes and the backslash.
  private mutating func quotedString() throws(FormatError) -> PickleValue {
    let line = try lineText()
    var literal = PythonLiteral(line)
    guard let text = literal.string(), literal.isAtEnd else { throw error(.invalid("this is no quoted string")) }
    return .string(text)
  }
}
