import IR
import Tensors

/// A look at values inside a graph while it runs.
public struct Observation {
  /// The values to show: names of outputs, states or nodes.
  public let names: [String]
  /// Gets a copy of each value as it is made; what it hands back, of the same shape, takes the value's place.
  public let body: (ValueID, Tensor) throws(ExecutionError) -> Tensor?

  /// Creates an observation.
  public init(_ names: [String], _ body: @escaping (ValueID, Tensor) throws(ExecutionError) -> Tensor?) {
    self.names = names
    self.body = body
  }
}
