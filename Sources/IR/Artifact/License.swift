extension Metadata.License {
  /// What a licence asks of whoever passes the weights on.
  public enum Term: String, CaseIterable, Sendable {
    /// They must not be used to earn money.
    case nonCommercial = "non-commercial"
    /// What is made of them must stay under the same licence.
    case shareAlike = "share-alike"
    /// What is made of them must not be passed on.
    case noDerivatives = "no-derivatives"
  }

  /// The licences that the expression names, in lower case.
  private var words: [Substring] {
    id.lowercased().split { !($0.isLetter || $0.isNumber || "-.+".contains($0)) }
      .filter { !["and", "or", "with"].contains($0) }
  }

  /// The terms that the licence's name tells: Creative Commons' own, and the families that ask for the same licence.
  public var terms: [Term] {
    var terms: Set<Term> = []
    for word in words {
      let parts = Set(word.split(separator: "-"))
      if parts.contains("nc") || word.contains("noncommercial") { terms.insert(.nonCommercial) }
      if parts.contains("sa") || ["gpl", "agpl", "lgpl", "odbl", "eupl"].contains(where: { word.hasPrefix($0) }) {
        terms.insert(.shareAlike)
      }
      if parts.contains("nd") { terms.insert(.noDerivatives) }
    }
    return Term.allCases.filter(terms.contains)
  }

  /// True where all that `other` asks for holds here too: its parts, joined by AND, are parts of this expression.
  public func keeps(_ other: Metadata.License) -> Bool {
    Set(Expression(other.id).conjuncts).isSubset(of: Expression(id).conjuncts)
  }

  /// An expression as it may stand beside AND: in parentheses if it holds an OR.
  public static func operand(_ id: String) -> String {
    let expression = Expression(id)
    return expression.words.contains("or") && !expression.isEnclosed ? "(\(id))" : id
  }
}

/// An SPDX expression as far as licences are kept: its words, in lower case, and its parts joined by AND.
private struct Expression: Hashable {
  let words: [String]

  init(_ id: String) {
    words = id.lowercased().replacing("(", with: " ( ").replacing(")", with: " ) ").split(
      whereSeparator: \.isWhitespace
    )
    .map(String.init)
  }

  private init(words: some Sequence<String>) { self.words = Array(words) }

  /// True where one pair of parentheses holds the whole expression.
  var isEnclosed: Bool {
    var depth = 0
    for (place, word) in words.enumerated() {
      depth += word == "(" ? 1 : word == ")" ? -1 : 0
      if depth == 0 { return place == words.count - 1 && words[0] == "(" }
    }
    return false
  }

  /// The parts that all hold; an expression with an OR outside parentheses is one part.
  var conjuncts: [Expression] {
    var inner = self
    while inner.isEnclosed { inner = Expression(words: inner.words.dropFirst().dropLast()) }
    var (parts, depth): ([[String]], Int) = ([[]], 0)
    for word in inner.words {
      depth += word == "(" ? 1 : word == ")" ? -1 : 0
      if depth == 0, word == "or" { return [inner] }
      if depth == 0, word == "and" { parts.append([]) } else { parts[parts.count - 1].append(word) }
    }
    return parts.count > 1 ? parts.flatMap { Expression(words: $0).conjuncts } : [inner]
  }
}
