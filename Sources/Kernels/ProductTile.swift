// The innermost loop of the packed product: a few rows by one panel, all sums in registers.

/// Columns of a panel, and of a tile.
let panelWidth = 16

/// What one step takes from a panel: one register where the build has AVX-512, two with AVX2.
private typealias Line = SIMD16<Float>

#if ASSAY_AVX512
  /// Rows of the largest tile: with AVX-512, twelve sums take twelve of thirty-two registers.
  let tileRows = 12
#else
  /// Rows of the largest tile: twelve registers of sums, two of weights and a number of `a` fill AVX2's sixteen.
  let tileRows = 6
#endif

/// Where a tile's results go and what they are added to.
struct TileTarget {
  /// A row added to every row, or nil.
  var bias: UnsafePointer<Float>?
  /// A tile added to the result, or nil; may be the result.
  var addend: UnsafePointer<Float>?
  var addendStride: Int
  var result: UnsafeMutablePointer<Float>
  var resultStride: Int
}

/// result[rows, 16] = bias + addend + a[rows, depth] · panel[depth, 16], `rows` being 1 to `tileRows`.
@inline(never)
func productTile(
  rows: Int, _ a: UnsafePointer<Float>, stride: Int, _ panel: UnsafePointer<Float>, depth: Int, _ target: TileTarget
) {
  // Constants, so that each count of rows gets its own loop without tests in it.
  switch rows {
  #if ASSAY_AVX512
    case 12: sums(rows: 12, a, stride, panel, depth, target)
    case 11: sums(rows: 11, a, stride, panel, depth, target)
    case 10: sums(rows: 10, a, stride, panel, depth, target)
    case 9: sums(rows: 9, a, stride, panel, depth, target)
    case 8: sums(rows: 8, a, stride, panel, depth, target)
    case 7: sums(rows: 7, a, stride, panel, depth, target)
  #endif
  case 6: sums(rows: 6, a, stride, panel, depth, target)
  case 5: sums(rows: 5, a, stride, panel, depth, target)
  case 4: sums(rows: 4, a, stride, panel, depth, target)
  case 3: sums(rows: 3, a, stride, panel, depth, target)
  case 2: sums(rows: 2, a, stride, panel, depth, target)
  default: sums(rows: 1, a, stride, panel, depth, target)
  }
}

/// Every sum takes its terms in the order of k, whatever the number of rows.
@inline(__always)
private func sums(
  rows: Int, _ a: UnsafePointer<Float>, _ stride: Int, _ panel: UnsafePointer<Float>, _ depth: Int,
  _ target: TileTarget
) {
  var (s0, s1, s2, s3, s4, s5) = (Line.zero, Line.zero, Line.zero, Line.zero, Line.zero, Line.zero)
  var (s6, s7, s8, s9, s10, s11) = (Line.zero, Line.zero, Line.zero, Line.zero, Line.zero, Line.zero)
  let a1 = a + stride
  let (a2, a3) = (a1 + stride, a1 + 2 &* stride)
  let (a4, a5, a6, a7) = (a3 + stride, a3 + 2 &* stride, a3 + 3 &* stride, a3 + 4 &* stride)
  let (a8, a9, a10, a11) = (a7 + stride, a7 + 2 &* stride, a7 + 3 &* stride, a7 + 4 &* stride)
  var weights = panel
  var step = 0
  while step < depth {
    let line = loadLine(weights)
    s0 = accumulate(a[step], line, s0)
    if rows > 1 { s1 = accumulate(a1[step], line, s1) }
    if rows > 2 { s2 = accumulate(a2[step], line, s2) }
    if rows > 3 { s3 = accumulate(a3[step], line, s3) }
    if rows > 4 { s4 = accumulate(a4[step], line, s4) }
    if rows > 5 { s5 = accumulate(a5[step], line, s5) }
    if rows > 6 { s6 = accumulate(a6[step], line, s6) }
    if rows > 7 { s7 = accumulate(a7[step], line, s7) }
    if rows > 8 { s8 = accumulate(a8[step], line, s8) }
    if rows > 9 { s9 = accumulate(a9[step], line, s9) }
    if rows > 10 { s10 = accumulate(a10[step], line, s10) }
    if rows > 11 { s11 = accumulate(a11[step], line, s11) }
    weights += panelWidth
    step &+= 1
  }
  finish(0, s0, target)
  if rows > 1 { finish(1, s1, target) }
  if rows > 2 { finish(2, s2, target) }
  if rows > 3 { finish(3, s3, target) }
  if rows > 4 { finish(4, s4, target) }
  if rows > 5 { finish(5, s5, target) }
  if rows > 6 { finish(6, s6, target) }
  if rows > 7 { finish(7, s7, target) }
  if rows > 8 { finish(8, s8, target) }
  if rows > 9 { finish(9, s9, target) }
  if rows > 10 { finish(10, s10, target) }
  if rows > 11 { finish(11, s11, target) }
}

@inline(__always)
private func accumulate(_ number: Float, _ line: Line, _ sum: Line) -> Line {
  #if ASSAY_FMA
    sum.addingProduct(Line(repeating: number), line)
  #else
    number * line + sum
  #endif
}

@inline(__always)
private func finish(_ row: Int, _ sum: Line, _ target: TileTarget) {
  var sum = sum
  if let bias = target.bias { sum += loadLine(bias) }
  if let addend = target.addend { sum += loadLine(addend + row &* target.addendStride) }
  UnsafeMutableRawPointer(target.result + row &* target.resultStride).storeBytes(of: sum, as: Line.self)
}

@inline(__always)
private func loadLine(_ pointer: UnsafePointer<Float>) -> Line {
  UnsafeRawPointer(pointer).loadUnaligned(as: Line.self)
}
