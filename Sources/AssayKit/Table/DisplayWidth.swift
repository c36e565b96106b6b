extension String {
  /// How many columns of a terminal the text takes: two for what East Asian Width (Unicode Standard Annex 11) calls wide
  /// or fullwidth, none for marks that are set on the character before them.
  var displayWidth: Int { unicodeScalars.reduce(0) { $0 + $1.displayWidth } }

  /// The text with spaces behind it, `width` columns in all.
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - displayWidth)) }

  /// The text in at most `width` columns; `ellipsis` stands for the end that has no room.
  func clipped(to width: Int, ellipsis: String) -> String {
    guard displayWidth > width else { return self }
    var (clipped, left) = ("", width - ellipsis.displayWidth)
    for character in self {
      left -= String(character).displayWidth
      if left < 0 { break }
      clipped.append(character)
    }
    return clipped + ellipsis
  }
}

extension Unicode.Scalar {
  var displayWidth: Int {
    guard value >= 0x300 else { return 1 }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    // Hangul's vowels and final consonants are drawn into the syllable's first letter.
    if (0x1160...0x11FF).contains(value) { return 0 }
    // Every character that is an emoji by itself is wide, but for the letters that flags are spelled with.
    if properties.isEmojiPresentation, !(0x1F1E6...0x1F1FF).contains(value) { return 2 }
    return Unicode.Scalar.wide.contains { $0.contains(value) } ? 2 : 1
  }

  /// The wide and fullwidth blocks, those of emoji left out.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x3247, 0x3250...0x4DBF, 0x4E00...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3,
    0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF,
    0x1AFF0...0x1B2FF, 0x1F200...0x1F265, 0x20000...0x3FFFD,
  ]
}
