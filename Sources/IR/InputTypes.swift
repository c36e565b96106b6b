import Tensors

/// The input types of one node, what is known of small inputs' elements, and the checks that operators share.
public struct InputTypes {
  let names: [String]
  let types: [TensorType?]
  private let node: String
  private let known: (Int) -> Tensor?

  /// Checks that what is needed is there, in types that `definition` computes with. `known` gives the elements of an
  /// input, if they are known before the graph runs.
  init(
    _ definition: any OperatorDefinition, types: [TensorType?], node: String, known: @escaping (Int) -> Tensor?
  ) throws(Mismatch) {
    names = definition.inputNames
    guard types.count <= names.count else {
      throw Mismatch("takes at most \(names.count) inputs, found \(types.count)")
    }
    for (index, name) in names.enumerated() where !name.hasSuffix("?") {
      guard index < types.count, types[index] != nil else { throw Mismatch("the input \(name) is missing") }
    }
    for (index, type) in types.enumerated() {
      let accepted = definition.dataTypes(ofInput: index)
      guard let type, !accepted.contains(type.dataType) else { continue }
      let words = accepted.map(\.rawValue).joined(separator: ", ")
      throw Mismatch("\(names[index]) is \(type.dataType.rawValue); a graph computes this in \(words)")
    }
    self.types = types
    self.node = node
    self.known = known
  }

  /// The input at `index`, which is not optional.
  func callAsFunction(_ index: Int) -> TensorType { types[index]! }

  /// The input at `index`; nil where it is left out.
  func optional(_ index: Int) -> TensorType? { index < types.count ? types[index] : nil }

  /// The elements of a list of integers; nil where they are not known yet.
  func integers(_ index: Int) -> [Int]? { optional(index) == nil ? nil : known(index)?.integers }

  /// The elements of an input; nil where they are not known yet.
  func elements(_ index: Int) -> Tensor? { optional(index) == nil ? nil : known(index) }

  /// The length of an axis of the result that nothing is known of.
  func unknown(_ axis: Int) -> Dimension { .symbol("\(node).\(axis)") }

  /// Throws unless input `index` has `rank` axes.
  func check(_ index: Int, rank: Int) throws(Mismatch) {
    guard self(index).rank == rank else {
      throw Mismatch("\(names[index]) needs \(rank) axes, found \(self(index))")
    }
  }

  /// Throws unless input `index` is left out or has exactly `dimensions`.
  func check(_ index: Int, is dimensions: [Dimension]) throws(Mismatch) {
    guard let type = optional(index) else { return }
    guard type.dimensions == dimensions else {
      throw Mismatch("\(names[index]) needs the shape \(dimensions), found \(type.dimensions)")
    }
  }

  /// How many elements the list of integers at `index` has.
  func count(ofList index: Int) throws(Mismatch) -> Int {
    guard self(index).rank == 1, let count = self(index).dimensions[0].value else {
      throw Mismatch("\(names[index]) is a list of a known number of elements, found \(self(index))")
    }
    return count
  }

  /// The shape that `shapes` broadcast to, as NumPy does it.
  func broadcast(_ shapes: [Dimension]...) throws(Mismatch) -> [Dimension] {
    var result: [Dimension] = []
    for shape in shapes {
      let rank = max(result.count, shape.count)
      let ones = [Dimension](repeating: .fixed(1), count: rank)
      let (left, right) = (ones.dropFirst(result.count) + result, ones.dropFirst(shape.count) + shape)
      result = []
      for (axis, (a, b)) in zip(left, right).enumerated() {
        switch (a, b) {
        case (let a, let b) where a == b: result.append(a)
        case (.fixed(1), let length), (let length, .fixed(1)): result.append(length)
        case (.fixed, .fixed): throw Mismatch("\(shapes.map { "\($0)" }.joined(separator: " and ")) do not broadcast")
        // One of the two may turn out to be 1, and never the known one, which is not.
        case (.fixed(let value), _), (_, .fixed(let value)): result.append(.fixed(value))
        default: result.append(unknown(axis))
        }
      }
    }
    return result
  }
}

extension Dimension {
  /// False where the two lengths can never be equal.
  public func canEqual(_ other: Dimension) -> Bool {
    switch (self, other) {
    case (.fixed(let a), .fixed(let b)): a == b
    case (.symbolic(let name, let a), .symbolic(let twin, let b)) where name == twin: a == b
    default: true
    }
  }
}
