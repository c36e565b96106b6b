import Bytes

/// Who makes and who uses each value of a graph; what graphs inside attributes use of it counts as used by their node.
struct ONNXFlow {
  /// The values' names; a value is its place here.
  private(set) var names: [String] = []
  /// What each node is given; nil for an input that is left out.
  private(set) var inputs: [[Int?]] = []
  /// What graphs inside each node's attributes use.
  private(set) var captured: [[Int]] = []
  /// What each node makes.
  private(set) var outputs: [[Int]] = []
  /// The node that makes each value; nil for inputs and initializers.
  private(set) var maker: [Int?] = []
  /// The nodes that use each value, rising.
  private(set) var users: [[Int]] = []
  /// Names that graphs inside attributes give to values of their own.
  private(set) var inner: Set<Name> = []
  private var places: [Name: Int] = [:]

  /// Reads a graph. Two values of one name, and nodes that stand before what they need, are refused.
  init(_ graph: ONNXGraph) throws(FormatError) {
    for name in graph.initializers.map(\.name) + graph.sparseInitializers + graph.inputs.map(\.name) { _ = take(name) }
    var made: Set<Int> = []
    for (index, node) in graph.nodes.enumerated() {
      inputs.append(node.inputs.map { $0.isEmpty ? nil : take($0) })
      var free: Set<Name> = []
      for inside in node.attributes.flatMap(\.graphs) { free.formUnion(ONNXFlow.free(in: inside, &inner)) }
      captured.append(free.sorted().map { take($0.text) })
      outputs.append(node.outputs.filter { !$0.isEmpty }.map { take($0) })
      for value in Set(inputs[index].compactMap(\.self) + captured[index]) { users[value].append(index) }
      for value in outputs[index] {
        guard made.insert(value).inserted, users[value].isEmpty else {
          throw FormatError(
            "onnx",
            users[value].isEmpty
              ? .duplicateName(names[value]) : .invalid("the value is made after it is used, or twice"),
            offset: node.offset, place: [names[value]])
        }
        maker[value] = index
      }
    }
  }

  private mutating func take(_ name: String) -> Int {
    if let place = places[Name(name)] { return place }
    places[Name(name)] = names.count
    names.append(name)
    maker.append(nil)
    users.append([])
    return names.count - 1
  }

  /// The value of that name.
  func value(_ name: String) -> Int? { places[Name(name)] }

  /// What a node is given, by itself and by graphs inside its attributes.
  func needs(of node: Int) -> [Int] { inputs[node].compactMap(\.self) + captured[node] }

  /// The names that a graph inside an attribute uses and does not give itself; those that it gives are added to `own`.
  private static func free(in graph: ONNXGraph, _ own: inout Set<Name>) -> Set<Name> {
    let given = Set(
      (graph.initializers.map(\.name) + graph.sparseInitializers + graph.inputs.map(\.name)
        + graph.nodes.flatMap(\.outputs)).map { Name($0) })
    own.formUnion(given)
    var used: Set<Name> = Set(graph.outputs.map { Name($0.name) })
    for node in graph.nodes {
      used.formUnion(node.inputs.map { Name($0) })
      for inside in node.attributes.flatMap(\.graphs) { used.formUnion(free(in: inside, &own)) }
    }
    return used.subtracting(given).subtracting([Name("")])
  }
}
