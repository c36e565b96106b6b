/// The marks of a YAML text by which values begin or are repeated, counted without parsing it.
///
/// Marks inside quoted text and comments are counted too: never too few.
struct YAMLMarks {
  /// Line ends, commas, colons, opening brackets, dashes of lists: no value begins without one, none begins three.
  private(set) var beginnings = 0
  /// `&name`: values that can be repeated.
  private(set) var anchors = 0
  /// `*name`: repetitions.
  private(set) var aliases = 0
  /// `? `: keys that may hold values of any size.
  private(set) var keys = 0

  init(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      // Some line ends of YAML are not ASCII: such bytes pass for space.
      func isSpace(_ byte: UInt8) -> Bool { byte <= 0x20 || byte >= 0x80 }
      var last = UInt8(ascii: "\n")
      for (index, byte) in bytes.enumerated() {
        let next = index + 1 < bytes.count ? bytes[index + 1] : UInt8(ascii: "\n")
        switch byte {
        case 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "{"): beginnings += 1
        case UInt8(ascii: "-") where isSpace(next): beginnings += 1
        case UInt8(ascii: "?") where isSpace(last) || [0x2C, 0x5B, 0x7B].contains(last): keys += 1
        case UInt8(ascii: "&") where next > 0x20: anchors += 1
        case UInt8(ascii: "*") where next > 0x20: aliases += 1
        default: break
        }
        last = byte
      }
    }
  }

  /// At most about so many values are visited when aliases are written out and keys compared.
  ///
  /// A value is visited once for each chain of aliases that leads to it. An alias stands for a value that ended before
  /// it, so a chain meets each anchor at most once: with k_a aliases of the anchor a there are at most the product of
  /// (1 + k_a) chains, which is largest where all k_a are the same. A key is compared whole, once for each key around it.
  var values: Double {
    var chains = 1.0
    let anchors = min(anchors, aliases)
    let factor = 1 + Double(aliases) / Double(max(anchors, 1))
    for _ in 0..<anchors where chains <= Double(YAML.valueLimit) { chains *= factor }
    return Double(beginnings + keys + 1) * chains * Double(1 + keys)
  }
}
