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

  /// True where every licence of `other` is named here too.
  public func names(all other: Metadata.License) -> Bool { Set(other.words).isSubset(of: words) }
}
