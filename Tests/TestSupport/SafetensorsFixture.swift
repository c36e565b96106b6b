import Bytes
import Tensors

/// A safetensors file of this repository, read without the room that tests may be testing; trusts the file.
public struct SafetensorsFixture: Sendable {
  private let tensors: [String: Tensor]

  /// Maps the file at `path`.
  public init(_ path: String) throws {
    let file = try ByteRegion.mapping(path).view
    var reader = ByteReader(file, format: "safetensors")
    let header = try reader.slice(reader.readSize("the header"))
    let data = 8 + header.count
    var tensors: [String: Tensor] = [:]
    for member in try JSON.read(header, format: "safetensors").object ?? [] where member.name != "__metadata__" {
      guard let type = member.value["dtype"]?.string.flatMap({ DataType(rawValue: $0) }),
        let shape = member.value["shape"]?.array?.compactMap({ $0.int }),
        let range = member.value["data_offsets"]?.array?.compactMap({ $0.int }), range.count == 2
      else { throw FormatError("safetensors", .invalid("entry of " + member.name), file: path) }
      let bytes = try file.slice(data + range[0], range[1] - range[0], format: "safetensors")
      tensors[member.name] = Tensor(type, Shape(shape), bytes: bytes)
    }
    self.tensors = tensors
  }

  /// The names, sorted.
  public var names: [String] { tensors.keys.sorted() }

  /// The tensor of that name.
  public subscript(_ name: String) -> Tensor {
    get throws {
      guard let tensor = tensors[name] else { throw FormatError("safetensors", .missing(name)) }
      return tensor
    }
  }
}
