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
  /// Weights of layers that the other side does not have.
  let absent: Both<[Int]>
  private let weights: Both<[Weight]>
  /// What weights go by: those of kept layers by their numbers in the pruned model, those of absent ones by nothing.
  private let names: Both<[String?]>
  private let groups: [WeightMatching.Group]
  /// The number of the group that each weight is in.
  private var groupOf = Both([Int: Int](), [Int: Int]())
  private let pairing: NamePairing

  /// Two equal weights and their group.
  private typealias Pair = (a: Int, b: Int, group: Int)

  /// A weight that is equal to others and has no partner among them.
  private struct Twin {
    let side: Side
    let index: Int
    let group: Int
  }

  /// Pairs what is equal, then what has one name; the rest is shared, ignored or on one side only. `merges` is true for a
  /// side that stores equal tensors once; `layers` are those that one model has of the other.
  init(_ matching: WeightMatching, merges: Both<Bool>, layers: PrunedLayers?) {
    weights = matching.weights
    func called(_ side: Side) -> [String?] {
      matching.weights[side].map { side == layers?.side.other ? layers?.name($0.name) : $0.name }
    }
    let names = Both(called(.a), called(.b))
    func absent(_ side: Side) -> [Int] { names[side].indices.filter { names[side][$0] == nil } }
    self.absent = Both(absent(.a), absent(.b))
    let (groups, left) = WeightAccount.present(
      matching.groups, names, Both(matching.open(.a), matching.open(.b)))
    (self.groups, self.names) = (groups, names)
    let sure = groups.filter { $0.members.a.count == 1 && $0.members.b.count == 1 }
    pairing = NamePairing(weights, called: names, sure: sure.map { ($0.members.a[0], $0.members.b[0]) })
    for (number, group) in groups.enumerated() {
      for side in Side.allCases {
        for index in group.members[side] { groupOf[side][index] = number }
      }
    }
    var (pairs, twins) = equalPairs()
    let lone = pairNames(
      Both(
        (left.a + twins.filter { $0.side == .a }.map(\.index)).sorted(),
        (left.b + twins.filter { $0.side == .b }.map(\.index)).sorted()))
    // Zeros are in many places; that two weights hold other numbers in common is no chance.
    twins = twins.filter { twin in
      lone[twin.side].contains(twin.index) && (merges[twin.side.other] || !groups[twin.group].isUniform)
    }
    let partners = Dictionary(pairs.map { ($0.group, $0) }) { first, _ in first }
    var shared = Both(Set<Int>(), Set<Int>())
    for twin in sharing(twins, lone) {
      guard let partner = partners[twin.group] else { continue }
      shared[twin.side].insert(twin.index)
      pairs.append(twin.side == .a ? (twin.index, partner.b, twin.group) : (partner.a, twin.index, twin.group))
    }
    pairs.sort { ($0.a, $0.b) < ($1.a, $1.b) }
    matches = pairs.map { match($0, isShared: shared.a.contains($0.a) || shared.b.contains($0.b)) }
    for side in Side.allCases {
      for index in lone[side].subtracting(shared[side]).sorted() {
        if let reason = weights[side][index].ignored {
          ignored.append(WeightDiff.Ignored(side: side, name: weights[side][index].name, reason: reason))
        } else {
          only[side].append(index)
        }
      }
    }
  }

  /// The groups without the weights that have no name, and what is open: those of groups that have only one side now too.
  private static func present(
    _ groups: [WeightMatching.Group], _ names: Both<[String?]>, _ open: Both<[Int]>
  ) -> ([WeightMatching.Group], Both<[Int]>) {
    func present(_ side: Side, _ indices: [Int]) -> [Int] { indices.filter { names[side][$0] != nil } }
    var (left, open) = ([WeightMatching.Group](), Both(present(.a, open.a), present(.b, open.b)))
    for var group in groups {
      group.members = Both(present(.a, group.members.a), present(.b, group.members.b))
      if !group.members.a.isEmpty, !group.members.b.isEmpty {
        left.append(group)
      } else {
        open.a += group.members.a
        open.b += group.members.b
      }
    }
    return (left, open)
  }

  /// Pairs of equal weights, and those that are left over.
  private func equalPairs() -> (pairs: [Pair], twins: [Twin]) {
    var (pairs, twins) = ([Pair](), [Twin]())
    for (number, group) in groups.enumerated() {
      let named = pairing.named(group.members)
      let ordered = pairing.ordered(named.left) { side, index in groupOf[side][index] == number }
      pairs += (named.pairs + ordered.pairs).map { ($0.a, $0.b, number) }
      for side in Side.allCases {
        twins += ordered.left[side].map { Twin(side: side, index: $0, group: number) }
      }
    }
    return (pairs, twins)
  }

  /// Notes what has one name as changed, unless a model ignores it; hands back what is left.
  private mutating func pairNames(_ open: Both<[Int]>) -> Both<Set<Int>> {
    let named = pairing.named(open)
    let prefixed = pairing.prefixed(named.left)
    changed = (named.pairs + prefixed.pairs)
      .filter { weights.a[$0.a].ignored == nil && weights.b[$0.b].ignored == nil }
      .sorted { $0.a < $1.a }
    return Both(
      Set(open.a).subtracting(changed.map(\.a)), Set(open.b).subtracting(changed.map(\.b)))
  }

  private func match(
    _ pair: Pair, isShared: Bool
  ) -> WeightDiff.Match {
    let (x, y, group) = (weights.a[pair.a], weights.b[pair.b], groups[pair.group])
    var steps = group.steps.filter { if case .cast = $0 { false } else { true } }
    if x.parts.isEmpty != y.parts.isEmpty, !steps.contains(.fold) { steps.append(.fold) }
    if x.storedType != y.storedType {
      var isWide = x.storedType.size >= y.storedType.size
      for case .cast(let source, _) in group.steps { isWide = source == x.entry.dataType }
      let types = isWide ? (x.storedType, y.storedType) : (y.storedType, x.storedType)
      steps.append(.cast(from: types.0, to: types.1))
    }
    // A name that the other model gives to other numbers.
    func isElsewhere(_ index: Int, of side: Side) -> Bool {
      pairing.home(index, of: side).map { groupOf[side.other][$0] != pair.group } ?? false
    }
    return WeightDiff.Match(
      names: Both(x.name, y.name), called: Both(names.a[pair.a]!, names.b[pair.b]!), steps: steps,
      parts: Both(x.parts, y.parts),
      folding: group.folding.map { ($0.difference, $0.limit) }, isShared: isShared,
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
      for index in weights[side].indices where !doubtful[side].contains(index) && names[side][index] != nil {
        for path in NameRules.modules(of: names[side][index] ?? "") {
          if !lone[side].contains(index) {
            modules[side][Name(path)] = true
          } else if modules[side][Name(path)] == nil {
            modules[side][Name(path)] = false
          }
        }
      }
    }
    return twins.filter { twin in
      let paths = NameRules.modules(of: names[twin.side][twin.index] ?? "")
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
