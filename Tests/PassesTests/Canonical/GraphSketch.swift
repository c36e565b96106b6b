import Executor
import IR
import Tensors
import TestSupport

@testable import Passes

/// A small graph written down quickly, and what a pass makes of it.
struct GraphSketch {
  private(set) var graph = Graph()
  private var made = 0

  init(_ body: (inout GraphSketch) throws -> ValueID) throws {
    let y = try body(&self)
    graph.addOutput("y", y)
  }

  /// Floats that are fed.
  mutating func input(_ name: String, _ dimensions: [Dimension]) -> ValueID {
    graph.addInput(name, TensorType(.float32, dimensions))
  }

  /// One number, which may have axes of length 1.
  mutating func number(_ value: Float, rank: Int = 0) -> ValueID {
    constant(Tensor([value], shape: Shape([Int](repeating: 1, count: rank))))
  }

  mutating func integers(_ numbers: Int...) -> ValueID { constant(Tensor(numbers.map(Int64.init))) }

  mutating func integer(_ number: Int) -> ValueID { constant(Tensor([Int64(number)], shape: [])) }

  mutating func constant(_ tensor: Tensor, _ name: String? = nil) -> ValueID {
    made += 1
    return graph.addConstant(name ?? "c\(made)", Constant(tensor, provenance: Provenance()))
  }

  /// Random numbers, the same each time.
  mutating func weights(_ shape: Shape, _ name: String? = nil) -> ValueID {
    made += 1
    return constant(.random(shape, seed: UInt64(made)), name)
  }

  mutating func callAsFunction(_ op: Operator, _ inputs: ValueID?...) throws -> ValueID { try add(op, inputs) }

  /// A node with any number of inputs.
  mutating func add(_ op: Operator, _ inputs: [ValueID?]) throws -> ValueID {
    made += 1
    return try graph.addNode("n\(made)", op, inputs)
  }

  /// Another output.
  mutating func output(_ name: String, _ value: ValueID) { graph.addOutput(name, value) }

  mutating func callAsFunction(_ function: Binary.Function, _ a: ValueID, _ b: ValueID) throws -> ValueID {
    try self(.binary(Binary(function)), a, b)
  }

  mutating func callAsFunction(_ function: Unary.Function, _ x: ValueID) throws -> ValueID {
    try self(.unary(Unary(function)), x)
  }

  mutating func mean(_ x: ValueID, _ axes: [Int], keeps: Bool = true) throws -> ValueID {
    try self(.reduce(Reduce(.mean, axes: axes, keepsAxes: keeps)), x)
  }

  /// The length of an axis, as a number or as a list of one.
  mutating func length(_ x: ValueID, _ axis: Int, list: Bool = false) throws -> ValueID {
    let shape = try self(.shapeOf(ShapeOf()), x)
    return try self(.gather(Gather(axis: 0)), shape, list ? integers(axis) : integer(axis))
  }
}

extension Graph {
  /// The operators' names in order.
  var operators: [String] { nodes.map(operatorName) }

  /// The graph after `pass`, which must say that it changed something.
  func after(_ pass: some Pass) throws -> Graph {
    var graph = self
    let report = try pass.run(on: &graph)
    guard report.pass == type(of: pass).name else { throw GraphError("", "another pass") }
    try graph.validate()
    return graph
  }

  /// True where `pass` leaves the graph as it is, and says so.
  func isLeft(by pass: some Pass) throws -> Bool {
    var graph = self
    let report = try pass.run(on: &graph)
    return report.changes.isEmpty && graph.description == description
  }

  /// The largest difference between this graph's y and that of `other`, both fed the same random numbers; infinite where
  /// the shapes differ or one is no number.
  func distance(to other: Graph, lengths: [String: Int] = [:]) throws -> Float {
    var fed = NamedTensors()
    for (index, id) in inputs.enumerated() {
      let shape = Shape(
        self[id].type.dimensions.map { dimension in
          dimension.value ?? lengths["\(dimension)"] ?? 5
        })
      fed[self[id].name] = .random(shape, seed: UInt64(100 + index))
    }
    let a = try Executor(self, threads: 1, products: .blas).run(fed)["y"]!
    let b = try Executor(other, threads: 1, products: .blas).run(fed)["y"]!
    guard a.shape == b.shape, a.dataType == b.dataType else { return .infinity }
    return zip(a.floats, b.floats).reduce(0) { $1.0.isNaN || $1.1.isNaN ? .infinity : max($0, ($1.0 - $1.1).magnitude) }
  }
}

extension Tensor {
  /// Numbers from -2 to 2.
  static func random(_ shape: Shape, seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor((0..<shape.count).map { _ in Float.random(in: -2...2, using: &generator) }, shape: shape)
  }
}
