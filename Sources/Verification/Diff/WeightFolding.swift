import Bytes
import Executor
import IR
import Tensors

/// A weight under weight norm as files hold it: a direction v and a magnitude g, W = v · g / ‖v‖, the norm taken over
/// the axes along which g has the length 1 (`torch.nn.utils.weight_norm`).
struct WeightNormPair {
  let magnitude: Int
  let direction: Int
  /// What the folded weight is called.
  let name: String

  /// The three endings of PyTorch's history: of g, of v and of W.
  private static let spellings = [
    ("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"),
  ]

  /// How far apart two programs' foldings may be. Each rounds a norm, a quotient and a product; one that sums `count`
  /// squares as 32-bit floats is off by about as many roundings as the root of that says.
  static func tolerance(normOf count: Int) -> Tolerance {
    Tolerance(
      absolute: 0, relative: 4e-7 + Double(count).squareRoot() * 0x1p-24,
      reason: "programs round and sum differently when they fold weight norm")
  }

  /// The pairs among some of `weights`, by their names and shapes.
  static func pairs(_ indices: [Int], of weights: [Weight]) -> [WeightNormPair] {
    let places = Dictionary(indices.map { (Name(weights[$0].name), $0) }) { first, _ in first }
    return indices.compactMap { direction in
      let name = weights[direction].name
      for (g, v) in spellings where name.utf8.elementsEqual(v.utf8) || name.hasSuffix("." + v) {
        let stem = String(name.dropLast(v.count))
        guard let magnitude = places[Name(stem + g)], fits(weights[magnitude].entry, weights[direction].entry) else {
          continue
        }
        return WeightNormPair(magnitude: magnitude, direction: direction, name: stem + "weight")
      }
      return nil
    }
  }

  private static func fits(_ g: TensorEntry, _ v: TensorEntry) -> Bool {
    g.dataType.isFloat && v.dataType.isFloat && g.shape.rank == v.shape.rank && g.shape.dimensions.contains(1)
      && zip(g.shape.dimensions, v.shape.dimensions).allSatisfy { $0 == 1 || $0 == $1 }
  }

  /// The weight that the two make, as F32, computed as a conversion computes it.
  func folded(of weights: [Weight]) -> Weight {
    let (g, v) = (weights[magnitude], weights[direction])
    var weight = Weight(TensorEntry(name: name, dataType: .float32, shape: v.entry.shape)) {
      () throws(FormatError) in
      .rowMajor(try WeightNormPair.fold(g.tensor(), v.tensor()))
    }
    weight.normSize = v.entry.shape.count / max(g.entry.shape.count, 1)
    weight.parts = [g.name, v.name]
    if v.storedType == .float64 { weight.storedType = .float64 }
    return weight
  }

  private static func fold(_ g: Tensor, _ v: Tensor) throws(FormatError) -> Tensor {
    func constant(_ tensor: Tensor) -> Constant {
      guard tensor.dataType == .float64 else { return Constant(tensor, provenance: Provenance()) }
      return Constant(.derived(FloatCast(tensor, to: .float32).tensor), provenance: Provenance())
    }
    do {
      var graph = Graph()
      let (g, v) = (graph.addConstant("g", constant(g)), graph.addConstant("v", constant(v)))
      let axes = graph.constants[g]!.shape.dimensions.indices.filter { graph.constants[g]!.shape[$0] == 1 }
      let norm = try graph.addNode("norm", .reduce(Reduce(.l2, axes: axes, keepsAxes: true)), [v])
      let factor = try graph.addNode("factor", .binary(Binary(.divide)), [g, norm])
      graph.addOutput("weight", try graph.addNode("weight", .binary(Binary(.multiply)), [v, factor]))
      return try Executor(graph, threads: 1).run([:])["weight"]!
    } catch {
      throw FormatError("weight norm", .invalid("\(error)"))
    }
  }
}

/// Two programs' foldings of one weight side by side.
struct FoldingComparison {
  /// The largest absolute difference, the rounding to half-width numbers included.
  private(set) var difference = 0.0
  /// The largest difference that is allowed, that rounding left out.
  private(set) var limit = 0.0
  /// True when no element is further apart.
  private(set) var holds = true

  /// Compares two tensors of one shape, made with norms of `normSize` numbers.
  init(_ a: Tensor, _ b: Tensor, normSize: Int) {
    var (largest, worst) = (0.0, 0.0)
    for start in stride(from: 0, to: a.count, by: WeightChange.step) {
      let range = start..<min(start + WeightChange.step, a.count)
      for (p, q) in zip(a.elements(range).numbers, b.elements(range).numbers) {
        largest = max(largest, abs(p), abs(q))
        difference = max(difference, abs(p - q))
        worst = max(worst, abs(p - q) - a.dataType.rounding(at: p) - b.dataType.rounding(at: q))
        if !p.isFinite || !q.isFinite { holds = false }
      }
    }
    limit = WeightNormPair.tolerance(normOf: normSize).limit(largest: largest)
    if worst > limit { holds = false }
  }
}

extension DataType {
  /// How far a number may have been from `number` before it was rounded to a half-width type.
  fileprivate func rounding(at number: Double) -> Double {
    let (fraction, least): (Int, Int)
    switch self {
    case .float16: (fraction, least) = (10, -14)
    case .bfloat16: (fraction, least) = (7, -126)
    default: return 0
    }
    guard number.isFinite else { return 0 }
    let exponent = number == 0 ? least : max(Int(number.exponent), least)
    return Double(sign: .plus, exponent: exponent - fraction - 1, significand: 1)
  }
}
