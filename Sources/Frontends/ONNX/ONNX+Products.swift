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

  /// Conv along one axis: ours has channels last.
  mutating func conv() throws(GraphError) -> ValueID {
    let (x, weight) = (try input(0), try input(1))
    guard type(x).rank == 3, type(weight).rank == 3 else {
      throw GraphError("", "convolutions along one axis are supported, not along \(type(x).rank - 2)")
    }
    guard let kernel = type(weight).dimensions[2].value else {
      throw GraphError("", "the kernel's length is not known")
    }
    func one(_ name: String, _ standard: Int) throws(GraphError) -> Int {
      guard let values = attributes.ints(name) else { return standard }
      guard values.count == 1 else { throw GraphError("", "\(name) has one number for each axis") }
      return values[0]
    }
    guard try one("kernel_shape", kernel) == kernel else { throw GraphError("", "the kernel has another shape") }
    let (stride, dilation) = (try one("strides", 1), try one("dilations", 1))
    var pads = attributes.ints("pads") ?? [0, 0]
    guard pads.count == 2 else { throw GraphError("", "pads has two numbers for each axis") }
    switch attributes.string("auto_pad", "NOTSET") {
    case "NOTSET": break
    case "VALID": pads = [0, 0]
    case let word where word == "SAME_UPPER" || word == "SAME_LOWER":
      guard let time = type(x).dimensions[2].value, stride > 0 else {
        throw GraphError("", "padding to the same length needs a length that is known")
      }
      let missing = max(0, ((time + stride - 1) / stride - 1) * stride + dilation * (kernel - 1) + 1 - time)
      let half = missing / 2
      pads = word == "SAME_UPPER" ? [half, missing - half] : [missing - half, half]
    case let word: throw GraphError("", "the padding \"\(word)\" is not known")
    }
    let frames = try add(.transpose(Transpose([0, 2, 1])), x)
    let result = try add(
      .conv(
        Conv(
          stride: stride, paddingBefore: pads[0], paddingAfter: pads[1], dilation: dilation,
          groups: attributes.int("group", 1))), frames, weight, optional(2))
    return try add(.transpose(Transpose([0, 2, 1])), result)
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
