import COpenBLAS

// The only door to OpenBLAS. Products are cut by our own workers and each piece is computed by one BLAS thread: two
// pools that wait for each other would share two cores badly, and pieces depend on the number of workers only.

private let singleThreaded: Void = openblas_set_num_threads(1)

/// A matrix in memory: rows of `columns` numbers, `stride` numbers apart. Rows may overlap.
public struct Matrix: @unchecked Sendable {
  let base: UnsafePointer<Float>
  let stride: Int

  /// Describes memory that the caller keeps alive.
  public init(_ base: UnsafePointer<Float>, stride: Int) {
    self.base = base
    self.stride = stride
  }
}

/// c[m, n] = a[m, k] · b[n, k]ᵀ + bias[n], over all workers.
public func multiply(
  _ a: Matrix, transposed b: Matrix, bias: UnsafePointer<Float>?, into c: UnsafeMutablePointer<Float>,
  columnStride: Int, m: Int, n: Int, k: Int, workers: Workers
) {
  // Each piece packs all of the side that is not cut, so the longer side is cut.
  if n >= m {
    workers.split(n, grain: 16) { columns in
      multiplyPiece(
        a, Matrix(b.base + columns.lowerBound * b.stride, stride: b.stride), bias.map { $0 + columns.lowerBound },
        c + columns.lowerBound, columnStride, m, columns.count, k)
    }
  } else {
    workers.split(m, grain: 8) { rows in
      multiplyPiece(
        Matrix(a.base + rows.lowerBound * a.stride, stride: a.stride), b, bias, c + rows.lowerBound * columnStride,
        columnStride, rows.count, n, k)
    }
  }
}

/// One piece on the calling thread: c = a · bᵀ + bias.
func multiplyPiece(
  _ a: Matrix, _ b: Matrix, _ bias: UnsafePointer<Float>?, _ c: UnsafeMutablePointer<Float>, _ columnStride: Int,
  _ m: Int, _ n: Int, _ k: Int
) {
  _ = singleThreaded
  if let bias {
    for row in 0..<m { (c + row * columnStride).update(from: bias, count: n) }
  }
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(k), 1, a.base, blasint(a.stride), b.base,
    blasint(b.stride), bias == nil ? 0 : 1, c, blasint(columnStride))
}

/// One piece on the calling thread: c[m, n] = scale · a[m, k] · b[n, k]ᵀ.
func multiplyScaled(
  _ scale: Float, _ a: Matrix, transposed b: Matrix, into c: UnsafeMutablePointer<Float>, columnStride: Int, m: Int,
  n: Int, k: Int
) {
  _ = singleThreaded
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(k), scale, a.base, blasint(a.stride),
    b.base, blasint(b.stride), 0, c, blasint(columnStride))
}

/// One piece on the calling thread: c[m, n] = a[m, k] · b[k, n].
func multiply(
  _ a: Matrix, by b: Matrix, into c: UnsafeMutablePointer<Float>, columnStride: Int, m: Int, n: Int, k: Int
) {
  _ = singleThreaded
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(m), blasint(n), blasint(k), 1, a.base, blasint(a.stride),
    b.base, blasint(b.stride), 0, c, blasint(columnStride))
}

/// What the matrix products run on, for reports: OpenBLAS's version, build and the core it chose.
public func matrixProductDescription() -> String {
  String(cString: openblas_get_config()) + ", core " + String(cString: openblas_get_corename())
}
