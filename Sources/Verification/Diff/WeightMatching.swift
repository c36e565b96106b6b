import Bytes
import Synchronization
import Tensors

/// Weights of two models brought together by what they hold, whatever they are called.
struct WeightMatching {
  /// Weights that all hold the same numbers, at least one on each side.
  struct Group {
    var members: Both<[Int]>
    /// How the elements of one side become those of the other.
    let steps: [WeightDiff.Step]
    /// How far two programs' foldings are apart; nil for elements with the same bits.
    var folding: FoldingComparison?
    /// True where all elements are one number, as zeros are; known of groups of more than two weights.
    var isUniform = false
  }

  /// The weights; those that folding made stand behind all others.
  private(set) var weights: Both<[Weight]>
  /// What was brought together.
  private(set) var groups: [Group] = []
  /// Those that are in a group, or in the one that was folded of them.
  private var taken: Both<[Bool]>
  private var digests: Both<[Digest?]>
  private let threads: Int

  /// Beside a folded weight so many of its shape are laid, those that the file names first.
  static let candidateLimit = 64

  /// Brings the weights of two models together. Digests are computed on `threads` threads.
  init(_ a: [Weight], _ b: [Weight], threads: Int) throws(FormatError) {
    weights = Both(a, b)
    taken = Both(a.map { _ in false }, b.map { _ in false })
    digests = Both(a.map(\.digest), b.map(\.digest))
    self.threads = threads
    try join(.plain, of: .a)
    foldPairs()
    try join(.plain, of: .a)
    for view in WeightView.allCases.dropFirst() {
      try join(view, of: .a)
      // A reshaped or transposed tensor is so seen from both sides; which one was cast has to be tried.
      if view == .cast || view == .castTransposed { try join(view, of: .b) }
    }
    try joinFoldings()
    for (number, group) in groups.enumerated() where group.members.a.count + group.members.b.count > 2 {
      groups[number].isUniform = try weights.a[group.members.a[0]].tensor().isUniform
    }
  }

  /// The weights that are in no group, in the file's order.
  func open(_ side: Side) -> [Int] { weights[side].indices.filter { !taken[side][$0] } }

  /// What was asked for of a weight.
  private struct Request: Sendable {
    let side: Side
    let index: Int
    let view: WeightView
    let form: WeightView.Form
  }

  private struct Contents: Hashable {
    let form: WeightView.Form
    let digest: Digest
  }

  /// Looks at the open weights of one side in some way, and groups them with those of the other that have the same
  /// digest. Only what can have a partner is read.
  private mutating func join(_ view: WeightView, of side: Side) throws(FormatError) {
    var targets: [WeightView.Form: [Int]] = [:]
    for index in open(side.other) { targets[view.target(weights[side.other][index].entry), default: []].append(index) }
    var (requests, partners) = ([Request](), [Request]())
    for index in open(side) {
      for form in view.forms(of: weights[side][index].entry) {
        guard let others = targets[form] else { continue }
        requests.append(Request(side: side, index: index, view: view, form: form))
        // The first that asks for a form brings those that have it.
        guard !others.isEmpty else { continue }
        partners += others.map { Request(side: side.other, index: $0, view: .plain, form: form) }
        targets[form] = []
      }
    }
    requests += partners
    let found = try digests(of: requests)
    var places: [Contents: Int] = [:]
    var joined: [(members: Both<[Int]>, request: Request)] = []
    for (request, digest) in zip(requests, found) {
      let contents = Contents(form: request.form, digest: digest)
      let place = places[contents] ?? joined.count
      if place == joined.count {
        places[contents] = place
        joined.append((Both([], []), request))
      }
      joined[place].members[request.side].append(request.index)
    }
    for (members, request) in joined where !members.a.isEmpty && !members.b.isEmpty {
      // A weight that fits in several ways was taken by the first.
      let left = Both(members.a.filter { !taken.a[$0] }, members.b.filter { !taken.b[$0] })
      guard !left.a.isEmpty, !left.b.isEmpty else { continue }
      let source = weights[side][request.index].entry.dataType
      group(Both(left.a.sorted(), left.b.sorted()), steps: view.steps(from: source, to: request.form.dataType))
    }
  }

