import Bytes
import Executor
import IR
import Passes
import Tensors

/// How much each transformer layer matters on some recordings: how far it turns what runs through it, and how far the
/// outputs move when it alone is dropped.
///
/// What several dropped layers do together is another matter, which only pruning and judging the result can tell.
public struct LayerRanking: Sendable {
  /// How an output of the whole model differs from that of the model without one layer.
  public struct Change: Sendable {
    /// The output.
    public let name: String
    /// The largest difference over all numbers of all clips.
    public let absolute: Double
    /// The same, relative to the whole model's largest value of that output over all clips.
    public let relative: Double
    /// By the output's columns, where they mean something: the mean and the largest difference over clips.
    public let labels: [(name: String, mean: Double, maximum: Double)]
  }

  /// One layer.
  public struct Layer: Sendable {
    /// Its number, counted from 0.
    public let number: Int
    /// The cosine between a frame that enters the layer and the same one as it leaves it, the mean over all frames.
    public let cosine: Double
    /// How the outputs change when it is dropped; none where it cannot be.
    public let changes: [Change]
    /// Why it cannot be dropped.
    public let refusal: String?
  }

  /// The model, as the user named it.
  public let model: String
  /// The recordings, and how many frames the layers saw of each.
  public let clips: [(path: String, duration: Double, frames: Int)]
  /// The layers, in the model's order.
  public let layers: [Layer]
  /// The output by which layers are ordered: the logits, or else the first.
  public let orderedBy: String

  /// Outputs of more columns are not told by column.
  public static let labelLimit = 16

  /// Runs `model` whole and without each of its layers, one after the other, on all clips. Throws where it has no layers,
  /// or only one. `progress` is called with the share that is done, from 0 to 1.
  public init(
    _ model: Model, clips: [Clip], threads: Int, progress: (Double) -> Void = { _ in }
  ) throws {
    guard !clips.isEmpty else { throw Failure("\(model.path): ranking layers needs at least one recording") }
    var graph = model.graph
    if let reason = graph.addLayerStates() { throw Failure("\(model.path): \(reason)") }
    let blocks = try inFile(model.path) { try LayerBlocks.find(in: graph) }
    guard let blocks, blocks.count > 1 else {
      let found = blocks == nil ? "no transformer layers were" : "only one transformer layer was"
      throw Failure("\(model.path): \(found) found in the graph, so that there is nothing to rank")
    }
    let signals = try clips.map { try model.signal($0.samples, from: $0.path) }
    let steps = Double(clips.count * (blocks.count + 1))
    var done = 0.0
    func advance() {
      done += 1
      progress(done / steps)
    }
    let names = graph.outputs.map(\.name).filter { name in
      graph.outputs.contains { Name($0.name) == Name(name) && graph[$0.value].type.dataType == .float32 }
    }
    guard let main = names.first(where: { Name($0) == Name("logits") }) ?? names.first else {
      throw Failure("\(model.path): no output is made of floats, so that there is nothing to rank by")
    }
    var stream = StreamCosines(graph, blocks)
    let whole: [NamedTensors] = try inFile(model.path) {
      let executor = try Executor(graph, threads: threads)
      return try signals.map { signal in
        defer { advance() }
        return try stream.run(executor, signal)
      }
    }
    var layers: [Layer] = []
    for number in 0..<blocks.count {
      let kept = (0..<blocks.count).filter { $0 != number }
      var cut = graph
      var changes: [Change] = []
      var refusal: String?
      do throws(GraphError) {
        _ = try PruneLayers(LayerSelection(of: blocks.count, keeping: kept)!).prune(&cut, blocks)
      } catch {
        refusal = "\(error)"
      }
      if refusal == nil {
        var differences = names.map { OutputDifferences($0, labels: Name($0) == Name(main) ? model.labels : []) }
        try inFile(model.path) {
          let executor = try Executor(cut, threads: threads)
          for (signal, expected) in zip(signals, whole) {
            let outputs = try executor.run(signal)
            for index in differences.indices {
              let name = differences[index].name
              if let a = expected[name], let b = outputs[name] { differences[index].add(a, b) }
            }
            advance()
          }
        }
        changes = differences.compactMap(\.change)
      } else {
        for _ in clips { advance() }
      }
      layers.append(
        Layer(number: number, cosine: stream.cosine(of: number), changes: changes, refusal: refusal))
    }
    self.model = model.path
    self.clips = zip(clips, stream.frames).map { ($0.path, $0.duration, $1) }
    (self.layers, orderedBy) = (layers, main)
  }

