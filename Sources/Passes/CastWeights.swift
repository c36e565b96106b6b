import Bytes
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
    var casts: [(name: String, cast: Cast)] = []
    for id in graph.constantOrder {
      var constant = graph.constants[id]!
      let target = constant.shape.rank >= 2 ? dataType : .float32
      let source = constant.dataType
      guard source.isFloat, source != target, sources?.contains(source) != false else { continue }
      let cast = Cast(constant.storage, to: target)
      constant.storage = .derived(DerivedTensor(target, constant.shape) { cast.piece($0).bytes })
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

/// Numbers seen in another floating-point type, rounded to nearest.
private struct Cast: Sendable {
  let source: Constant.Storage
  let target: DataType

  init(_ source: Constant.Storage, to target: DataType) { (self.source, self.target) = (source, target) }

  /// Some elements in the other type, and what was lost in them.
  func piece(_ range: Range<Int>) -> (bytes: ByteView, lost: CastCounts) {
    var lost = CastCounts()
    let tensor = Tensor(source.dataType, [range.count], bytes: source.elements(range)).cast(to: target, &lost)
    return (tensor.bytes, lost)
  }

  /// What is lost in all elements.
  var losses: CastCounts {
    // Widening loses nothing.
    guard target != .float32 || source.dataType == .float64 else { return CastCounts() }
    var sum = CastCounts()
    let step = 1 << 18
    for start in stride(from: 0, to: source.shape.count, by: step) {
      let lost = piece(start..<min(start + step, source.shape.count)).lost
      sum.overflowed += lost.overflowed
      sum.flushed += lost.flushed
    }
    return sum
  }
}

extension Tensor {
  /// The same numbers in another floating-point type, rounded to nearest; `counts` grows by what was lost.
  fileprivate func cast(to target: DataType, _ counts: inout CastCounts) -> Tensor {
    let floats = dataType == .float32 ? self : toFloat32(&counts)
    switch target {
    case .float16: return floats.narrowed(to: .float16, target, &counts)
    case .bfloat16: return floats.narrowed(to: .bfloat16, target, &counts)
    default: return floats
    }
  }

  private func narrowed(to half: HalfWidth, _ target: DataType, _ counts: inout CastCounts) -> Tensor {
    var lost = CastCounts()
    let region = ByteRegion(count: count * 2) { bytes in
      withFloats { floats in
        guard let source = floats.baseAddress, let result = bytes.bindMemory(to: UInt16.self).baseAddress else {
          return
        }
        lost = narrow(source, result, count: count, to: half)
      }
    }
    counts.overflowed += lost.overflowed
    counts.flushed += lost.flushed
    return Tensor(target, shape, bytes: region.view)
  }

  private func toFloat32(_ counts: inout CastCounts) -> Tensor {
    var lost = CastCounts()
    let result = Tensor.floats(shape) { floats in
      bytes.withUnsafeBytes { raw in
        for index in 0..<count {
          switch dataType {
          case .float64:
            let wide = raw.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
            floats[index] = Float(wide)
            if wide.isFinite && !floats[index].isFinite { lost.overflowed += 1 }
            if wide != 0 && floats[index] == 0 { lost.flushed += 1 }
          default:
            let half = raw.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
            floats[index] = widened(half, from: dataType == .float16 ? .float16 : .bfloat16)
          }
        }
      }
    }
    counts.overflowed += lost.overflowed
    counts.flushed += lost.flushed
    return result
  }
}
