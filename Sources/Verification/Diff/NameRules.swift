import Bytes

/// Which names of one model stand for which of the other, learnt from pairs that are sure.
///
/// A rule says that what starts with one module path starts with another: `wav2vec2` is left out, `encoder.layers.5`
/// has become `encoder.layers.3`.
struct NameRules {
  private struct Target {
    let path: String
    var votes = 0
  }

  private var targets: [Name: [Target]] = [:]

  /// Names of more components than this are not taken apart.
  static let depthLimit = 32
  /// Of so many rules for one path those learnt most often are tried.
  static let choiceLimit = 4

  /// Learns a rule from each pair whose names end alike.
  init(_ pairs: [(from: String, to: String)]) {
    for pair in pairs {
      guard let rule = NameRules.rule(pair.from, pair.to) else { continue }
      let known = targets[Name(rule.from)]?.firstIndex { Name($0.path) == Name(rule.to) }
      if let known {
        targets[Name(rule.from)]![known].votes += 1
      } else {
        targets[Name(rule.from), default: []].append(Target(path: rule.to, votes: 1))
      }
    }
  }

  /// The paths before what both names end with, each component with a dot behind it; nil where they end differently.
  static func rule(_ from: String, _ to: String) -> (from: String, to: String)? {
    let (a, b) = (components(from), components(to))
    guard a.count <= depthLimit, b.count <= depthLimit else { return nil }
    let alike = zip(a.reversed(), b.reversed()).prefix { $0.0.utf8.elementsEqual($0.1.utf8) }.count
    guard alike > 0 else { return nil }
    return (path(a.dropLast(alike)), path(b.dropLast(alike)))
  }

  /// What the name could be in the other model, by the rules of the longest path first, of one path by those learnt
  /// most often.
  func translations(of name: String) -> [(depth: Int, votes: Int, name: String)] {
    let parts = NameRules.components(name)
    guard parts.count <= NameRules.depthLimit else { return [] }
    return (0..<parts.count).reversed().flatMap { depth in
      let rest = parts.dropFirst(depth).joined(separator: ".")
      let known = (targets[Name(NameRules.path(parts.prefix(depth)))] ?? []).sorted { $0.votes > $1.votes }
      return known.prefix(NameRules.choiceLimit).map { (depth, $0.votes, $0.path + rest) }
    }
  }

  /// What is left of a name when one component after the other is taken off its front; two at least.
  static func endings(of name: String) -> [String] {
    let parts = components(name)
    return (1..<max(parts.count - 1, 1)).map { parts.dropFirst($0).joined(separator: ".") }
  }

  /// The modules that a name stands in, the innermost first, the whole model last.
  static func modules(of name: String) -> [String] {
    let parts = components(name)
    return (0..<parts.count).reversed().map { parts.prefix($0).joined(separator: ".") }
  }

  private static func components(_ name: String) -> [Substring] {
    name.split(separator: ".", maxSplits: depthLimit, omittingEmptySubsequences: false)
  }

  private static func path(_ components: some Sequence<Substring>) -> String { components.map { $0 + "." }.joined() }
}
