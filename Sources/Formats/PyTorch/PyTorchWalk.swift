import Bytes
import Tensors

/// Something in a checkpoint that holds numbers and is not among its tensors.
public struct LeftOut: Hashable, Sendable {
  /// Where it is: names joined by dots.
  public let name: String
  /// Why it is left out.
  public let reason: String
}

/// Walks a pickle's containers from the root and names every tensor: keys and positions joined by dots.
struct PyTorchWalk {
  /// Containers may nest this deep.
  static let nestingLimit = 256
  /// No more steps than this on ways that lead to tensors; shared containers can make exponentially many names.
  static let stepLimit = 250_000
  /// A joined name may have this many bytes.
  static let nameLimit = 4096
  /// All joined names together may have this many bytes.
  static let namesLimit = 64 << 20

  private let objects: PyTorchObjects
  private let holdsTensor: [Bool]
  private var visited: Set<Int> = []
  private var open: Set<Int> = []
  private var steps = 0
  private var nameBytes = 0
  private(set) var tensors: [(name: String, tensor: PyTorchTensor, offset: Int)] = []
  private(set) var leftOut: [LeftOut] = []

  init(_ objects: PyTorchObjects, prefix: String? = nil) throws(FormatError) {
    self.objects = objects
    holdsTensor = PyTorchWalk.reachTensors(objects)
    try visit(objects.pickle.root, name: prefix, depth: 0)
  }

  private mutating func visit(_ value: PickleValue, name: String?, depth: Int) throws(FormatError) {
    guard case .object(let index) = value else { return }
    let object = objects.pickle.objects[index]
    let place = object.offset
    let isNew = visited.insert(index).inserted
    if !holdsTensor[index] && !isNew { return }
    // What is met once costs no more than the file does; what is met again costs its children each time.
    steps += holdsTensor[index] ? 1 : 0
    steps += isNew ? 0 : object.items.count + object.entries.count
    guard steps <= PyTorchWalk.stepLimit, nameBytes <= PyTorchWalk.namesLimit else {
      throw FormatError("pytorch", .limitExceeded("containers within containers make too many names"), offset: place)
    }
    guard depth <= PyTorchWalk.nestingLimit else {
      throw FormatError(
        "pytorch", .limitExceeded("containers nested deeper than \(PyTorchWalk.nestingLimit)"), offset: place)
    }
    guard open.insert(index).inserted else {
      leftOut.append(LeftOut(name: name ?? "", reason: "a container that contains itself"))
      return
    }
    defer { open.remove(index) }

    let meaning: PyTorchMeaning
    do throws(FormatError) { meaning = try objects.meaning(index) } catch { throw error.inside(name ?? "") }
    switch meaning {
    case .tensor(let tensor): tensors.append((name ?? "", tensor, place))
    case .wrapper(let value): try visit(value, name: name, depth: depth + 1)
    case .container(let children):
      for (key, value) in children { try visit(key, value, of: name, depth: depth) }
    case .unsupported(let what): leftOut.append(LeftOut(name: name ?? "", reason: what))
    case .opaque(let what):
      if holdsTensor[index] { leftOut.append(LeftOut(name: name ?? "", reason: "inside an opaque object: \(what)")) }
    }
  }

  private mutating func visit(
    _ key: PickleValue, _ value: PickleValue, of parent: String?, depth: Int
  ) throws(FormatError) {
    guard case .object(let index) = value else { return }
    // Where no tensor is no name is needed, however long the keys are.
    guard holdsTensor[index] else { return try visit(value, name: nil, depth: depth + 1) }
    let word: String
    switch key {
    case .string(let text): word = text
    case .int(let number): word = String(number)
    default:
      leftOut.append(LeftOut(name: parent ?? "", reason: "under a key that is neither text nor a whole number"))
      return
    }
    let length = (parent?.utf8.count ?? 0) + word.utf8.count
    guard length < PyTorchWalk.nameLimit else {
      throw FormatError(
        "pytorch", .limitExceeded("a joined name of more than \(PyTorchWalk.nameLimit) bytes"),
        offset: objects.pickle.objects[index].offset)
    }
    nameBytes += length
    try visit(value, name: parent.map { $0 + "." + word } ?? word, depth: depth + 1)
  }

  /// For each object, whether a storage, or a tensor without one, can be reached from it.
  static func reachTensors(_ objects: PyTorchObjects) -> [Bool] {
    let all = objects.pickle.objects
    func parts(_ index: Int, _ body: (Int) -> Void) {
      for values in [all[index].items, all[index].elements, all[index].entries, all[index].states] {
        for case .object(let part) in values { body(part) }
      }
    }
    // Parents of each object, one list after the other.
    var starts = [Int](repeating: 0, count: all.count + 1)
    for index in all.indices { parts(index) { starts[$0 + 1] += 1 } }
    for index in all.indices { starts[index + 1] += starts[index] }
    var parents = [Int32](repeating: 0, count: starts[all.count])
    var next = starts
    for index in all.indices {
      parts(index) {
        parents[next[$0]] = Int32(truncatingIfNeeded: index)
        next[$0] += 1
      }
    }
    var reached = all.indices.map { index in
      all[index].kind == .persistent
        || objects.pickle.call(.object(index)).map { PyTorchTypes.unsupported[$0.name] != nil } == true
    }
    var queue = reached.indices.filter { reached[$0] }
    while let index = queue.popLast() {
      for parent in parents[starts[index]..<starts[index + 1]] where !reached[Int(parent)] {
        reached[Int(parent)] = true
        queue.append(Int(parent))
      }
    }
    return reached
  }
}
