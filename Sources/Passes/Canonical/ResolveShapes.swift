import IR
import Tensors

/// Says shapes in the operators themselves instead of computing them.
///
/// Before: `s = Concat(Gather(Shape(x), 0), Gather(Shape(x), 1), [16, 64])`, `y = ReshapeTo(x, s)`;
/// `z = StridedSlice(x, [0], [-1], [1])`.
/// After: `y = Reshape(x) {axis 0, axis 1, 16, 64}`; `z = Slice(x) {axis 1, drop 0 and 1}`; what computed `s` is gone.
///
/// Lengths that are computed from more than lengths of axes are compared for sixteen lengths of the inputs.
struct ResolveShapes: Pass {
  static let name = "resolve-shapes"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: ResolveShapes.name)
    let lengths = Lengths(graph)
    var samples: ShapeSamples?
    for node in graph.nodes {
      switch node.op {
      case .reshapeTo(let op):
        if let shape = resolved(node, op, lengths, editor) {
          editor.replace(node.output, with: .reshape(Reshape(shape)), node.inputs[0], why: "its shape is known")
          continue
        }
        samples = samples ?? ShapeSamples(graph)
        if let shape = resolved(node, samples!, editor) {
          editor.replace(
            node.output, with: .reshape(Reshape(shape)), node.inputs[0], why: "its shape is that of every length tried")
        } else {
          editor.decline(node.output, "its shape is computed from more than shapes")
        }
      case .reshape(let op): resolve(node, op, &editor)
      case .stridedSlice: resolveSlice(node, &editor)
      default: break
      }
    }
    return try editor.finish(&graph)
  }

  /// The lengths that a list says; nil where it says too little.
  private func resolved(
    _ node: Node, _ op: ReshapeTo, _ lengths: Lengths, _ editor: GraphEditor
  ) -> [Reshape.Length]? {
    let x = editor.type(node.inputs[0]!)
    guard let list = lengths.of[node.inputs[1]!] else { return nil }
    let result = list.enumerated().map { axis, length -> Reshape.Length in
      switch length {
      case .fixed(0) where !op.allowsZero: .copy(axis: axis)
      case .fixed(-1), nil: .rest
      case .fixed(let value): .fixed(value)
      case .some(let length): x.dimensions.firstIndex(of: length).map { .copy(axis: $0) } ?? .rest
      }
    }
    return result.count(where: { $0 == .rest }) <= 1 ? result : nil
  }

  /// The lengths that the result has for every length of the inputs that was tried.
  private func resolved(_ node: Node, _ samples: ShapeSamples, _ editor: GraphEditor) -> [Reshape.Length]? {
    let result = (0..<editor.type(node.output).rank).map { axis -> Reshape.Length in
      if let value = samples.constant(node.output, axis: axis) { return .fixed(value) }
      return samples.axis(of: node.inputs[0]!, like: node.output, axis: axis).map { .copy(axis: $0) } ?? .rest
    }
    return result.count(where: { $0 == .rest }) <= 1 ? result : nil
  }

  /// What is left over can often be named.
  private func resolve(_ node: Node, _ op: Reshape, _ editor: inout GraphEditor) {
    let (x, y) = (editor.type(node.inputs[0]!), editor.type(node.output))
    guard let place = op.lengths.firstIndex(of: .rest) else { return }
    var lengths = op.lengths
    if let value = y.dimensions[place].value {
      lengths[place] = .fixed(value)
    } else if let axis = x.dimensions.firstIndex(of: y.dimensions[place]) {
      lengths[place] = .copy(axis: axis)
    } else {
      return
    }
    editor.replace(node.output, with: .reshape(Reshape(lengths)), node.inputs[0], why: "what is left is named")
  }

  /// Slices along one axis that drop known numbers of elements at either end.
  private func resolveSlice(_ node: Node, _ editor: inout GraphEditor) {
    func list(_ index: Int) -> [Int]? {
      index < node.inputs.count ? node.inputs[index].flatMap { editor.graph.smallConstant($0)?.integers } : nil
    }
    let x = editor.type(node.inputs[0]!)
    guard let starts = list(1), let ends = list(2) else {
      return editor.decline(node.output, "where it starts or ends is computed")
    }
    let (axes, steps) = (list(3) ?? Array(starts.indices), list(4) ?? starts.map { _ in 1 })
    guard axes.count == 1, steps == [1], starts.count == 1, ends.count == 1 else {
      return editor.decline(node.output, "it takes steps, or is along several axes")
    }
    let axis = axes[0] < 0 ? axes[0] + x.rank : axes[0]
    var drop: (first: Int, last: Int)?
    if let length = x.dimensions[axis].value {
      let range = try? StridedSlice.ranges([length], starts: starts, ends: ends, axes: [0], steps: [1])[0]
      drop = range.map { ($0.first, length - $0.first - $0.count) }
    } else if starts[0] >= 0, ends[0] < 0 || ends[0] >= 1 << 30 {
      drop = (starts[0], ends[0] < 0 ? Int(clamping: ends[0].magnitude) : 0)
    }
    guard let drop, drop.first <= 1 << 40, drop.last <= 1 << 40 else {
      return editor.decline(node.output, "how many elements it drops depends on the length")
    }
    let slice = Slice(axis: axis, dropFirst: drop.first, dropLast: drop.last)
    editor.replace(node.output, with: .slice(slice), node.inputs[0], why: "what it drops is known")
  }
}

