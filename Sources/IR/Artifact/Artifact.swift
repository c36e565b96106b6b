import Bytes
import Tensors

/// A model in our own file: graph, weights, what is needed to run it, and what proves it.
///
/// `ArtifactFormat.md` is the law of the file; `ArtifactWriter` and `ArtifactFile` follow it.
public struct Artifact: Sendable {
  /// What the model says of itself.
  public var metadata: Metadata
  /// The model.
  public var graph: Graph
  /// Cases that prove it, as the golden contract writes them; their files are names in `goldenTensors`.
  public var goldens: [JSON]
  /// The arrays of the golden cases.
  public var goldenTensors: [(name: String, tensor: Tensor)]

  /// Creates an artifact in memory.
  public init(
    metadata: Metadata, graph: Graph, goldens: [JSON] = [], goldenTensors: [(name: String, tensor: Tensor)] = []
  ) {
    self.metadata = metadata
    self.graph = graph
    self.goldens = goldens
    self.goldenTensors = goldenTensors
  }

  /// The format's name in errors and in `inspect`.
  public static let format = "assay"
  /// The first eight bytes: not text, and changed by whatever changes line ends or the eighth bit.
  public static let magic: [UInt8] = [0x89, 0x41, 0x53, 0x41, 0x59, 0x0D, 0x0A, 0x1A]
  /// The last eight bytes.
  static let endMagic: [UInt8] = Array("ASSAYEND".utf8)
  /// The only version there is.
  static let version: UInt32 = 1
  /// Sections and tensors start on multiples of this many bytes.
  static let alignment = 64
  /// The data starts on a multiple of this many bytes: what file systems share between files.
  static let dataAlignment = 4096
  /// Length of the header.
  static let headerSize = 64
  /// Length of a text section at most.
  static let textLimit = 256 << 20
  /// Length of a name at most, in bytes.
  static let nameLimit = 4096
}

/// The parts of the file after the header, in their order.
enum ArtifactSection: Int, CaseIterable {
  case metadata, graph, index, goldens, data, footer

  /// Those that are JSON.
  static let texts: [ArtifactSection] = [.metadata, .graph, .index, .goldens]

  /// What the section's start is a multiple of.
  var alignment: Int { self == .data ? Artifact.dataAlignment : Artifact.alignment }
}
