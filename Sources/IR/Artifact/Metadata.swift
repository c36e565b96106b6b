import Bytes
import Tensors

/// What an artifact says of itself beside its graph: where it came from and how audio must be prepared for it.
public struct Metadata: Hashable, Sendable {
  /// How a recording becomes the graph's `signal`.
  public struct Preprocessing: Hashable, Sendable {
    /// Samples per second.
    public var sampleRate: Int
    /// Added to the variance when the clip is brought to zero mean and unit variance; nil where it is not.
    public var normalizationEpsilon: Double?

    /// Creates a description.
    public init(sampleRate: Int, normalizationEpsilon: Double?) {
      self.sampleRate = sampleRate
      self.normalizationEpsilon = normalizationEpsilon
    }
  }

  /// A file the model was read from.
  public struct SourceFile: Hashable, Sendable {
    /// Its name inside the model's folder.
    public var name: String
    /// Its length in bytes.
    public var bytes: Int
    /// The digest of all of it.
    public var digest: Digest

    /// Creates a description.
    public init(name: String, bytes: Int, digest: Digest) {
      self.name = name
      self.bytes = bytes
      self.digest = digest
    }
  }

  /// A source tensor that the model does not need.
  public struct Ignored: Hashable, Sendable {
    /// Its name.
    public var tensor: String
    /// The rule that says so.
    public var reason: String

    /// Creates an entry.
    public init(tensor: String, reason: String) {
      self.tensor = tensor
      self.reason = reason
    }
  }

  /// The contract's name of the system.
  public var system: String
  /// How a recording becomes the graph's `signal`.
  public var preprocessing: Preprocessing
  /// What the columns of `logits` mean; empty where there are none.
  public var labels: [String]
  /// The weights' licence, if the source states one.
  public var license: String?
  /// The files the model was read from.
  public var sources: [SourceFile]
  /// What the conversion was asked for: the element type of stored weights.
  public var dataType: DataType
  /// What wrote the artifact.
  public var tool: String
  /// Source tensors left behind.
  public var ignored: [Ignored]

  /// Creates metadata.
  public init(
    system: String, preprocessing: Preprocessing, labels: [String], license: String?, sources: [SourceFile],
    dataType: DataType, tool: String, ignored: [Ignored]
  ) {
    self.system = system
    self.preprocessing = preprocessing
    self.labels = labels
    self.license = license
    self.sources = sources
    self.dataType = dataType
    self.tool = tool
    self.ignored = ignored
  }
}

extension Metadata {
  /// The metadata as a file holds it.
  public var json: JSON {
    [
      "system": JSON(system),
      "preprocessing": [
        "sample_rate": JSON(preprocessing.sampleRate),
        "normalization": preprocessing.normalizationEpsilon.map { ["epsilon": JSON($0)] } ?? .null,
      ],
      "labels": JSON(labels),
      "license": license.map { JSON($0) } ?? .null,
      "sources": JSON(
        sources.map { ["name": JSON($0.name), "bytes": JSON($0.bytes), "sha256": JSON($0.digest.description)] }),
      "dtype": JSON(dataType.rawValue),
      "tool": JSON(tool),
      "ignored": JSON(ignored.map { ["tensor": JSON($0.tensor), "reason": JSON($0.reason)] }),
    ]
  }

  /// Reads what `json` wrote.
  init(_ json: JSON) throws(FormatError) {
    var fields = try JSONFields(json, format: Artifact.format)
    system = try fields.string("system")
    var preparation = try fields.object("preprocessing")
    let rate = try preparation.integer("sample_rate")
    guard (1...1_000_000).contains(rate) else {
      throw preparation.error("a sample rate of 1 to 1000000 is needed, found \(rate)")
    }
    var epsilon: Double?
    if try !preparation.any("normalization").isNull {
      var normalization = try preparation.object("normalization")
      let value = try normalization.double("epsilon")
      guard value.isFinite, value >= 0 else { throw normalization.error("an epsilon of 0 or more is needed") }
      epsilon = value
      try normalization.finish()
    }
    try preparation.finish()
    preprocessing = Preprocessing(sampleRate: rate, normalizationEpsilon: epsilon)
    labels = try fields.strings("labels")
    license = try fields.any("license").isNull ? nil : fields.string("license")
    sources = try fields.list("sources") { (source) throws(FormatError) in
      let text = try source.string("sha256")
      guard let digest = Digest(hex: text) else { throw source.error("\"sha256\" needs 64 hexadecimal digits") }
      return SourceFile(name: try source.string("name"), bytes: try source.integer("bytes"), digest: digest)
    }
    dataType = try fields.choice("dtype")
    tool = try fields.string("tool")
    ignored = try fields.list("ignored") { (entry) throws(FormatError) in
      Ignored(tensor: try entry.string("tensor"), reason: try entry.string("reason"))
    }
    try fields.finish()
  }
}
