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
  /// The type weights are stored in where an artifact is written; nil for the types they have.
  public var dataType: WeightType?
  /// Golden cases to check and embed where an artifact is written.
  public var goldens: [String] = []
  /// What the files cannot tell.
  public var options = SourceOptions()
  /// Whether recordings are brought to zero mean and unit variance; only ONNX files leave that open.
  public var normalizing = false
  /// How many threads compare and run.
  public var threads = defaultThreads

  /// Creates a pruning.
  public init(source: String, target: String, layers: LayerChoice) {
    (self.source, self.target, self.layers) = (source, target, layers)
  }

  /// Says what would be done; nothing is written.
  public func plan() throws -> PruneReport {
    let (plan, output): (PrunePlan, () throws -> PruneOutput) =
      switch try Road(self) {
      case .checkpoint(let road): (road.plan, road.output)
      case .graph(let road): (road.plan, road.output)
      case .onnx(let road): (road.plan, road.output)
      }
    // What could not be written is no plan.
    if !target.isEmpty { try output().probe() }
    return PruneReport(plan, target: target)
  }

  /// Prunes, reads the result back, holds it against the source, and only then gives it its name.
  ///
  /// `progress` is called with the share that is done, from 0 to 1.
  public func run(progress: @escaping @Sendable (Double) -> Void = { _ in }) throws -> PruneReport {
    switch try Road(self) {
    case .checkpoint(let road): return try road.run(progress: progress)
    case .graph(let road): return try road.run(progress: progress)
    case .onnx(let road): return try road.run(progress: progress)
    }
  }

  /// By which way a source becomes a target.
  private enum Road {
    /// Tensors to tensors.
    case checkpoint(CheckpointPruning)
    /// ONNX to ONNX, message by message.
    case onnx(ONNXPruning)
    /// Whatever is read as a graph and written as one.
    case graph(GraphPruning)

    init(_ pruning: Pruning) throws {
      let (source, target) = (pruning.source, pruning.target)
      self = try inFile(source) {
        let kind = PruneTarget(extensionOf: target)
        if fileKind(source) == .file, FileFormat.of(try ByteRegion.mapping(source)) == .assay {
          return .graph(try GraphPruning(pruning, kind))
        }
        let folder = try ModelFolder.open(source)
        switch folder {
        case .checkpoint(let files):
          if kind == .onnx || kind == .artifact { return .graph(try GraphPruning(pruning, kind)) }
          if pruning.options.concernsHead {
            throw Failure(
              "a head, its activation and labels are for .assay and .onnx; other targets hold the encoder as it is")
          }
          return .checkpoint(try CheckpointPruning(pruning, files, kind))
        case .onnx, .audonnx:
          return kind == nil || kind == .onnx
            ? .onnx(try ONNXPruning(pruning, folder)) : .graph(try GraphPruning(pruning, kind))
        }
      }
    }
  }
}
