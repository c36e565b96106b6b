import IR
import Kernels
import Tensors

extension Gather: Evaluation {
  func compute(_ operands: Operands) {
    let (x, indices, size) = (operands.shape(0), operands.integers(1)!, operands.outputType.size)
    let length = x[axis]
    guard let bad = indices.first(where: { !(-length..<length).contains($0) }) else {
      let outer = x.dimensions[..<axis].reduce(1, *)
      let row = x.dimensions[(axis + 1)...].reduce(1, *) * size
      var target = operands.rawOutput
      for block in 0..<outer {
        for index in indices {
          let place = block * length + (index < 0 ? index + length : index)
          target.copyMemory(from: operands.raw(0) + place * row, byteCount: row)
          target += row
        }
      }
      return
    }
    operands.trouble.report("the index \(bad) is outside an axis of \(length) elements")
  }
}

extension Scatter: Evaluation {
  func compute(_ operands: Operands) {
    operands.copyFirst()
    let (x, indices) = (operands.shape(0), operands.integers(1)!)
    let depth = operands.shape(1)[-1]
    let row = x.dimensions[depth...].reduce(1, *)
    let rows = operands.shape(1).dimensions.dropLast().reduce(1, *)
    for number in 0..<rows {
      var place = 0
      for axis in 0..<depth {
        let index = indices[number * depth + axis]
        guard (-x[axis]..<x[axis]).contains(index) else {
          return operands.trouble.report("the index \(index) is outside an axis of \(x[axis]) elements")
        }
        place += (index < 0 ? index + x[axis] : index) * x.strides[axis]
      }
      write(operands, number * row, to: place, row)
    }
  }

  private func write(_ operands: Operands, _ source: Int, to place: Int, _ count: Int) {
    switch operands.outputType {
    case .int64 where reduction != .none: combine(operands, Int64.self, source, place, count)
    case .int32 where reduction != .none: combine(operands, Int32.self, source, place, count)
    case .float32 where reduction != .none:
      let operation: Arithmetic =
        switch reduction {
        case .none, .add: .add
        case .mul: .multiply
        case .min: .minimum
        case .max: .maximum
        }
      let target = operands.output + place
      arithmetic(
        operation, target, operands[2] + source, target, count: count, period: max(count, 1), workers: Workers(1))
    default:
      let size = operands.outputType.size
      (operands.rawOutput + place * size).copyMemory(from: operands.raw(2) + source * size, byteCount: count * size)
    }
  }

  private func combine<Integer: FixedWidthInteger>(
    _ operands: Operands, _ type: Integer.Type, _ source: Int, _ place: Int, _ count: Int
  ) {
    let (updates, y) = (operands.elements(2, as: type) + source, operands.result(as: type) + place)
    for index in 0..<count {
      switch reduction {
      case .none, .add: y[index] = y[index] &+ updates[index]
      case .mul: y[index] = y[index] &* updates[index]
      case .min: y[index] = min(y[index], updates[index])
      case .max: y[index] = max(y[index], updates[index])
      }
    }
  }
}

extension Concat: Evaluation {
  func compute(_ operands: Operands) {
    let (shape, size) = (operands.outputShape, operands.outputType.size)
    let outer = shape.dimensions[..<axis].reduce(1, *)
    let inner = shape.dimensions[(axis + 1)...].reduce(1, *) * size
    var start = 0
    for index in 0..<count {
      let row = operands.shape(index)[axis] * inner
      for block in 0..<outer {
        (operands.rawOutput + block * shape[axis] * inner + start)
          .copyMemory(from: operands.raw(index) + block * row, byteCount: row)
      }
      start += row
    }
  }
}
