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
            "sources": JSON(provenance.sources.map(\.json)),
            "steps": JSON(provenance.steps),
          ]
        }),
      "nodes": JSON(
        nodes.map { node in
          let (op, attributes) = node.op.coded
          return [
            "name": JSON(node.name), "op": JSON(op), "inputs": JSON(node.givenInputs.map { $0.map(name) ?? .null }),
            "attributes": JSON(members: attributes),
          ]
        }),
      "outputs": pairs(outputs),
      "states": pairs(states),
    ]
  }

  /// The section's text.
  var text: String { coded.lined(levels: 2) }
}

extension Provenance.Source {
  /// The source as documents name it.
  public var json: JSON { ["file": JSON(file), "tensor": JSON(tensor)] }
}

extension Node {
  /// The inputs without those at the end that are left out.
  fileprivate var givenInputs: ArraySlice<ValueID?> {
    inputs[..<(inputs.lastIndex { $0 != nil }.map { $0 + 1 } ?? 0)]
  }
}

extension Graph {
  /// Reads what `coded` wrote. `constants` are the numbers as the index lists them, `sources` the files that
  /// provenance may speak of. What `validate` asks for is checked on the way.
  init(
    coded json: JSON, constants: [(name: String, storage: Constant.Storage)], sources: [Metadata.SourceFile]
  ) throws(FormatError) {
    var fields = try json.artifactFields()
    var reading = Reading(files: Set(sources.map { Name($0.name) }))
    _ = try fields.list("inputs") { (input) throws(FormatError) in try reading.input(&input) }
    var numbers = constants[...]
    let listed = try fields.array("constants")
    _ = try fields.list("constants") { (constant) throws(FormatError) in
      try reading.constant(&constant, numbers.popFirst())
    }
    if let left = numbers.first {
      throw ArtifactRule.constants.broken(
        "the tensor \"\(left.name)\" is no constant of the graph", at: listed.last ?? fields.optional("constants")!)
    }
    _ = try fields.list("nodes") { (node) throws(FormatError) in try reading.node(&node) }
    for output in try reading.results("outputs", &fields) { reading.graph.addOutput(output.name, output.value) }
    for state in try reading.results("states", &fields) { reading.graph.addState(state.name, state.value) }
    try fields.finish()
    self = reading.graph
    guard !outputs.isEmpty else {
      throw ArtifactRule.outputs.broken("the graph has no output", at: fields.optional("outputs")!)
    }
    let order = constantOrder.map { Name(self[$0].name) }
    for (place, constant) in constants.enumerated() where place >= order.count || order[place] != Name(constant.name) {
      throw ArtifactRule.constants.broken(
        "\"\(constant.name)\" does not stand where it is used first", at: listed[place])
    }
  }
}

/// A graph while its text is read.
private struct Reading {
  var graph = Graph()
  let files: Set<Name>
  var ids: [Name: ValueID] = [:]

  init(files: Set<Name>) { self.files = files }

  mutating func add(_ name: String, _ id: ValueID, _ place: JSON) throws(FormatError) {
    guard ids.updateValue(id, forKey: Name(name)) == nil else {
      throw ArtifactRule.values.broken("two values are called \"\(name)\"", at: place)
    }
  }

  func known(_ json: JSON, _ rule: ArtifactRule) throws(FormatError) -> ValueID {
    guard let name = json.string else {
      throw ArtifactRule.fields.broken("a value's name is needed, found \(json.kind)", at: json)
    }
    guard let id = ids[Name(name)] else { throw rule.broken("no value before this is called \"\(name)\"", at: json) }
    return id
  }

