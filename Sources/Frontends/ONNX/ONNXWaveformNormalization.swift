import Bytes
import Formats

/// What an ONNX graph does to the waveform before its first convolution, told by its nodes alone.
///
/// Nothing in an ONNX file declares this; a model that is fed what it does not expect gives other numbers.
public enum ONNXWaveformNormalization: Hashable, Sendable {
  /// The graph takes the mean off and divides by the deviation itself, by these operators.
  case inGraph(operators: [String])
  /// The waveform reaches the first convolution as it is, at most in another shape, by these operators.
  case none(operators: [String])
  /// Neither can be told, for this reason.
  case unknown(String)

  /// The answer in one word.
  public var kind: String {
    switch self {
    case .inGraph: "in-graph"
    case .none: "none"
    case .unknown: "unknown"
    }
  }

  /// Follows the waveform through the graph of `model`.
  public init(_ model: ONNXModel) {
    let graph = model.graph
    let constants = Set(graph.initializers.map { Name($0.name) })
    let fed = graph.inputs.filter { $0.holdsFloats && !constants.contains(Name($0.name)) }
    guard fed.count == 1 else {
      self = .unknown(
        fed.isEmpty ? "no input holds floating-point numbers" : "\(fed.count) inputs could be the waveform")
      return
    }
    let arrivals = ONNXWaveformFlow(graph, from: fed[0].name).arrivals
    switch arrivals.count {
    case 0: self = .unknown("no Conv takes what comes of \(fed[0].name)")
    case 1: self.init(arrivals[0])
    default: self = .unknown("several Conv take it, each in another state")
    }
  }

  private init(_ arrival: ONNXWaveformFlow.Arrival) {
    switch arrival.state {
    case .raw: self = .none(operators: arrival.operators)
    case .normalized: self = .inGraph(operators: arrival.operators)
    case .centred: self = .unknown("it only takes the mean off before the first Conv")
    case .mean, .square, .variance, .deviation: self = .unknown("the first Conv takes statistics of it")
    case .other(let op): self = .unknown("the operator \(op) on its way to the first Conv says nothing of that")
    }
  }
}

extension ONNXWaveformNormalization: CustomStringConvertible {
  /// One sentence.
  public var description: String {
    switch self {
    case .inGraph(let operators):
      "the graph normalises it before the first Conv (\(operators.joined(separator: ", ")))"
    case .none(let operators):
      "the graph does not normalise it: the first Conv takes it as it is"
        + (operators.isEmpty ? "" : " but for its shape (\(operators.joined(separator: ", ")))")
    case .unknown(let reason): "whether the graph normalises it is unknown: \(reason)"
    }
  }
}

extension ONNXValueInfo {
  /// FLOAT, FLOAT16, DOUBLE or BFLOAT16.
  fileprivate var holdsFloats: Bool { elementType.map { [1, 10, 11, 16].contains($0) } ?? false }
}
