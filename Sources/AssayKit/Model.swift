import Bytes
import Executor
import Formats
import Frontends
import IR
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
  public let preprocessing: Metadata.Preprocessing
  /// What the columns of `logits` mean.
  public let labels: [String]
  /// The weights' licence, where one is stated.
  public let license: Metadata.License?
  /// The golden cases that an artifact carries.
  public let goldens: [GoldenCase]
  /// Choices that were made on opening, a line each.
  public let notes: [String]

  /// Opens an artifact, a model folder, or a weight file with its configuration beside it.
  public static func open(_ path: String, system: String? = nil) throws -> Model {
    try inFile(path) {
      let asked = try system.map(ModelSystem.named)
      if fileKind(path) == .file {
        let region = try ByteRegion.mapping(path)
        switch FileFormat.of(region) {
        case .assay: return try Model(path, ArtifactFile(region), asked)
        case .onnx:
          throw Failure("\(path): ONNX models can be inspected and not run yet; PyTorch, safetensors and .assay can")
        default: break
        }
      }
      return try Model(path, ImportedModel(ModelFiles.open(path), system: asked))
    }
  }

  private init(_ path: String, _ source: ImportedModel) throws {
    self.path = path
    origin = .source(source)
    graph = source.graph
    _ = try CastWeights.narrowingDoubles.run(on: &graph)
    _ = try FoldConstants().run(on: &graph)
    (system, preprocessing, labels) = (source.system, source.preprocessing, source.labels)
    (license, goldens, notes) = (source.license, [], source.notes)
  }

  /// What a conversion has read and prepared, as the model that `path` will be.
  init(_ path: String, _ source: ConversionSource) {
    self.path = path
    (origin, graph, system) = (source.origin, source.graph, source.system)
    let metadata = source.metadata
    (preprocessing, labels, license) = (metadata.preprocessing, metadata.labels, metadata.license)
    (goldens, notes) = ([], source.notes)
  }

  init(_ path: String, _ file: ArtifactFile, _ asked: ModelSystem? = nil) throws {
    self.path = path
    origin = .artifact(file)
    let metadata = file.artifact.metadata
    goldens = try EmbeddedGoldens.cases(file.artifact)
    system = try ModelSystem.named(metadata.system)
    if let asked, asked != system {
      throw Failure("\(path): the artifact is of the system \(system.rawValue), not \(asked.rawValue)")
    }
    graph = file.artifact.graph
    (preprocessing, labels, license) = (metadata.preprocessing, metadata.labels, metadata.license)
    notes = []
  }

  /// True where a clip of so many samples gives every layer a frame to work on.
  func accepts(samples: Int) -> Bool {
    let shape: Shape = [1, samples]
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

extension ModelSystem {
  static func named(_ name: String) throws -> ModelSystem {
    guard let system = ModelSystem(rawValue: name) else {
      let names = ModelSystem.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure("no system is called \"\(name)\"; the names are \(names)")
    }
    return system
  }
}
