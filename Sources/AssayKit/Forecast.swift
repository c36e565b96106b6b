import Bytes
import Executor
import IR
import Tensors

/// What running a model on so much audio will take, told before it runs.
public struct Forecast: Sendable {
  /// One kind of operator.
  public struct Row: Sendable {
    /// The operator's name in files.
    public let name: String
    /// How many nodes there are of it.
    public let nodes: Int
    /// Multiplications and additions.
    public let operations: Int
  }

  /// The model, as the user named it.
  public let model: String
  /// Seconds of audio.
  public let seconds: Double
  /// The shape of `signal`.
  public let input: Shape
  /// Kinds of operators, the one with most arithmetic first.
  public let rows: [Row]
  /// Steps after nodes were grouped.
  public let steps: Int
  /// Bytes of weights, as they are stored.
  public let weightBytes: Int
  /// The most bytes that values and scratch take at one time, beside the weights.
  public let peakBytes: Int

  /// Plans `model` for a clip of `seconds`, on `threads` threads.
  public init(_ model: Model, seconds: Double, threads: Int) throws {
    let samples = (seconds * Double(model.preprocessing.sampleRate)).rounded()
    guard samples >= 1, samples <= 1e9 else {
      throw Failure("--seconds needs a clip of 1 to 1e9 samples at \(model.preprocessing.sampleRate) Hz")
    }
    let shape: Shape = [1, Int(samples)]
    guard shape[1] >= model.minimumSamples else {
      throw Failure("\(model.path): \(shape[1]) samples are too few; this model needs at least \(model.minimumSamples)")
    }
    let plan = try inFile(model.path) { try Plan(model.graph, inputs: [shape], workers: threads) }
    var kinds: [String: (nodes: Int, operations: Int)] = [:]
    for (node, operations) in zip(model.graph.nodes, plan.operations(model.graph)) {
      let name = model.graph.operatorName(node)
      kinds[name, default: (0, 0)].nodes += 1
      kinds[name, default: (0, 0)].operations += operations
    }
    self.model = model.path
    self.seconds = seconds
    input = shape
    rows = kinds.map { Row(name: $0, nodes: $1.nodes, operations: $1.operations) }
      .sorted { ($1.operations, $0.name) < ($0.operations, $1.name) }
    steps = plan.steps.count
    weightBytes = model.graph.constants.values.reduce(0) { $0 + $1.count * $1.dataType.size }
    peakBytes = plan.peakBytes
  }

  /// All multiplications and additions.
  public var operations: Int { rows.reduce(0) { $0 + $1.operations } }

  /// The forecast as a document.
  public var json: JSON {
    [
      "model": JSON(model), "seconds": JSON(seconds), "input": JSON(input.dimensions), "steps": JSON(steps),
      "operators": JSON(
        rows.map { ["name": JSON($0.name), "nodes": JSON($0.nodes), "operations": JSON($0.operations)] }),
      "operations": JSON(operations), "weight_bytes": JSON(weightBytes), "peak_bytes": JSON(peakBytes),
    ]
  }
}
