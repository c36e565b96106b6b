import Bytes
import Synchronization
import Tensors

/// What became of each weight of two models: the same numbers or others, here only or there only.
public struct WeightDiff: Sendable {
  /// How the elements of one side become those of the other.
  public enum Step: Hashable, Sendable {
    /// Axes of the length 1 come or go.
    case reshape
    /// The rows of a matrix become columns.
    case transpose
    /// A magnitude and a direction become one weight.
    case fold
    /// Numbers are rounded to a narrower type, on whichever side the wider one is.
    case cast(from: DataType, to: DataType)
    /// Of the states of all layers those that a pruned model has left, by their numbers in the other one; numbers whose
    /// sum is one were divided by theirs.
    case states([Int], of: Int, normalized: Bool)
    /// Of numbers for each layer those of the layers that a pruned model has left.
    case layers([Int], of: Int)
  }

  /// Two weights with the same numbers.
  public struct Match: Sendable {
    /// Their names.
    public let names: Both<String>
    /// What they go by where one model is the other one pruned: layers have the pruned model's numbers.
    public let called: Both<String>
    /// How one becomes the other; none for the same bits.
    public let steps: [Step]
    /// The tensors of A's or B's file that are folded into the weight; empty where both hold it as it is.
    public let parts: Both<[String]>
    /// How far two programs' foldings are apart at most, and how far they may be; nil for the same bits.
    public let folding: (difference: Double, limit: Double)?
    /// True where one side holds once what the other holds twice and more: a twin of another pair.
    public let isShared: Bool
    /// True where a name that both models have belongs to these numbers in one of them only.
    public let isMoved: Bool

    /// The paths that tell the names apart, before what both end with; nil where they end differently.
    public var renaming: (a: String, b: String)? { NameRules.rule(called.a, called.b).map { ($0.from, $0.to) } }
  }

  /// Two weights of one name with other numbers.
  public struct Change: Sendable {
    /// Their names.
    public let names: Both<String>
    /// What was done before they were compared.
    public let steps: [Step]
    /// How far they are apart.
    public let numbers: WeightChange
  }

  /// A weight that a model's rules leave out.
  public struct Ignored: Sendable {
    /// Whose it is.
    public let side: Side
    /// Its name.
    public let name: String
    /// The rule.
    public let reason: String

    /// Creates an entry.
    public init(side: Side, name: String, reason: String) { (self.side, self.name, self.reason) = (side, name, reason) }
  }

  /// Weights with the same numbers, in A's order.
  public let equal: [Match]
  /// Weights of one name with other numbers, in A's order.
  public let changed: [Change]
  /// What the other side does not have.
  public let only: Both<[TensorEntry]>
  /// What a model's rules leave out and the other side does not have.
  public let ignored: [Ignored]
  /// The layers that one model has of the other; nil where neither is the other one pruned.
  public let pruned: PrunedLayers?
  /// What the whole model holds in the layers that the pruned one does not have.
  public let absent: [TensorEntry]

  /// True when every weight of both sides is accounted equal, where it belongs.
  public var isSame: Bool { changed.isEmpty && only.a.isEmpty && only.b.isEmpty && !equal.contains(where: \.isMoved) }

  /// Compares the weights of two models: by digest, through transposes, foldings and casts, then by name.
  ///
  /// Elements are read a piece or a tensor at a time on `threads` threads; throws where they cannot be read. `merges` is
  /// true for a side that stores equal tensors once, as ONNX exporters do: it may hold one zero bias for all.
  public init(
    _ a: [Weight], _ b: [Weight], merges: Both<Bool> = Both(false, false), threads: Int
  ) throws(FormatError) {
    let matching = try WeightMatching(a, b, threads: threads)
    let layers = PrunedLayers(matching)
    let account = WeightAccount(matching, merges: merges, layers: layers)
    let weights = matching.weights
    let slices = try StateSlices(account, weights, layers)
    let pairs = slices.changed
    let numbers = Mutex([WeightChange?](repeating: nil, count: pairs.count))
    let steps = Mutex([[Step]](repeating: [], count: pairs.count))
    try inParallel(pairs.count, threads: threads) { (number) throws(FormatError) in
      let (change, done) = try WeightChange.between(weights.a[pairs[number].a], weights.b[pairs[number].b])
      numbers.withLock { $0[number] = change }
      steps.withLock { $0[number] = done }
    }
    changed = zip(pairs, zip(numbers.withLock { $0 }, steps.withLock { $0 })).map { pair, found in
      Change(names: Both(weights.a[pair.a].name, weights.b[pair.b].name), steps: found.1, numbers: found.0!)
    }
    equal = account.matches + slices.matches
    only = Both(account.entries(slices.only.a, of: .a), account.entries(slices.only.b, of: .b))
    ignored = account.ignored
    pruned = layers
    absent = account.entries(account.absent.a, of: .a) + account.entries(account.absent.b, of: .b)
  }
}

extension WeightView {
  /// What the view does to elements of one type to make them those of another.
  func steps(from source: DataType, to target: DataType) -> [WeightDiff.Step] {
    switch self {
    case .plain: []
    case .reshaped: [.reshape]
    case .transposed: [.transpose]
    case .cast: [.cast(from: source, to: target)]
    case .castTransposed: [.transpose, .cast(from: source, to: target)]
    }
  }
}

extension WeightDiff.Step: CustomStringConvertible {
  /// `transpose`, `cast F32 to F16`
  public var description: String {
    switch self {
    case .reshape: "reshape"
    case .transpose: "transpose"
    case .fold: "folding"
    case .cast(let source, let target): "cast \(source.rawValue) to \(target.rawValue)"
    case .states(let kept, let count, let normalized):
      "states " + kept.map(String.init).joined(separator: ", ") + " of \(count)"
        + (normalized ? ", divided by their sum" : "")
    case .layers(let kept, let count): "layers " + kept.map(String.init).joined(separator: ", ") + " of \(count)"
    }
  }
}
