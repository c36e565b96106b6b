import COpenBLAS

// The only door to OpenBLAS. Products are cut here and each piece is computed by one BLAS thread: two pools that wait for
// each other would share two cores badly. BLAS adds up a sum's terms by the size of what it is given, so pieces depend on
// the product's size only: any number of workers gives the same bits.

private let singleThreaded: Void = openblas_set_num_threads(1)

/// A product is cut into at most so many pieces, none of fewer columns or rows: each packs the side that is not cut.
private let pieceLimit = 16
private let pieceSize = 128

/// Calls `body` for pieces of `0..<length` that start on multiples of `grain`, several at a time.
private func forEachPiece(_ length: Int, grain: Int, _ workers: Workers, _ body: (Range<Int>) -> Void) {
  let size = max(pieceSize, ((length + pieceLimit - 1) / pieceLimit + grain - 1) / grain * grain)
  workers.run(tasks: (length + size - 1) / size) { body($0 * size..<min(($0 + 1) * size, length)) }
}

/// A matrix in memory: rows of numbers, `stride` numbers apart. BLAS wants rows that do not overlap.
public struct Matrix: @unchecked Sendable {
  let base: UnsafePointer<Float>
  let stride: Int

  /// Describes memory that the caller keeps alive.
  public init(_ base: UnsafePointer<Float>, stride: Int) {
    self.base = base
    self.stride = stride
  }
}

/// What a product is added to.
public enum Addend {
  /// Nothing: the result is the product.
  case zero
  /// The same row for every row of the result.
  case row(UnsafePointer<Float>?)
  /// What the result holds already.
  case result

  func dropping(_ columns: Int) -> Addend {
    if case .row(let row) = self { .row(row.map { $0 + columns }) } else { self }
  }
}

/// c[m, n] = a[m, k] · b[n, k]ᵀ + addend, over all workers.
public func multiply(
  _ a: Matrix, transposed b: Matrix, plus addend: Addend, into c: UnsafeMutablePointer<Float>, columnStride: Int,
  m: Int, n: Int, k: Int, workers: Workers
) {
  // Each piece packs all of the side that is not cut, so the longer side is cut.
  if n >= m {
    forEachPiece(n, grain: 16, workers) { columns in
      multiplyPiece(
        a, Matrix(b.base + columns.lowerBound * b.stride, stride: b.stride), addend.dropping(columns.lowerBound),
        c + columns.lowerBound, columnStride, m, columns.count, k)
    }
  } else {
    forEachPiece(m, grain: 8, workers) { rows in
      multiplyPiece(
        Matrix(a.base + rows.lowerBound * a.stride, stride: a.stride), b, addend, c + rows.lowerBound * columnStride,
        columnStride, rows.count, n, k)
    }
  }
}

/// c[m, n] = a[m, k] · b[k, n], rows without gaps, over all workers.
public func multiply(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int,
  workers: Workers
) {
  guard m > 0, n > 0 else { return }
  guard k > 0 else { return c.update(repeating: 0, count: m * n) }
  _ = singleThreaded
  func piece(_ rows: Range<Int>, _ columns: Range<Int>) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows.count), blasint(columns.count), blasint(k), 1,
      a + rows.lowerBound * k, blasint(k), b + columns.lowerBound, blasint(n), 0,
      c + rows.lowerBound * n + columns.lowerBound, blasint(n))
  }
  // A product of few numbers is not worth a second thread.
  if m * n * k < 1 << 15 {
    piece(0..<m, 0..<n)
  } else if n >= m {
    forEachPiece(n, grain: 16, workers) { piece(0..<m, $0) }
  } else {
    forEachPiece(m, grain: 8, workers) { piece($0, 0..<n) }
  }
}

/// One piece on the calling thread: c = a · bᵀ + addend.
func multiplyPiece(
  _ a: Matrix, _ b: Matrix, _ addend: Addend, _ c: UnsafeMutablePointer<Float>, _ columnStride: Int,
  _ m: Int, _ n: Int, _ k: Int
) {
  _ = singleThreaded
  var keep: Float = 0
  switch addend {
  case .zero, .row(nil): break
  case .result: keep = 1
  case .row(let row?):
    keep = 1
    for index in 0..<m { (c + index * columnStride).update(from: row, count: n) }
  }
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(k), 1, a.base, blasint(a.stride), b.base,
    blasint(b.stride), keep, c, blasint(columnStride))
}

/// What the matrix products run on, for reports: OpenBLAS's version, build and the core it chose.
public func matrixProductDescription() -> String {
  String(cString: openblas_get_config()) + ", core " + String(cString: openblas_get_corename())
}