  private mutating func group(_ members: Both<[Int]>, steps: [WeightDiff.Step], folding: FoldingComparison? = nil) {
    groups.append(Group(members: members, steps: steps, folding: folding))
    for side in Side.allCases {
      for index in members[side] { taken[side][index] = true }
    }
  }

  /// The digest that each request is for; those of weights as they are are kept.
  private mutating func digests(of requests: [Request]) throws(FormatError) -> [Digest] {
    let found = Mutex(requests.map { $0.view.keepsBytes ? digests[$0.side][$0.index] : nil })
    // The largest first, so that no thread is left with one at the end.
    let sizes = requests.map { weights[$0.side][$0.index].entry.bytes }
    let missing = found.withLock { found in requests.indices.filter { found[$0] == nil } }
      .sorted { sizes[$0] > sizes[$1] }
    try inParallel(missing.count, threads: threads) { [weights] (number) throws(FormatError) in
      let request = requests[missing[number]]
      let digest = try weights[request.side][request.index].digest(request.view, as: request.form.dataType)
      found.withLock { $0[missing[number]] = digest }
    }
    let all = found.withLock { $0.map { $0! } }
    for (request, digest) in zip(requests, all) where request.view.keepsBytes {
      digests[request.side][request.index] = digest
    }
    return all
  }
}

// Weight norm.
extension WeightMatching {
  /// Puts a folded weight in the place of a magnitude and a direction that the other side does not have, where it has
  /// something that the two could be folded into.
  private mutating func foldPairs() {
    func shapes(_ side: Side, _ indices: [Int]) -> Set<Shape> { Set(indices.map { weights[side][$0].entry.shape }) }
    let pairs = Both(
      WeightNormPair.pairs(open(.a), of: weights.a), WeightNormPair.pairs(open(.b), of: weights.b))
    let pairShapes = Both(shapes(.a, pairs.a.map(\.direction)), shapes(.b, pairs.b.map(\.direction)))
    let openShapes = Both(shapes(.a, open(.a)), shapes(.b, open(.b)))
    for side in Side.allCases {
      for pair in pairs[side] {
        let shape = weights[side][pair.direction].entry.shape
        guard openShapes[side.other].contains(shape), !pairShapes[side.other].contains(shape) else { continue }
        taken[side][pair.magnitude] = true
        taken[side][pair.direction] = true
        weights[side].append(pair.folded(of: weights[side]))
        taken[side].append(false)
        digests[side].append(nil)
      }
    }
  }

  /// Groups foldings of the same weight by different programs, the nearest first where there are several.
  private mutating func joinFoldings() throws(FormatError) {
    for side in Side.allCases {
      for index in open(side) {
        let weight = weights[side][index]
        guard let normSize = weight.normSize, weight.entry.dataType.isFloat, !taken[side][index] else { continue }
        let tensor = try weight.tensor()
        var best: (index: Int, comparison: FoldingComparison)?
        let candidates = open(side.other).lazy.filter { [weights] other in
          let candidate = weights[side.other][other]
          // The same steps round the same way: then the sources differ.
          return candidate.entry.shape == weight.entry.shape && candidate.entry.dataType.isFloat
            && max(candidate.entry.dataType.size, weight.entry.dataType.size) >= 4
            && (candidate.normSize == nil || candidate.steps != weight.steps)
        }
        for other in candidates.prefix(WeightMatching.candidateLimit) {
          let comparison = FoldingComparison(tensor, try weights[side.other][other].tensor(), normSize: normSize)
          if comparison.holds, comparison.difference < best?.comparison.difference ?? .infinity {
            best = (other, comparison)
          }
        }
        guard let best else { continue }
        let members = side == .a ? Both([index], [best.index]) : Both([best.index], [index])
        group(members, steps: [.fold], folding: best.comparison)
      }
    }
  }
}
