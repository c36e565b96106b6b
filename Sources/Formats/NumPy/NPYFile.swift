import Bytes
import Tensors

/// NumPy's `.npy`: one array in a file (format versions 1 to 3, `numpy/lib/format.py`).
public enum NPYFile {
  /// The first bytes of every `.npy` file.
  public static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
  /// A header may have this many bytes; NumPy writes 118.
  public static let headerLimit = 1 << 20

  private static let dataTypes: [String: DataType] = [
    "<f2": .float16, "<f4": .float32, "<f8": .float64, "|i1": .int8, "<i2": .int16, "<i4": .int32, "<i8": .int64,
    "|u1": .uint8, "<u2": .uint16, "<u4": .uint32, "<u8": .uint64, "|b1": .bool, "<c8": .complex64,
    "<c16": .complex128,
  ]

  /// Reads the one array that fills `region`: a view of it, or a copy in row-major order where it is in Fortran's.
  ///
  /// Big-endian, structured and object arrays are refused by name.
  public static func read(_ region: ByteRegion) throws(FormatError) -> Tensor {
    do throws(FormatError) { return try read(region.view) } catch { throw error.inFile(region.name) }
  }

  private static func read(_ view: ByteView) throws(FormatError) -> Tensor {
    var reader = ByteReader(view, format: "npy")
    guard view.hasPrefix(magic) else { throw reader.error(.invalid("no .npy file: it does not start as one")) }
    _ = try reader.slice(magic.count)
    let version = try reader.read(UInt8.self)
    let minor = try reader.read(UInt8.self)
    guard (1...3).contains(version), minor == 0 else {
      throw reader.error(.unsupported("version \(version).\(minor); 1.0, 2.0 and 3.0 are"), at: view.offset + 6)
    }
    let length = version == 1 ? Int(try reader.read(UInt16.self)) : Int(try reader.read(UInt32.self))
    guard length <= headerLimit else {
      throw reader.error(.limitExceeded("a header of more than \(headerLimit) bytes"))
    }
    let place = reader.offset
    let header = try header(try reader.text(length), at: place)
    let shape = try Shape.checked(header.shape, format: "npy", offset: place)
    guard let dataType = dataTypes[header.type] else {
      throw FormatError("npy", .unsupported("the element type '\(header.type)'"), offset: place)
    }
    guard reader.remaining == shape.count * dataType.size else {
      throw reader.error(
        .invalid("\(shape.count * dataType.size) bytes of elements are announced and \(reader.remaining) follow"))
    }
    let bytes = try reader.slice(reader.remaining)
    guard header.isFortran, shape.rank > 1 else { return Tensor(dataType, shape, bytes: bytes) }

    let strides = Array(Shape(Array(shape.dimensions.reversed())).strides.reversed())
    let layout = StridedLayout(dataType: dataType, shape: shape, strides: strides, offset: 0)
    return try layout.tensor(over: bytes, fileSize: view.count, format: "npy")
  }

  private static func header(
    _ text: String, at place: Int
  ) throws(FormatError) -> (type: String, isFortran: Bool, shape: [Int]) {
    func refuse() -> FormatError {
      FormatError("npy", .invalid("the header is no dict of descr, fortran_order and shape"), offset: place)
    }
    var type: String?
    var isFortran: Bool?
    var shape: [Int]?
    var literal = PythonLiteral(text)
    guard literal.take("{") else { throw refuse() }
    while !literal.take("}") {
      guard let key = literal.string(), literal.take(":") else { throw refuse() }
      switch key {
      case "descr" where type == nil:
        type = literal.string()
        if type == nil { throw FormatError("npy", .unsupported("an array of structures"), offset: place) }
      case "fortran_order" where isFortran == nil: isFortran = literal.bool()
      case "shape" where shape == nil: shape = literal.tuple()
      default: throw refuse()
      }
      guard literal.take(",") else {
        guard literal.take("}") else { throw refuse() }
        break
      }
    }
    guard let type, let isFortran, let shape, literal.isAtEnd else { throw refuse() }
    return (type, isFortran, shape)
  }

  /// The bytes of a version 1.0 file with `tensor`, as NumPy writes it.
  ///
  /// A BF16 or 8-bit float tensor is refused: NumPy has no such type.
  public static func encode(_ tensor: Tensor) throws(FormatError) -> [UInt8] {
    guard let type = dataTypes.first(where: { $0.value == tensor.dataType })?.key else {
      throw FormatError("npy", .unsupported("no NumPy type for \(tensor.dataType.rawValue)"))
    }
    let lengths = tensor.shape.dimensions.map(String.init)
    let shape = lengths.count == 1 ? "(\(lengths[0]),)" : "(" + lengths.joined(separator: ", ") + ")"
    // NumPy leaves room for a first length of 21 digits, and pads by 64 where nothing would be needed.
    let room = lengths.first.map { String(repeating: " ", count: 21 - $0.utf8.count) } ?? ""
    let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }" + room
    let preamble = magic.count + 4
    let spaces = 64 - (preamble + text.utf8.count + 1) % 64

    var writer = ByteWriter()
    writer.write(magic + [1, 0])
    writer.write(UInt16(text.utf8.count + spaces + 1))
    writer.write(text.utf8)
    writer.write(repeatElement(0x20, count: spaces))
    writer.write([0x0A])
    tensor.bytes.withUnsafeBytes { writer.write($0) }
    return writer.bytes
  }
}
