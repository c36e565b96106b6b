import Bytes
import IR
import TestSupport
import Testing

@Suite struct ArtifactFileTests {
  private static let tensors = [(0..<12, "head.weight"), (64..<72, "head.bias"), (128..<140, "case/input")]

  /// What the refusal of a flip at `offset` has to name: the part or tensor, and the rule.
  private func expected(_ offset: Int, _ sections: [Range<Int>]) -> String {
    switch offset {
    case ..<8: return "(rule 1, magic)"
    case ..<12: return "(rule 2, version)"
    case ..<16: return "(rule 3, header)"
    case ..<64: return "(rule"  // a length: whatever it breaks first
    default: break
    }
    guard let section = sections.firstIndex(where: { $0.contains(offset) }) else { return "(rule 5, padding)" }
    let place = offset - sections[section].lowerBound
    switch section {
    case 0..<4:
      return ["the metadata", "the graph", "the index", "the goldens"][section]
        + " is not what was written (rule 33, text-crc)"
    case 4:
      return ArtifactFileTests.tensors.first { $0.0.contains(place) }.map { "\"" + $0.1 + "\"" } ?? "(rule 5, padding)"
    default: break
    }
    // The footer: three records, five CRCs and a zero, the root, the end.
    switch place {
    case ..<120: return place % 40 / 4 == 1 ? "(rule 32, footer)" : "(rule 34, root)"
    case ..<140: return "is not what was written (rule 33, text-crc)"
    case ..<144: return "(rule 32, footer)"
    case ..<176: return "(rule 34, root)"
    default: return "(rule 6, end)"
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
    (0, #"16000"#, "0", "sample rate of 1 to 1000000"), (0, #""tool":"#, #""tools":"#, "\"tool\" is missing"),
    (0, #""sha256":"#, #""surprise": 1, "sha256":"#, "unknown field \"surprise\""),
    (1, #""inputs":"#, #""surprise": 1, "inputs":"#, "unknown field \"surprise\""),
    (1, #""op":"#, #""surprise": 1, "op":"#, "unknown field \"surprise\""),
    (1, #""approximate":"#, #""surprise": 1, "approximate":"#, "unknown field \"surprise\""),
    (1, #""steps":"#, #""surprise": 1, "steps":"#, "unknown field \"surprise\""), (1, "Linear", "If", "\"If\""),
    (1, #""name": "head.bias""#, #""name": "bias""#, "(rule 16, constants)"),
    (1, #""batch""#, "-1", "a length is a number from 0 to 2^40 or a name"),
    (1, #""batch""#, "9223372036854775807", "a length is a number from 0 to 2^40 or a name"),
    (2, #""role":"#, #""surprise": 1, "role":"#, "unknown field \"surprise\""),
    (2, #""raw""#, #""zip""#, "not supported: the encoding \"zip\""),
    (2, #""offset": 64"#, #""offset": 128"#, "head.bias"),
    (2, #""F16""#, #""F32""#, "head.weight"), (2, "head.bias", "head.weight", "two tensors are called"),
    (2, "head.bias", "head.b", "(rule 16, constants)"), (2, "golden", "constant", "is no constant of the graph"),
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
