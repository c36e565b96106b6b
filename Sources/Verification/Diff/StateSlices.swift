import Bytes
import Tensors

/// Weights that have a number for the state of each layer (`layer_weights`), or for each layer (`alibi_scale`), of a whole
/// model and of a pruned one: equal where the pruned model has the numbers of what it kept.
struct StateSlices {
  /// Those that are.
  private(set) var matches: [WeightDiff.Match] = []
  /// Pairs of one name that hold other numbers, without these.
  private(set) var changed: [(a: Int, b: Int)]
  /// Weights without a partner, without these.
  private(set) var only: Both<[Int]>

  /// So many weights without a partner are laid beside those of the other side.
  private static let candidateLimit = 16

  /// Looks among what is not equal. Elements are read; throws where they cannot be.
  init(_ account: WeightAccount, _ weights: Both<[Weight]>, _ layers: PrunedLayers?) throws(FormatError) {
    (changed, only) = (account.changed, account.only)
    guard let layers else { return }
    var left: [(a: Int, b: Int)] = []
    for pair in changed {
      if try !match(weights.a[pair.a], weights.b[pair.b], layers) { left.append(pair) }
    }
    changed = left
    func sized(_ side: Side) -> [Int] {
      let count = side == layers.side ? layers.selection.kept.count : layers.selection.count
      let fitting = only[side].lazy.filter { index in
        weights[side][index].entry.shape.dimensions.contains { $0 == count || $0 == count + 1 }
      }
      return Array(fitting.prefix(StateSlices.candidateLimit))
    }
    let pairs = sized(.a).flatMap { a in sized(.b).map { (a: a, b: $0) } }
    for (a, b) in pairs where only.a.contains(a) && only.b.contains(b) {
      if try match(weights.a[a], weights.b[b], layers) {
        only = Both(only.a.filter { $0 != a }, only.b.filter { $0 != b })
      }
    }
  }

  /// The axis along which states or layers lie, and the numbers of those that are kept; nil for weights that have none.
  private static func axis(_ a: TensorEntry, _ b: TensorEntry, _ layers: PrunedLayers) -> (axis: Int, kept: [Int])? {
    let (whole, part) = layers.side == .a ? (b, a) : (a, b)
    let (long, short) = (whole.shape.dimensions, part.shape.dimensions)
    guard whole.dataType.isFloat, part.dataType.isFloat, long.count == short.count,
      let axis = long.indices.first(where: { long[$0] != short[$0] }),
      long[(axis + 1)...] == short[(axis + 1)...]
    else { return nil }
    let selection = layers.selection
    switch (long[axis], short[axis]) {
    case (selection.count + 1, selection.kept.count + 1): return (axis, selection.keptStates)
    case (selection.count, selection.kept.count): return (axis, selection.kept)
    default: return nil
    }
  }

  private mutating func match(_ a: Weight, _ b: Weight, _ layers: PrunedLayers) throws(FormatError) -> Bool {
    guard let (axis, kept) = StateSlices.axis(a.entry, b.entry, layers) else { return false }
    let (whole, part) = layers.side == .a ? (b, a) : (a, b)
    let count = whole.entry.shape[axis]
    // Whichever is narrower was rounded.
    let narrow = whole.entry.dataType.size > part.entry.dataType.size ? part : whole
    let type = narrow.entry.dataType
    let (long, own) = (
      try whole.seen(as: type, transposed: false).rowMajor, try part.seen(as: type, transposed: false).rowMajor
    )
    let row = long.shape.dimensions[(axis + 1)...].reduce(1, *)
    let rows = (0..<long.shape.dimensions[..<axis].reduce(1, *)).flatMap { outer in kept.map { outer * count + $0 } }
    let slice = Tensor(
      type, own.shape, pieces: rows.map { long.elements($0 * row..<($0 + 1) * row).bytes })
    var steps: [WeightDiff.Step] = []
    var folding: (difference: Double, limit: Double)?
    if slice.bytes.hasSameBytes(as: own.bytes) {
      steps = [count == layers.selection.count ? .layers(kept, of: count) : .states(kept, of: count, normalized: false)]
    } else {
      guard count > layers.selection.count, let apart = StateSlices.difference(own, from: slice, of: long) else {
        return false
      }
      steps = [.states(kept, of: count, normalized: true)]
      if apart.difference > 0 { folding = apart }
    }
    if whole.entry.dataType != part.entry.dataType {
      let wide = whole.entry.dataType == type ? part : whole
      steps.append(.cast(from: wide.entry.dataType, to: type))
    }
    let names = Both(a.name, b.name)
    matches.append(
      WeightDiff.Match(
        names: names, called: names, steps: steps, parts: Both([], []), folding: folding, isShared: false,
        isMoved: false))
    return true
  }

  /// How far numbers are from a slice divided by its sum, and how far two programs may be that round the division or a
  /// softmax; nil where they are further, or the whole does not add up to one.
  private static func difference(
    _ own: Tensor, from slice: Tensor, of whole: Tensor
  ) -> (difference: Double, limit: Double)? {
    guard own.dataType == .float32, whole.shape.dimensions.count(where: { $0 != 1 }) == 1 else { return nil }
    let (numbers, sum) = (slice.numbers, slice.numbers.reduce(0, +))
    guard whole.numbers.allSatisfy({ $0 >= 0 }), abs(whole.numbers.reduce(0, +) - 1) < 1e-5, sum > 0 else { return nil }
    let expected = numbers.map { Double(Float($0 / sum)) }
    let difference = zip(expected, own.numbers).map { abs($0 - $1) }.max() ?? 0
    let limit = 4e-7 * (expected.max() ?? 0)
    return difference <= limit ? (difference, limit) : nil
  }
}
