import Bytes
import Executor
import Formats
import Frontends
import IR
import Tensors

/// A prepared model and what is wanted of it.
public struct Runner: Sendable {
  /// The model.
  public let model: Model
  /// The values that results hold, in their order.
  public let names: [String]
  /// Those that documents show whole, however long they are.
  public let shown: [String]
  /// What was asked for and is not there, a line each.
  public let notes: [String]
  private let executor: Executor
  /// How many threads share the work, unless a run is given another number.
  public var threads: Int { executor.threads }

  /// Prepares `model`; `layers` adds layer states to the outputs, `outputs` names more values to show, `granularity`
  /// leaves out what is finer or coarser.
  public init(
    _ model: Model, threads: Int, layers: Bool = false, outputs: [String] = [], granularity: Granularity? = nil
  ) throws {
    self.model = model
    var names = model.graph.outputs.map(\.name)
    if let granularity { names = try granularity.chosen(names, of: model) }
    let states = layers ? model.graph.states.map(\.name).filter { $0.hasPrefix("layer.") } : []
    names += states
    // Where something like layers is there, opening the model told why it has no states.
    let isTold = model.notes.contains { $0.hasPrefix("there are no layer states") }
    notes = layers && states.isEmpty && !isTold ? ["there are no layer states: the model has no layers"] : []
    for name in outputs where !names.contains(name) {
      guard model.graph.value(called: name) != nil else {
        let known = (model.graph.outputs + model.graph.states).map(\.name).joined(separator: ", ")
        throw Failure("\(model.path): the model has no output called \"\(name)\"; it has \(known), and its nodes")
      }
      names.append(name)
    }
    self.names = names
    shown = outputs + (granularity == .frame ? [Granularity.frame.output] : [])
    executor = try inFile(model.path) { try Executor(model.graph, threads: threads) }
  }

  /// One clip's result. `threads` share the work, or as many as the runner was made for: it changes no bit.
  public func run(_ clip: Clip, threads: Int? = nil) throws -> RunResult {
    let outputs = try run(model.signal(clip.samples, from: clip.path), threads: threads)
    return RunResult(
      input: clip.path, name: clip.name, duration: clip.duration, outputs: outputs, labels: model.labels,
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

  /// The most bytes that a run on so many samples takes beside the weights; nil where it cannot run.
  func peakBytes(samples: Int, threads: Int) -> Int? {
    let shape = model.waveformShape(rows: 1, samples: samples)
    return try? executor.peakBytes([shape], observing: names, threads: threads)
  }

  private func run(_ inputs: NamedTensors, threads: Int? = nil) throws -> [(name: String, tensor: Tensor)] {
    try inFile(model.path) {
      var seen: [ValueID: Tensor] = [:]
      let outputs = try executor.run(
        inputs,
        observing: Observation(names) { id, tensor in
          seen[id] = tensor
          return nil
        }, threads: threads)
      return names.map { name in (name, outputs[name] ?? seen[model.graph.value(called: name)!]!) }
    }
  }
}

/// What a model says of one input.
public struct RunResult: Sendable {
  /// The input, as the user named it.
  public let input: String
  /// What results call it; nil where graph inputs were fed as they are.
  public let name: String?
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
    input: String, name: String? = nil, duration: Double, outputs: [(name: String, tensor: Tensor)], labels: [String],
    preprocessing: Metadata.Preprocessing?
  ) {
    self.preprocessing = preprocessing
    (self.input, self.name) = (input, name)
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
      "input": JSON(input), "name": name.map { JSON($0) }, "duration": JSON(duration),
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

  /// Writes results to one safetensors file: names as they are where there is one input, `N.name` for the result of input N
  /// of several.
  public static func save(_ results: [(number: Int, result: RunResult)], of inputs: Int, to path: String) throws {
    func name(_ name: String, _ number: Int) -> String { inputs == 1 ? name : "\(number).\(name)" }
    let tensors = results.flatMap { number, result in
      result.outputs.map { (name: name($0.name, number), tensor: $0.tensor) }
    }
    try save(tensors, metadata: results.map { (name: name("input", $0), value: $1.input) }, to: path)
  }

  /// What it takes to keep the results of `count` inputs, if the others are as long as this one's.
  public func noteOnKeeping(_ count: Int) -> String {
    let bytes = outputs.reduce(0) { $0 + $1.tensor.count * $1.tensor.dataType.size }
    return
      "--save keeps all \(count) results in memory until the end, about \(fixed(Double(bytes * count) / 1e6, 1)) MB "
      + "if they are like the first; --save-dir writes each when it is there"
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
