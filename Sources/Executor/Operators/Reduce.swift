import IR
import Kernels
import Tensors

extension Reduce: Evaluation {
  func compute(_ operands: Operands) {
    let x = operands.shape(0)
    // Neighbouring axes are one axis; others are brought together first.
    let contiguous = axes.last! - axes.first! == axes.count - 1
    var source = operands[0]
    let moved = contiguous ? nil : Block(capacity: x.count)
    var (outer, length, inner) = (1, 1, 1)
    if let moved {
      let order = x.dimensions.indices.filter { !axes.contains($0) } + axes
      gather(source, moved.pointer, lengths: order.map { x[$0] }, strides: order.map { x.strides[$0] })
      source = moved.contents
      length = axes.reduce(1) { $0 * x[$1] }
      outer = operands.outputShape.count
    } else {
      outer = x.dimensions[..<axes.first!].reduce(1, *)
      length = axes.reduce(1) { $0 * x[$1] }
      inner = x.dimensions[(axes.last! + 1)...].reduce(1, *)
    }
    reduce(source, operands.output, outer: outer, length: length, inner: inner, rootOfSquares: function == .l2)
  }
}
