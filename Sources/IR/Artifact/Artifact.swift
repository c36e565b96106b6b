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
  /// Length of the header.
  static let headerSize = 64
  /// Length of the text sections together at most.
  static let textLimit = 256 << 20
}

/// The parts of the file after the header, in their order.
enum ArtifactSection: Int, CaseIterable {
  case metadata, graph, index, goldens, data, footer
}

/// One tensor in the index section.
struct ArtifactIndexEntry {
  /// Whose numbers these are.
  enum Role: String, CaseIterable { case constant, golden }

  /// How the elements follow each other.
  enum Order: String, CaseIterable {
    case rowMajor = "row-major"
    case panels
  }

  var name: String
  var role: Role
  var dataType: DataType
  var shape: Shape
  /// Where the elements lie, if they lie in panels; nil for rows.
  var panels: PanelLayout?
  /// From the start of the data section.
  var offset: Int

  /// Bytes in the file, those that fill up panels included.
  var bytes: Int { (panels?.storedCount ?? shape.count) * dataType.size }

  var json: JSON {
    [
      "name": JSON(name), "role": JSON(role.rawValue), "dtype": JSON(dataType.rawValue),
      "shape": JSON(shape.dimensions), "encoding": "raw",
      "order": JSON((panels == nil ? Order.rowMajor : .panels).rawValue), "groups": panels.map { JSON($0.groups) },
      "offset": JSON(offset), "bytes": JSON(bytes),
    ]
  }

  /// The elements, whose `bytes` lie in the file.
  func storage(_ bytes: ByteView) -> Constant.Storage {
    guard let panels else { return .rowMajor(Tensor(dataType, shape, bytes: bytes)) }
    return .panels(PanelTensor(dataType, panels, stored: bytes))
  }

  /// The index of tensors laid out one after the other.
  static func layout(_ tensors: [(name: String, role: Role, storage: Constant.Storage)]) -> [ArtifactIndexEntry] {
    var offset = 0
    return tensors.map { name, role, storage in
      var entry = ArtifactIndexEntry(
        name: name, role: role, dataType: storage.dataType, shape: storage.shape, offset: offset)
      if case .panels(let tensor) = storage { entry.panels = tensor.layout }
      offset += entry.bytes
      offset += padding(after: offset, to: Artifact.alignment)
      return entry
    }
  }
}
