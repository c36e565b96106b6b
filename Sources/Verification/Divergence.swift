import Bytes
import Executor
import IR
import Tensors

/// Where a model first goes wrong by itself, and what is wrong only because of it.
public struct Divergence: Sendable {
  /// Values that are wrong although everything before them was put right, in the graph's order.
  public let own: [Comparison]
  /// Names of values that are wrong in a plain run and right once the values before them are put right.
  public let inherited: [String]

  /// The first value that is wrong by itself.
  public var first: Comparison? { own.first }

  /// Runs the graph with every value that `golden` knows whole replaced, as soon as it is made and judged, by what is
  /// expected. What still differs is wrong by itself. One run; memory of the values in flight.
  ///
  /// Nil where the case knows no value but outputs: then there is nothing to put right.
  init?(_ golden: GoldenCase, _ executor: Executor, inputs: NamedTensors, plain: [String: Comparison])
    throws(ExecutionError)
  {
    let graph = executor.graph
    let whole = golden.expected.filter { $0.places == nil }
    guard whole.contains(where: { expected in !graph.outputs.contains { $0.name == expected.name } }) else {
      return nil
    }
    var byValue: [ValueID: [GoldenCase.Expected]] = [:]
    let values = graph.valuesByName
    for expected in golden.expected { byValue[values[Name(expected.name)]!, default: []].append(expected) }
    var own: [Comparison] = []
    _ = try executor.run(
      inputs,
      observing: Observation(golden.expected.map(\.name)) { id, actual in
        var replacement: Tensor?
        for expected in byValue[id] ?? [] {
          let comparison = Comparison(expected, actual: actual)
          if !comparison.holds { own.append(comparison) }
          if expected.places == nil, comparison.mismatch == nil { replacement = expected.values.reshaped(actual.shape) }
        }
        return replacement
      })
    self.own = own
    let ownNames = Set(own.map(\.name))
    inherited = golden.expected.map(\.name).filter { plain[$0].map { !$0.holds } == true && !ownNames.contains($0) }
  }

  /// The divergence as a report holds it.
  public var json: JSON {
    ["own": JSON(own.map(\.json)), "inherited": JSON(inherited)]
  }
}
