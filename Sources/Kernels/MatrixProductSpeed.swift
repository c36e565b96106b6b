/// Operations a second that square matrix products of 1,536 reach, one on each worker: what the machine can do.
///
/// The best of a few tries of both products, OpenBLAS's and our own.
public func matrixProductSpeed(workers: Workers) -> Double {
  let size = 1536
  let blocks = (0..<3 * workers.count).map { _ in Block(capacity: size * size) }
  for block in blocks { block.pointer.update(repeating: 0.5, count: size * size) }
  let work = 2 * Double(size) * Double(size) * Double(size) * Double(workers.count)
  let weights = (0..<workers.count).map { worker in
    ProductWeight(packing: blocks[3 * worker + 1].contents, outputs: size, depth: size, workers: workers)
  }
  return (0..<8).map { turn in
    let start = ContinuousClock.now
    workers.run(tasks: workers.count) { worker in
      let (a, c) = (Matrix(blocks[3 * worker].contents, stride: size), blocks[3 * worker + 2].pointer)
      if turn % 2 == 0 {
        multiplyPiece(a, Matrix(blocks[3 * worker + 1].contents, stride: size), .zero, c, size, size, size, size)
      } else {
        PackedProduct(a: a, weight: weights[worker], tail: ProductTail(), c: c, columnStride: size)
          .compute(rows: 0..<size)
      }
    }
    return work / ((ContinuousClock.now - start) / .seconds(1))
  }.max()!
}
