import Bytes
import Executor
import IR
import Tensors

/// A golden case's outcome.
public struct CaseResult: Sendable {
  /// The case.
  public let golden: GoldenCase
  /// One comparison for each expected value, in the case's order.
  public let comparisons: [Comparison]
  /// Where the model goes wrong; nil when the case holds, or knows too little to tell.
  public let divergence: Divergence?

  /// True when every value is close enough.
  public var holds: Bool { comparisons.allSatisfy(\.holds) }

  /// The outcome as a report holds it.
  public var json: JSON {
    [
      "name": JSON(golden.name), "maker": JSON(golden.maker), "reference": JSON(golden.isReference),
      "holds": JSON(holds),
      "values": JSON(comparisons.map(\.json)), "divergence": divergence?.json ?? .null,
    ]
  }
}

/// Judges a model by golden cases.
public struct Verifier {
  private let executor: Executor

  /// Creates a judge of the model that `executor` runs.
  public init(_ executor: Executor) { self.executor = executor }

  /// Runs one case. `prepare` turns a waveform case into graph inputs, as the model's preprocessing says.
  ///
  /// Throws when the case cannot be judged: it expects a value that the model does not have, or its input does not fit.
  public func judge(_ golden: GoldenCase, prepare: (GoldenCase.Input) throws -> NamedTensors) throws -> CaseResult {
    let values = executor.graph.valuesByName
    for expected in golden.expected where values[Name(expected.name)] == nil {
      throw GraphError(
        expected.name, "the case \"\(golden.name)\" expects this value, and the model has none of this name")
    }
    let inputs = try prepare(golden.input)
    var actual: [ValueID: Tensor] = [:]
    let outputs = try executor.run(
      inputs,
      observing: Observation(golden.expected.map(\.name)) { id, tensor in
        actual[id] = tensor
        return nil
      })
    for output in executor.graph.outputs { actual[output.value] = outputs[output.name] }
    let comparisons = golden.expected.map { expected in
      Comparison(expected, actual: actual[values[Name(expected.name)]!]!)
    }
    var divergence: Divergence?
    if !comparisons.allSatisfy(\.holds) {
      let plain = Dictionary(comparisons.map { ($0.name, $0) }) { first, _ in first }
      divergence = try Divergence(golden, executor, inputs: inputs, plain: plain)
    }
    return CaseResult(golden: golden, comparisons: comparisons, divergence: divergence)
  }
}