  mutating func input(_ fields: inout JSONFields) throws(FormatError) {
    let name = try fields.name("name")
    let type: DataType = try ArtifactRule.inputs.covers { () throws(FormatError) in try fields.choice("dtype") }
    var dimensions: [Dimension] = []
    let shape = try fields.array("shape")
    guard shape.count <= Shape.rankLimit else {
      throw ArtifactRule.limits.broken("a tensor has at most \(Shape.rankLimit) axes", at: fields.optional("shape")!)
    }
    for length in shape {
      if let value = length.int, (0...1 << 40).contains(value) {
        dimensions.append(.fixed(value))
      } else if let symbol = length.string {
        dimensions.append(.symbol(symbol))
      } else {
        throw ArtifactRule.inputs.broken("a length is a number from 0 to 2^40 or a name", at: length)
      }
    }
    try add(name, graph.addInput(name, TensorType(type, dimensions)), fields.optional("name")!)
  }

  mutating func constant(
    _ fields: inout JSONFields, _ numbers: (name: String, storage: Constant.Storage)?
  ) throws(FormatError) {
    let name = try fields.name("name")
    let place = try fields.any("name")
    guard let numbers, Name(numbers.name) == Name(name) else {
      throw ArtifactRule.constants.broken(
        "the next constant of the index is \(numbers.map { "\"\($0.name)\"" } ?? "missing"), not \"\(name)\"", at: place
      )
    }
    let sources = try fields.list("sources") { [files] (source) throws(FormatError) in
      let file = try source.string("file")
      guard files.contains(Name(file)) else {
        throw ArtifactRule.provenance.broken("no source is called \"\(file)\"", at: source.optional("file")!)
      }
      return Provenance.Source(file: file, tensor: try source.string("tensor"))
    }
    let provenance = Provenance(sources: sources, steps: try fields.strings("steps"))
    try add(name, graph.addConstant(name, Constant(numbers.storage, provenance: provenance)), place)
  }

  mutating func node(_ fields: inout JSONFields) throws(FormatError) {
    let name = try fields.name("name")
    let op = try ArtifactRule.operators.covers { () throws(FormatError) in
      try Operator(
        name: fields.string("op"),
        attributes: JSONFields(fields.any("attributes"), format: Artifact.format, rule: ArtifactRule.operators.label))
    }
    let list = try fields.array("inputs")
    var inputs: [ValueID?] = []
    for input in list { inputs.append(input.isNull ? nil : try known(input, .values)) }
    let (names, place) = (op.definition.inputNames, try fields.any("inputs"))
    let needed = names.filter { !$0.hasSuffix("?") }.count
    guard (needed...names.count).contains(inputs.count) else {
      throw ArtifactRule.operators.broken("the inputs are \(names.joined(separator: ", "))", at: place)
    }
    guard inputs.prefix(needed).allSatisfy({ $0 != nil }), inputs.isEmpty || inputs.last! != nil else {
      throw ArtifactRule.values.broken("null stands for an input that may be left out, and not at the end", at: place)
    }
    // In memory a double waits to be narrowed; a file holds what is computed with.
    for case .some(let input) in inputs where graph.constants[input]?.dataType == .float64 {
      throw ArtifactRule.types.broken("\"\(graph[input].name)\" is F64; a graph computes in F32", at: place)
    }
    let output: ValueID
    do throws(GraphError) { output = try graph.addNode(name, op, inputs) } catch {
      throw ArtifactRule.types.broken("\(error)", at: place)
    }
    try add(name, output, fields.any("name"))
  }

  /// Reads outputs or states.
  func results(_ key: String, _ fields: inout JSONFields) throws(FormatError) -> [NamedValue] {
    var names: Set<Name> = []
    return try fields.list(key) { (pair) throws(FormatError) in
      let name = try pair.name("name")
      guard names.insert(Name(name)).inserted else {
        throw ArtifactRule.outputs.broken("two \(key) are called \"\(name)\"", at: pair.optional("name")!)
      }
      let value = try known(pair.any("value"), .outputs)
      guard DataType.computed.contains(graph[value].type.dataType), graph.constants[value]?.dataType != .float64 else {
        let words = DataType.computed.map(\.rawValue).joined(separator: ", ")
        throw ArtifactRule.types.broken("\"\(name)\" is none of \(words)", at: pair.optional("value")!)
      }
      return NamedValue(name, value)
    }
  }
}
