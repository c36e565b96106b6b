import Bytes
import IR
import Tensors

/// A checkpoint's transformer layers, told by its tensors' names and shapes alone.
///
/// Known are the names of transformers and fairseq for wav2vec 2.0 and its kin (`PREFIX.encoder.layers.N`), and of data2vec
/// 2.0 audio (`PREFIX.modality_encoders.AUDIO.context_encoder.blocks.N`, then `PREFIX.blocks.N`), with any prefix.
public struct CheckpointLayers: Sendable {
  /// Whose names they are.
  public enum Family: Sendable {
    /// One row, `encoder.layers`.
    case wav2vec2
    /// Two rows: the blocks of the audio encoder, then the shared ones.
    case data2vec2
  }

  /// Whose names they are.
  public let family: Family
  /// What the model's names start with.
  public let prefix: String
  /// The rows, whose layers are counted one after the other.
  public let stacks: [LayerStack]
  /// Copies of the rows, as teachers keep them in training; cut in the same way.
  public let copies: [LayerStack]
  /// True where the position biases of data2vec 2.0 have a scale for each layer.
  let hasScalePerLayer: Bool
  /// What some layers of a row hold and others do not.
  private let oddities: [(layer: Int, name: String)]

  /// How many layers there are.
  public var count: Int { stacks.last?.layers.upperBound ?? 0 }

  /// Finds the layers among tensors. Throws where there are none, where several rows could be meant, where a number is
  /// missing, and where a teacher's copy has other layers.
  public init(_ entries: [TensorEntry]) throws(FormatError) {
    let entries = entries.filter { CheckpointLayers.optimizer($0.name) == nil }
    let rows = try NumberedRow.all(of: entries)
    let found = try CheckpointRows(rows, entries)
    (family, prefix) = (found.family, found.prefix)
    var stacks: [LayerStack] = []
    var oddities: [(layer: Int, name: String)] = []
    for row in found.rows {
      let start = stacks.last?.layers.upperBound ?? 0
      stacks.append(LayerStack(row.path, start..<start + (try row.count())))
      oddities += row.oddities.map { ($0.layer + start, $0.name) }
    }
    var copies: [LayerStack] = []
    for (row, original) in found.copies {
      let layers = stacks[original].layers
      guard try row.count() == layers.count else {
        throw FormatError(
          "layers", .invalid("this copy has \(try row.count()) layers, \(stacks[original].path) has \(layers.count)"),
          place: [row.path])
      }
      copies.append(LayerStack(row.path, layers))
      oddities += row.oddities.map { ($0.layer + layers.lowerBound, $0.name) }
    }
    (self.stacks, self.copies, self.oddities) = (stacks, copies, oddities)
    hasScalePerLayer = entries.contains { CheckpointLayers.isScalePerLayer($0) }
  }

  /// What becomes of a tensor.
  public enum Fate: Hashable, Sendable {
    /// It stays, under this name.
    case kept(as: String)
    /// It stays with these rows of its first axis only; the step says so in a few fixed words.
    case sliced(rows: [Int], step: String)
    /// It goes with its layer.
    case dropped(layer: Int)
    /// It belongs to all layers together and cannot be cut.
    case left(reason: String)
  }

  /// Throws where a layer that holds what others do not would go or get another number.
  public func check(_ selection: LayerSelection) throws(FormatError) {
    for (layer, name) in oddities {
      let start = stacks.first { $0.layers.contains(layer) }?.layers.lowerBound ?? 0
      if let place = selection.place(of: layer), place - selection.kept.count(where: { $0 < start }) == layer - start {
        continue
      }
      throw FormatError(
        "layers",
        .unsupported(
          "layer \(layer) holds this tensor, and not all layers hold one of this name and shape; such a layer must stay "
            + "where it is"), place: [name])
    }
  }

  /// What becomes of a tensor when only `selection` is kept. Throws where it has a number for each layer, but not as many
  /// as there are layers.
  public func fate(of entry: TensorEntry, keeping selection: LayerSelection) throws(FormatError) -> Fate {
    if let reason = CheckpointLayers.optimizer(entry.name) { return .left(reason: reason) }
    for stack in stacks + copies {
      guard let layer = stack.layer(of: entry.name) else { continue }
      return renamed(entry.name, keeping: selection).map { .kept(as: $0) } ?? .dropped(layer: layer)
    }
    if NumberedRow.components(entry.name).last == Name("layer_weights") {
      try require(entry, entry.shape == [count + 1], "[\(count + 1)], a number for each state")
      return sliced(entry, selection.keptStates, of: "states")
    }
    if CheckpointLayers.isScalePerLayer(entry) {
      try require(entry, entry.shape[0] == count, "\(count) along its first axis, or 1")
      return sliced(entry, selection.kept, of: "layers")
    }
    return .kept(as: entry.name)
  }

  /// A tensor's or module's name as it is afterwards; nil where it goes with its layer.
  public func renamed(_ name: String, keeping selection: LayerSelection) -> String? {
    let stack = (stacks + copies).first { $0.layer(of: name) != nil }
    return stack.map { $0.renamed(name, keeping: selection) } ?? name
  }

  private static func isScalePerLayer(_ entry: TensorEntry) -> Bool {
    NumberedRow.components(entry.name).last == Name("alibi_scale") && (entry.shape.dimensions.first ?? 1) > 1
  }

  private func sliced(_ entry: TensorEntry, _ rows: [Int], of what: String) -> Fate {
    guard rows.count < entry.shape[0] else { return .kept(as: entry.name) }
    return .sliced(rows: rows, step: "\(what) " + rows.map(String.init).joined(separator: ","))
  }

  private func require(_ entry: TensorEntry, _ fits: Bool, _ needed: String) throws(FormatError) {
    guard !fits else { return }
    throw FormatError(
      "layers", .unsupported("of the shape \(entry.shape); of \(count) layers it would have \(needed)"),
      place: [entry.name])
  }

  /// True for what a checkpoint's first level calls an optimizer's state.
  public static func isOptimizer(_ key: String) -> Bool {
    ["optimizer", "last_optimizer_state"].contains { key.utf8.starts(with: $0.utf8) }
  }

  /// Why a tensor of an optimizer's state is left behind; nil for other tensors.
  static func optimizer(_ name: String) -> String? {
    let components = NumberedRow.components(name)
    guard let first = components.first, components.count > 1, isOptimizer(first.text) else { return nil }
    return "the optimizer's state belongs to all layers together"
  }
}
