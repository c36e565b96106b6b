import Bytes
import Exporters
import Formats
import IR
import Tensors
import TestSupport

/// A graph written as ONNX and read back.
struct Exported {
  let file: ONNXFile
  let bytes: [UInt8]

  init(_ graph: Graph, metadata: Metadata = .plain, threads: Int = 1) throws {
    bytes = try withTemporaryFolder { folder in
      let writer = try FileWriter(folder + "/model.onnx")
      try ONNXExport(graph, metadata: metadata, producer: "assay 1.2.3").write(to: writer, threads: threads)
      return try writer.readBack().view.array
    }
    file = try ONNXFile(ByteRegion(copying: bytes))
  }

  var graph: ONNXGraph { file.model.graph }

  /// The nodes, a line each, without those that hold constants: these stand as numbers where they are used.
  var lines: [String] {
    get throws {
      var constants: [String: String] = [:]
      for node in graph.nodes where node.op == "Constant" {
        guard case .tensor(let tensor)? = node.attributes.first?.value else { continue }
        constants[node.outputs[0]] = try Exported.text(tensor.tensor(in: nil))
      }
      return graph.nodes.filter { $0.op != "Constant" }.map { node in
        let inputs = node.inputs.map { constants[$0] ?? ($0.isEmpty ? "_" : $0) }.joined(separator: ", ")
        let attributes = node.attributes.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
        return "\(node.outputs[0]) = \(node.op)(\(inputs))" + (attributes.isEmpty ? "" : " {\(attributes)}")
      }
    }
  }

  /// A number, or a list of them in brackets; of types that are neither I64 nor F32 the type before it.
  private static func text(_ tensor: Tensor) -> String {
    if tensor.dataType == .float32 { return tensor.shape.rank == 0 ? "\(tensor.floats[0])" : "\(tensor.floats)" }
    let size = tensor.dataType.size
    let numbers = stride(from: 0, to: tensor.bytes.count, by: size).map { start in
      let bits = (0..<size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(tensor.bytes[start + $1]) }
      return Int(bitPattern: UInt(bits))
    }
    let type = tensor.dataType == .int64 ? "" : tensor.dataType.rawValue + " "
    return type + (tensor.shape.rank == 0 ? "\(numbers[0])" : "\(numbers)")
  }

  /// What breaks ONNX's rules for graphs: a value used before it is made, made twice, or an output that is not made.
  var faults: [String] {
    var (known, faults) = (Set<Name>(), [String]())
    func make(_ name: String) { if !known.insert(Name(name)).inserted { faults.append("\(name) is made twice") } }
    for value in graph.inputs { make(value.name) }
    for tensor in graph.initializers { make(tensor.name) }
    for node in graph.nodes {
      for input in node.inputs where !input.isEmpty && !known.contains(Name(input)) {
        faults.append("\(node.name) uses \(input) before it is there")
      }
      for output in node.outputs { make(output) }
    }
    let names = graph.nodes.map { Name($0.name) }
    if Set(names).count != names.count { faults.append("two nodes have one name") }
    for output in graph.outputs where !known.contains(Name(output.name)) { faults.append("\(output.name) is not made") }
    return faults
  }
}

extension Metadata {
  /// As little as there can be.
  static var plain: Metadata {
    Metadata(
      system: "wav2vec2", preprocessing: .init(sampleRate: 16000, normalizationEpsilon: nil), labels: [], tool: "t")
  }
}

/// One node between inputs and constants of these shapes.
func single(_ op: Operator, _ inputs: [TensorType], constants: [Shape?] = []) throws -> Graph {
  var graph = Graph()
  var ids: [ValueID?] = inputs.enumerated().map { graph.addInput($0 == 0 ? "x" : "x\($0)", $1) }
  for (number, shape) in constants.enumerated() {
    ids.append(shape.map { graph.addConstant("c\(number + 1)", constant($0)) })
  }
  graph.addOutput("y", try graph.addNode("node", op, ids))
  return graph
}

/// Rising numbers.
func constant(_ shape: Shape) -> Constant {
  Constant(Tensor((0..<shape.count).map { Float($0) }, shape: shape), provenance: Provenance())
}

/// Floats of lengths, known or named.
func type(_ lengths: Any...) -> TensorType { TensorType(.float32, dimensions(lengths)) }

/// Elements of another type.
func type(of dataType: DataType, _ lengths: Any...) -> TensorType { TensorType(dataType, dimensions(lengths)) }

private func dimensions(_ lengths: [Any]) -> [Dimension] {
  lengths.map { length in (length as? Int).map { .fixed($0) } ?? .symbol("\(length)") }
}
