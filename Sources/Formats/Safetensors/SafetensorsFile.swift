import Bytes
import Tensors

/// A safetensors file, checked whole by the format's rules when it is opened; tensors are views of it.
///
/// The rules are the specification's and the reference implementation's: a header of at most 100 MB that starts with
/// `{`, no name twice, offsets that follow each other from 0 to the file's end without hole or overlap, each as long as
/// shape and type say.
public final class SafetensorsFile: TensorSource {
  /// The tensors, in the order of their bytes.
  public let entries: [TensorEntry]
  /// `__metadata__`: text to text, in the file's order.
  public let metadata: [(name: String, value: String)]

  private let tensors: [Name: Tensor]
  private let path: String

  /// The format's types, from the last to the first in the reference implementation's order. It has no C128.
  static let dataTypes: [DataType] = [
    .uint64, .int64, .float64, .complex64, .float32, .uint32, .int32, .bfloat16, .float16, .uint16, .int16,
    .float8E4M3, .float8E5M2, .int8, .uint8, .bool,
  ]

  /// A header may have this many bytes.
  public static let headerLimit = 100_000_000

  /// Opens the file at `path`.
  public static func open(_ path: String) throws(FormatError) -> SafetensorsFile {
    try SafetensorsFile(ByteRegion.mapping(path))
  }

  /// Opens the file that fills `region`.
  public init(_ region: ByteRegion) throws(FormatError) {
    do throws(FormatError) {
      path = region.name
      var reader = ByteReader(region.view, format: "safetensors")
      let length = try reader.read(UInt64.self)
      guard length <= UInt64(SafetensorsFile.headerLimit) else {
        throw reader.error(
          .limitExceeded("a header of \(length) bytes; at most \(SafetensorsFile.headerLimit) are allowed"), at: 0)
      }
      let header = try reader.slice(Int(length))
      guard header.hasPrefix([UInt8(ascii: "{")]) else {
        throw FormatError("safetensors", .invalid("the header does not start with \"{\""), offset: header.offset)
      }
      let data = try reader.slice(reader.remaining)
      let json = try JSON.read(header, format: "safetensors")
      metadata = try SafetensorsFile.metadata(json)
      let all = try SafetensorsFile.tensors(json, data)
      entries = all.map { TensorEntry(name: $0.name, dataType: $0.tensor.dataType, shape: $0.tensor.shape) }
      tensors = Dictionary(uniqueKeysWithValues: all.map { (Name($0.name), $0.tensor) })
    } catch { throw error.inFile(region.name) }
  }

  /// True when the file starts as a safetensors file: a plausible header length, then `{`.
  static func starts(_ view: ByteView) -> Bool {
    var reader = ByteReader(view, format: "safetensors")
    guard let length = try? reader.read(UInt64.self), length <= UInt64(headerLimit) else { return false }
    return (try? reader.read(UInt8.self)) == UInt8(ascii: "{")
  }

  /// The tensor of that name: a view of the file.
  public func tensor(_ name: String) throws(FormatError) -> Tensor {
    guard let tensor = tensors[Name(name)] else {
      throw FormatError("safetensors", .missing("no such tensor"), file: path, place: [name])
    }
    return tensor
  }

  private static func metadata(_ json: JSON) throws(FormatError) -> [(name: String, value: String)] {
    guard let value = json["__metadata__"], !value.isNull else { return [] }
    var texts: [(name: String, value: String)] = []
    for member in value.object ?? [] {
      if let text = member.value.string { texts.append((member.name, text)) }
    }
    guard let members = value.object, members.count == texts.count else {
      throw FormatError("safetensors", .invalid("__metadata__ must map text to text"), offset: value.offset)
    }
    return texts
  }

  private struct Header {
    let name: String
    let dataType: DataType
    let shape: Shape
    let begin: Int
    let end: Int
    let offset: Int
  }

  private static func tensors(_ json: JSON, _ data: ByteView) throws(FormatError) -> [(name: String, tensor: Tensor)] {
    var headers: [Header] = []
    for member in json.object ?? [] where member.name != "__metadata__" {
      do throws(FormatError) { headers.append(try header(member)) } catch { throw error.inside(member.name) }
    }
    headers.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    var place = 0
    var tensors: [(name: String, tensor: Tensor)] = []
    for header in headers {
      guard header.begin == place else {
        let what = header.begin < place ? "overlaps the tensor before it" : "leaves a hole before it"
        throw FormatError("safetensors", .invalid("the tensor \(what)"), offset: header.offset, place: [header.name])
      }
      place = header.end
      let bytes: ByteView
      do throws(FormatError) {
        bytes = try data.slice(header.begin, header.end - header.begin, format: "safetensors")
      } catch { throw error.inside(header.name) }
      tensors.append((header.name, Tensor(header.dataType, header.shape, bytes: bytes)))
    }
    guard place == data.count else {
      throw FormatError(
        "safetensors", .invalid("\(data.count - place) bytes belong to no tensor"), offset: data.offset + place)
    }
    return tensors
  }

  private static func header(_ member: JSON.Member) throws(FormatError) -> Header {
    let place = member.value.offset
    func refuse(_ what: String) -> FormatError { FormatError("safetensors", .invalid(what), offset: place) }
    guard let fields = member.value.object, let type = member.value["dtype"]?.string,
      let lengths = integers(member.value["shape"]), let offsets = integers(member.value["data_offsets"]),
      offsets.count == 2, fields.count == 3
    else { throw refuse("a tensor needs dtype, shape and data_offsets, and nothing else") }
    guard let dataType = DataType(rawValue: type), SafetensorsFile.dataTypes.contains(dataType) else {
      throw FormatError("safetensors", .unsupported("the element type \(type)"), offset: place)
    }
    let shape = try Shape.checked(lengths, format: "safetensors", offset: place)
    guard offsets[0] >= 0, offsets[1] >= offsets[0] else { throw refuse("data_offsets must be two growing numbers") }
    let count = shape.count * dataType.size
    guard offsets[1] - offsets[0] == count else {
      throw refuse("\(offsets[1] - offsets[0]) bytes are given to a tensor of \(count)")
    }
    return Header(
      name: member.name, dataType: dataType, shape: shape, begin: offsets[0], end: offsets[1], offset: place)
  }

  private static func integers(_ json: JSON?) -> [Int]? {
    guard let elements = json?.array else { return nil }
    let integers = elements.compactMap(\.int)
    return integers.count == elements.count ? integers : nil
  }
}
