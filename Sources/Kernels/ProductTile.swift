// The innermost loop of the packed product: a few rows by a panel or two, all sums in registers.

/// Columns of a panel.
let panelWidth = 16

/// What one step takes from a panel: one register where the build has AVX-512, two with AVX2.
private typealias Line = SIMD16<Float>

#if ASSAY_AVX512
  // 24 of AVX-512's 32 registers hold sums.
  /// Rows of the largest tile.
  let tileRows = 12
  /// Panels of the largest tile.
  let tilePanels = 2
#else
  // Twelve of AVX2's sixteen registers hold sums.
  /// Rows of the largest tile.
  let tileRows = 6
  /// Panels of the largest tile.
  let tilePanels = 1
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

/// result[rows, 16 · panels] = bias + addend + a[rows, depth] · panel[depth, 16], the second panel being `distance`
/// floats behind the first; `rows` is 1 to `tileRows`, `panels` 1 to `tilePanels`.
func productTile(
  rows: Int, panels: Int, _ a: UnsafePointer<Float>, stride: Int, _ panel: UnsafePointer<Float>, distance: Int,
  depth: Int, _ target: TileTarget
) {
  #if ASSAY_AVX512
    if panels == 2 {
      switch rows {
      case 12: sums(Rows12.self, Paired.self, a, stride, panel, distance, depth, target)
      case 11: sums(Rows11.self, Paired.self, a, stride, panel, distance, depth, target)
      case 10: sums(Rows10.self, Paired.self, a, stride, panel, distance, depth, target)
      case 9: sums(Rows9.self, Paired.self, a, stride, panel, distance, depth, target)
      case 8: sums(Rows8.self, Paired.self, a, stride, panel, distance, depth, target)
      case 7: sums(Rows7.self, Paired.self, a, stride, panel, distance, depth, target)
      case 6: sums(Rows6.self, Paired.self, a, stride, panel, distance, depth, target)
      case 5: sums(Rows5.self, Paired.self, a, stride, panel, distance, depth, target)
      case 4: sums(Rows4.self, Paired.self, a, stride, panel, distance, depth, target)
      case 3: sums(Rows3.self, Paired.self, a, stride, panel, distance, depth, target)
      case 2: sums(Rows2.self, Paired.self, a, stride, panel, distance, depth, target)
      default: sums(Rows1.self, Paired.self, a, stride, panel, distance, depth, target)
      }
      return
    }
  #endif
  switch rows {
  #if ASSAY_AVX512
    case 12: sums(Rows12.self, Single.self, a, stride, panel, distance, depth, target)
    case 11: sums(Rows11.self, Single.self, a, stride, panel, distance, depth, target)
    case 10: sums(Rows10.self, Single.self, a, stride, panel, distance, depth, target)
    case 9: sums(Rows9.self, Single.self, a, stride, panel, distance, depth, target)
    case 8: sums(Rows8.self, Single.self, a, stride, panel, distance, depth, target)
    case 7: sums(Rows7.self, Single.self, a, stride, panel, distance, depth, target)
  #endif
  case 6: sums(Rows6.self, Single.self, a, stride, panel, distance, depth, target)
  case 5: sums(Rows5.self, Single.self, a, stride, panel, distance, depth, target)
  case 4: sums(Rows4.self, Single.self, a, stride, panel, distance, depth, target)
  case 3: sums(Rows3.self, Single.self, a, stride, panel, distance, depth, target)
  case 2: sums(Rows2.self, Single.self, a, stride, panel, distance, depth, target)
  default: sums(Rows1.self, Single.self, a, stride, panel, distance, depth, target)
  }
}

// The shape of a tile as types: each shape gets its own loop without tests in it.
private protocol TileExtent { static var count: Int { get } }
private enum Rows1: TileExtent { static var count: Int { 1 } }
private enum Rows2: TileExtent { static var count: Int { 2 } }
private enum Rows3: TileExtent { static var count: Int { 3 } }
private enum Rows4: TileExtent { static var count: Int { 4 } }
private enum Rows5: TileExtent { static var count: Int { 5 } }
private enum Rows6: TileExtent { static var count: Int { 6 } }
#if ASSAY_AVX512
  private enum Rows7: TileExtent { static var count: Int { 7 } }
  private enum Rows8: TileExtent { static var count: Int { 8 } }
  private enum Rows9: TileExtent { static var count: Int { 9 } }
  private enum Rows10: TileExtent { static var count: Int { 10 } }
  private enum Rows11: TileExtent { static var count: Int { 11 } }
  private enum Rows12: TileExtent { static var count: Int { 12 } }
  private enum Paired: TileExtent { static var count: Int { 2 } }
