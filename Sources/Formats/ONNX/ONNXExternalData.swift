import Bytes

/// Elements in a file beside the model: `location`, `offset`, `length` (docs/ExternalData.md of ONNX).
struct ONNXExternalData: Sendable {
  /// The file's path, relative to the model's folder.
  var location = ""
  /// Where the elements start.
  var start = 0
  /// How many bytes there are; as many as the tensor needs where nothing is said.
  var length: Int?

  /// Reads the pairs of texts under which a tensor says where its elements are.
  init(_ pairs: [(name: String, value: String)], offset: Int) throws(FormatError) {
    func number(_ text: String, _ name: String) throws(FormatError) -> Int {
      guard let value = Int(text), value >= 0 else {
        throw FormatError("onnx", .invalid("external data whose \(name) is \"\(text)\""), offset: offset)
      }
      return value
    }
    for (name, value) in pairs {
      switch name {
      case "location": location = value
      case "offset": start = try number(value, name)
      case "length": length = try number(value, name)
      case "checksum", "basepath": break  // SHA-1 that nobody checks; a folder that only writers used
      default: throw FormatError("onnx", .unsupported("\"\(name)\" of external data"), offset: offset)
      }
    }
    guard !location.isEmpty else {
      throw FormatError("onnx", .missing("the location of external data"), offset: offset)
    }
  }

  /// The elements, mapped. The path stays inside `folder`, and no link leads out of it.
  func bytes(in folder: String?, count: Int, offset: Int) throws(FormatError) -> ByteView {
    guard let folder else {
      throw FormatError("onnx", .unsupported("external data of a model that is no file"), offset: offset)
    }
    let path = try containedPath(
      location, in: folder, "the file of external data", format: "onnx", offset: offset)
    let view = try ByteRegion.mapping(path).view
    do throws(FormatError) {
      return try view.slice(start, length ?? count, format: "onnx")
    } catch { throw error.inFile(path) }
  }
}
