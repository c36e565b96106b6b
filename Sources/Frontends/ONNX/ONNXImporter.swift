import Bytes
import Formats
import IR
import Tensors

/// Turns an ONNX graph into ours, node by node, with ONNX's own meaning of each operator and version.
///
/// Every operator becomes a few of ours; nothing is simplified here. Values keep the names they have in the file.
struct ONNXImporter {
  /// What is built.
  private(set) var graph = Graph()
  /// The version of ONNX's own operators.
  let opset: Int
  /// The node being read.
  private(set) var node = ONNXNode()
  /// The node's attributes; each one that is read is ticked off.
  var attributes = ONNXAttributes([])
  /// The places of the node's inputs that were asked for.
  private var asked: Set<Int> = []

  private let file: ONNXFile
  private let fileName: String
  /// What is fed, where it is known already: it may say axes and shapes.
  private let fed: NamedTensors
  /// Computes what follows from constants alone.
  private let evaluate: Evaluator
  private var values: [Name: ValueID] = [:]
  private var initializers: [Name: ONNXTensor] = [:]
  private var names: Set<Name> = []
  /// Tensors that are part of operators now.
  private(set) var absorbed: Set<Name> = []

  /// The versions of ONNX's operators whose meaning is known here.
  static let opsets = 7...28

  /// What a node makes of known elements.
  typealias Evaluator = (Node, [Tensor?], TensorType) -> Tensor?

  init(_ file: ONNXFile, named fileName: String, fed: NamedTensors, evaluating evaluate: @escaping Evaluator) throws {
    (self.file, self.fileName, self.fed, self.evaluate) = (file, fileName, fed, evaluate)
    let own = file.model.opsets.filter { $0.domain.isEmpty || $0.domain == "ai.onnx" }
    guard let version = own.first?.version, ONNXImporter.opsets.contains(version) else {
      let found = own.first.map { "version \($0.version)" } ?? "none"
      throw GraphError(
        "",
        "ONNX's operators of versions \(ONNXImporter.opsets.lowerBound) to \(ONNXImporter.opsets.upperBound) are "
          + "known, found \(found)")
    }
    opset = version
  }

  /// Builds the whole graph.
  mutating func build() throws {
    let source = file.model.graph
    for tensor in source.initializers { initializers[Name(tensor.name)] = tensor }
    for name in source.sparseInitializers { throw GraphError(name, "sparse tensors are not supported") }
    // Whatever a node calls its results, these names are taken.
    names = Set(source.inputs.map { Name($0.name) } + source.initializers.map { Name($0.name) })
    for input in source.inputs where initializers[Name(input.name)] == nil { try addInput(input) }
    for node in source.nodes {
      self.node = node
      do throws(GraphError) { try lower() } catch { throw inNode(error) }
    }
    for output in source.outputs { graph.addOutput(output.name, try value(output.name)) }
  }

  /// The same error, with the node it happened in.
  private func inNode(_ error: GraphError) -> GraphError {
    let operation = ONNXNode.qualified(node.op, node.domain)
    let place = node.name.isEmpty ? node.outputs.first { !$0.isEmpty } ?? "" : node.name
    return GraphError(place, "\(operation), opset \(opset): " + (error.place == place ? error.what : "\(error)"))
  }

  private mutating func addInput(_ input: ONNXValueInfo) throws(GraphError) {
    guard let element = input.elementType, let shape = input.shape else {
      throw GraphError(input.name, "this input is no tensor of a known number of axes")
    }
    guard let type = ONNXTensor.dataTypes[element], DataType.computed.contains(type) else {
      let words = DataType.computed.map(\.rawValue).joined(separator: ", ")
      throw GraphError(
        input.name, "this input is \(ONNXTensor.typeName(element)); a graph computes in \(words)")
    }
    guard shape.count <= Shape.rankLimit else { throw GraphError(input.name, "has more than \(Shape.rankLimit) axes") }
    var dimensions: [Dimension] = []
    for (axis, length) in shape.enumerated() {
      switch length {
      case .fixed(let value) where (0...1 << 40).contains(value): dimensions.append(.fixed(value))
      case .fixed(let value): throw GraphError(input.name, "has an axis of \(value) elements")
      case .named(let name): dimensions.append(.symbol(name))
      case .unknown: dimensions.append(.symbol("\(input.name).\(axis)"))
      }
    }
    values[Name(input.name)] = graph.addInput(input.name, TensorType(type, dimensions))
  }