/// Lists of lengths that a graph computes, as far as they are lengths of axes and known numbers.
struct Lengths {
  /// For each list or single number of integers its elements; nil for one that is neither.
  private(set) var of: [ValueID: [Dimension?]] = [:]

  init(_ graph: Graph) {
    for (id, constant) in graph.constants where constant.count <= 64 && graph[id].type.rank <= 1 {
      if let numbers = constant.tensor.integers, constant.dataType != .bool { of[id] = numbers.map { .fixed($0) } }
    }
    for node in graph.nodes where graph[node.output].type.rank <= 1 {
      of[node.output] = elements(node, graph)
    }
  }

  private func elements(_ node: Node, _ graph: Graph) -> [Dimension?]? {
    let inputs = node.inputs.map { $0.flatMap { of[$0] } }
    switch node.op {
    case .shapeOf: return graph[node.inputs[0]!].type.dimensions
    case .cast(let op) where op.dataType == .int64: return inputs[0]
    case .reshape, .reshapeTo, .expand:
      // One element stays one, whatever its shape.
      return inputs[0]?.count == graph[node.output].type.shape?.count ? inputs[0] : nil
    case .gather:
      guard let list = inputs[0], let places = inputs[1] else { return nil }
      let indices = places.compactMap { $0?.value }.map { $0 < 0 ? $0 + list.count : $0 }
      return indices.count == places.count && indices.allSatisfy(list.indices.contains) ? indices.map { list[$0] } : nil
    case .slice(let op): return inputs[0].map { Array($0.dropFirst(op.dropFirst).dropLast(op.dropLast)) }
    case .stridedSlice:
      guard let list = inputs[0],
        let numbers = Lengths.numbers(inputs),
        inputs.count < 4 || inputs[3] == nil || numbers[3] == [0] || numbers[3] == [-1],
        let range = try? StridedSlice.ranges(
          [list.count], starts: numbers[1] ?? [], ends: numbers[2] ?? [], axes: [0],
          steps: numbers.count > 4 ? numbers[4] ?? [1] : [1]
        ).first
      else { return nil }
      return (0..<range.count).map { list[range.first + $0 * range.step] }
    case .concat: return inputs.contains { $0 == nil } ? nil : inputs.flatMap { $0! }
    case .binary(let op): return Lengths.compute(op.function, inputs[0], inputs[1])
    default: return nil
    }
  }

  /// Lists of known numbers; nil where one but the first holds something else.
  private static func numbers(_ inputs: [[Dimension?]?]) -> [[Int]?]? {
    var result: [[Int]?] = []
    for (index, list) in inputs.enumerated() {
      let values = list?.compactMap { $0?.value }
      guard index == 0 || values?.count == list?.count else { return nil }
      result.append(index == 0 ? [] : values)
    }
    return result
  }

  /// Sums with and products of known numbers.
  private static func compute(_ function: Binary.Function, _ a: [Dimension?]?, _ b: [Dimension?]?) -> [Dimension?]? {
    guard let a, let b, a.count == b.count || a.count == 1 || b.count == 1 else { return nil }
    return (0..<max(a.count, b.count)).map { index in
      guard let left = a[a.count == 1 ? 0 : index], let right = b[b.count == 1 ? 0 : index] else { return nil }
      switch (function, left, right) {
      case (.add, let length, .fixed(let value)), (.add, .fixed(let value), let length): return length + value
      case (.subtract, let length, .fixed(let value)): return value == .min ? nil : length + -value
      case (.multiply, .fixed(1), let length), (.multiply, let length, .fixed(1)): return length
      case (.multiply, .fixed(let a), .fixed(let b)):
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? nil : .fixed(product)
      default: return nil
      }
    }
  }
}
