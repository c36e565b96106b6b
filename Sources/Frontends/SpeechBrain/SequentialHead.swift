import IR
import Tensors

/// A user's head on SpeechBrain's encoder: the mean over all frames, then linear layers.
struct SequentialHead {
  let weights: WeightScope
  let state: SequentialState
  /// What stands between two layers whose numbers leave room for it.
  let activation: Activation
  /// What a user should know of the numbers, a line each.
  let notes: [String]

  /// A head whose weights `ledger` has among others.
  init(_ file: HeadFile, _ ledger: WeightLedger, _ options: ImportOptions) {
    weights = WeightScope(ledger, prefix: file.state.prefix, path: "head")
    state = file.state
    activation = options.headActivation ?? .relu
    var notes = [
      "SpeechBrain leaves its encoder in training mode unless it is frozen, with dropout and layer drop: numbers from such "
        + "a notebook differ from call to call, and this is the model in evaluation"
    ]
    if options.headActivation == nil, state.hasGaps {
      notes.append("the head's file does not say what stands between its layers: relu was taken (--head-activation)")
    }
    self.notes = notes
  }

  /// [batch, frames, hidden] -> pooled [batch, hidden], logits and scores [batch, outputs]
  func forward(
    _ b: inout GraphBuilder, _ hidden: ValueID
  ) throws -> (pooled: ValueID, logits: ValueID, scores: ValueID) {
    let pooled = try b.meanOverTime(hidden, name: "pooling")
    var x = pooled
    for (index, layer) in state.layers.enumerated() {
      let scope = weights.scope("\(layer.number)")
      x = try b.linear(x, scope, layer.inputs, layer.outputs, hasBias: layer.hasBias)
      if state.hasGap(after: index) {
        x = try b.activation(x, activation, name: scope.child("activation"))
      }
    }
    return (pooled, x, try b.apply(.softmax(Softmax(axis: 1)), x, name: weights.child("softmax")))
  }
}