  /// The value of that name: computed, fed, or a constant that is taken into the graph now.
  private mutating func value(_ name: String) throws(GraphError) -> ValueID {
    if let id = values[Name(name)] { return id }
    guard let tensor = initializers[Name(name)] else {
      throw GraphError(name, "nothing before this makes this value")
    }
    let id = try addConstant(name, tensor)
    values[Name(name)] = id
    return id
  }

  private mutating func addConstant(_ name: String, _ source: ONNXTensor) throws(GraphError) -> ValueID {
    let tensor: Tensor
    do throws(FormatError) { tensor = try file.tensor(source) } catch { throw GraphError(name, "\(error)") }
    guard tensor.dataType.isFloat || DataType.computed.contains(tensor.dataType) else {
      throw GraphError(name, "is \(tensor.dataType.rawValue), which a graph does not compute in")
    }
    let provenance = Provenance(sources: [.init(file: fileName, tensor: name)])
    return graph.addConstant(name, Constant(tensor, provenance: provenance))
  }

  // MARK: What a node is given

  /// The input at `index`; throws where it is left out.
  mutating func input(_ index: Int) throws(GraphError) -> ValueID {
    guard let id = try optional(index) else { throw GraphError("", "the input \(index) is missing") }
    return id
  }

  /// The input at `index`; nil where it is left out.
  mutating func optional(_ index: Int) throws(GraphError) -> ValueID? {
    asked.insert(index)
    guard index < node.inputs.count, !node.inputs[index].isEmpty else { return nil }
    return try value(node.inputs[index])
  }

  /// The elements of an input that must be known now, such as axes; nil where it is left out.
  mutating func constant(_ index: Int) throws(GraphError) -> Tensor? {
    guard let id = try optional(index) else { return nil }
    if let tensor = graph.smallConstant(id) {
      absorbed.insert(Name(graph[id].name))
      return tensor
    }
    guard let tensor = fed[graph[id].name], graph.inputs.contains(id) else {
      throw GraphError("", "the input \"\(node.inputs[index])\" must be a constant here")
    }
    return tensor
  }

  /// The integers of an input that must be known now.
  mutating func integers(_ index: Int) throws(GraphError) -> [Int]? {
    guard let tensor = try constant(index) else { return nil }
    guard let numbers = tensor.integers else { throw GraphError("", "\"\(node.inputs[index])\" must be integers") }
    return numbers
  }

  /// What is known of a value.
  func type(_ id: ValueID) -> TensorType { graph[id].type }