  /// The layers, the one whose absence changes the outputs least first; those that cannot be dropped come last.
  public var order: [Layer] {
    func weight(_ layer: Layer) -> Double {
      guard let change = layer.changes.first(where: { Name($0.name) == Name(orderedBy) }) else { return .infinity }
      return change.relative.isNaN ? .greatestFiniteMagnitude : change.relative
    }
    return layers.sorted { (weight($0), -$0.cosine, $0.number) < (weight($1), -$1.cosine, $1.number) }
  }
}

/// The cosines between neighbouring states, frame by frame.
private struct StreamCosines {
  private let states: [(name: String, value: ValueID)]
  private var sums: [Double]
  /// How many frames each clip had.
  private(set) var frames: [Int] = []

  init(_ graph: Graph, _ blocks: LayerBlocks) {
    states = blocks.states.enumerated().map { (LayerBlocks.stateName($0), $1) }
    sums = Array(repeating: 0, count: blocks.count)
  }

  /// The mean over all frames of all clips.
  func cosine(of layer: Int) -> Double { sums[layer] / Double(frames.reduce(0, +)) }

  /// Runs once, and looks at the states as they are made; two of them are held at a time.
  mutating func run(_ executor: Executor, _ signal: NamedTensors) throws(ExecutionError) -> NamedTensors {
    let numbers = Dictionary(states.enumerated().map { ($1.value, $0) }) { first, _ in first }
    var last: (number: Int, tensor: Tensor)?
    var (sums, count) = (sums, 0)
    let outputs = try executor.run(
      signal,
      observing: Observation(states.map(\.name)) { (id, tensor) throws(ExecutionError) in
        guard let number = numbers[id] else { return nil }
        if let before = last, before.number == number - 1, before.tensor.shape == tensor.shape {
          let cosines = StreamCosines.cosines(before.tensor, tensor)
          sums[number - 1] += cosines.reduce(0, +)
          count = cosines.count
        }
        last = (number, tensor)
        return nil
      })
    self.sums = sums
    frames.append(count)
    return outputs
  }

  /// The cosine of each row, in double precision; of two rows of zeros 1, of one 0.
  private static func cosines(_ a: Tensor, _ b: Tensor) -> [Double] {
    let width = max(a.shape.dimensions.last ?? 1, 1)
    return a.withFloats { a in
      b.withFloats { b in
        stride(from: 0, to: a.count, by: width).map { start in
          var (product, first, second) = (0.0, 0.0, 0.0)
          for index in start..<start + width {
            let (x, y) = (Double(a[index]), Double(b[index]))
            product += x * y
            first += x * x
            second += y * y
          }
          guard first > 0, second > 0 else { return first == second ? 1 : first.isNaN || second.isNaN ? .nan : 0 }
          return product / (first.squareRoot() * second.squareRoot())
        }
      }
    }
  }
}

/// How far one output moves, over clips.
private struct OutputDifferences {
  let name: String
  private let labels: [String]
  private var absolute = 0.0
  private var largest = 0.0
  private var clips = 0
  private var columns: [(sum: Double, maximum: Double)] = []
  private var isComparable = true

  init(_ name: String, labels: [String]) { (self.name, self.labels) = (name, labels) }

  mutating func add(_ whole: Tensor, _ without: Tensor) {
    guard whole.shape == without.shape, whole.dataType == .float32 else {
      isComparable = false
      return
    }
    let (a, b) = (whole.floats.map(Double.init), without.floats.map(Double.init))
    let differences = zip(a, b).map { $0 == $1 ? 0 : abs($0 - $1) }
    // NaN is no small difference.
    func most(_ numbers: [Double], _ first: Double) -> Double {
      numbers.reduce(first) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
    }
    absolute = most(differences, absolute)
    largest = most(a.map(abs), largest)
    clips += 1
    // A row of few numbers for the whole clip: they mean something each.
    guard differences.count <= LayerRanking.labelLimit, whole.shape.dimensions.last == differences.count else { return }
    if columns.isEmpty { columns = Array(repeating: (0, 0), count: differences.count) }
    guard columns.count == differences.count else { return }
    for (index, difference) in differences.enumerated() {
      columns[index].sum += difference
      columns[index].maximum = most([difference], columns[index].maximum)
    }
  }

  /// The result; nil where the outputs have other shapes.
  var change: LayerRanking.Change? {
    guard isComparable, clips > 0 else { return nil }
    let relative = absolute == 0 ? 0 : absolute / largest
    let names = labels.count == columns.count ? labels : columns.indices.map(String.init)
    let told =
      labels.isEmpty && Name(name) != Name("logits")
      ? []
      : zip(names, columns).map {
        (name: $0, mean: $1.sum / Double(clips), maximum: $1.maximum)
      }
    return LayerRanking.Change(name: name, absolute: absolute, relative: relative, labels: told)
  }
}
