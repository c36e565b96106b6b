import Bytes
import IR
import Tensors

/// An ONNX graph while it is put together, node by node.
///
/// A value may be there in two forms: as our graph has it, and with its last two axes exchanged, which is what ONNX's
/// convolutions read and make. A form is made of the other where somebody asks for it, and once, so that neighbours
/// that agree have nothing between them.
struct ONNXAssembly {
  /// The forms of a value.
  enum Form: Hashable {
    /// As our graph has it: activations are [batch, time, channels].
    case plain
    /// The last two axes exchanged: [batch, channels, time]; a matrix transposed.
    case transposed
  }

  /// What is exported.
  let graph: Graph
  /// The nodes so far, in an order in which they can run.
  private(set) var nodes: [ProtobufMessage] = []

  /// What each value is called in its plain form: that is also the name of a stored value's numbers.
  private var plainNames: [ValueID: String] = [:]
  /// The forms that are there.
  private var forms: [ValueID: [Form: String]] = [:]
  /// Constants of operators by what they hold.
  private var constants: [String: String] = [:]
  private var valueNames = ONNXNames()
  private var nodeNames = ONNXNames()

  /// Starts with the graph's inputs and outputs, which keep their names; whoever else has one of these gets another.
  init(_ graph: Graph) throws(GraphError) {
    self.graph = graph
    for id in graph.inputs {
      try take(graph[id].name, is: "input")
      plainNames[id] = graph[id].name
      forms[id] = [.plain: graph[id].name]
    }
    let computed = Set(graph.nodes.map(\.output))
    for output in graph.outputs {
      try take(output.name, is: "output")
      if computed.contains(output.value), plainNames[output.value] == nil { plainNames[output.value] = output.name }
    }
    for id in graph.constantOrder + graph.nodes.map(\.output) where plainNames[id] == nil {
      plainNames[id] = valueNames.unique(graph[id].name)
    }
  }

  private mutating func take(_ name: String, is what: String) throws(GraphError) {
    guard valueNames.take(name) else {
      throw GraphError(name, "ONNX cannot have an \(what) of this name: inputs and outputs need names of their own")
    }
  }

  /// The name of a stored value's numbers.
  func initializerName(_ id: ValueID) -> String { plainNames[id]! }

  /// The name of a value whose plain form is there; nil for others.
  func plainName(_ id: ValueID) -> String? { forms[id]?[.plain] }
}

// What operators are written with.
extension ONNXAssembly {
  /// What is known of a value.
  func type(_ id: ValueID) -> TensorType { graph[id].type }

  /// A value's name in the form asked for.
  mutating func value(_ id: ValueID, _ form: Form = .plain) throws(GraphError) -> String {
    if let name = forms[id]?[form] { return name }
    let name: String
    if let constant = graph.constants[id] {
      name = try stored(id, constant, form)
    } else if form == .plain {
      name = plainNames[id]!
      try transpose(id, from: forms[id]![.transposed]!, to: name)
    } else {
      name = valueNames.unique(graph[id].name + "/transposed")
      try transpose(id, from: forms[id]![.plain]!, to: name)
    }
    forms[id, default: [:]][form] = name
    return name
  }

  /// The value of an input that may be left out.
  mutating func value(_ id: ValueID?) throws(GraphError) -> String? {
    guard let id else { return nil }
    return try value(id, .plain)
  }

  /// The form that a value is there in already, for operators that do not care.
  func form(_ id: ValueID) -> Form { forms[id].map { $0[.plain] == nil ? .transposed : .plain } ?? .plain }

  /// Adds a node on the way to `node`'s output; hands back what it makes.
  mutating func step(
    _ node: Node, _ what: String, _ op: String, _ inputs: [String?],
    _ attributes: KeyValuePairs<String, ONNXAttributeValue> = [:]
  ) throws(GraphError) -> String {
    let name = valueNames.unique("\(node.name)/\(what)")
    try add(op, name, inputs, name, attributes)
    return name
  }

  /// Adds the node that makes `node`'s output, in the form said.
  mutating func result(
    _ node: Node, _ op: String, _ inputs: [String?], _ attributes: KeyValuePairs<String, ONNXAttributeValue> = [:],
    form: Form = .plain
  ) throws(GraphError) {
    let output =
      form == .plain ? plainNames[node.output]! : valueNames.unique(graph[node.output].name + "/transposed")
    try add(op, node.name, inputs, output, attributes)
    forms[node.output] = [form: output]
  }

