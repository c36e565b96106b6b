import Bytes
import Tensors

/// Settles for each weight of two models what is said of it, after what they hold was matched.
struct WeightAccount {
  private(set) var matches: [WeightDiff.Match] = []
  /// Pairs of one name that hold other numbers.
  private(set) var changed: [(a: Int, b: Int)] = []
  /// Weights without a partner.
  private(set) var only: Both<[Int]> = Both([], [])
  private(set) var ignored: [WeightDiff.Ignored] = []
  private let weights: Both<[Weight]>
  /// The number of the group that each weight is in.
  private let groupOf: Both<[Int: Int]>
  private let pairing: NamePairing

  /// A weight, the group of equal ones it is in, and one on the other side.
  private struct Twin {
    let side: Side
    let index: Int
    let group: Int
  }

  /// Pairs what is equal, then what has one name; the rest is shared, ignored or on one side only.
  init(_ matching: WeightMatching) {
    weights = matching.weights
    let groups = matching.groups
    var places = Both([Int: Int](), [Int: Int]())
    for (number, group) in groups.enumerated() {
      for side in Side.allCases {
        for index in group.members[side] { places[side][index] = number }
      }
    }
    groupOf = places
    let sure = groups.filter { $0.members.a.count == 1 && $0.members.b.count == 1 }
    pairing = NamePairing(weights, sure: sure.map { ($0.members.a[0], $0.members.b[0]) })
    var found: [(a: Int, b: Int, group: Int)] = []
    var twins: [Twin] = []
    for (number, group) in groups.enumerated() {
      let named = pairing.named(group.members)
      let ordered = pairing.ordered(named.left) { places[$0][$1] == number }
      found += (named.pairs + ordered.pairs).map { ($0.a, $0.b, number) }
      for side in Side.allCases {
        twins += ordered.left[side].map { Twin(side: side, index: $0, group: number) }
      }
    }
    let open = Both(
      (matching.open(.a) + twins.filter { $0.side == .a }.map(\.index)).sorted(),
      (matching.open(.b) + twins.filter { $0.side == .b }.map(\.index)).sorted())
    let named = pairing.named(open)
    let prefixed = pairing.prefixed(named.left)
    let pairs = (named.pairs + prefixed.pairs).sorted { $0.a < $1.a }
    changed = pairs.filter { weights.a[$0.a].ignored == nil && weights.b[$0.b].ignored == nil }
    var left = prefixed.left
    for pair in pairs where weights.a[pair.a].ignored != nil || weights.b[pair.b].ignored != nil {
      left.a.append(pair.a)
      left.b.append(pair.b)
    }

    let lone = Both(Set(left.a), Set(left.b))
    let shared = sharing(twins.filter { lone[$0.side].contains($0.index) }, lone)
    for twin in shared {
      let group = groups[twin.group]
      let partner = group.members[twin.side.other][0]
      found.append(twin.side == .a ? (twin.index, partner, twin.group) : (partner, twin.index, twin.group))
    }
    let isShared = Both(
      Set(shared.filter { $0.side == .a }.map(\.index)), Set(shared.filter { $0.side == .b }.map(\.index)))
    found.sort { ($0.a, $0.b) < ($1.a, $1.b) }
    matches = found.map { pair in
      match(
        pair, groups[pair.group].folding, groups[pair.group].steps,
        isShared: isShared.a.contains(pair.a) || isShared.b.contains(pair.b))
    }
    for side in Side.allCases {
      for index in left[side].sorted() where !isShared[side].contains(index) {
        if let reason = weights[side][index].ignored {
          ignored.append(WeightDiff.Ignored(side: side, name: weights[side][index].name, reason: reason))
        } else {
          only[side].append(index)
        }
      }
    }
  }

  private func match(
    _ pair: (a: Int, b: Int, group: Int), _ folding: FoldingComparison?, _ done: [WeightDiff.Step], isShared: Bool
  ) -> WeightDiff.Match {
    let (x, y) = (weights.a[pair.a], weights.b[pair.b])
    var steps = done.filter { if case .cast = $0 { false } else { true } }
    if x.parts.isEmpty != y.parts.isEmpty, !steps.contains(.fold) { steps.append(.fold) }
    if x.storedType != y.storedType {
      var isWide = x.storedType.size >= y.storedType.size
      for case .cast(let source, _) in done { isWide = source == x.entry.dataType }
      let types = isWide ? (x.storedType, y.storedType) : (y.storedType, x.storedType)
      steps.append(.cast(from: types.0, to: types.1))
    }
    // A name that the other model gives to other numbers.
    func isElsewhere(_ index: Int, of side: Side) -> Bool {
      pairing.home(index, of: side).map { groupOf[side.other][$0] != pair.group } ?? false
    }
    return WeightDiff.Match(
      names: Both(x.name, y.name), steps: steps, parts: Both(x.parts, y.parts),
      folding: folding.map { ($0.difference, $0.limit) }, isShared: isShared,
      isMoved: !isShared && (isElsewhere(pair.a, of: .a) || isElsewhere(pair.b, of: .b)))
  }

  /// Those of `twins` that belong to a module of which the other side has something: it holds their numbers once. A
  /// module that is missing as a whole took them along, though the same zeros may stand elsewhere.
  private func sharing(_ twins: [Twin], _ lone: Both<Set<Int>>) -> [Twin] {
    guard !twins.isEmpty else { return [] }
    let doubtful = Both(
      Set(twins.filter { $0.side == .a }.map(\.index)), Set(twins.filter { $0.side == .b }.map(\.index)))
    var modules = Both([Name: Bool](), [Name: Bool]())
    for side in Side.allCases {
      for index in weights[side].indices where !doubtful[side].contains(index) {
        for path in NameRules.modules(of: weights[side][index].name) {
          if !lone[side].contains(index) {
            modules[side][Name(path)] = true
          } else if modules[side][Name(path)] == nil {
            modules[side][Name(path)] = false
          }
        }
      }
    }
    return twins.filter { twin in
      let paths = NameRules.modules(of: weights[twin.side][twin.index].name)
      return paths.lazy.compactMap { modules[twin.side][Name($0)] }.first ?? true
    }
  }

  /// Entries of weights; of one that was folded and found no partner, those that the file holds.
  func entries(_ indices: [Int], of side: Side) -> [TensorEntry] {
    let known = Dictionary(weights[side].map { (Name($0.name), $0.entry) }) { first, _ in first }
    return indices.flatMap { index -> [TensorEntry] in
      let weight = weights[side][index]
      let parts = weight.parts.compactMap { known[Name($0)] }
      return parts.isEmpty ? [weight.entry] : parts
    }
  }
}
