import Bytes
import IR
import TestSupport
import Testing

@Suite struct ArtifactFileTests {
  private static let tensors = [(0..<12, "head.weight"), (64..<72, "head.bias"), (128..<140, "case.input")]

  /// What the refusal of a flip at `offset` has to name.
  private func expected(_ offset: Int, _ sections: [Range<Int>]) -> String {
    switch offset {
    case ..<8: return "this is no artifact"
    case ..<12: return "version"
    case ..<64: return "assay"  // a length: whatever it breaks first
    default: break
    }
    guard let section = sections.firstIndex(where: { $0.contains(offset) }) else { return "padding" }
    let place = offset - sections[section].lowerBound
    switch section {
    case 0..<4: return ["the metadata", "the graph", "the index", "the goldens"][section] + " is not what was written"
    case 4: return ArtifactFileTests.tensors.first { $0.0.contains(place) }.map { "\"" + $0.1 + "\"" } ?? "padding"
    default: break
    }
    // The footer: three records, five CRCs and a zero, the file's digest, the end.
    switch place {
    case ..<120: return place % 40 / 4 == 1 ? "reserved" : "\"" + ArtifactFileTests.tensors[place / 40].1 + "\""
    case ..<140: return "is not what was written"
    case ..<144: return "reserved"
    case ..<176: return "the file's SHA-256"
    default: return "does not end as an artifact does"
    }
  }

  @Test func everyFlipIsRefusedWithItsPlace() throws {
    let bytes = try MicroArtifact.bytes()
    let sections = MicroArtifact.sections(bytes)
    #expect(MicroArtifact.refusal(bytes) == nil)
    for offset in bytes.indices {
      for mask in [0x01, 0x80] as [UInt8] {
        var damaged = bytes
        damaged[offset] ^= mask
        let error = MicroArtifact.refusal(damaged)
        let named = error?.description.contains(expected(offset, sections)) == true
        #expect(named, "byte \(offset): \(String(describing: error)), not \(expected(offset, sections))")
      }
    }
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try MicroArtifact.bytes()
    for count in bytes.indices { #expect(MicroArtifact.refusal(Array(bytes[..<count])) != nil, "\(count) bytes") }
  }

  @Test func everyByteMoreIsRefused() throws {
    let bytes = try MicroArtifact.bytes()
    for more in UInt8.min...UInt8.max { #expect(MicroArtifact.refusal(bytes + [more]) != nil) }
    #expect(MicroArtifact.refusal(bytes + bytes) != nil)
    #expect(MicroArtifact.refusal([0] + bytes) != nil)
  }

  @Test func otherVersionsAreRefusedAsSuch() throws {
    let bytes = try MicroArtifact.bytes()
    let next = MicroArtifact.rewrite(bytes, section: 0, header: { $0[8] = 2 }) { $0 }
    #expect(MicroArtifact.refusal(next)?.reason == .unsupported("version 2; this reader knows version 1"))
    let longer = MicroArtifact.rewrite(bytes, section: 0, header: { $0[12] = 128 }) { $0 }
    #expect(MicroArtifact.refusal(longer)?.description.contains("a header of 128 bytes") == true)
  }

  /// Files whose digests are all right and whose text says what no writer writes.
  private static let wrongTexts: [(section: Int, from: String, to: String, why: String)] = [
    (0, #""system":"#, #""surprise": 1, "system":"#, "unknown field \"surprise\""),
    (0, #""sample_rate":"#, #""surprise": 1, "sample_rate":"#, "unknown field \"surprise\""),
    (0, #"16000"#, "0", "sample rate of 1 to 1000000"), (0, #""dtype":"#, #""type":"#, "\"dtype\" is missing"),
    (0, #""sha256":"#, #""surprise": 1, "sha256":"#, "unknown field \"surprise\""),
    (1, #""inputs":"#, #""surprise": 1, "inputs":"#, "unknown field \"surprise\""),
    (1, #""op":"#, #""surprise": 1, "op":"#, "unknown field \"surprise\""),
    (1, #""approximate":"#, #""surprise": 1, "approximate":"#, "unknown field \"surprise\""),
    (1, #""steps":"#, #""surprise": 1, "steps":"#, "unknown field \"surprise\""), (1, "Linear", "If", "\"If\""),
    (1, #""name": "head.bias""#, #""name": "bias""#, "no tensor is called \"bias\""),
    (1, #""batch""#, "-1", "a length is a number or a name"),
    (1, #""batch""#, "9223372036854775807", "a length is a number or a name"),
    (2, #""role":"#, #""surprise": 1, "role":"#, "unknown field \"surprise\""),
    (2, #""raw""#, #""zip""#, "the only encoding is \"raw\""), (2, #""offset": 64"#, #""offset": 128"#, "head.bias"),
    (2, #""F16""#, #""F32""#, "head.weight"), (2, "head.bias", "head.weight", "two tensors are called"),
    (2, "head.bias", "head.b", "no tensor is called"), (2, "golden", "constant", "belongs to no constant"),
    (3, "[", "{", ""), (3, "]", "", ""),
  ]

  @Test func wellSealedNonsenseIsRefused() throws {
    let bytes = try MicroArtifact.bytes()
    #expect(MicroArtifact.rewrite(bytes, section: 1) { $0 } == bytes)
    for (section, from, to, why) in ArtifactFileTests.wrongTexts {
      // Spaces after colons are as the writer puts them.
      var found = false
      let changed = MicroArtifact.rewrite(bytes, section: section) { text in
        for spelling in [from, from.replacing(": ", with: ":")] where text.contains(spelling) && !found {
          found = true
          let range = text.firstRange(of: spelling)!
          return text.replacingCharacters(range, with: to)
        }
        return text
      }
      #expect(found, "section \(section) has no \(from)")
      let error = MicroArtifact.refusal(changed)
      #expect(error != nil && (why.isEmpty || error!.description.contains(why)), "\(to): \(String(describing: error))")
    }
  }
}

extension String {
  fileprivate func replacingCharacters(_ range: Range<Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
