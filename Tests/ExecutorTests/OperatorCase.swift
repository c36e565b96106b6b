import Bytes
import Executor
import Tensors
import TestSupport
import Testing

@testable import IR

/// One case of golden/operators: what real PyTorch computes for an operator.
struct OperatorCase: Sendable, CustomTestStringConvertible {
  let name: String
  let op: Operator
  /// The names of the inputs in the file, in the operator's order; nil where one is left out.
  let inputs: [String?]
  let absolute: Float
  let relative: Float

  var testDescription: String { name }

  /// The cases of one folder of golden/operators.
  static func all(_ folder: String) -> [OperatorCase] {
    do {
      let manifest = try Repository.json(Repository.golden("operators/manifest.json"))
      let members = (manifest["cases"]?.object ?? []).filter { $0.name.hasPrefix(folder + "/") }
      return try members.map { try OperatorCase($0.name, $0.value) }
    } catch { fatalError("\(error)") }
  }

  private init(_ name: String, _ json: JSON) throws {
    self.name = name
    op = try Operator(
      name: json["op"]?.string ?? "", attributes: JSONFields(json["attributes"] ?? .null, format: "manifest"))
    inputs = (json["inputs"]?.array ?? []).map(\.string)
    absolute = Float(json["absolute"]?.double ?? 0)
    relative = Float(json["relative"]?.double ?? 0)
  }

  /// What the executor computes. The first input is fed; the others are weights, or fed as well.
  func run(threads: Int, weights: Bool) throws -> Tensor {
    let file = try SafetensorsFixture(Repository.golden("operators/\(name).safetensors"))
    var graph = Graph()
    var ids: [ValueID?] = []
    var fed = NamedTensors()
    for (index, name) in inputs.enumerated() {
      guard let name else {
        ids.append(nil)
        continue
      }
      let tensor = try file[name]
      if weights && index > 0 {
        ids.append(graph.addConstant(name, Constant(tensor, provenance: Provenance())))
      } else {
        ids.append(graph.addInput(name, TensorType(tensor.dataType, tensor.shape)))
        fed[name] = tensor
      }
    }
    graph.addOutput("result", try graph.addNode("node", op, ids))
    return try #require(try Executor(graph, threads: threads).run(fed)["result"])
  }

  /// Runs the case on 1, 2 and 3 threads, with weights as constants and fed: the bits are the same.
  func check() throws {
    let expected = try SafetensorsFixture(Repository.golden("operators/\(name).safetensors"))["expected"]
    for weights in inputs.count > 1 ? [true, false] : [true] {
      let first = try run(threads: 1, weights: weights)
      for threads in 1...3 {
        let how = "\(name), \(threads) threads, \(weights ? "constant" : "fed") weights"
        let actual = try run(threads: threads, weights: weights)
        #expect(actual.shape == expected.shape, "\(how)")
        #expect(actual.dataType == expected.dataType, "\(how)")
        #expect(differences(actual, expected) == [], "\(how)")
        #expect(actual.digest == first.digest, "any number of threads gives the same bits: \(how)")
      }
    }
  }

  /// The first places where `actual` is further from `expected` than the manifest allows.
  private func differences(_ actual: Tensor, _ expected: Tensor) -> [String] {
    guard expected.dataType == .float32, actual.dataType == .float32 else {
      return actual.bytes.array == expected.bytes.array
        ? [] : ["\(actual.integers ?? []), expected \(expected.integers ?? [])"]
    }
    let places = zip(actual.floats, expected.floats).enumerated().filter { _, pair in !agree(pair.0, pair.1) }
    return places.prefix(4).map { "[\($0.offset)] \($0.element.0), expected \($0.element.1)" }
  }

  private func agree(_ a: Float, _ e: Float) -> Bool {
    if e.isNaN { return a.isNaN }
    if absolute == 0 && relative == 0 || !e.isFinite { return a.bitPattern == e.bitPattern }
    return (a - e).magnitude <= absolute + relative * e.magnitude
  }
}

/// A tensor of these numbers, along one axis unless a shape is given.
func floats(_ values: [Float], shape: Shape? = nil) -> Tensor { Tensor(values, shape: shape) }

/// A tensor of these 32-bit integers along one axis.
func int32s(_ values: [Int32]) -> Tensor {
  let bytes = values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
  return Tensor(.int32, [values.count], bytes: ByteRegion(copying: bytes).view)
}

/// A single 64-bit integer.
func number(_ value: Int64) -> Tensor { Tensor([value], shape: []) }
