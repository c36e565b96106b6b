import Bytes
import Formats
import Frontends
import IR
import Tensors

/// A PyTorch checkpoint's containers and plain data as they are after a pruning.
struct PrunedTree {
  init(
    _ files: ModelFiles, _ layers: CheckpointLayers, _ selection: LayerSelection, _ plan: inout PrunePlan
  ) throws(FormatError) {
    throw FormatError("pytorch", .unsupported("writing PyTorch files"))
  }

  func write(
    from source: SlicedSource, to writer: FileWriter, progress: @escaping @Sendable (Double) -> Void
  ) throws(FormatError) {}
}
