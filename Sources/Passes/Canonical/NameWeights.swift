import Bytes
import IR

/// Gives weights the names that exporters lose: the bias beside them keeps its own.
///
/// Before: `Linear(x, "onnx::MatMul_1356", "encoder.layers.0.attention.q_proj.bias")`.
/// After: the weight is called `encoder.layers.0.attention.q_proj.weight`; its provenance still names the source tensor.
struct NameWeights: Pass {
  static let name = "name-weights"

  func run(on graph: inout Graph) throws -> PassReport {
    var report = PassReport(pass: NameWeights.name)
    var names = Set(graph.values.map { Name($0.name) })
    for node in graph.nodes {
      switch node.op {
      case .linear, .conv: break
      default: continue
      }
      guard let weight = node.input(1), let bias = node.input(2), graph.constants[weight] != nil,
        graph.constants[bias] != nil
      else { continue }
      let (old, ending) = (graph[weight].name, ".bias")
      guard graph[bias].name.hasSuffix(ending), !old.hasSuffix(".weight") else { continue }
      let name = String(graph[bias].name.dropLast(ending.count)) + ".weight"
      guard names.insert(Name(name)).inserted else {
        report.declined.append("\(old): another value is called \(name)")
        continue
      }
      graph.renameConstant(weight, to: name)
      report.changes.append("\(old): \(name), as the bias says")
    }
    return report
  }
}
