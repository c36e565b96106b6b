import IR
import Tensors

extension ONNXImporter {
  /// Gemm: alpha · a' · b' + beta · c
  mutating func gemm() throws(GraphError) -> ValueID {
    var (a, b) = (try input(0), try input(1))
    guard type(a).rank == 2, type(b).rank == 2 else { throw GraphError("", "a and b are matrices") }
    let (alpha, beta) = (Double(attributes.float("alpha", 1)), Double(attributes.float("beta", 1)))
    if attributes.flag("transA") { a = try add(.transpose(Transpose([1, 0])), a) }
    let isTransposed = attributes.flag("transB")
    var addend = try optional(2)
    // PyTorch's linear layer.
    if isTransposed, alpha == 1, beta == 1, let bias = addend ?? .some(a), !type(b).dimensions.contains(.fixed(0)),
      addend == nil || type(bias).dimensions == [type(b).dimensions[0]], type(a).dimensions[1] == type(b).dimensions[1]
    {
      return try add(.linear(Linear()), a, b, addend)
    }
    if isTransposed { b = try add(.transpose(Transpose([1, 0])), b) }
    var result = try add(.matMul(MatMul()), a, b)
    if alpha != 1 { result = try compute(.multiply, result, alpha) }
    if let c = addend, beta != 1 { addend = try compute(.multiply, c, beta) }
    return try addend.map { (c) throws(GraphError) in try compute(.add, result, c) } ?? result
  }

  /// Conv: along one axis ours has channels last.
  mutating func conv() throws(GraphError) -> ValueID {
    let (x, weight) = (try input(0), try input(1))
    let window = try ONNXWindow(&attributes, x: type(x), weight: type(weight))
    guard type(x).rank == 3 else { return try convolutionByTaps(x, weight, window) }
    let frames = try add(.transpose(Transpose([0, 2, 1])), x)
    let result = try add(
      .conv(
        Conv(
          stride: window.strides[0], paddingBefore: window.pads[0], paddingAfter: window.pads[1],
          dilation: window.dilations[0], groups: window.groups)), frames, weight, optional(2))
    return try add(.transpose(Transpose([0, 2, 1])), result)
  }

  /// Conv along several axes: for each place of the kernel a product of matrices, and their sum.
  private mutating func convolutionByTaps(
    _ source: ValueID, _ weight: ValueID, _ window: ONNXWindow
  ) throws(GraphError) -> ValueID {
    let axes = window.kernel.count
    guard let taps = Shape(window.kernel).checkedCount, let outputs = type(weight).dimensions[0].value,
      let width = type(weight).dimensions[1].value,
      (1...1024).contains(taps), outputs % window.groups == 0, type(source).dimensions[1].value == width * window.groups
    else { throw GraphError("", "the weight \(type(weight)) does not fit \(type(source)), or its kernel is too large") }
    let pads = list([0, 0] + window.pads[..<axes] + [0, 0] + window.pads[axes...])
    let x = try add(.pad(Pad(.constant)), source, pads)
    // [taps, groups, outputs of a group, inputs of a group]
    let apart = try add(
      .reshape(Reshape([.fixed(window.groups), .fixed(outputs / window.groups), .fixed(width), .fixed(taps)])), weight)
    let kernel = try add(.transpose(Transpose([3, 0, 1, 2])), apart)
    var sum: ValueID?
    var places = source
    for tap in 0..<taps {
      let (starts, ends) = window.ranges(ofTap: tap)
      places = try add(
        .stridedSlice(StridedSlice()), x, list(starts), list(ends), list(Array(2..<axes + 2)), list(window.strides))
      let columns = try add(
        .reshape(Reshape([.copy(axis: 0), .fixed(window.groups), .fixed(width), .rest])), places)
      let matrix = try add(.gather(Gather(axis: 0)), kernel, number(Double(tap), .int64))
      let product = try add(.matMul(MatMul()), matrix, columns)
      sum = try sum.map { (sum) throws(GraphError) in try compute(.add, sum, product) } ?? product
    }
    // [batch, outputs, ...] with the lengths of a slice
    let shape = try add(.shapeOf(ShapeOf()), places)
    let whole = try add(
      .concat(Concat(axis: 0, count: 3)), add(.slice(Slice(axis: 0, dropLast: axes + 1)), shape), list([outputs]),
      add(.slice(Slice(axis: 0, dropFirst: 2)), shape))
    let result = try add(.reshapeTo(ReshapeTo(allowsZero: true)), sum, whole)
    guard let bias = try optional(2) else { return result }
    let ones = [Reshape.Length](repeating: .fixed(1), count: axes)
    return try compute(.add, result, add(.reshape(Reshape([.copy(axis: 0)] + ones)), bias))
  }

