/// Where a constant came from and what was done to it since.
public struct Provenance: Hashable, Sendable {
  /// A tensor in a source file.
  public struct Source: Hashable, Sendable {
    /// The file's name inside the model's folder; its digest stands in the artifact's metadata.
    public var file: String
    /// The tensor's name there.
    public var tensor: String

    /// Creates a source.
    public init(file: String, tensor: String) {
      self.file = file
      self.tensor = tensor
    }
  }

  /// The tensors it is made of; none for a constant that a builder wrote.
  public var sources: [Source]
  /// What was done, in order, each in a few fixed words.
  public var steps: [String]

  /// Creates a provenance.
  public init(sources: [Source] = [], steps: [String] = []) {
    self.sources = sources
    self.steps = steps
  }
}
