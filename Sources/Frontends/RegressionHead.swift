import IR
import Tensors

/// audEERING's regression head: the mean over all frames, then dense, tanh, projection.
struct RegressionHead {
  let weights: WeightScope
  let width: Int
  let outputs: Int

  /// [batch, frames, hidden] -> pooled [batch, hidden], logits [batch, outputs]
  func forward(_ b: inout GraphBuilder, _ hidden: ValueID) throws -> (pooled: ValueID, logits: ValueID) {
    let pooled = try b.meanOverTime(hidden, name: "pooling")
    var x = try b.linear(pooled, weights.scope("classifier.dense"), width, width)
    x = try b.activation(x, .tanh, name: "classifier.activation")
    return (pooled, try b.linear(x, weights.scope("classifier.out_proj"), width, outputs))
  }
}
