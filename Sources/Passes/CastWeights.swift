import Bytes
import Executor
import IR
import Kernels
import Synchronization
import Tensors

/// Stores weights in another floating-point type; they are still computed with as F32.
///
/// Matrices and kernels (two axes and more) get the type asked for. Vectors - biases, norms - are stored as F32: they
/// are a thousandth of the bytes and the first to lose accuracy.
public struct CastWeights: Pass {
  /// cast-weights
  public static let name = "cast-weights"

  /// The type asked for: F32, F16 or BF16.
  public let dataType: DataType

  /// The types to cast from; nil for every floating-point type.
  public let sources: Set<DataType>?

  /// Creates the pass.
  public init(to dataType: DataType, from sources: Set<DataType>? = nil) {
    precondition([.float32, .float16, .bfloat16].contains(dataType))
    self.dataType = dataType
    self.sources = sources
  }

  /// Nothing can be computed with doubles, so that they go first.
  public static let narrowingDoubles = CastWeights(to: .float32, from: [.float64])

  /// Casts every floating-point constant that is not of its type yet; its elements lie in rows then.
  public func run(on graph: inout Graph) throws -> PassReport { try cast(&graph).report }

  /// Casts, and tells what is lost.
  ///
  /// The numbers are cast where they are used, a piece at a time; here they are only counted.
  public func cast(
    _ graph: inout Graph, threads: Int = 1
  ) throws -> (report: PassReport, losses: [(name: String, counts: CastCounts)]) {
    var report = PassReport(pass: CastWeights.name)
    var casts: [(name: String, cast: FloatCast)] = []
    for id in graph.constantOrder {
      var constant = graph.constants[id]!
      let target = constant.shape.rank >= 2 ? dataType : .float32
      let source = constant.dataType
      guard source.isFloat, source != target, sources?.contains(source) != false else { continue }
      let cast = FloatCast(constant.storage, to: target)
      constant.storage = .derived(cast.tensor)
      constant.provenance.steps.append("\(source.rawValue) to \(target.rawValue)")
      graph.replaceConstant(id, with: constant)
      report.changes.append("\(graph[id].name): \(source.rawValue) to \(target.rawValue)")
      casts.append((graph[id].name, cast))
    }
    let counts = Mutex([CastCounts](repeating: CastCounts(), count: casts.count))
    try inParallel(casts.count, threads: threads) { [casts] (number) throws(FormatError) in
      let lost = casts[number].cast.losses
      counts.withLock { $0[number] = lost }
    }
    let losses = zip(casts, counts.withLock { $0 }).map { (name: $0.name, counts: $1) }
    return (report, losses.filter { $0.counts != CastCounts() })
  }
}
