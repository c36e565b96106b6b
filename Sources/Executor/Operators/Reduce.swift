import IR
import Kernels
import Tensors

extension Reduce: Evaluation {
  func compute(_ operands: Operands) {
    let x = operands.shape(0)
    guard operands.outputShape.count > 0 else { return }
    // Neighbouring axes are one axis; others are brought together first.
    let contiguous = axes.last! - axes.first! == axes.count - 1
    let size = operands.outputType.size
    var source = operands.raw(0)
    let moved = contiguous ? nil : Block(capacity: (x.count * size + 3) / 4)
    defer { withExtendedLifetime(moved) {} }
    let length = axes.reduce(1) { $0 * x[$1] }
    var (outer, inner) = (operands.outputShape.count, 1)
    if let moved {
      let order = x.dimensions.indices.filter { !axes.contains($0) } + axes
      gather(
        source, UnsafeMutableRawPointer(moved.pointer), elementSize: size, lengths: order.map { x[$0] },
        strides: order.map { x.strides[$0] })
      source = UnsafeRawPointer(moved.pointer)
    } else {
      outer = x.dimensions[..<axes.first!].reduce(1, *)
      inner = x.dimensions[(axes.last! + 1)...].reduce(1, *)
    }
    func integers<Integer: FixedWidthInteger & SignedInteger>(_ type: Integer.Type) {
      reduce(
        reduction, source.assumingMemoryBound(to: type), operands.result(as: type), outer: outer, length: length,
        inner: inner)
    }
    switch operands.outputType {
    case .int64: integers(Int64.self)
    case .int32: integers(Int32.self)
    // Of the values 0 and 1 the largest and the smallest are those of signed bytes; of none, false and true.
    case .bool:
      integers(Int8.self)
      if length == 0 {
        let y = operands.result(as: Int8.self)
        for index in 0..<operands.outputShape.count { y[index] = function == .maximum ? 0 : 1 }
      }
    default:
      reduce(
        reduction, source.assumingMemoryBound(to: Float.self), operands.output, outer: outer, length: length,
        inner: inner)
    }
  }

  private var reduction: Reduction {
    switch function {
    case .mean: .mean
    case .l2: .rootOfSquares
    case .sum: .sum
    case .product: .product
    case .maximum: .maximum
    case .minimum: .minimum
    }
  }
}
