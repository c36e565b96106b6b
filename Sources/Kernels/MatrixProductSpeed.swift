/// Operations a second that square matrix products of 1,536 reach on OpenBLAS, one on each worker: what the machine can
/// do. The best of a few tries.
public func matrixProductSpeed(workers: Workers) -> Double {
  let size = 1536
  let blocks = (0..<3 * workers.count).map { _ in Block(capacity: size * size) }
  for block in blocks { block.pointer.update(repeating: 0.5, count: size * size) }
  let work = 2 * Double(size) * Double(size) * Double(size) * Double(workers.count)
  return (0..<4).map { _ in
    let start = ContinuousClock.now
    workers.run(tasks: workers.count) { worker in
      multiplyPiece(
        Matrix(blocks[3 * worker].contents, stride: size), Matrix(blocks[3 * worker + 1].contents, stride: size),
        .zero, blocks[3 * worker + 2].pointer, size, size, size, size)
    }
    return work / ((ContinuousClock.now - start) / .seconds(1))
  }.max()!
}
