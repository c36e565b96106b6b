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
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.utf8.contains(0), !parts.contains("..") && !parts.contains("") else {
      throw FormatError(
        "onnx", .invalid("external data in \"\(location)\": only files in the model's own folder are read"),
        offset: offset)
    }
    let path = joinPath(folder, location)
    guard let real = resolvedPath(path), let home = resolvedPath(folder) else {
      throw FormatError("onnx", .missing("the file \"\(location)\" of external data"), offset: offset)
    }
    guard real.hasPrefix(home == "/" ? home : home + "/") else {
      throw FormatError(
        "onnx", .invalid("external data in \"\(location)\": the link leads out of the model's folder"), offset: offset)
    }
    let view = try ByteRegion.mapping(path).view
    do throws(FormatError) {
      return try view.slice(start, length ?? count, format: "onnx")
    } catch { throw error.inFile(path) }
  }
}
