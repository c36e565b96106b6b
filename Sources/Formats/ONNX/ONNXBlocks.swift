import Bytes

/// Where each node stands among the blocks of a graph, whose borders are values: border i enters block i, border i + 1
/// leaves it.
struct ONNXBlocks {
  /// The borders, as values of the flow.
  let borders: [Int]
  /// The last border that a node depends on; -1 for one that depends on none.
  private let level: [Int]
  /// The same where it counts what is in the elements: a shape depends on nothing.
  private let dataLevel: [Int]
  /// The first border that a node leads to; one that is not there where it leads to none.
  private let lead: [Int]

  /// Operators that read of a value nothing but its shape.
  static let shapeOperators: Set<String> = ["Shape", "Size"]

  /// Sets borders in a graph; throws where they do not follow one another.
  init(_ graph: ONNXGraph, _ flow: ONNXFlow, borders names: [String]) throws(FormatError) {
    var (borders, number) = ([Int](), [Int: Int]())
    for (place, name) in names.enumerated() {
      guard let value = flow.value(name), number.updateValue(place, forKey: value) == nil else {
        throw FormatError("onnx", .missing("a value at a block's border"), place: [name])
      }
      borders.append(value)
    }
    var (level, dataLevel) = ([Int](), [Int]())
    func reached(_ values: [Int], _ levels: [Int]) -> Int {
      values.reduce(-1) { max($0, number[$1] ?? flow.maker[$1].map { levels[$0] } ?? -1) }
    }
    for (index, node) in graph.nodes.enumerated() {
      let needs = flow.needs(of: index)
      level.append(reached(needs, level))
      let readsShape = node.domain.isEmpty && ONNXBlocks.shapeOperators.contains(node.op)
      dataLevel.append(readsShape ? -1 : reached(needs, dataLevel))
    }
    var lead = [Int](repeating: borders.count, count: graph.nodes.count)
    for index in graph.nodes.indices.reversed() {
      for value in flow.outputs[index] {
        lead[index] = min(lead[index], number[value] ?? flow.users[value].map { lead[$0] }.min() ?? borders.count)
      }
    }
    for (place, border) in borders.enumerated().dropFirst() {
      guard let maker = flow.maker[border], dataLevel[maker] == place - 1 else {
        throw FormatError("onnx", .invalid("this does not leave block \(place - 1)"), place: [flow.names[border]])
      }
    }
    (self.borders, self.level, self.dataLevel, self.lead) = (borders, level, dataLevel, lead)
  }

  /// How many blocks there are.
  var count: Int { borders.count - 1 }

  /// True for a node on a way from where the block is entered to where it is left, be it by a shape.
  func holds(_ node: Int, in block: Int) -> Bool { level[node] == block && lead[node] == block + 1 }

  /// True for a node on such a way in any block.
  func isInside(_ node: Int) -> Bool { level[node] >= 0 && level[node] < count && lead[node] == level[node] + 1 }

  /// The block whose elements a node computes with on the way to its end; nil for a node of none.
  func block(of node: Int) -> Int? {
    let block = dataLevel[node]
    return block >= 0 && block < count && lead[node] == block + 1 ? block : nil
  }

  /// The block for whose result a node is of use first; nil behind the last one.
  func end(of node: Int) -> Int? { (1...count).contains(lead[node]) ? lead[node] - 1 : nil }

  /// True for a node behind the last block.
  func isBehind(_ node: Int) -> Bool { level[node] == count }
}

extension ONNXNode {
  /// What errors call the node.
  var label: String { name.isEmpty ? outputs.first { !$0.isEmpty } ?? op : name }

  /// A refusal to cut because of this node.
  func refused(_ why: String) -> FormatError {
    FormatError("onnx", .unsupported("\(op) \(why)"), offset: offset, place: [label])
  }

  /// The integer of an attribute.
  func int(_ name: String) -> Int? {
    for attribute in attributes where Name(attribute.name) == Name(name) {
      if case .int(let number) = attribute.value { return number }
    }
    return nil
  }

  /// The integers of an attribute.
  func ints(_ name: String) -> [Int]? {
    for attribute in attributes where Name(attribute.name) == Name(name) {
      if case .ints(let numbers) = attribute.value { return numbers }
    }
    return nil
  }
}
