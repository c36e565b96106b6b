import Bytes

/// What kind of file some bytes are. The raw value is the contract's word.
public enum FileFormat: String, Sendable, CaseIterable {
  case pytorchZip = "pytorch-zip"
  case pytorchLegacy = "pytorch-legacy"
  case torchscript
  case safetensors
  case onnx
  case assay
  case npy
  case unknown

  /// The first bytes of an artifact.
  public static let assayMagic: [UInt8] = [0x89, 0x41, 0x53, 0x41, 0x59, 0x0D, 0x0A, 0x1A]

  static let zipMagic: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

  /// Tells by the contents alone, never by the name; a damaged file is still of its kind.
  public static func of(_ region: ByteRegion) -> FileFormat {
    let view = region.view
    if view.hasPrefix(assayMagic) { return .assay }
    if view.hasPrefix(zipMagic) { return ofArchive(view) }
    if view.hasPrefix(NPYFile.magic) { return .npy }
    if PyTorchLegacy.starts(view) { return .pytorchLegacy }
    if SafetensorsFile.starts(view) { return .safetensors }
    return startsAsONNX(view) ? .onnx : .unknown
  }

  private static func ofArchive(_ view: ByteView) -> FileFormat {
    guard let directory = try? ZipDirectory(view) else { return .pytorchZip }
    let names = directory.records.map { $0.name.split(separator: "/", omittingEmptySubsequences: false) }
    func has(_ name: String) -> Bool { names.contains { $0.count == 2 && $0[1] == name } }
    if has("constants.pkl") || has("model.json") { return .torchscript }
    return has("data.pkl") ? .pytorchZip : .unknown
  }

  /// ONNX has no magic number: its message must start with fields that a model has (`onnx.proto`, ModelProto).
  private static func startsAsONNX(_ view: ByteView) -> Bool {
    var reader = ByteReader(view, format: "onnx")
    while reader.remaining > 0 {
      guard let tag = try? reader.varint() else { return false }
      switch (tag >> 3, tag & 7) {
      case (7, 2): return true  // graph
      case (1, 0), (5, 0): if (try? reader.varint()) == nil { return false }
      case (2, 2), (3, 2), (4, 2), (6, 2), (8, 2), (14, 2), (20, 2), (25, 2), (26, 2):
        guard let length = try? reader.varint(), let count = Int(exactly: length), (try? reader.slice(count)) != nil
        else {
          return false
        }
      default: return false
      }
    }
    return false
  }
}
