import IR
import Tensors

extension ONNXImporter {
  /// Shape-15: perhaps only of some axes.
  mutating func shape() throws(GraphError) -> ValueID {
    let x = try input(0)
    let rank = type(x).rank
    func place(_ index: Int) -> Int { min(max(index < 0 ? index + rank : index, 0), rank) }
    let (start, end) = (place(attributes.int("start", 0)), place(attributes.int("end", rank)))
    let all = try add(.shapeOf(ShapeOf()), x)
    guard start > 0 || end < rank else { return all }
    guard start <= end else { return list([]) }
    return try add(.slice(Slice(axis: 0, dropFirst: start, dropLast: rank - end)), all)
  }

  mutating func size() throws(GraphError) -> ValueID {
    let x = try input(0)
    guard type(x).rank > 0 else { return number(1, .int64) }
    return try add(.reduce(Reduce(.product, axes: [0], keepsAxes: false)), add(.shapeOf(ShapeOf()), x))
  }

  mutating func reshape() throws(GraphError) -> ValueID {
    try add(.reshapeTo(ReshapeTo(allowsZero: attributes.flag("allowzero"))), input(0), input(1))
  }

  /// Two axes: the product of those before `axis`, and of the others.
  mutating func flatten(_ x: ValueID, at axis: Int) throws(GraphError) -> ValueID {
    let rank = type(x).rank
    let axis = axis == rank ? rank : try self.axis(axis, rank: max(rank, 1))
    func length(_ dimensions: ArraySlice<Dimension>, first: Int) -> Reshape.Length? {
      if dimensions.count == 1 { return .copy(axis: first) }
      return TensorType(.float32, Array(dimensions)).shape?.checkedCount.map { .fixed($0) }
    }
    let dimensions = type(x).dimensions
    let (before, after) = (length(dimensions[..<axis], first: 0), length(dimensions[axis...], first: axis))
    switch (before, after) {
    case (let before?, let after?): return try add(.reshape(Reshape([before, after])), x)
    case (let before?, nil) where before != .fixed(0): return try add(.reshape(Reshape([before, .rest])), x)
    case (nil, let after?) where after != .fixed(0): return try add(.reshape(Reshape([.rest, after])), x)
    default: throw GraphError("", "the lengths of two groups of axes are not known")
    }
  }

  /// Axes: an attribute before version 13, an input since.
  private mutating func axes(rank: Int) throws(GraphError) -> [Int]? {
    let given = opset < 13 ? attributes.ints("axes") : try integers(1)
    guard let given else { return nil }
    var axes: [Int] = []
    for axis in given { axes.append(try self.axis(axis, rank: rank)) }
    guard Set(axes).count == axes.count else { throw GraphError("", "an axis is named twice in \(given)") }
    return axes.sorted()
  }

  mutating func squeeze() throws(GraphError) -> ValueID {
    let x = try input(0)
    let dimensions = type(x).dimensions
    var dropped = try axes(rank: dimensions.count)
    if dropped == nil {
      guard dimensions.allSatisfy({ $0.value != nil }) else {
        throw GraphError("", "which axes of \(type(x)) go is not known")
      }
      dropped = dimensions.indices.filter { dimensions[$0] == .fixed(1) }
    }
    for axis in dropped! where !dimensions[axis].canBeOne {
      throw GraphError("", "axis \(axis) of \(type(x)) is not of length 1")
    }
    let kept = dimensions.indices.filter { !dropped!.contains($0) }
    return try add(.reshape(Reshape(kept.map { .copy(axis: $0) })), x)
  }

  mutating func unsqueeze() throws(GraphError) -> ValueID {
    let x = try input(0)
    let count =
      (opset < 13
        ? node.attributes.first { $0.name == "axes" }.map { _ in attributes.ints("axes")?.count ?? 0 }
        : try integers(1)?.count) ?? 0
    let rank = type(x).rank + count
    guard rank <= Shape.rankLimit, let new = try axes(rank: rank) else { throw GraphError("", "the axes are missing") }
    var next = 0
    let lengths = (0..<rank).map { axis -> Reshape.Length in
      if new.contains(axis) { return .fixed(1) }
      next += 1
      return .copy(axis: next - 1)
    }
    return try add(.reshape(Reshape(lengths)), x)
  }

  mutating func transpose() throws(GraphError) -> ValueID {
    let x = try input(0)
    let order = attributes.ints("perm") ?? (0..<type(x).rank).reversed()
    return try add(.transpose(Transpose(order)), x)
  }

  mutating func constantOfShape() throws(GraphError) -> ValueID {
    let value = try tensorAttribute("value") ?? Tensor([Float(0)])
    guard value.count == 1, DataType.computed.contains(value.dataType) else {
      throw GraphError("", "a value of type \(value.dataType.rawValue) \(value.shape) is not supported")
    }
    return try add(.expand(Expand()), constant(value.reshaped([])), input(0))
  }

  /// Range: single numbers, which may have an axis of their own.
  mutating func range() throws(GraphError) -> ValueID {
    _ = attributes.int("stash_type", 1)
    return try add(.arange(Arange()), input(0), input(1), input(2))
  }

  /// Pad: an attribute before version 11, inputs since; since 18 perhaps of some axes only.
  mutating func pad() throws(GraphError) -> ValueID {
    let x = try input(0)
    let word = attributes.string("mode", "constant")
    guard let mode = Pad.Mode(rawValue: word) else { throw GraphError("", "the mode \"\(word)\" is not known") }
    if opset < 11 {
      let pads = list(attributes.ints("pads") ?? [])
      return try add(.pad(Pad(mode)), x, pads, number(Double(attributes.float("value", 0))))
    }
    var pads = try input(1)
    if let some = try integers(3) {
      // Those of all axes are zeros, but where the list says otherwise.
      let rank = type(x).rank
      var places: [Int] = []
      for axis in some { places.append(try self.axis(axis, rank: rank)) }
      places += places.map { $0 + rank }
      let zeros = try converted(list([Int](repeating: 0, count: 2 * rank)), to: type(pads).dataType)
      let indices = constant(Tensor(places.map(Int64.init), shape: [places.count, 1]))
      pads = try add(.scatter(Scatter()), zeros, indices, pads)
    }
    return try add(.pad(Pad(mode)), x, pads, optional(2))
  }

  /// Trilu-14: zeros above, or below, a diagonal of the last two axes.
  mutating func triangle() throws(GraphError) -> ValueID {
    let (x, upper) = (try input(0), attributes.flag("upper", true))
    let rank = type(x).rank
    guard rank >= 2 else { throw GraphError("", "a matrix is needed") }
    let shape = try add(.shapeOf(ShapeOf()), x)
    func places(_ axis: Int, _ importer: inout ONNXImporter) throws(GraphError) -> ValueID {
      let length = try importer.add(.gather(Gather(axis: 0)), shape, importer.number(Double(axis), .int64))
      let (zero, one) = (importer.number(0, .int64), importer.number(1, .int64))
      return try importer.add(.arange(Arange()), zero, length, one)
    }
    var rows = try add(.reshape(Reshape([.copy(axis: 0), .fixed(1)])), places(rank - 2, &self))
    if let diagonal = try optional(1) { rows = try compute(.add, rows, diagonal) }
    let kept = try compute(upper ? .lessOrEqual : .greaterOrEqual, rows, places(rank - 1, &self))
    return try add(.select(Select()), kept, x, number(0, like: x))
  }
}

extension Dimension {
  /// False where the length is known to be another than 1.
  var canBeOne: Bool { value.map { $0 == 1 } ?? true }
}
