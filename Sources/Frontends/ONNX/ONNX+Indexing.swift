import IR
import Tensors

extension ONNXImporter {
  mutating func concat() throws(GraphError) -> ValueID {
    var parts: [ValueID] = []
    for index in node.inputs.indices { parts.append(try input(index)) }
    guard let first = parts.first, let axis = attributes.optionalInt("axis") else {
      throw GraphError("", "inputs and an axis are needed")
    }
    return try add(
      .concat(Concat(axis: self.axis(axis, rank: type(first).rank), count: parts.count)), list: parts)
  }

  /// Split: lengths are an attribute before version 13, an input since; without them parts are equal, but for the last.
  mutating func split() throws(GraphError) -> [ValueID?] {
    let x = try input(0)
    let axis = try self.axis(attributes.int("axis", 0), rank: type(x).rank)
    let count = attributes.int("num_outputs", node.outputs.count)
    var lengths = opset < 13 ? attributes.ints("split") : try integers(1)
    let whole = type(x).dimensions[axis].value
    if lengths == nil {
      guard let whole, count > 0, count <= 1 << 16 else {
        throw GraphError("", "the length of axis \(axis) is not known")
      }
      let part = (whole - 1) / count + 1
      lengths = (0..<count).map { min(part, max(0, whole - $0 * part)) }
    }
    guard lengths!.allSatisfy({ (0...1 << 40).contains($0) }), whole.map({ $0 == lengths!.reduce(0, +) }) ?? true else {
      throw GraphError("", "parts of \(lengths!) do not make up axis \(axis) of \(type(x))")
    }
    var (start, parts): (Int, [ValueID?]) = (0, [])
    for length in lengths! {
      parts.append(
        try add(.stridedSlice(StridedSlice()), x, list([start]), list([start + length]), list([axis])))
      start += length
    }
    return parts
  }

  /// Slice: attributes before version 10, inputs since.
  mutating func slice() throws(GraphError) -> ValueID {
    let x = try input(0)
    if opset < 10 {
      guard let starts = attributes.ints("starts"), let ends = attributes.ints("ends") else {
        throw GraphError("", "starts and ends are missing")
      }
      let axes = attributes.ints("axes") ?? Array(starts.indices)
      return try add(.stridedSlice(StridedSlice()), x, list(starts), list(ends), list(axes))
    }
    // Which axes get shorter must be known for the others to be.
    if try optional(3) != nil {
      let axes = try integers(3)!
      return try add(.stridedSlice(StridedSlice()), x, input(1), input(2), list(axes), optional(4))
    }
    return try add(.stridedSlice(StridedSlice()), x, input(1), input(2), nil, optional(4))
  }

  mutating func gather() throws(GraphError) -> ValueID {
    let x = try input(0)
    let axis = try self.axis(attributes.int("axis", 0), rank: type(x).rank)
    return try add(.gather(Gather(axis: axis)), x, input(1))
  }

  mutating func scatter() throws(GraphError) -> ValueID {
    let word = attributes.string("reduction", "none")
    guard let reduction = Scatter.Reduction(rawValue: word) else {
      throw GraphError("", "the reduction \"\(word)\" is not known")
    }
    return try add(.scatter(Scatter(reduction)), input(0), input(1), input(2))
  }
}
