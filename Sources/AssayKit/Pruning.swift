import Bytes
import Formats
import Frontends
import IR

/// A pruning: what to read, which layers stay, what to write.
public struct Pruning: Sendable {
  /// A model folder, a checkpoint, an ONNX file or an artifact.
  public var source: String
  /// The file or folder to write; empty for a plan without one.
  public var target: String
  /// The layers that stay, or those that go.
  public var layers: LayerChoice
  /// The type weights are stored in where an artifact is written.
  public var dataType = WeightType.f32
  /// Golden cases to check and embed where an artifact is written.
  public var goldens: [String] = []
  /// The system, where the files cannot tell.
  public var system: String?
  /// How many threads compare and run.
  public var threads = defaultThreads

  /// Creates a pruning.
  public init(source: String, target: String, layers: LayerChoice) {
    (self.source, self.target, self.layers) = (source, target, layers)
  }

  /// Says what would be done; nothing is written.
  public func plan() throws -> PruneReport {
    switch try Road(self) {
    case .checkpoint(let road): return PruneReport(road.plan, target: target)
    case .graph: throw Pruning.missing(self)
    case .onnx(let road): return PruneReport(road.plan, target: target)
    }
  }

  /// Prunes, reads the result back, holds it against the source, and only then gives it its name.
  ///
  /// `progress` is called with the share that is done, from 0 to 1.
  public func run(progress: @escaping @Sendable (Double) -> Void = { _ in }) throws -> PruneReport {
    switch try Road(self) {
    case .checkpoint(let road): return try road.run(progress: progress)
    case .graph: throw Pruning.missing(self)
    case .onnx(let road): return try road.run(progress: progress)
    }
  }

  private static func missing(_ pruning: Pruning) -> Failure {
    Failure("\(pruning.source): pruning to or from graphs is not supported yet; checkpoints to checkpoints are")
  }

  /// By which way a source becomes a target.
  private enum Road {
    /// Tensors to tensors.
    case checkpoint(CheckpointPruning)
    /// ONNX to ONNX, message by message.
    case onnx(ONNXPruning)
    /// Whatever is read as a graph and written as one, or as that graph's constants.
    case graph

    init(_ pruning: Pruning) throws {
      let (source, target) = (pruning.source, pruning.target)
      self = try inFile(source) {
        let kind = PruneTarget(extensionOf: target)
        if fileKind(source) == .file, FileFormat.of(try ByteRegion.mapping(source)) == .assay { return .graph }
        let folder = try ModelFolder.open(source)
        switch folder {
        case .checkpoint(let files):
          if kind == .onnx || kind == .artifact { return .graph }
          return .checkpoint(try CheckpointPruning(pruning, files, kind))
        case .onnx, .audonnx:
          return kind == nil || kind == .onnx ? .onnx(try ONNXPruning(pruning, folder)) : .graph
        }
      }
    }
  }
}
