import IR
import Tensors

/// transformers' `Wav2Vec2ForSequenceClassification`: a sum of all states or the last one, a projection, the mean over all
/// frames, a classifier.
struct ClassificationHead {
  let weights: WeightScope
  let width: Int
  /// Channels between projector and classifier.
  let projection: Int
  let outputs: Int
  /// Whether the states of all layers are added up, weighed by a softmax over `layer_weights`.
  let sumsStates: Bool
  /// What the outputs are trained as.
  let problem: Problem

  /// What a classifier's outputs are, as transformers calls it; its pipeline makes scores of them accordingly.
  enum Problem: String, CaseIterable {
    /// Numbers, which are the scores.
    case regression
    /// One label is right: softmax.
    case single = "single_label_classification"
    /// Each label is right or not: sigmoid.
    case multi = "multi_label_classification"
  }

  /// last [batch, frames, hidden] and the states, of that shape -> logits, scores [batch, outputs]; a regression has no
  /// scores beside its logits
  func forward(
    _ b: inout GraphBuilder, _ last: ValueID, states: [ValueID]
  ) throws -> (logits: ValueID, scores: ValueID?) {
    var x = sumsStates ? try weightedSum(&b, states) : last
    x = try b.linear(x, weights.scope("projector"), width, projection)
    x = try b.meanOverTime(x, name: "pooling")
    let logits = try b.linear(x, weights.scope("classifier"), projection, outputs)
    switch problem {
    case .regression: return (logits, nil)
    case .single: return (logits, try b.apply(.softmax(Softmax(axis: 1)), logits, name: "classifier.softmax"))
    case .multi: return (logits, try b.activation(logits, .sigmoid, name: "classifier.sigmoid"))
    }
  }

  /// `(stack(states, dim=1) * softmax(layer_weights).view(-1, 1, 1)).sum(dim=1)`
  private func weightedSum(_ b: inout GraphBuilder, _ states: [ValueID]) throws -> ValueID {
    let layers = try b.weight("layer_weights", [states.count], of: weights)
    let shares = try b.apply(.softmax(Softmax(axis: 0)), layers, name: "layer_weights.softmax")
    let factors = try b.apply(
      .reshape(Reshape([.fixed(states.count), .fixed(1), .fixed(1)])), shares, name: "layer_weights.factors")
    let all = try b.stack(states, name: "layer_sum")
    let weighed = try b.apply(.binary(Binary(.multiply)), all, factors, name: "layer_sum.weighed")
    return try b.apply(.reduce(Reduce(.sum, axes: [1], keepsAxes: false)), weighed, name: "layer_sum")
  }
}