#endif
private enum Single: TileExtent { static var count: Int { 1 } }

/// Every sum takes its terms in the order of k, whatever the shape of its tile.
@inline(never)
private func sums<Rows: TileExtent, Panels: TileExtent>(
  _: Rows.Type, _: Panels.Type, _ a: UnsafePointer<Float>, _ stride: Int, _ panel: UnsafePointer<Float>,
  _ distance: Int, _ depth: Int, _ target: TileTarget
) {
  let (rows, paired) = (Rows.count, Panels.count == 2)
  var (s0, s1, s2, s3, s4, s5) = (Sums(), Sums(), Sums(), Sums(), Sums(), Sums())
  var (s6, s7, s8, s9, s10, s11) = (Sums(), Sums(), Sums(), Sums(), Sums(), Sums())
  let a1 = a + stride
  let (a2, a3) = (a1 + stride, a1 + 2 &* stride)
  let (a4, a5, a6, a7) = (a3 + stride, a3 + 2 &* stride, a3 + 3 &* stride, a3 + 4 &* stride)
  let (a8, a9, a10, a11) = (a7 + stride, a7 + 2 &* stride, a7 + 3 &* stride, a7 + 4 &* stride)
  var weights = panel
  var step = 0
  while step < depth {
    let line = loadLine(weights)
    let other = paired ? loadLine(weights + distance) : line
    s0.add(a[step], line, other, paired)
    if rows > 1 { s1.add(a1[step], line, other, paired) }
    if rows > 2 { s2.add(a2[step], line, other, paired) }
    if rows > 3 { s3.add(a3[step], line, other, paired) }
    if rows > 4 { s4.add(a4[step], line, other, paired) }
    if rows > 5 { s5.add(a5[step], line, other, paired) }
    if rows > 6 { s6.add(a6[step], line, other, paired) }
    if rows > 7 { s7.add(a7[step], line, other, paired) }
    if rows > 8 { s8.add(a8[step], line, other, paired) }
    if rows > 9 { s9.add(a9[step], line, other, paired) }
    if rows > 10 { s10.add(a10[step], line, other, paired) }
    if rows > 11 { s11.add(a11[step], line, other, paired) }
    weights += panelWidth
    step &+= 1
  }
  s0.finish(0, paired, target)
  if rows > 1 { s1.finish(1, paired, target) }
  if rows > 2 { s2.finish(2, paired, target) }
  if rows > 3 { s3.finish(3, paired, target) }
  if rows > 4 { s4.finish(4, paired, target) }
  if rows > 5 { s5.finish(5, paired, target) }
  if rows > 6 { s6.finish(6, paired, target) }
  if rows > 7 { s7.finish(7, paired, target) }
  if rows > 8 { s8.finish(8, paired, target) }
  if rows > 9 { s9.finish(9, paired, target) }
  if rows > 10 { s10.finish(10, paired, target) }
  if rows > 11 { s11.finish(11, paired, target) }
}

/// One row of a tile.
private struct Sums {
  var (first, second) = (Line.zero, Line.zero)

  @inline(__always)
  mutating func add(_ number: Float, _ line: Line, _ other: Line, _ paired: Bool) {
    first = multiplyAdd(number, line, first)
    if paired { second = multiplyAdd(number, other, second) }
  }

  @inline(__always)
  func finish(_ row: Int, _ paired: Bool, _ target: TileTarget) {
    storeLine(first, row, 0, target)
    if paired { storeLine(second, row, panelWidth, target) }
  }
}

@inline(__always)
private func multiplyAdd(_ number: Float, _ line: Line, _ sum: Line) -> Line {
  #if ASSAY_FMA
    sum.addingProduct(Line(repeating: number), line)
  #else
    number * line + sum
  #endif
}

@inline(__always)
private func storeLine(_ sum: Line, _ row: Int, _ column: Int, _ target: TileTarget) {
  var sum = sum
  if let bias = target.bias { sum += loadLine(bias + column) }
  if let addend = target.addend { sum += loadLine(addend + row &* target.addendStride + column) }
  UnsafeMutableRawPointer(target.result + row &* target.resultStride + column).storeBytes(of: sum, as: Line.self)
}

@inline(__always)
private func loadLine(_ pointer: UnsafePointer<Float>) -> Line {
  UnsafeRawPointer(pointer).loadUnaligned(as: Line.self)
}
