import IR
import Tensors

/// Before: `MatMul(x, w)` with w [in, out] constant, or the transpose of a constant, `Add(·, b)` with b [out], in either order.
/// After: `Linear(x, wᵀ, b)`: the weight lies as it does in a checkpoint, [out, in].
struct FuseLinear: Pass {
  static let name = "fuse-linear"

  func run(on graph: inout Graph) throws -> PassReport {
    var editor = GraphEditor(graph, pass: FuseLinear.name)
    var transposed: [ValueID: ValueID] = [:]
    for node in graph.nodes {
      switch node.op {
      case .matMul:
        let (x, weight) = (node.inputs[0]!, node.inputs[1]!)
        if let stored = source(ofTransposed: weight, editor), editor.type(x).rank >= 2,
          editor.type(x).dimensions.last == editor.type(stored).dimensions.last
        {
          editor.replace(node.output, with: .linear(Linear()), x, stored, why: "a product with a transposed constant")
          continue
        }
        guard let constant = graph.constants[weight], constant.shape.rank == 2, constant.count > 0,
          editor.type(x).rank >= 2, editor.type(x).dimensions.last == .fixed(constant.shape[0])
        else { continue }
        guard let turned = transposed[weight] ?? editor.transposed(weight) else {
          editor.decline(node.output, "the weight is \(constant.dataType.rawValue)")
          continue
        }
        transposed[weight] = turned
        editor.replace(node.output, with: .linear(Linear()), x, turned, why: "a product with a constant")
      case .binary(let op) where op.function == .add:
        for (own, other) in [(0, 1), (1, 0)] {
          guard let linear = editor.node(node.inputs[own]), case .linear = linear.op, linear.input(2) == nil,
            editor.hasOneUser(linear.output), editor.type(linear.output) == editor.type(node.output),
            let width = editor.type(linear.output).dimensions.last,
            let bias = editor.vector(node.inputs[other], width)
          else { continue }
          editor.replace(
            node.output, with: .linear(Linear()), linear.inputs[0], linear.inputs[1], bias, why: "its bias")
          break
        }
      default: break
      }
    }
    return try editor.finish(&graph)
  }
}

extension FuseLinear {
  /// The constant matrix that a value is the transpose of.
  private func source(ofTransposed id: ValueID, _ editor: GraphEditor) -> ValueID? {
    guard let node = editor.node(id), case .transpose(let op) = node.op, op.permutation == [1, 0],
      let matrix = node.inputs[0], let constant = editor.graph.constants[matrix], constant.count > 0
    else { return nil }
    return matrix
  }
}

extension GraphEditor {
  /// A constant matrix with rows and columns exchanged, made where it is used; nil for types that do not lie in rows.
  fileprivate mutating func transposed(_ id: ValueID) -> ValueID? {
    guard let constant = graph.constants[id], case .rowMajor(let tensor) = constant.storage, tensor.dataType != .bool
    else {
      return nil
    }
    var provenance = constant.provenance
    provenance.steps.append("transposed")
    return self.constant(
      graph[id].name + ".transposed", Constant(.derived(tensor.transposed), provenance: provenance))
  }
}
