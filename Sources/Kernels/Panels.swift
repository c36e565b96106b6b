// From rows to panels: a transposition, sixteen rows at a time.

/// panel[step, row] = weight[row, step], zeros for the rows from `rows` to 15; rows are `stride` apart.
func interleaveRows(
  _ weight: UnsafePointer<Float>, stride: Int, rows: Int, depth: Int,
  into panel: UnsafeMutablePointer<Float>
) {
  var step = 0
  if rows == panelWidth {
    while step &+ 8 <= depth {
      transpose(weight + step, stride: stride, into: panel + step &* panelWidth)
      transpose(weight + 8 &* stride + step, stride: stride, into: panel + step &* panelWidth + 8)
      step &+= 8
    }
  }
  while step < depth {
    for row in 0..<panelWidth { panel[step &* panelWidth &+ row] = row < rows ? weight[row &* stride &+ step] : 0 }
    step &+= 1
  }
}

/// Eight rows of eight numbers, `stride` apart, to eight half-rows of a panel.
///
/// Splitting pairs of rows into even and odd places three times turns rows into columns.
@inline(__always)
private func transpose(_ x: UnsafePointer<Float>, stride: Int, into y: UnsafeMutablePointer<Float>) {
  var (r0, r1, r2, r3) = (load(x), load(x + stride), load(x + 2 &* stride), load(x + 3 &* stride))
  var (r4, r5) = (load(x + 4 &* stride), load(x + 5 &* stride))
  var (r6, r7) = (load(x + 6 &* stride), load(x + 7 &* stride))
  for _ in 0..<3 {
    let (first, second) = (SIMD16(lowHalf: r0, highHalf: r1), SIMD16(lowHalf: r2, highHalf: r3))
    let (third, fourth) = (SIMD16(lowHalf: r4, highHalf: r5), SIMD16(lowHalf: r6, highHalf: r7))
    (r0, r1, r2, r3) = (first.evenHalf, second.evenHalf, third.evenHalf, fourth.evenHalf)
    (r4, r5, r6, r7) = (first.oddHalf, second.oddHalf, third.oddHalf, fourth.oddHalf)
  }
  store(r0, y)
  store(r1, y + panelWidth)
  store(r2, y + 2 &* panelWidth)
  store(r3, y + 3 &* panelWidth)
  store(r4, y + 4 &* panelWidth)
  store(r5, y + 5 &* panelWidth)
  store(r6, y + 6 &* panelWidth)
  store(r7, y + 7 &* panelWidth)
}
