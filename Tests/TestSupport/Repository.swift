import Bytes
import Foundation

/// Places in the checkout, and throw-away folders beside it.
public enum Repository {
  /// The folder that holds Package.swift.
  public static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// A path inside `golden/`.
  public static func golden(_ path: String) -> String { root + "/golden/" + path }

  /// The whole JSON file at `path`.
  public static func json(_ path: String) throws -> JSON {
    try JSON.read(ByteRegion.mapping(path).view, format: "json")
  }
}

/// Calls `body` with the path of a new empty folder, which is removed afterwards.
public func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("assay-" + UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// Bytes as a view, as a reader would get them from a file.
public func view(_ bytes: [UInt8]) -> ByteView { ByteRegion(copying: bytes, name: "test").view }

/// A seeded generator (SplitMix64): the same numbers on every machine.
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  /// Starts at `seed`.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
