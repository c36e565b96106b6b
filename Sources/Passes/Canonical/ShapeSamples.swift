import Executor
import IR
import Tensors

/// The shapes that all values have for some lengths of a graph's inputs, from a few frames to an hour of audio.
///
/// What lengths that are computed in other ways have in common is no matter of names: they are laid side by side.
struct ShapeSamples {
  private var samples: [[Shape?]] = []

  /// Lengths that leave every kind of rest to the strides of speech models; the long ones reach beyond what a model may
  /// cut off.
  private static let lengths = [
    400, 401, 719, 720, 721, 1040, 1361, 5431, 16000, 16319, 24321, 48017, 480_001, 1_600_321, 9_600_037, 57_600_001,
  ]
  /// Fewer samples than this prove nothing.
  private static let needed = 8

  init(_ graph: Graph) {
    let lengths = OpenLengths(graph)
    for (number, length) in ShapeSamples.lengths.enumerated() {
      if let shapes = ShapeSamples.shapes(graph, { lengths.value($0, length, 1 + number % 3) }) {
        samples.append(shapes)
      } else if !samples.isEmpty {
        // Longer than the shortest clip and yet impossible: what holds for the others need not hold for all.
        samples = []
        return
      }
    }
    guard samples.count >= ShapeSamples.needed else {
      samples = []
      return
    }
    // Lengths of other names may be others, as far as the graph allows.
    guard lengths.areSeveral else { return }
    for (number, length) in ShapeSamples.lengths.enumerated() {
      let shapes = ShapeSamples.shapes(graph) { dimension in
        let place = lengths.place(dimension)
        return lengths.value(dimension, length + 160 * place, 1 + (number + place) % 3)
      }
      if let shapes { samples.append(shapes) }
    }
  }

  /// The shapes of all values; nil where the graph cannot be.
  private static func shapes(_ graph: Graph, _ value: (Dimension) -> Int) -> [Shape?]? {
    let types = graph.inputs.map { id in
      TensorType(graph[id].type.dataType, graph[id].type.dimensions.map { .fixed($0.value ?? value($0)) })
    }
    guard let inferred = try? graph.infer(types, evaluating: Executor.elements) else { return nil }
    return inferred.types.map { $0?.shape }
  }

  /// True where two values had equal shapes each time.
  func areEqual(_ a: ValueID, _ b: ValueID) -> Bool {
    !samples.isEmpty && samples.allSatisfy { $0[a.index] != nil && $0[a.index] == $0[b.index] }
  }

  /// The length of an axis, if it was the same each time.
  func constant(_ id: ValueID, axis: Int) -> Int? {
    let lengths = Set(samples.map { $0[id.index]?[axis] })
    return lengths.count == 1 ? lengths.first! : nil
  }

  /// The axis of `other` that had the length of an axis each time.
  func axis(of other: ValueID, like id: ValueID, axis: Int) -> Int? {
    guard let rank = samples.first?[other.index]?.rank else { return nil }
    return (0..<rank).first { candidate in
      samples.allSatisfy { shapes in
        guard let a = shapes[id.index], let b = shapes[other.index] else { return false }
        return a[axis] == b[candidate]
      }
    }
  }
}

/// The open lengths of a graph's inputs by their names: those of last axes are time, the others are rows.
private struct OpenLengths {
  private var names: [Dimension] = []
  private var times: Set<Dimension> = []

  init(_ graph: Graph) {
    for id in graph.inputs {
      let dimensions = graph[id].type.dimensions
      for (axis, dimension) in dimensions.enumerated() where dimension.value == nil {
        if !names.contains(dimension) { names.append(dimension) }
        if axis == dimensions.count - 1 { times.insert(dimension) }
      }
    }
  }

  /// True where there are two times, or two numbers of rows.
  var areSeveral: Bool { times.count > 1 || names.count - times.count > 1 }

  /// Which of its kind a length is.
  func place(_ dimension: Dimension) -> Int {
    let isTime = times.contains(dimension)
    return names.filter { times.contains($0) == isTime }.firstIndex(of: dimension) ?? 0
  }

  /// The one number or the other.
  func value(_ dimension: Dimension, _ time: Int, _ rows: Int) -> Int { times.contains(dimension) ? time : rows }
}
