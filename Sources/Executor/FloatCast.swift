import Bytes
import IR
import Kernels
import Tensors

/// A tensor seen in another floating-point type, rounded to nearest, the same bits on every machine.
public struct FloatCast: Sendable {
  private let source: Constant.Storage
  private let target: DataType

  /// A view of `source`, whose elements are floats of 16 bits and more, as F32, F16 or BF16.
  public init(_ source: Tensor, to target: DataType) { self.init(.rowMajor(source), to: target) }

  /// A view of `source`, whose elements are floats of 16 bits and more, as F32, F16 or BF16.
  public init(_ source: Constant.Storage, to target: DataType) {
    precondition(source.dataType.isFloat && [.float32, .float16, .bfloat16].contains(target))
    (self.source, self.target) = (source, target)
  }

  /// The elements in the other type, cast when they are asked for.
  public var tensor: DerivedTensor { DerivedTensor(target, source.shape) { piece($0).bytes } }

  /// Some elements in the other type, and what was lost in them.
  private func piece(_ range: Range<Int>) -> (bytes: ByteView, lost: CastCounts) {
    var lost = CastCounts()
    let part = Tensor(source.dataType, [range.count], bytes: source.elements(range))
    let tensor = part.cast(to: target, &lost)
    return (tensor.bytes, lost)
  }

  /// What is lost in all elements.
  public var losses: CastCounts {
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
