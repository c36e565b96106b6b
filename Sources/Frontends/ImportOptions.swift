import IR

/// What a user says of a model beside its files.
public struct ImportOptions: Sendable {
  /// The system, where the files cannot tell; it must not contradict them.
  public var system: ModelSystem?
  /// A file with the head's weights, where they do not lie with the encoder's; a path.
  public var head: String?
  /// What stands between the linear layers of a head whose file does not say; nil for ReLU.
  public var headActivation: Activation?
  /// What the columns of `logits` mean, in their order; nil where the files say it.
  public var labels: [String]?

  /// Says nothing.
  public init() {}

  /// Names the system.
  public init(system: ModelSystem?) { self.system = system }

  /// True where nothing is said that an artifact or an ONNX file could not be told.
  public var concernsHead: Bool { head != nil || headActivation != nil || labels != nil }
}
