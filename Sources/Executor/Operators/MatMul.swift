import IR
import Kernels
import Tensors

extension MatMul: Evaluation {
  func compute(_ operands: Operands) {
    let (a, b) = (operands.shape(0), operands.shape(1))
    let (rows, depth) = (a.rank == 1 ? 1 : a[-2], a[-1])
    let columns = b.rank == 1 ? 1 : b[-1]
    let batchA = Shape(Array(a.dimensions.dropLast(2)))
    let batchB = Shape(Array(b.dimensions.dropLast(2)))
    // One matrix on the right: all rows of the left are one matrix.
    if batchB.count == 1 {
      return multiply(
        operands[0], operands[1], into: operands.output, m: batchA.count * rows, n: columns, k: depth,
        workers: operands.workers)
    }
    let kept = (a.rank > 1 ? 1 : 0) + (b.rank > 1 ? 1 : 0)
    let batch = Shape(Array(operands.outputShape.dimensions.dropLast(kept)))
    let (stridesA, stridesB) = (broadcastStrides(batchA, to: batch), broadcastStrides(batchB, to: batch))
    func product(_ number: Int, _ workers: Workers) {
      var (rest, left, right) = (number, 0, 0)
      for axis in (0..<batch.rank).reversed() {
        let place = rest % batch[axis]
        rest /= batch[axis]
        left += place * stridesA[axis]
        right += place * stridesB[axis]
      }
      multiply(
        operands[0] + left * rows * depth, operands[1] + right * depth * columns,
        into: operands.output + number * rows * columns, m: rows, n: columns, k: depth, workers: workers)
    }
    if batch.count >= operands.workers.count {
      operands.workers.run(tasks: batch.count) { product($0, Workers(1)) }
    } else {
      for number in 0..<batch.count { product(number, operands.workers) }
    }
  }
}
