import Bytes
import Executor
import Formats
import Frontends
import IR
import Kernels
import Passes
import Tensors
import Verification

/// A model that can run, whatever it was read from.
public struct Model: Sendable {
  /// What it was read from.
  public enum Origin: Sendable {
    case artifact(ArtifactFile)
    case source(ImportedModel)
  }

  /// Where it was read, as the user named it.
  public let path: String
  /// What it was read from.
  public let origin: Origin
  /// The graph, constants folded.
  public var graph: Graph
  /// What kind of model it is.
  public let system: ModelSystem
  /// How a recording becomes the graph's `signal`.
  public private(set) var preprocessing: Metadata.Preprocessing
  /// What the columns of `logits` mean.
  public let labels: [String]
  /// The weights' licence, where one is stated.
  public let license: Metadata.License?
  /// The golden cases that an artifact carries.
  public let goldens: [GoldenCase]
  /// Choices that were made on opening, a line each.
  public let notes: [String]

  /// Opens an artifact, a model folder, a weight file with its configuration beside it, or an ONNX file.
  ///
  /// `options` say what the files cannot tell. `fed` may hold inputs that an ONNX file wants known before its graph is built; with `unfused` the graph stays as it
  /// was read, constants folded; with `normalizing`, recordings are brought to zero mean and unit variance, which only an
  /// ONNX file leaves open.
  public static func open(
    _ path: String, _ options: ImportOptions = ImportOptions(), fed: NamedTensors = [:], unfused: Bool = false,
    normalizing: Bool = false
  ) throws -> Model {
    var model = try open(path, options, fed, unfused)
    model.preprocessing = try inFile(path) { try model.preprocessing.normalizing(normalizing, model.system) }
    return model
  }

  private static func open(
    _ path: String, _ options: ImportOptions, _ fed: NamedTensors, _ unfused: Bool
  ) throws -> Model {
    try inFile(path) {
      if fileKind(path) == .file {
        let region = try ByteRegion.mapping(path)
        if FileFormat.of(region) == .assay { return try Model(path, ArtifactFile(region), options) }
      }
      let source = try ImportedModel(
        ModelFolder.open(path), options, fed: fed, evaluating: Executor.elements)
      return try Model(path, source, unfused: unfused)
    }
  }

  private init(_ path: String, _ source: ImportedModel, unfused: Bool) throws {
    self.path = path
    origin = .source(source)
    let computed = try source.computed(unfused: unfused)
    graph = computed.graph
    (system, preprocessing, labels) = (source.system, source.preprocessing, source.labels)
    (license, goldens, notes) = (source.license, [], source.notes + computed.notes)
  }

  /// What a conversion has read and prepared, as the model that `path` will be.
  init(_ path: String, _ source: ConversionSource) {
    self.path = path
    (origin, graph, system) = (source.origin, source.graph, source.system)
    let metadata = source.metadata
    (preprocessing, labels, license) = (metadata.preprocessing, metadata.labels, metadata.license)
    (goldens, notes) = ([], source.notes)
  }

  init(_ path: String, _ file: ArtifactFile, _ options: ImportOptions = ImportOptions()) throws {
    self.path = path
    origin = .artifact(file)
    let metadata = file.artifact.metadata
    goldens = try EmbeddedGoldens.cases(file.artifact)
    system = try ModelSystem.named(metadata.system)
    if options.concernsHead {
      throw Failure("\(path): an artifact has its head and its labels; `assay edit` changes labels")
    }
    if let asked = options.system, asked != system {
      throw Failure("\(path): the artifact is of the system \(system.rawValue), not \(asked.rawValue)")
    }
    graph = file.artifact.graph
    (preprocessing, labels, license) = (metadata.preprocessing, metadata.labels, metadata.license)
    notes = []
  }

  /// The graph's input that a waveform is: the only one of floats, all axes but the last of which can be 1.
  var waveformInput: (name: String, rank: Int)? {
    let floats = graph.inputs.filter { graph[$0].type.dataType == .float32 }
    guard floats.count == 1, graph.inputs.count == 1 else { return nil }
    let (name, dimensions) = (graph[floats[0]].name, graph[floats[0]].type.dimensions)
    guard !dimensions.isEmpty, dimensions.dropLast().allSatisfy({ $0.value == nil || $0.value == 1 }) else {
      return nil
    }
    return (name, dimensions.count)
  }

  /// `rows` waveforms of so many samples as the input that the graph wants.
  func waveformShape(rows: Int, samples: Int) -> Shape {
    let rank = waveformInput?.rank ?? 2
    return Shape((rank == 1 ? [] : [rows]) + [Int](repeating: 1, count: max(rank - 2, 0)) + [samples])
  }

  /// True where a clip of so many samples gives every layer a frame to work on.
  func accepts(samples: Int) -> Bool {
    let shape = waveformShape(rows: 1, samples: samples)
    if let fixed = graph.inputs.first.flatMap({ graph[$0].type.dimensions.last?.value }), fixed != samples {
      return false
    }
    return (try? graph.inferTypes(graph.inputs.map { _ in TensorType(.float32, shape) })) != nil
  }

  /// The fewest samples that give every layer a frame to work on.
  public var minimumSamples: Int {
    var (low, high) = (0, 1)
    while !accepts(samples: high) {
      guard high < 1 << 30 else { return high }
      (low, high) = (high, high * 2)
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if accepts(samples: middle) { high = middle } else { low = middle }
    }
    return high
  }
}

extension Model {
  /// The files that it was read from, as far as they are known by name.
  var filesRead: [String] {
    switch origin {
    case .artifact: [path]
    case .source(let imported): [path] + imported.files.paths
    }
  }
}

extension ImportedModel {
  /// The graph that is computed: doubles narrowed, constants folded, and an ONNX graph in canonical form unless it is to
  /// stay `unfused`. The layers of an ONNX graph are found then, and what enters and leaves them are its states. With it
  /// what was done for that form, what narrowing lost, and why layers could not be told.
  func computed(unfused: Bool = false, threads: Int = 1) throws -> (
    graph: Graph, canonical: PassReport, losses: [(name: String, counts: CastCounts)], notes: [String]
  ) {
    var graph = graph
    var canonical = PassReport(pass: Canonicalize.name)
    let narrowed = try CastWeights.narrowingDoubles.cast(&graph, threads: threads)
    // Canonical form folds constants in its turn: an ONNX graph transposes weights that a product would rather have as
    // they are.
    if system == .onnx, !unfused {
      canonical = try Canonicalize().run(on: &graph)
    } else {
      _ = try FoldConstants().run(on: &graph)
    }
    let note = system == .onnx ? graph.addLayerStates() : nil
    return (graph, canonical, narrowed.losses, note.map { [$0] } ?? [])
  }
}