  /// `axis` counted from the first.
  func axis(_ axis: Int, rank: Int) throws(GraphError) -> Int {
    guard (-rank..<rank).contains(axis) else { throw GraphError("", "there is no axis \(axis) among \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  // MARK: What a node becomes

  /// Adds one of our operators inside the node.
  mutating func add(_ op: Operator, _ inputs: ValueID?...) throws(GraphError) -> ValueID { try add(op, list: inputs) }

  /// Adds one of our operators inside the node. Integers that follow from constants are constants right away: axes and
  /// shapes are often computed.
  mutating func add(_ op: Operator, list inputs: [ValueID?]) throws(GraphError) -> ValueID {
    let name = fresh((node.outputs.first ?? "") + ".1")
    let id = try graph.addNode(name, op, inputs)
    guard type(id).dataType != .float32, let shape = type(id).shape, let count = shape.checkedCount,
      count <= Graph.knownLimit
    else { return id }
    var known: Tensor?
    if case .shapeOf = op, let lengths = type(inputs[0]!).shape {
      known = Tensor(lengths.dimensions.map(Int64.init))
    } else if inputs.allSatisfy({ $0.map { graph.smallConstant($0) != nil } ?? true }) {
      known = evaluate(graph.nodes.last!, inputs.map { $0.flatMap { graph.smallConstant($0) } }, type(id))
    }
    if let known {
      let sources = inputs.compactMap { $0 }.flatMap { graph.constants[$0]?.provenance.sources ?? [] }
      graph.replaceNode(computing: id, with: Constant(known, provenance: Provenance(sources: sources)))
    }
    return id
  }

  /// Adds a tensor that the operator implies.
  mutating func constant(_ tensor: Tensor) -> ValueID {
    graph.addConstant(fresh((node.outputs.first ?? "") + ".constant"), Constant(tensor, provenance: Provenance()))
  }

  /// Adds one number of the type that `like` has.
  mutating func number(_ value: Double, like: ValueID) -> ValueID { number(value, type(like).dataType) }

  /// Adds one number.
  mutating func number(_ value: Double, _ type: DataType = .float32) -> ValueID {
    switch type {
    case .int64: constant(Tensor([Int64(nearest: value)], shape: []))
    case .int32:
      constant(
        Tensor(.int32, [], bytes: Tensor([Int64(Int32(clamping: Int64(nearest: value)))]).bytes[0..<4]))
    case .bool: constant(Tensor(.bool, [], bytes: Tensor([value == 0 ? 0 : 1 as Int64]).bytes[0..<1]))
    default: constant(Tensor([Float(value)], shape: []))
    }
  }

  /// Adds a list of integers.
  mutating func list(_ numbers: [Int]) -> ValueID { constant(Tensor(numbers.map(Int64.init))) }

  /// A name that no value has yet.
  private mutating func fresh(_ wanted: String) -> String {
    var name = wanted
    var number = 1
    while !names.insert(Name(name)).inserted {
      number += 1
      let digits = wanted.hasSuffix(".1") ? String(wanted.dropLast(1)) : wanted + "."
      name = digits + "\(number)"
    }
    return name
  }

  /// Gives the node's results their names.
  private mutating func finish(_ results: [ValueID?], madeSince first: Int) throws(GraphError) {
    for (output, result) in zip(node.outputs, results) where !output.isEmpty {
      guard let result else { throw GraphError("", "the result \"\(output)\" is not supported") }
      guard values[Name(output)] == nil, initializers[Name(output)] == nil else {
        throw GraphError("", "a second value is called \"\(output)\"")
      }
      values[Name(output)] = result
      if graph.nodes[first...].contains(where: { $0.output == result }) {
        graph.rename(result, to: output, unless: names)
      }
      names.insert(Name(output))
    }
    if let extra = node.outputs.dropFirst(results.count).first(where: { !$0.isEmpty }) {
      throw GraphError("", "the result \"\(extra)\" is not supported")
    }
  }

  private mutating func lower() throws(GraphError) {
    guard node.domain.isEmpty || node.domain == "ai.onnx" else {
      throw GraphError("", "operators of the domain \(node.domain) are not supported")
    }
    guard let first = node.outputs.first, !first.isEmpty || node.outputs.contains(where: { !$0.isEmpty }) else {
      throw GraphError("", "the node has no result")
    }
    attributes = ONNXAttributes(node.attributes)
    asked = []
    let start = graph.nodes.count
    let results = node.op == "Constant" ? [try constantNode()] : try results()
    if let unknown = attributes.unread.first {
      throw GraphError("", "the attribute \"\(unknown)\" is not known")
    }
    if let extra = node.inputs.indices.first(where: { !asked.contains($0) && !node.inputs[$0].isEmpty }) {
      throw GraphError("", "an input \(extra) is not known")
    }
    try finish(results, madeSince: start)
  }

  /// A tensor that stands in an attribute.
  private mutating func constantNode() throws(GraphError) -> ValueID {
    let name = node.outputs.first ?? ""
    if let tensor = attributes.tensor("value") {
      names.insert(Name(name))
      return try addConstant(name, tensor)
    }
    if let value = attributes.optionalFloat("value_float") { return number(Double(value)) }
    if let value = attributes.optionalInt("value_int") { return constant(Tensor([Int64(value)], shape: [])) }
    if let values = attributes.floats("value_floats") { return constant(Tensor(values)) }
    if let values = attributes.ints("value_ints") { return list(values) }
    throw GraphError("", "only numbers can be constants")
  }

  /// What stands in the attribute `name`, read whole.
  mutating func tensorAttribute(_ name: String) throws(GraphError) -> Tensor? {
    guard let source = attributes.tensor(name) else { return nil }
    do throws(FormatError) { return try file.tensor(source) } catch { throw GraphError("", "\(error)") }
  }
}

extension Int64 {
  /// The whole part of a number, or the nearest integer that there is; 0 for NaN.
  fileprivate init(nearest value: Double) {
    self = value.isNaN ? 0 : Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
  }
}
