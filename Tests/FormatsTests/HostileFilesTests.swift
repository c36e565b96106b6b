import Bytes
import Formats
import TestSupport
import Testing

/// Damage everywhere: each file is read or refused, and never more than that.
@Suite struct HostileFilesTests {
  static let files: [(String, FileFormat)] = [
    ("pytorch/accept/shared-zip-p2.pt", .pytorchZip), ("pytorch/accept/tensor-zip-p4.pt", .pytorchZip),
    ("pytorch/accept/shared-legacy-p2.pt", .pytorchLegacy), ("pytorch/accept/custom-class-legacy.pt", .pytorchLegacy),
    ("pytorch/accept/state_dict-deflated.pt", .pytorchZip), ("pytorch/accept/torchscript.pt", .torchscript),
    ("pytorch/accept/left-out-contains-itself.pt", .pytorchZip),
    ("safetensors/accept/odd.safetensors", .safetensors), ("safetensors/accept/by-hand.safetensors", .safetensors),
    ("npy/accept/fortran.npy", .npy), ("npy/accept/version-2.npy", .npy), ("onnx/accept/types.onnx", .onnx),
    ("onnx/accept/subgraph.onnx", .onnx), ("onnx/accept/names.onnx", .onnx),
  ]

  static func bytes(_ file: String) throws -> [UInt8] {
    try ByteRegion.mapping(Repository.golden("formats/" + file)).view.array
  }

  /// True when the bytes were accepted.
  func survives(_ bytes: [UInt8], _ format: FileFormat) -> Bool {
    let region = ByteRegion(copying: bytes)
    _ = FileFormat.of(region)
    return (try? readAll(region, as: format)) != nil
  }

  @Test(arguments: files) func cutShortAnywhere(_ file: String, _ format: FileFormat) throws {
    let bytes = try HostileFilesTests.bytes(file)
    for count in 0..<bytes.count {
      #expect(!survives(Array(bytes.prefix(count)), format), "\(file) cut to \(count) bytes")
    }
  }

  @Test(arguments: files) func flippedAnywhere(_ file: String, _ format: FileFormat) throws {
    let original = try HostileFilesTests.bytes(file)
    var bytes = original
    for index in bytes.indices {
      for mask in [0x01, 0xFF] as [UInt8] {
        bytes[index] = original[index] ^ mask
        _ = survives(bytes, format)
      }
      bytes[index] = original[index]
    }
  }

  /// Bytes of the pickle itself, without a CRC that gives the damage away.
  @Test(arguments: ["nested", "odd", "parameters"], [2, 4])
  func picklesFlippedAnywhere(_ name: String, _ version: Int) throws {
    let original = try HostileFilesTests.bytes("pytorch/accept/\(name)-legacy-p\(version).pt")
    var generator = SeededGenerator(seed: 1)
    var bytes = original
    for index in bytes.indices {
      for _ in 0..<2 {
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
        _ = survives(bytes, .pytorchLegacy)
      }
      bytes[index] = original[index]
    }
  }

  /// Any opcodes at all.
  @Test func randomPickles() {
    var generator = SeededGenerator(seed: 2)
    let likely = Array("()]}tauesqhRbcQNKX0123.l\u{85}".unicodeScalars.map { UInt8($0.value) }) + [0x81, 0x94, 0x93]
    for _ in 0..<20_000 {
      var bytes: [UInt8] = [0x80, 2]
      for _ in 0..<Int.random(in: 1...60, using: &generator) {
        let isLikely = Int.random(in: 0..<4, using: &generator) > 0
        bytes.append(isLikely ? likely.randomElement(using: &generator)! : .random(in: 0...255, using: &generator))
      }
      _ = try? Pickle.read(view(bytes + [0x2E]))
    }
  }
}
