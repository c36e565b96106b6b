import Bytes
import Exporters
import Tensors
import TestSupport
import Testing

@testable import IR

/// Every case of golden/operators as a graph of its own; `tools/golden/check_export.py` runs these in onnxruntime.
@Suite struct OperatorCorpusTests {
  /// What operator set 17 does not have (onnx.ai, Operators: Pad-19, ScatterND-18).
  private func isLater(_ op: Operator) -> Bool {
    switch op {
    case .pad(let pad): pad.mode == .wrap
    case .scatter(let scatter): scatter.reduction == .min || scatter.reduction == .max
    default: false
    }
  }

  @Test(arguments: [true, false]) func everyCaseKeepsToONNXsRules(_ weights: Bool) throws {
    let cases = try #require(try Repository.json(Repository.golden("operators/manifest.json"))["cases"]?.object)
    #expect(cases.count > 500)
    var operators: Set<String> = []
    for member in cases {
      let op = try Operator(
        name: #require(member.value["op"]?.string),
        attributes: JSONFields(#require(member.value["attributes"]), format: "manifest"))
      let file = try SafetensorsFixture(Repository.golden("operators/\(member.name).safetensors"))
      var graph = Graph()
      var ids: [ValueID?] = []
      for name in (member.value["inputs"]?.array ?? []).map(\.string) {
        guard let name else {
          ids.append(nil)
          continue
        }
        let tensor = try file[name]
        ids.append(
          weights && !ids.isEmpty
            ? graph.addConstant(name, Constant(tensor, provenance: Provenance()))
            : graph.addInput(name, TensorType(tensor.dataType, tensor.shape)))
      }
      graph.addOutput("result", try graph.addNode("node", op, ids))
      operators.insert(graph.operatorName(graph.nodes[0]))
      guard !isLater(op) else {
        let error = #expect(throws: GraphError.self) { try ONNXExport(graph, metadata: .plain, producer: "assay") }
        #expect(error?.place == "node" && error?.what.contains("17 is written") == true)
        continue
      }
      let exported = try Exported(graph)
      #expect(exported.faults == [], "\(member.name)")
      #expect(exported.file.entries.map(\.name) == graph.constantOrder.map { graph[$0].name }, "\(member.name)")
      for id in graph.constantOrder {
        #expect(try exported.file.tensor(graph[id].name).digest == graph.constants[id]!.digest, "\(member.name)")
      }
    }
    #expect(operators.count == 66)
  }
}
