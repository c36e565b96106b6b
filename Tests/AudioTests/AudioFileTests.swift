import Audio
import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct AudioFileTests {
  static let containers = (Golden.frontendManifest["containers"]?.array ?? []).compactMap { $0["file"]?.string }

  @Test(arguments: containers) func decodesAsSoundfileDoes(name: String) throws {
    let row = try #require(Golden.frontendManifest["containers"]?.array?.first { $0["file"]?.string == name })
    let file = try AudioFile(Golden.path("containers/" + name))
    #expect(file.rate == row["rate"]?.int)
    #expect(file.channels == row["channels"]?.int)
    let samples = try decode(file)
    let expected = try Golden.frontend()["decoded." + name].floats
    if row["lossy"]?.bool == true {
      #expect(worst(samples, expected) < 1e-4)
    } else {
      #expect(bits(samples) == bits(expected))
    }
  }

  @Test(arguments: (Golden.manifest["decoded"]?.object ?? []).map(\.name))
  func speechBecomesAWaveform(name: String) throws {
    let golden = try SafetensorsFixture(Golden.path("decoded.safetensors"))
    let expected = try golden[name].floats
    let tolerance = try #require(Golden.manifest["decoded"]?[name]?["tolerance"]?["absolute"]?.double)
    let (waveform, duration) = try Waveform.load(Golden.path(name), rate: 16000)
    #expect(waveform.rate == 16000)
    #expect(worst(waveform.samples, expected) < Float(tolerance))
    #expect((duration - Double(expected.count) / 16000).magnitude < 1.0 / 8000)
  }

  @Test func longFilesComeInBlocks() throws {
    let samples = (0..<200_003).map { Float($0 % 1999) / 2000 }
    var file = try AudioFile(view(floatWave(samples)), path: "long")
    #expect(try file.next().count < samples.count)
    #expect(file.frames > 0)
    #expect(try decode(AudioFile(view(floatWave(samples)), path: "long")) == samples)
  }

  @Test func announcedFramesAreNotTrusted() throws {
    var streamed = floatWave([1, 2, 3])
    for size: UInt32 in [.max, 0x7FFF_F000, 0x8000_0000] {
      for index in 0..<4 { streamed[40 + index] = UInt8(truncatingIfNeeded: size >> (8 * index)) }
      #expect(try decode(AudioFile(view(streamed), path: "streamed")) == [1, 2, 3])
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity, 1e30]) func refusesSamplesThatAreNotFinite(bad: Float) throws {
    var samples = [Float](repeating: 0.5, count: 70_000)
    samples[66_000] = bad
    let error = #expect(throws: FormatError.self) { try decode(AudioFile(view(floatWave(samples)), path: "x.wav")) }
    #expect(error?.description.contains("x.wav: audio: the sample of frame 66000, channel 0") == true)
  }

  @Test(arguments: [UInt32.max, 1 << 31, 1 << 30, 999]) func refusesRatesThatNobodyUses(rate: UInt32) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.wav"
      try Data(floatWave([1, 2, 3], rate: rate)).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: FormatError.self) { try Waveform.load(path, rate: 16000) }
      #expect(error?.file == path)
    }
  }

  @Test func refusesWhatIsNoAudio() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.wav"
      for bytes in [[], [0], Array("hello, this is a text\n".utf8), [UInt8](repeating: 0, count: 5000)] {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: FormatError.self) { try decode(AudioFile(path)) }
        #expect(error?.description.hasPrefix(path + ": audio: not supported: ") == true)
      }
      let pipe = folder + "/pipe.wav"
      #expect(mkfifo(pipe, 0o600) == 0)
      for other in [pipe, folder, "/dev/zero", folder + "/missing.wav"] {
        let error = #expect(throws: FormatError.self) { try decode(AudioFile(other)) }
        #expect(error?.file == other)
      }
    }
  }

  @Test(arguments: [
    "containers/pcm16.flac", "containers/pcm16.wav", "containers/stereo.mp3", "speech-22k05.mp3", "speech-8k.ogg",
  ])
  func filesCutShortAreNotTakenForWhole(name: String) throws {
    let bytes = try ByteRegion.mapping(Golden.path(name)).view.array
    for part in [0.9, 0.6, 0.5] {
      let cut = view(Array(bytes.prefix(Int(Double(bytes.count) * part))))
      let error = #expect(throws: FormatError.self) { try decode(AudioFile(cut, path: "cut")) }
      #expect(error?.file == "cut")
    }
  }

  @Test func mp3WithoutItsFrameCountIsRead() throws {
    var bytes = try ByteRegion.mapping(Golden.path("containers/stereo.mp3")).view.array
    let tag = try #require(
      (4..<64).first { ["Xing", "Info"].contains(String(decoding: bytes[$0..<$0 + 4], as: UTF8.self)) })
    for index in tag..<tag + 4 { bytes[index] = 0 }
    #expect(try decode(AudioFile(view(bytes), path: "untagged")).count > 2 * 5000)
  }

  @Test(arguments: Golden.clips) func damagedFilesReadOrThrow(name: String) throws {
    let bytes = try ByteRegion.mapping(Golden.path(name)).view.array
    var random = SeededGenerator(seed: UInt64(bytes.count))
    var refused = 0
    func attempt(_ bytes: [UInt8]) {
      do { _ = try decode(AudioFile(view(bytes), path: name)) } catch { refused += 1 }
    }
    for length in 0..<min(bytes.count, 100) { attempt(Array(bytes.prefix(length))) }
    for _ in 0..<40 {
      attempt(Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))))
      var flipped = bytes
      // Headers are where the harm is.
      let reach = Bool.random(using: &random) ? min(bytes.count, 128) : bytes.count
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        flipped[Int.random(in: 0..<reach, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      }
      attempt(flipped)
    }
    #expect(refused > 0)
  }
}
