import Executor
import IR
import Tensors

/// The shapes that all values have for some lengths of a graph's inputs, from a few frames to an hour of audio.
///
/// What lengths that are computed in other ways have in common is no matter of names: they are laid side by side.
struct ShapeSamples {
  private var plans: [[Shape?]] = []

  /// Lengths that leave every kind of rest to the strides of speech models; the long ones reach beyond what a model may
  /// cut off.
  private static let lengths = [
    400, 401, 719, 720, 721, 1040, 1361, 5431, 16000, 16319, 24321, 48017, 480_001, 1_600_321, 9_600_037, 57_600_001,
  ]
  /// Fewer plans than this prove nothing.
  private static let needed = 8

  init(_ graph: Graph) {
    for number in ShapeSamples.lengths.indices {
      // Lengths of one name are equal; those of different names differ, for most plans at least.
      var lengths: [Dimension: Int] = [:]
      let inputs = graph.inputs.map { id -> Shape in
        let dimensions = graph[id].type.dimensions
        return Shape(
          dimensions.enumerated().map { axis, dimension in
            if let value = dimension.value ?? lengths[dimension] { return value }
            let place = number + 5 * lengths.count
            let value =
              axis == dimensions.count - 1
              ? ShapeSamples.lengths[place % ShapeSamples.lengths.count] : 1 + place % 3
            lengths[dimension] = value
            return value
          })
      }
      if let plan = try? Plan(graph, inputs: inputs) { plans.append(plan.shapes) }
    }
    if plans.count < ShapeSamples.needed { plans = [] }
  }

  /// True where two values had equal shapes each time.
  func areEqual(_ a: ValueID, _ b: ValueID) -> Bool {
    !plans.isEmpty && plans.allSatisfy { $0[a.index] != nil && $0[a.index] == $0[b.index] }
  }

  /// The length of an axis, if it was the same each time.
  func constant(_ id: ValueID, axis: Int) -> Int? {
    let lengths = Set(plans.map { $0[id.index]?[axis] })
    return lengths.count == 1 ? lengths.first! : nil
  }

  /// The axis of `other` that had the length of an axis each time.
  func axis(of other: ValueID, like id: ValueID, axis: Int) -> Int? {
    guard let rank = plans.first?[other.index]?.rank else { return nil }
    return (0..<rank).first { candidate in
      plans.allSatisfy { plan in
        guard let a = plan[id.index], let b = plan[other.index] else { return false }
        return a[axis] == b[candidate]
      }
    }
  }
}
