// Elements moved, not computed with: of one, two, four or eight bytes, whatever they mean.

/// y = x gathered along axes, elements of `size` bytes: y[i, j, ...] = x[i · strides[0] + j · strides[1] + ...], y being
/// row-major.
///
/// A stride of zero repeats (broadcasting); permuted strides transpose; negative ones go backwards.
public func gather(
  _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, elementSize size: Int, lengths: [Int], strides: [Int]
) {
  func typed<T>(_ type: T.Type) {
    move(x.assumingMemoryBound(to: T.self), y.assumingMemoryBound(to: T.self), lengths, strides)
  }
  switch size {
  case 1: typed(UInt8.self)
  case 4: typed(UInt32.self)
  default: typed(UInt64.self)
  }
}

@inline(__always)
private func move<T>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ lengths: [Int], _ strides: [Int]) {
  guard let last = lengths.last else {
    y[0] = x[0]
    return
  }
  let rows = lengths.dropLast().reduce(1, *)
  guard rows > 0, last > 0 else { return }
  var index = [Int](repeating: 0, count: lengths.count)
  var source = 0
  let step = strides[lengths.count - 1]
  for row in 0..<rows {
    let target = y + row * last
    if step == 1 {
      target.update(from: x + source, count: last)
    } else {
      for column in 0..<last { target[column] = x[source + column * step] }
    }
    var axis = lengths.count - 2
    while axis >= 0 {
      index[axis] += 1
      source += strides[axis]
      if index[axis] < lengths[axis] { break }
      source -= index[axis] * strides[axis]
      index[axis] = 0
      axis -= 1
    }
  }
}

/// y[i, j, ...] = x[maps[0][i], maps[1][j], ...], or the element at `fill` where a map says a negative place.
public func gather(
  _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, elementSize size: Int, maps: [[Int]], strides: [Int],
  fill: UnsafeRawPointer?
) {
  func typed<T: ExpressibleByIntegerLiteral>(_ type: T.Type) {
    pick(
      x.assumingMemoryBound(to: T.self), y.assumingMemoryBound(to: T.self), maps, strides,
      fill?.assumingMemoryBound(to: T.self).pointee ?? 0)
  }
  switch size {
  case 1: typed(UInt8.self)
  case 4: typed(UInt32.self)
  default: typed(UInt64.self)
  }
}

@inline(__always)
private func pick<T>(
  _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ maps: [[Int]], _ strides: [Int], _ fill: T
) {
  guard let columns = maps.last else {
    y[0] = x[0]
    return
  }
  let rows = maps.dropLast().reduce(1) { $0 * $1.count }
  let step = strides[maps.count - 1]
  for row in 0..<rows {
    var (rest, source, isInside) = (row, 0, true)
    for axis in (0..<maps.count - 1).reversed() {
      let place = maps[axis][rest % maps[axis].count]
      rest /= maps[axis].count
      isInside = isInside && place >= 0
      source += place * strides[axis]
    }
    let target = y + row * columns.count
    for (column, place) in columns.enumerated() {
      target[column] = isInside && place >= 0 ? x[source + place * step] : fill
    }
  }
}

/// y[i] = a[i] where condition[i] is not 0, else b[i].
public func select(
  _ condition: UnsafePointer<UInt8>, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
  elementSize size: Int, count: Int
) {
  func typed<T>(_ type: T.Type) {
    let (a, b) = (a.assumingMemoryBound(to: T.self), b.assumingMemoryBound(to: T.self))
    let y = y.assumingMemoryBound(to: T.self)
    for index in 0..<count { y[index] = condition[index] != 0 ? a[index] : b[index] }
  }
  switch size {
  case 1: typed(UInt8.self)
  case 4: typed(UInt32.self)
  default: typed(UInt64.self)
  }
}
