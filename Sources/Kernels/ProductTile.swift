// The innermost loop of the packed product: up to six rows by one panel, all sums in registers.

/// Columns of a panel, and of a tile.
let panelWidth = 16

/// Rows of the largest tile: twelve sums, two columns' worth of weights and a number of `a` fill sixteen registers.
let tileRows = 6

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

/// result[rows, 16] = bias + addend + a[rows, depth] · panel[depth, 16], `rows` being 1 to 6.
@inline(never)
func productTile(
  rows: Int, _ a: UnsafePointer<Float>, stride: Int, _ panel: UnsafePointer<Float>, depth: Int, _ target: TileTarget
) {
  // Constants, so that each count of rows gets its own loop without tests in it.
  switch rows {
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
  var (s00, s01, s10, s11) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
  var (s20, s21, s30, s31) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
  var (s40, s41, s50, s51) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
  let (a1, a2, a3) = (a + stride, a + 2 &* stride, a + 3 &* stride)
  let (a4, a5) = (a + 4 &* stride, a + 5 &* stride)
  var weights = panel
  var step = 0
  while step < depth {
    let low = load(weights)
    let high = load(weights + 8)
    accumulate(a[step], low, high, &s00, &s01)
    if rows > 1 { accumulate(a1[step], low, high, &s10, &s11) }
    if rows > 2 { accumulate(a2[step], low, high, &s20, &s21) }
    if rows > 3 { accumulate(a3[step], low, high, &s30, &s31) }
    if rows > 4 { accumulate(a4[step], low, high, &s40, &s41) }
    if rows > 5 { accumulate(a5[step], low, high, &s50, &s51) }
    weights += panelWidth
    step &+= 1
  }
  finish(0, s00, s01, target)
  if rows > 1 { finish(1, s10, s11, target) }
  if rows > 2 { finish(2, s20, s21, target) }
  if rows > 3 { finish(3, s30, s31, target) }
  if rows > 4 { finish(4, s40, s41, target) }
  if rows > 5 { finish(5, s50, s51, target) }
}

@inline(__always)
private func accumulate(_ number: Float, _ low: Vector, _ high: Vector, _ sumLow: inout Vector, _ sumHigh: inout Vector)
{
  let number = Vector(repeating: number)
  sumLow = multiplyAdd(number, low, sumLow)
  sumHigh = multiplyAdd(number, high, sumHigh)
}

@inline(__always)
private func finish(_ row: Int, _ low: Vector, _ high: Vector, _ target: TileTarget) {
  var (low, high) = (low, high)
  if let bias = target.bias {
    low += load(bias)
    high += load(bias + 8)
  }
  if let addend = target.addend {
    low += load(addend + row &* target.addendStride)
    high += load(addend + row &* target.addendStride + 8)
  }
  let result = target.result + row &* target.resultStride
  store(low, result)
  store(high, result + 8)
}

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Vector { UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self) }

@inline(__always)
func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}
