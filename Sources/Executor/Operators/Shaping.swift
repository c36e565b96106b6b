import IR
import Kernels
import Tensors

extension ShapeOf: Evaluation {
  func compute(_ operands: Operands) {
    let y = operands.result(as: Int64.self)
    for (axis, length) in operands.shape(0).dimensions.enumerated() { y[axis] = Int64(length) }
  }
}

extension ReshapeTo: Evaluation {
  var inPlaceInputs: [Int] { [0] }

  func compute(_ operands: Operands) { operands.copyFirst() }
}

extension Expand: Evaluation {
  func compute(_ operands: Operands) {
    guard operands.outputShape.count > 0 else { return }
    gather(
      operands.raw(0), operands.rawOutput, elementSize: operands.outputType.size,
      lengths: operands.outputShape.dimensions, strides: broadcastStrides(operands.shape(0), to: operands.outputShape))
  }
}

extension StridedSlice: Evaluation {
  func compute(_ operands: Operands) {
    let x = operands.shape(0)
    let starts = operands.integers(1)!
    // The plan has checked all of them.
    guard
      let ranges = try? StridedSlice.ranges(
        x.dimensions, starts: starts, ends: operands.integers(2)!,
        axes: operands.integers(3) ?? Array(starts.indices),
        steps: operands.integers(4) ?? [Int](repeating: 1, count: starts.count)), operands.outputShape.count > 0
    else { return }
    var (strides, start) = (x.strides, 0)
    for range in ranges {
      start += range.first * strides[range.axis]
      // A step behind the last element may be of any size.
      strides[range.axis] = range.count > 1 ? strides[range.axis] * range.step : 0
    }
    let size = operands.outputType.size
    gather(
      operands.raw(0) + start * size, operands.rawOutput, elementSize: size, lengths: operands.outputShape.dimensions,
      strides: strides)
  }
}

extension Arange: Evaluation {
  func compute(_ operands: Operands) {
    let count = operands.outputShape.count
    switch operands.outputType {
    case .int64: fill(operands, Int64.self, count)
    case .int32: fill(operands, Int32.self, count)
    default: for index in 0..<count { operands.output[index] = operands[0][0] + Float(index) * operands[2][0] }
    }
  }

  private func fill<Integer: FixedWidthInteger>(_ operands: Operands, _ type: Integer.Type, _ count: Int) {
    let (start, delta) = (operands.elements(0, as: type)[0], operands.elements(2, as: type)[0])
    let y = operands.result(as: type)
    for index in 0..<count { y[index] = start &+ Integer(truncatingIfNeeded: index) &* delta }
  }
}

extension Pad: Evaluation {
  func compute(_ operands: Operands) {
    let (x, pads) = (operands.shape(0), operands.integers(1)!)
    let maps = (0..<x.rank).map { axis in
      (0..<operands.outputShape[axis]).map { place($0 - pads[axis], in: x[axis]) }
    }
    gather(
      operands.raw(0), operands.rawOutput, elementSize: operands.outputType.size, maps: maps, strides: x.strides,
      fill: operands.optional(2).map { UnsafeRawPointer($0) })
  }

  /// Which element of an axis stands at a place that may be outside it; -1 for the value.
  private func place(_ place: Int, in length: Int) -> Int {
    if (0..<length).contains(place) { return place }
    switch mode {
    case .constant: return -1
    case .edge: return min(max(place, 0), length - 1)
    case .reflect: return place < 0 ? -place : 2 * (length - 1) - place
    case .wrap: return ((place % length) + length) % length
    }
  }
}

extension Tile: Evaluation {
  func compute(_ operands: Operands) {
    let x = operands.shape(0)
    guard operands.outputShape.count > 0 else { return }
    let maps = (0..<x.rank).map { axis in (0..<operands.outputShape[axis]).map { $0 % x[axis] } }
    gather(
      operands.raw(0), operands.rawOutput, elementSize: operands.outputType.size, maps: maps, strides: x.strides,
      fill: nil)
  }
}
