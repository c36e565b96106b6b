import Bytes

/// One convolution of a feature encoder, as fairseq lists them: channels, kernel, stride.
struct ConvolutionSpec: Hashable, Sendable {
  var channels: Int
  var kernel: Int
  var stride: Int

  /// No feature encoder has more convolutions.
  static let countLimit = 64
}

extension ConvolutionSpec {
  /// Reads fairseq's `[(512, 10, 5)] + [(512, 3, 2)] * 4`: lists of three numbers in Python's spelling, joined by `+` and
  /// repeated by `*`. Nothing else is understood, and nothing is evaluated.
  ///
  /// Throws with the place in the text, at least one convolution being asked for.
  static func list(_ text: String) throws(FormatError) -> [ConvolutionSpec] {
    var parser = Parser(Array(text.utf8))
    let list = try parser.sum(depth: 0)
    guard parser.isAtEnd else { throw parser.error("+, * or the end") }
    guard !list.isEmpty else { throw FormatError("configuration", .invalid("a list of no convolutions")) }
    return list
  }

  private struct Parser {
    private let text: [UInt8]
    private var place = 0

    private static let depthLimit = 16
    private static let tooMany = FormatError(
      "configuration", .limitExceeded("\(ConvolutionSpec.countLimit) convolutions"))

    init(_ text: [UInt8]) { self.text = text }

    private mutating func skipSpace() {
      while place < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[place]) { place += 1 }
    }

    /// True, and past it, where `character` comes next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
      skipSpace()
      guard place < text.count, text[place] == UInt8(ascii: character) else { return false }
      place += 1
      return true
    }

    var isAtEnd: Bool {
      mutating get {
        skipSpace()
        return place == text.count
      }
    }

    func error(_ needed: String) -> FormatError {
      let rest =
        place < text.count ? "\"" + String(decoding: text[place...].prefix(20), as: UTF8.self) + "\"" : "the end"
      return FormatError("configuration", .invalid("needs \(needed) at character \(place + 1), found \(rest)"))
    }

    /// product + product + ...
    mutating func sum(depth: Int) throws(FormatError) -> [ConvolutionSpec] {
      var list = try product(depth)
      while take("+") { list = try limited(list + product(depth)) }
      return list
    }

    /// A list times numbers, the first of which may come before it.
    private mutating func product(_ depth: Int) throws(FormatError) -> [ConvolutionSpec] {
      skipSpace()
      var count = 1
      if let digit = text[place...].first, isDigit(digit) {
        count = try number()
        guard take("*") else { throw error("*") }
      }
      var list = try repeated(factor(depth), count)
      while take("*") { list = try repeated(list, number()) }
      return list
    }

    private mutating func factor(_ depth: Int) throws(FormatError) -> [ConvolutionSpec] {
      if take("(") {
        guard depth < Parser.depthLimit else { throw error("fewer than \(Parser.depthLimit) brackets in each other") }
        let list = try sum(depth: depth + 1)
        guard take(")") else { throw error(")") }
        return list
      }
      guard take("[") else { throw error("[") }
      var list: [ConvolutionSpec] = []
      while !take("]") {
        list = try limited(list + [convolution()])
        guard take(",") else {
          guard take("]") else { throw error(", or ]") }
          break
        }
      }
      return list
    }

    private mutating func convolution() throws(FormatError) -> ConvolutionSpec {
      guard take("(") else { throw error("(") }
      var numbers: [Int] = []
      for index in 0..<3 {
        numbers.append(try number())
        guard take(",") || index == 2 else { throw error(",") }
      }
      guard take(")") else { throw error(")") }
      return ConvolutionSpec(channels: numbers[0], kernel: numbers[1], stride: numbers[2])
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private mutating func number() throws(FormatError) -> Int {
      skipSpace()
      let digits = text[place...].prefix { isDigit($0) }
      guard let value = Int(String(decoding: digits, as: UTF8.self)),
        (1...ConfigurationReader.sizeLimit).contains(value)
      else { throw error("a number from 1 to \(ConfigurationReader.sizeLimit)") }
      place += digits.count
      return value
    }

    private func repeated(_ list: [ConvolutionSpec], _ count: Int) throws(FormatError) -> [ConvolutionSpec] {
      guard !list.isEmpty else { return [] }
      // Both are small: the list is limited, and the count is a size.
      guard list.count * count <= ConvolutionSpec.countLimit else { throw Parser.tooMany }
      return Array(repeatElement(list, count: count).joined())
    }

    private func limited(_ list: [ConvolutionSpec]) throws(FormatError) -> [ConvolutionSpec] {
      guard list.count <= ConvolutionSpec.countLimit else { throw Parser.tooMany }
      return list
    }
  }
}