  /// Softmax and its logarithm. Before version 13 all axes from `axis` on are one.
  mutating func softmax() throws(GraphError) -> ValueID {
    var x = try input(0)
    let (source, rank) = (x, type(x).rank)
    var axis = attributes.int("axis", opset < 13 ? 1 : -1)
    let place = try self.axis(axis, rank: max(rank, 1))
    let isFlat = opset < 13 && place != rank - 1
    if isFlat {
      x = try flatten(x, at: axis)
      axis = 1
    }
    axis = try self.axis(axis, rank: type(x).rank)
    if node.op == "Softmax" {
      x = try add(.softmax(Softmax(axis: axis)), x)
    } else {
      let shifted = try compute(.subtract, x, add(.reduce(Reduce(.maximum, axes: [axis], keepsAxes: true)), x))
      let sum = try add(.reduce(Reduce(.sum, axes: [axis], keepsAxes: true)), compute(.exponential, shifted))
      x = try compute(.subtract, shifted, compute(.logarithm, sum))
    }
    return isFlat ? try add(.reshapeTo(ReshapeTo()), x, add(.shapeOf(ShapeOf()), source)) : x
  }
}

/// Where a convolution's kernel stands, along each axis.
struct ONNXWindow {
  let kernel, strides, dilations: [Int]
  /// What is added before each axis, then after each.
  private(set) var pads: [Int]
  let groups: Int

  init(_ attributes: inout ONNXAttributes, x: TensorType, weight: TensorType) throws(GraphError) {
    let axes = x.rank - 2
    guard axes >= 1, weight.rank == x.rank else { throw GraphError("", "\(weight) is no kernel for \(x)") }
    let lengths = weight.dimensions[2...].compactMap(\.value)
    guard lengths.count == axes, lengths.allSatisfy({ $0 > 0 }) else {
      throw GraphError("", "the kernel's length is not known")
    }
    let ones = [Int](repeating: 1, count: axes)
    let limit = 1...1 << 20
    (kernel, groups) = (lengths, attributes.int("group", 1))
    (strides, dilations) = (attributes.ints("strides") ?? ones, attributes.ints("dilations") ?? ones)
    pads = attributes.ints("pads") ?? [Int](repeating: 0, count: 2 * axes)
    guard attributes.ints("kernel_shape").map({ $0 == lengths }) ?? true, limit.contains(groups),
      strides.count == axes, dilations.count == axes, pads.count == 2 * axes,
      (strides + dilations).allSatisfy(limit.contains), pads.allSatisfy({ (0...1 << 20).contains($0) })
    else { throw GraphError("", "kernel_shape, strides, dilations or pads do not fit \(axes) axes") }
    switch attributes.string("auto_pad", "NOTSET") {
    case "NOTSET": break
    case "VALID": pads = [Int](repeating: 0, count: 2 * axes)
    case "SAME_UPPER": try pad(x, upper: true)
    case "SAME_LOWER": try pad(x, upper: false)
    case let word: throw GraphError("", "the padding \"\(word)\" is not known")
    }
  }

  /// Pads so that there is a result for each stride; what is left over goes behind, or before.
  private mutating func pad(_ x: TensorType, upper: Bool) throws(GraphError) {
    for axis in kernel.indices {
      guard let length = x.dimensions[axis + 2].value else {
        throw GraphError("", "padding to the same length needs a length that is known")
      }
      let places = (length + strides[axis] - 1) / strides[axis]
      let missing = max(0, (places - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - length)
      let half = missing / 2
      (pads[axis], pads[axis + kernel.count]) = upper ? (half, missing - half) : (missing - half, half)
    }
  }

  /// Where the elements that one place of the kernel meets begin and end along each axis.
  func ranges(ofTap tap: Int) -> (starts: [Int], ends: [Int]) {
    var (rest, starts, ends) = (tap, kernel, kernel)
    for axis in kernel.indices.reversed() {
      starts[axis] = rest % kernel[axis] * dilations[axis]
      let left = (kernel[axis] - 1) * dilations[axis] - starts[axis]
      ends[axis] = left == 0 ? .max : -left
      rest /= kernel[axis]
    }
    return (starts, ends)
  }
}
