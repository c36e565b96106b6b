import Bytes

// An ONNX graph as text, whether it can be computed or not.

extension ONNXModel {
  /// The graph's inputs, its nodes with the graphs inside them, its outputs, the functions: a line each.
  public var lines: [String] {
    var lines = graph.inputs.map { "input \($0)" }
    lines += ONNXGraph.lines(graph.nodes, indent: "")
    lines += graph.outputs.map { "output \($0)" }
    for function in functions {
      let name = ONNXNode.qualified(function.name, function.domain)
      lines.append(
        "function \(name)(\(function.inputs.joined(separator: ", "))) -> "
          + function.outputs.joined(separator: ", "))
      lines += ONNXGraph.lines(function.nodes, indent: "  ")
    }
    return lines
  }
}

extension ONNXGraph {
  fileprivate static func lines(_ nodes: [ONNXNode], indent: String) -> [String] {
    nodes.flatMap { node in
      [indent + node.description]
        + node.attributes.flatMap { attribute -> [String] in
          attribute.graphs.flatMap { graph -> [String] in
            ["\(indent)  \(attribute.name): graph \(graph.name)"]
              + graph.inputs.map { "\(indent)    input \($0)" } + lines(graph.nodes, indent: indent + "    ")
              + graph.outputs.map { "\(indent)    output \($0)" }
          }
        }
    }
  }
}

extension ONNXNode: CustomStringConvertible {
  /// An operator or function with its domain, if that is not ONNX's own.
  public static func qualified(_ op: String, _ domain: String) -> String { domain.isEmpty ? op : domain + "::" + op }

  /// `outputs = Op(inputs) {attributes} name`
  public var description: String {
    let results = outputs.map { $0.isEmpty ? "_" : $0 }.joined(separator: ", ")
    let operands = inputs.map { $0.isEmpty ? "_" : $0 }.joined(separator: ", ")
    let attributes = attributes.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
    return "\(results) = \(ONNXNode.qualified(op, domain))(\(operands))"
      + (attributes.isEmpty ? "" : " {\(attributes)}") + (name.isEmpty ? "" : "  \(name)")
  }
}

extension ONNXAttribute.Value: CustomStringConvertible {
  /// Numbers and texts in full up to sixteen of them; of tensors the type and shape.
  public var description: String {
    func list<T>(_ elements: [T], _ text: (T) -> String) -> String {
      "[" + elements.prefix(16).map(text).joined(separator: ", ") + (elements.count > 16 ? ", ..." : "") + "]"
    }
    func text(_ view: ByteView) -> String {
      view.withUnsafeBytes { JSON(String(decoding: $0.prefix(200), as: UTF8.self)).compact }
    }
    switch self {
    case .float(let number): return "\(number)"
    case .int(let number): return "\(number)"
    case .string(let view): return text(view)
    case .tensor(let tensor): return tensor.description
    case .graph(let graph): return "graph \(graph.name)"
    case .floats(let numbers): return list(numbers) { "\($0)" }
    case .ints(let numbers): return list(numbers) { "\($0)" }
    case .strings(let views): return list(views, text)
    case .tensors(let tensors): return list(tensors) { $0.description }
    case .graphs(let graphs): return list(graphs) { "graph \($0.name)" }
    case .other(let what): return what
    }
  }
}

extension ONNXTensor: CustomStringConvertible {
  /// `FLOAT[1, 2]`
  public var description: String { ONNXTensor.typeName(elementType) + "\(dimensions)" }
}

extension ONNXValueInfo: CustomStringConvertible {
  /// `signal: FLOAT[1, time]`
  public var description: String {
    guard let elementType else { return name + ": no tensor" }
    let lengths = shape.map { lengths in
      "["
        + lengths.map { length in
          switch length {
          case .fixed(let value): "\(value)"
          case .named(let name): name
          case .unknown: "?"
          }
        }.joined(separator: ", ") + "]"
    }
    return "\(name): \(ONNXTensor.typeName(elementType))\(lengths ?? "")"
  }
}
