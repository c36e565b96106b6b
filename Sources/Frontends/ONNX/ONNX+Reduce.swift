import IR
import Tensors

extension ONNXImporter {
  /// All of ONNX's reductions: axes are an attribute before version 18 (of ReduceSum 13), an input since.
  mutating func reduce() throws(GraphError) -> ValueID {
    let x = try input(0)
    let rank = type(x).rank
    var axes: [Int]?
    var keeps = true
    if node.op.hasPrefix("Global") {
      axes = Array(2..<max(rank, 2))
    } else {
      keeps = attributes.flag("keepdims", true)
      axes = opset < (node.op == "ReduceSum" ? 13 : 18) ? attributes.ints("axes") : try integers(1)
    }
    let leavesAlone = attributes.flag("noop_with_empty_axes")
    var reduced: [Int] = []
    for axis in axes ?? [] { reduced.append(try self.axis(axis, rank: rank)) }
    if reduced.isEmpty, !leavesAlone { reduced = Array(0..<rank) }
    return try reduce(x, Array(Set(reduced)).sorted(), keeps)
  }

  private mutating func reduce(_ x: ValueID, _ axes: [Int], _ keeps: Bool) throws(GraphError) -> ValueID {
    func total(_ function: Reduce.Function, _ x: ValueID, _ importer: inout ONNXImporter) throws(GraphError) -> ValueID
    {
      axes.isEmpty ? x : try importer.add(.reduce(Reduce(function, axes: axes, keepsAxes: keeps)), x)
    }
    switch node.op {
    case "ReduceSum": return try total(.sum, x, &self)
    case "ReduceMax", "GlobalMaxPool": return try total(.maximum, x, &self)
    case "ReduceMin": return try total(.minimum, x, &self)
    case "ReduceProd": return try total(.product, x, &self)
    case "ReduceL1": return try total(.sum, compute(.absolute, x), &self)
    case "ReduceL2": return axes.isEmpty ? try compute(.absolute, x) : try total(.l2, x, &self)
    case "ReduceSumSquare": return try total(.sum, compute(.multiply, x, x), &self)
    case "ReduceLogSum": return try compute(.logarithm, total(.sum, x, &self))
    case "ReduceLogSumExp":
      return try compute(.logarithm, total(.sum, compute(.exponential, x), &self))
    default: return try total(.mean, x, &self)
    }
  }
}
