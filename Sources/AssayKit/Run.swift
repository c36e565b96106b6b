import Bytes
import Executor
import Formats
import Frontends
import IR
import Tensors

/// A prepared model and what is wanted of it.
public struct Runner {
  /// The model.
  public let model: Model
  private let executor: Executor
  /// The values that results hold, in their order.
  let names: [String]
  /// How many threads share the work.
  var threads: Int { executor.threads }

  /// Prepares `model`; `layers` adds layer states to the outputs, `outputs` names more values to show.
  public init(_ model: Model, threads: Int, layers: Bool = false, outputs: [String] = []) throws {
    self.model = model
    executor = try inFile(model.path) { try Executor(model.graph, threads: threads) }
    var names = model.graph.outputs.map(\.name)
    if layers { names += model.graph.states.map(\.name).filter { $0.hasPrefix("layer.") } }
    for name in outputs where !names.contains(name) {
      guard model.graph.value(called: name) != nil else {
        let known = (model.graph.outputs + model.graph.states).map(\.name).joined(separator: ", ")
        throw Failure("\(model.path): the model has no output called \"\(name)\"; it has \(known), and its nodes")
      }
      names.append(name)
    }
    self.names = names
  }

  /// One clip's result.
  public func run(_ clip: Clip) throws -> RunResult {
    let outputs = try run(model.signal(clip.samples, from: clip.path))
    return RunResult(
      input: clip.path, duration: clip.duration, outputs: outputs, labels: model.labels,
      preprocessing: model.preprocessing)
  }

  /// Where the time goes for one clip.
  func profile(_ clip: Clip) throws -> Profile {
    try inFile(model.path) { try executor.profile(model.signal(clip.samples, from: clip.path)) }
  }

  /// Graph inputs fed as they are.
  public func run(raw inputs: NamedTensors, name: String) throws -> RunResult {
    RunResult(input: name, duration: 0, outputs: try run(inputs), labels: model.labels, preprocessing: nil)
  }

  private func run(_ inputs: NamedTensors) throws -> [(name: String, tensor: Tensor)] {
    try inFile(model.path) {
      var seen: [ValueID: Tensor] = [:]
      let outputs = try executor.run(
        inputs,
        observing: Observation(names) { id, tensor in
          seen[id] = tensor
          return nil
        })
      return names.map { name in (name, outputs[name] ?? seen[model.graph.value(called: name)!]!) }
    }
  }
}

/// What a model says of one input.
public struct RunResult: Sendable {
  /// The input, as the user named it.
  public let input: String
  /// Seconds of audio.
  public let duration: Double
  /// Every value asked for, whole.
  public let outputs: [(name: String, tensor: Tensor)]
  /// The values by what they mean: scores where the model has them, else logits, else the only output.
  public internal(set) var labels: [(name: String, value: Float)]
  /// How the waveform was prepared; nil where graph inputs were fed as they are.
  public let preprocessing: Metadata.Preprocessing?

  /// Outputs of more elements are shown in full only when named.
  public static let shownElements = 1024

  init(
    input: String, duration: Double, outputs: [(name: String, tensor: Tensor)], labels: [String],
    preprocessing: Metadata.Preprocessing?
  ) {
    self.preprocessing = preprocessing
    self.input = input
    self.duration = duration
    self.outputs = outputs
    let told =
      outputs.first { $0.name == "scores" } ?? outputs.first { $0.name == "logits" }
      ?? (outputs.count == 1 ? outputs.first : nil)
    let values = told.map { $0.tensor.dataType == .float32 ? $0.tensor.floats : [] } ?? []
    self.labels = labels.count == values.count ? Array(zip(labels, values)) : []
  }

  /// The result as a document; values of long outputs are left out unless `named` holds their name.
  public func json(named: [String] = []) -> JSON {
    [
      "input": JSON(input), "duration": JSON(duration),
      "outputs": JSON(
        members: outputs.map { name, tensor in
          let isShown = tensor.count <= RunResult.shownElements || named.contains(name)
          return (
            name,
            [
              "shape": JSON(tensor.shape.dimensions),
              "values": isShown ? JSON(tensor.numbers) : nil,
            ]
          )
        }),
      "labels": JSON(members: labels.map { ($0.name, JSON($0.value)) }),
      "preprocessing": preprocessing.map(\.json) ?? .null,
    ]
  }

  /// Writes results to one safetensors file: names as they are for one result, `N.name` for several.
  public static func save(_ results: [RunResult], to path: String) throws {
    let single = results.count == 1
    let tensors = results.enumerated().flatMap { index, result in
      result.outputs.map { (name: single ? $0.name : "\(index).\($0.name)", tensor: $0.tensor) }
    }
    let inputs = results.enumerated().map { (name: single ? "input" : "\($0).input", value: $1.input) }
    try save(tensors, metadata: inputs, to: path)
  }

  /// Writes named tensors to one safetensors file.
  public static func save(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [(name: String, value: String)], to path: String
  ) throws {
    try inFile(path) { try SafetensorsWriter.write(tensors, metadata: metadata, to: path) }
  }
}

extension Tensor {
  /// The elements as a document writes them; truth values are 1 and 0.
  var numbers: [JSON] { integers.map { $0.map { JSON($0) } } ?? floats.map { JSON($0) } }
}

/// Reads `NAME=FILE.npy` pairs into graph inputs.
public func rawInputs(_ pairs: [String]) throws -> NamedTensors {
  var inputs = NamedTensors()
  for pair in pairs {
    guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
      throw Failure("--input needs NAME=FILE.npy, found \"\(pair)\"")
    }
    let (name, path) = (String(pair[..<equals]), String(pair[pair.index(after: equals)...]))
    let tensor = try inFile(path) { try NPYFile.read(ByteRegion.mapping(path)) }
    guard inputs[name] == nil else { throw Failure("the input \"\(name)\" is given twice") }
    inputs[name] = tensor
  }
  return inputs
}
