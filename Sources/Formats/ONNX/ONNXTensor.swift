import Bytes
import Tensors

/// A tensor as an ONNX file holds it: the elements lie raw, in typed fields, or in another file.
public struct ONNXTensor: Sendable {
  /// Where the elements are.
  enum Storage: Sendable {
    case raw(ByteView)
    /// The fields that hold numbers, as they stand in the message, and which.
    case typed([ProtobufReader.Field])
    case external(ONNXExternalData)
  }

  /// The tensor's name.
  public var name = ""
  /// The lengths of the axes; anything that the file says.
  public var dimensions: [Int] = []
  /// The element type's number in `onnx.proto`.
  public var elementType = 0
  /// Where the tensor starts in the file.
  public var offset = 0

  var storage = Storage.typed([])

  /// Element types by their numbers; those that this project has no word for are nil.
  public static let dataTypes: [Int: DataType] = [
    1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 9: .bool, 10: .float16,
    11: .float64, 12: .uint32, 13: .uint64, 14: .complex64, 15: .complex128, 16: .bfloat16, 17: .float8E4M3,
    19: .float8E5M2,
  ]

  /// The names of all element types, as `onnx.proto` spells them.
  static let typeNames = [
    "UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE",
    "UINT32", "UINT64", "COMPLEX64", "COMPLEX128", "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2",
    "FLOAT8E5M2FNUZ", "UINT4", "INT4", "FLOAT4E2M1", "FLOAT8E8M0", "UINT2", "INT2",
  ]

  /// What an element type is called.
  public static func typeName(_ number: Int) -> String {
    typeNames.indices.contains(number) ? typeNames[number] : "element type \(number)"
  }

  /// What the elements are; nil for a type that cannot be held.
  public var dataType: DataType? { ONNXTensor.dataTypes[elementType] }

  /// The tensor's name, type and shape. Types that cannot be held and shapes that cannot be are refused.
  public func entry() throws(FormatError) -> TensorEntry {
    guard let dataType else {
      throw FormatError(
        "onnx", .unsupported("the element type \(ONNXTensor.typeName(elementType))"), offset: offset, place: [name])
    }
    do throws(FormatError) {
      return TensorEntry(
        name: name, dataType: dataType, shape: try Shape.checked(dimensions, format: "onnx", offset: offset))
    } catch { throw error.inside(name) }
  }

  /// The elements: a view of the file where they lie raw, a copy where they stand in typed fields.
  ///
  /// `folder` is where external data may lie; nil where none can be.
  public func tensor(in folder: String?) throws(FormatError) -> Tensor {
    let entry = try entry()
    do throws(FormatError) {
      let bytes: ByteView
      switch storage {
      case .raw(let view): bytes = view
      case .typed(let fields): bytes = try ONNXTypedData.bytes(fields, entry.dataType, entry.shape.count, offset)
      case .external(let data): bytes = try data.bytes(in: folder, count: entry.bytes, offset: offset)
      }
      guard bytes.count == entry.bytes else {
        throw FormatError(
          "onnx",
          .invalid("\(bytes.count) bytes of elements; \(entry.dataType.rawValue) \(entry.shape) has \(entry.bytes)"),
          offset: bytes.offset)
      }
      return Tensor(entry.dataType, entry.shape, bytes: bytes)
    } catch { throw error.inside(name) }
  }
}

/// Elements in the typed fields of a TensorProto: each type has its field, narrow ones lie in 32-bit integers.
enum ONNXTypedData {
  /// The field that holds a type's elements, and what it is called.
  private static func field(_ type: DataType) -> (number: Int, name: String) {
    switch type {
    case .float32, .complex64: (4, "float_data")
    case .int32, .int16, .int8, .uint16, .uint8, .bool, .float16, .bfloat16, .float8E4M3, .float8E5M2: (5, "int32_data")
    case .int64: (7, "int64_data")
    case .float64, .complex128: (10, "double_data")
    case .uint64, .uint32: (11, "uint64_data")
    }
  }

  /// The elements' own bytes, little-endian.
  static func bytes(
    _ fields: [ProtobufReader.Field], _ type: DataType, _ count: Int, _ offset: Int
  ) throws(FormatError) -> ByteView {
    let (number, name) = field(type)
    if let other = fields.first(where: { $0.number != number }) {
      throw FormatError("onnx", .invalid("\(type.rawValue) elements lie in \(name)"), offset: other.offset)
    }
    var writer = ByteWriter()
    for field in fields {
      switch number {
      case 4, 10: try append(field, width: number == 4 ? 4 : 8, &writer)
      default:
        var numbers: [Int] = []
        try field.append(to: &numbers, "onnx")
        for value in numbers { try append(value, type, field.offset, &writer) }
      }
    }
    guard writer.count == count * type.size else {
      throw FormatError(
        "onnx", .invalid("\(name) holds \(writer.count / type.size) elements of \(count)"), offset: offset)
    }
    return ByteRegion(copying: writer.bytes).view
  }

  /// Floats and doubles are their own bytes, packed or not.
  private static func append(
    _ field: ProtobufReader.Field, width: Int, _ writer: inout ByteWriter
  ) throws(FormatError) {
    switch field.value {
    case .bytes(let packed) where packed.count % width == 0: packed.withUnsafeBytes { writer.write($0) }
    case .fixed32(let bits) where width == 4: writer.write(bits)
    case .fixed64(let bits) where width == 8: writer.write(bits)
    default: throw FormatError("onnx", .invalid("no whole numbers of \(width) bytes"), offset: field.offset)
    }
  }

  private static func append(
    _ value: Int, _ type: DataType, _ offset: Int, _ writer: inout ByteWriter
  ) throws(FormatError) {
    func exactly<T: FixedWidthInteger>(_ integer: T.Type) throws(FormatError) {
      guard let number = T(exactly: value) else {
        throw FormatError("onnx", .invalid("\(value) does not fit \(type.rawValue)"), offset: offset)
      }
      writer.write(number)
    }
    switch type {
    case .int64: writer.write(Int64(value))
    case .uint64: writer.write(UInt64(bitPattern: Int64(value)))
    case .int32: try exactly(Int32.self)
    case .uint32: try exactly(UInt32.self)
    case .int16: try exactly(Int16.self)
    case .int8: try exactly(Int8.self)
    case .uint16, .float16, .bfloat16: try exactly(UInt16.self)
    case .uint8, .float8E4M3, .float8E5M2: try exactly(UInt8.self)
    case .bool: writer.write(UInt8(value == 0 ? 0 : 1))
    case .float32, .float64, .complex64, .complex128: preconditionFailure("these lie in other fields")
    }
  }
}
