import Bytes
import Tensors

// The graph section: everything but the numbers. Values are referred to by name; types of computed values are not
// written, since the operators say them.

extension Graph {
  /// The graph section's document.
  var coded: JSON {
    func name(_ id: ValueID) -> JSON { JSON(self[id].name) }
    func pairs(_ named: [NamedValue]) -> JSON {
      JSON(named.map { ["name": JSON($0.name), "value": name($0.value)] })
    }
    return [
      "inputs": JSON(
        inputs.map { id in
          [
            "name": name(id), "dtype": JSON(self[id].type.dataType.rawValue),
            "shape": JSON(self[id].type.dimensions.map { $0.value.map { JSON($0) } ?? JSON("\($0)") }),
          ]
        }),
      "constants": JSON(
        constantOrder.map { id in
          let provenance = constants[id]!.provenance
          return [
            "name": name(id),
            "sources": JSON(provenance.sources.map { ["file": JSON($0.file), "tensor": JSON($0.tensor)] }),
            "steps": JSON(provenance.steps),
          ]
        }),
      "nodes": JSON(
        nodes.map { node in
          let (op, attributes) = node.op.coded
          return [
            "name": JSON(node.name), "op": JSON(op), "inputs": JSON(node.inputs.map { $0.map(name) ?? .null }),
            "attributes": JSON(members: attributes),
          ]
        }),
      "outputs": pairs(outputs),
      "states": pairs(states),
    ]
  }

  /// Reads what `coded` wrote; `numbers` are the constants' elements by name. The graph is validated.
  init(coded json: JSON, numbers: [Name: Constant.Storage]) throws(FormatError) {
    var fields = try JSONFields(json, format: Artifact.format)
    var graph = Graph()
    var ids: [Name: ValueID] = [:]

    func add(_ name: String, _ id: ValueID, _ fields: JSONFields) throws(FormatError) {
      guard ids.updateValue(id, forKey: Name(name)) == nil else {
        throw fields.error("two values are called \"\(name)\"")
      }
    }
    func known(_ json: JSON, _ fields: JSONFields) throws(FormatError) -> ValueID {
      guard let name = json.string else { throw fields.error("a value's name is needed, found \(json.kind)", at: json) }
      guard let id = ids[Name(name)] else { throw fields.error("no value before this is called \"\(name)\"", at: json) }
      return id
    }

    _ = try fields.list("inputs") { (input) throws(FormatError) in
      let name = try input.string("name")
      let type: DataType = try input.choice("dtype")
      var dimensions: [Dimension] = []
      for length in try input.array("shape") {
        if let value = length.int, (0...1 << 40).contains(value) {
          dimensions.append(.fixed(value))
        } else if let symbol = length.string {
          dimensions.append(.symbol(symbol))
        } else {
          throw input.error("a length is a number or a name", at: length)
        }
      }
      try add(name, graph.addInput(name, TensorType(type, dimensions)), input)
    }
    var used: Set<Name> = []
    _ = try fields.list("constants") { (constant) throws(FormatError) in
      let name = try constant.string("name")
      guard let storage = numbers[Name(name)] else { throw constant.error("no tensor is called \"\(name)\"") }
      used.insert(Name(name))
      let sources = try constant.list("sources") { (source) throws(FormatError) in
        Provenance.Source(file: try source.string("file"), tensor: try source.string("tensor"))
      }
      let provenance = Provenance(sources: sources, steps: try constant.strings("steps"))
      try add(name, graph.addConstant(name, Constant(storage, provenance: provenance)), constant)
    }
    if let unused = numbers.keys.filter({ !used.contains($0) }).min() {
      throw fields.error("the tensor \"\(unused.text)\" belongs to no constant of the graph")
    }
    _ = try fields.list("nodes") { (node) throws(FormatError) in
      let name = try node.string("name")
      let op = try Operator(name: node.string("op"), attributes: node.object("attributes"))
      var inputs: [ValueID?] = []
      for input in try node.array("inputs") { inputs.append(input.isNull ? nil : try known(input, node)) }
      let output: ValueID
      do throws(GraphError) { output = try graph.addNode(name, op, inputs) } catch { throw node.error("\(error)") }
      try add(name, output, node)
    }
    func pairs(_ key: String) throws(FormatError) -> [NamedValue] {
      try fields.list(key) { (pair) throws(FormatError) in
        NamedValue(try pair.string("name"), try known(pair.any("value"), pair))
      }
    }
    for output in try pairs("outputs") { graph.addOutput(output.name, output.value) }
    for state in try pairs("states") { graph.addState(state.name, state.value) }
    try fields.finish()
    do throws(GraphError) {
      try graph.validate()
    } catch {
      throw FormatError(Artifact.format, .invalid("\(error)"), offset: json.offset)
    }
    self = graph
  }
}
