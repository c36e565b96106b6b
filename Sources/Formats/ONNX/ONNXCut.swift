import Bytes
import Tensors

/// An ONNX model without some of its blocks, ready to be written.
///
/// What uses the value that leaves a dropped block uses the one that enters it; what nobody needs any more goes. All else
/// stays as it is in the file, byte for byte, but for names: those of kept blocks are renumbered. External data comes into
/// the file.
public struct ONNXCut: Sendable {
  /// An initializer of the result.
  public struct Stored: Sendable {
    /// Its name.
    public let name: String
    /// Its name in the source.
    public let source: String
    /// What was done to its elements; nil where they are the source's.
    public let step: String?
    /// The shape where it is another one than in the source.
    public let shape: Shape?
  }

  /// What a name is when only the kept blocks are left: nil for what is named after another one, unless a kept block is
  /// given that shares it.
  public typealias Renaming = (_ name: String, _ sharedBy: Int?) -> String?

  /// Bytes of a file at most: a protobuf message has no more.
  public static let sizeLimit = Int(Int32.max)

  /// The initializers that stay, in the file's order.
  public let kept: [Stored]
  /// The names of those that go, and the block that used each; nil where several did.
  public let dropped: [(name: String, block: Int?)]
  /// What else is worth knowing, a line each.
  public let notes: [String]

  private let message: ProtobufPieces

  /// Cuts `file`. The values named `borders`, of `rank` axes, enter the first block, lie between two, and leave the last;
  /// the blocks in `kept`, rising, stay. Throws, with the place, where something but what the block computes would be lost.
  public init(
    _ file: ONNXFile, borders: [String], rank: Int, keeping kept: [Int], renaming rename: @escaping Renaming
  ) throws(FormatError) {
    do throws(FormatError) {
      let plan = try ONNXCutPlan(file, borders: borders, rank: rank, keeping: kept, rename)
      let names = ONNXCutNames(plan, rename)
      message = try ONNXRewriter(plan, names, rename).model()
      guard message.count <= ONNXCut.sizeLimit else {
        throw FormatError(
          "onnx",
          .limitExceeded(
            "an ONNX file has at most \(ONNXCut.sizeLimit) bytes, and what is kept takes \(message.count); keep fewer layers"
          ))
      }
      var (stored, dropped) = ([Stored](), [(name: String, block: Int?)]())
      for tensor in file.model.graph.initializers {
        guard let value = plan.flow.value(tensor.name), !plan.isGone[value] else {
          dropped.append((tensor.name, plan.flow.value(tensor.name).flatMap { plan.blocks(using: $0).only }))
          continue
        }
        let slice = plan.sums.sliced[value]
        stored.append(
          Stored(name: names[value], source: tensor.name, step: slice?.step, shape: slice?.tensor.shape))
      }
      self.kept = stored
      self.dropped = dropped
      notes = plan.notes
    } catch { throw error.inFile(file.path) }
  }

  /// The file's length.
  public var byteCount: Int { message.count }

  /// Writes the model through `writer`: the same source and blocks give the same bytes. The caller judges the file and
  /// publishes it. `progress` is called with the share that is written, from 0 to 1.
  public func write(to writer: FileWriter, progress: (Double) -> Void = { _ in }) throws(FormatError) {
    try writer.reserve(byteCount)
    try message.write(to: writer, progress: progress)
  }
}

extension Collection {
  /// The one element of a collection of one.
  fileprivate var only: Element? { count == 1 ? first : nil }
}