  /// Lets `node`'s output be `x` with its last two axes exchanged: what is there of the one is there of the other.
  mutating func exchange(_ node: Node, _ x: ValueID) throws(GraphError) {
    let form = form(x)
    forms[node.output] = [form == .plain ? .transposed : .plain: try value(x, form)]
  }

  /// Makes the output `name` of a value that has another name.
  mutating func copy(_ id: ValueID, to name: String) throws(GraphError) {
    try add("Identity", name, [value(id)], name, [:])
  }

  private mutating func add(
    _ op: String, _ name: String, _ inputs: [String?], _ output: String,
    _ attributes: KeyValuePairs<String, ONNXAttributeValue>
  ) throws(GraphError) {
    let name = nodeNames.unique(name)
    nodes.append(try .node(op, name: name, inputs: inputs, output: output, attributes: attributes))
  }

  private mutating func transpose(_ id: ValueID, from input: String, to output: String) throws(GraphError) {
    let rank = type(id).rank
    try add(
      "Transpose", output + "/transpose", [input], output,
      ["perm": .ints(Array(0..<rank - 2) + [rank - 1, rank - 2])])
  }

  /// Stored numbers in the form asked for, as 32-bit floats.
  ///
  /// Runtimes compute this once, at load. The narrow numbers are transposed first: the other way round, two copies of
  /// the wide ones would be in memory.
  private mutating func stored(_ id: ValueID, _ constant: Constant, _ form: Form) throws(GraphError) -> String {
    var name = plainNames[id]!
    if form == .transposed {
      let transposed = valueNames.unique(name + "/transposed")
      try transpose(id, from: name, to: transposed)
      name = transposed
    }
    guard constant.dataType.isFloat, constant.dataType != .float32 else { return name }
    let wide = valueNames.unique(name + "/f32")
    try add("Cast", wide, [name], wide, ["to": .int(1)])
    return wide
  }
}

// Numbers that operators need, each a node, so that the file's initializers are the graph's constants and no more.
extension ONNXAssembly {
  /// Integers along one axis.
  mutating func ints(_ numbers: [Int]) throws(GraphError) -> String {
    let name = "ints/" + numbers.map(String.init).joined(separator: ",")
    return try constant(name, Tensor(numbers.map(Int64.init)))
  }

  /// One float without an axis.
  mutating func float(_ number: Float) throws(GraphError) -> String {
    try constant("float/\(number)", Tensor([number], shape: []))
  }

  /// One number of a type that is computed with, without an axis.
  mutating func number(_ number: Int, _ type: DataType) throws(GraphError) -> String {
    if type == .float32 { return try float(Float(number)) }
    return try constant(
      "\(type.rawValue.lowercased())/\(number)", Tensor(type, [], bytes: Tensor([Int64(number)]).bytes[0..<type.size]))
  }

  /// An input of integers as I64, which is all that most operators take.
  mutating func int64(_ node: Node, _ index: Int) throws(GraphError) -> String? {
    guard let id = node.input(index) else { return nil }
    let name = try value(id)
    guard type(id).dataType != .int64 else { return name }
    return try step(node, "input_\(index)", "Cast", [name], ["to": .int(DataType.int64.onnxNumber(of: name))])
  }

  /// An input of one number without an axis.
  mutating func scalar(_ node: Node, _ index: Int) throws(GraphError) -> String? {
    guard let id = node.input(index) else { return nil }
    let name = try value(id)
    return type(id).rank == 0 ? name : try step(node, "input_\(index)", "Reshape", [name, ints([])])
  }

  /// An input of one axis; where it is left out, `number` as often as its `count` elements.
  mutating func vector(_ id: ValueID?, orElse number: Float, count: Int) throws(GraphError) -> String {
    if let id { return try value(id) }
    return try constant("floats/\(number)x\(count)", Tensor([Float](repeating: number, count: count)))
  }

  private mutating func constant(_ key: String, _ tensor: Tensor) throws(GraphError) -> String {
    if let name = constants[key] { return name }
    let name = valueNames.unique(key)
    try add("Constant", name, [], name, ["value": .tensor(.rowMajor(tensor))])
    constants[key] = name
    return name
  }
}
