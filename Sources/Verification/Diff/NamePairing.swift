import Bytes

/// Pairs weights of two models that could be each other, by their names.
struct NamePairing {
  private let weights: Both<[Weight]>
  private let names: Both<[String]>
  private let places: Both<[Name: Int]>
  private let rules: Both<NameRules>

  /// Numbers that are the same in fewer elements than this can be so by chance, and teach nothing.
  static let evidenceSize = 8

  /// Learns from pairs that are sure how the names of one model became those of the other. `names` are those that weights
  /// go by; a weight without one has no place in the other model.
  init(_ weights: Both<[Weight]>, called names: Both<[String?]>, sure: [(a: Int, b: Int)]) {
    self.weights = weights
    self.names = Both(names.a.map { $0 ?? "" }, names.b.map { $0 ?? "" })
    func places(_ names: [String?]) -> [Name: Int] {
      Dictionary(names.indices.compactMap { index in names[index].map { (Name($0), index) } }) { _, last in last }
    }
    self.places = Both(places(names.a), places(names.b))
    let known = sure.filter { weights.a[$0.a].entry.shape.count >= NamePairing.evidenceSize }
      .map { (names.a[$0.a] ?? "", names.b[$0.b] ?? "") }
    rules = Both(
      NameRules(known.map { (from: $0.0, to: $0.1) }), NameRules(known.map { (from: $0.1, to: $0.0) }))
  }

  /// The weight of the other side that has this one's name, or what the most general rule makes of it.
  func home(_ index: Int, of side: Side) -> Int? {
    let name = names[side][index]
    if let same = places[side.other][Name(name)] { return same }
    let general = rules[side].translations(of: name).sorted { ($0.depth, $1.votes) < ($1.depth, $0.votes) }
    return general.lazy.compactMap { places[side.other][Name($0.name)] }.first
  }

  /// Pairs as names say: what the rules of the longest paths say first, then the same names.
  func named(_ members: Both<[Int]>) -> (pairs: [(a: Int, b: Int)], left: Both<[Int]>) {
    let there = Set(members.b)
    var candidates: [(depth: Int, votes: Int, a: Int, b: Int)] = []
    for a in members.a {
      let name = names.a[a]
      for (depth, votes, translation) in rules.a.translations(of: name) {
        if let b = places.b[Name(translation)], there.contains(b) { candidates.append((depth, votes, a, b)) }
      }
      if let b = places.b[Name(name)], there.contains(b) { candidates.append((-1, 0, a, b)) }
    }
    candidates.sort { ($1.depth, $1.votes, $0.a, $0.b) < ($0.depth, $0.votes, $1.a, $1.b) }
    return greedy(candidates.map { ($0.a, $0.b) }, members)
  }

  /// Pairs of names of which one is the other with more in front, and that nothing else could be.
  func prefixed(_ members: Both<[Int]>) -> (pairs: [(a: Int, b: Int)], left: Both<[Int]>) {
    var candidates: [(a: Int, b: Int)] = []
    for side in Side.allCases {
      let there = Set(members[side.other])
      var found: [Int: [Int]] = [:]
      for index in members[side] {
        for shorter in NameRules.endings(of: names[side][index]) {
          guard let other = places[side.other][Name(shorter)], there.contains(other) else { continue }
          found[other, default: []].append(index)
          break
        }
      }
      for (other, indices) in found.sorted(by: { $0.key < $1.key }) where indices.count == 1 {
        candidates.append(side == .a ? (indices[0], other) : (other, indices[0]))
      }
    }
    return greedy(
      candidates.filter { pair in
        weights.a[pair.a].entry.shape.dimensions.sorted() == weights.b[pair.b].entry.shape.dimensions.sorted()
      }, members)
  }

  /// Pairs of equal contents in the files' order, those that a model ignores last. Weights whose name the other side
  /// gives to a weight that is not `equal` are left.
  func ordered(
    _ members: Both<[Int]>, equal: (Side, Int) -> Bool
  ) -> (pairs: [(a: Int, b: Int)], left: Both<[Int]>) {
    func free(_ side: Side) -> [Int] {
      let indices = members[side].filter { index in home(index, of: side).map { equal(side.other, $0) } ?? true }
      return indices.filter { weights[side][$0].ignored == nil } + indices.filter { weights[side][$0].ignored != nil }
    }
    return greedy(zip(free(.a), free(.b)).map { (a: $0, b: $1) }, members)
  }

  /// The first pairs of those that share a weight, and what is left.
  private func greedy(_ pairs: [(a: Int, b: Int)], _ members: Both<[Int]>) -> (
    pairs: [(a: Int, b: Int)], left: Both<[Int]>
  ) {
    var used = Both(Set<Int>(), Set<Int>())
    let taken = pairs.filter { pair in
      guard !used.a.contains(pair.a), !used.b.contains(pair.b) else { return false }
      used.a.insert(pair.a)
      used.b.insert(pair.b)
      return true
    }
    let left = Both(members.a.filter { !used.a.contains($0) }, members.b.filter { !used.b.contains($0) })
    return (taken, left)
  }
}
