import Bytes
import IR
import Tensors

/// What pruning does to each tensor and file of a source; made before anything is written.
public struct PrunePlan: Sendable {
  /// A tensor that is written bit for bit.
  public struct Kept: Hashable, Sendable {
    /// What it is called in the result; its type and shape.
    public let entry: TensorEntry
    /// What the source calls it.
    public let source: String

    /// Creates the record.
    public init(_ entry: TensorEntry, from source: String) { (self.entry, self.source) = (entry, source) }
  }

  /// A tensor that is written with other elements.
  public struct Changed: Hashable, Sendable {
    /// What it is called in the result; its type and shape there.
    public let entry: TensorEntry
    /// What the source calls it.
    public let source: String
    /// What is done, in a few fixed words.
    public let step: String

    /// Creates the record.
    public init(_ entry: TensorEntry, from source: String, step: String) {
      (self.entry, self.source, self.step) = (entry, source, step)
    }
  }

  /// A tensor that goes.
  public struct Dropped: Hashable, Sendable {
    /// As it is in the source.
    public let entry: TensorEntry
    /// The layer it goes with; nil for one that only dropped layers used.
    public let layer: Int?

    /// Creates the record.
    public init(_ entry: TensorEntry, layer: Int?) { (self.entry, self.layer) = (entry, layer) }
  }

  /// Something of the source that the result does not hold, and why.
  public struct LeftOut: Hashable, Sendable {
    /// A tensor's or a file's name.
    public let name: String
    /// Why it is left behind.
    public let reason: String

    /// Creates the record.
    public init(_ name: String, _ reason: String) { (self.name, self.reason) = (name, reason) }
  }

  /// A description that is written with another text.
  public struct Rewritten: Hashable, Sendable {
    /// The file's name, or where in the checkpoint it stands.
    public let name: String
    /// What is changed in it.
    public let step: String

    /// Creates the record.
    public init(_ name: String, step: String) { (self.name, self.step) = (name, step) }
  }

  /// How much there is.
  public struct Sums: Hashable, Sendable {
    /// Tensors.
    public var tensors = 0
    /// Their elements.
    public var parameters = 0
    /// The elements' bytes.
    public var bytes = 0

    /// Adds up.
    public init(_ entries: some Sequence<TensorEntry>) {
      for entry in entries {
        tensors += 1
        parameters += entry.shape.count
        bytes += entry.bytes
      }
    }

    var json: JSON { ["tensors": JSON(tensors), "parameters": JSON(parameters), "bytes": JSON(bytes)] }
  }

  /// Which layers stay.
  public let selection: LayerSelection
  /// The tensors that stay as they are, in the result's order.
  public var kept: [Kept] = []
  /// The tensors that are made smaller.
  public var changed: [Changed] = []
  /// The tensors that go with their layers.
  public var dropped: [Dropped] = []
  /// What else of the source is not in the result.
  public var leftOut: [LeftOut] = []
  /// Descriptions that are changed.
  public var rewritten: [Rewritten] = []
  /// Files that are copied byte for byte.
  public var copied: [String] = []
  /// Choices that were made, a line each.
  public var notes: [String] = []
  /// What the source holds.
  public var before: Sums

  /// What the result holds.
  public var after: Sums { Sums(kept.map(\.entry) + changed.map(\.entry)) }

  /// A plan that says nothing yet of the source's `entries`.
  public init(_ selection: LayerSelection, of entries: [TensorEntry]) {
    self.selection = selection
    before = Sums(entries)
  }
}
