import Audio
import Bytes
import TestSupport
import Testing

/// The reference values that tools/golden/make_audio.py and make_audio_frontend.py wrote.
enum Golden {
  static func path(_ name: String) -> String { Repository.golden("audio/" + name) }
  static func frontend() throws -> SafetensorsFixture { try SafetensorsFixture(path("frontend.safetensors")) }

  static let manifest = load("manifest.json")
  static let frontendManifest = load("frontend.json")

  private static func load(_ name: String) -> JSON {
    do { return try Repository.json(path(name)) } catch { fatalError("\(error)") }
  }

  /// Every audio file of the folder, by its path inside it.
  static let clips =
    (manifest["decoded"]?.object ?? []).map(\.name)
    + (frontendManifest["containers"]?.array ?? []).compactMap { $0["file"]?.string }.map { "containers/" + $0 }
}

/// The largest absolute difference; NaN where the lengths or a NaN differ.
func worst(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count else { return .nan }
  return zip(a, b).reduce(0) { worst, pair in
    let difference = (pair.0 - pair.1).magnitude
    return difference <= worst ? worst : difference
  }
}

func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

/// A WAV file of 32-bit floats, one channel.
func floatWave(_ samples: [Float], rate: UInt32 = 16000) -> [UInt8] {
  var writer = ByteWriter()
  let size = UInt32(samples.count * 4)
  writer.write("RIFF".utf8)
  writer.write(36 + size)
  writer.write("WAVEfmt ".utf8)
  writer.write(UInt32(16))
  writer.write(UInt16(3))
  writer.write(UInt16(1))
  writer.write(rate)
  writer.write(rate &* 4)
  writer.write(UInt16(4))
  writer.write(UInt16(32))
  writer.write("data".utf8)
  writer.write(size)
  for sample in samples { writer.write(sample.bitPattern) }
  return writer.bytes
}

/// Everything in an audio file, interleaved.
func decode(_ file: consuming AudioFile) throws(FormatError) -> [Float] {
  var samples: [Float] = []
  while true {
    let block = try file.next()
    if block.isEmpty { return samples }
    samples += block
  }
}
