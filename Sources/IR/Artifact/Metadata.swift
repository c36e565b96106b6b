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
    /// How several clips become one batch in the model's own framework; nil where that is not known.
    public var padding: Padding?

    /// What a model's own framework does with clips of different lengths.
    public enum Padding: String, CaseIterable, Sendable {
      /// Each clip is prepared, then zeros follow it, and the model hears them.
      case zeros
      /// The same, and the model is told how long each clip is.
      case masked
      /// Zeros follow each clip, then the whole row is prepared, and the model hears all of it.
      case row
      /// Nothing: clips are run one by one.
      case single
    }

    /// Creates a description.
    public init(sampleRate: Int, normalizationEpsilon: Double?, padding: Padding? = nil) {
      self.sampleRate = sampleRate
      self.normalizationEpsilon = normalizationEpsilon
      self.padding = padding
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

  /// The terms under which the weights may be used.
  public struct License: Hashable, Sendable {
    /// An SPDX expression, or the word that the source used.
    public var id: String
    /// Who stated it: a file of the source, or `--license`.
    public var from: String

    /// Creates a licence.
    public init(id: String, from: String) {
      self.id = id
      self.from = from
    }
  }

  /// What was done to the whole model.
  public enum Step: Hashable, Sendable {
    /// Weights are stored as F32, F16 or BF16.
    case cast(DataType)
    /// Of so many layers these are kept, rising, counted from 0.
    case prune(layers: Int, keep: [Int])
  }

  /// The contract's name of the system.
  public var system: String
  /// How a recording becomes the graph's `signal`.
  public var preprocessing: Preprocessing
  /// What the columns of `logits` mean; empty where there are none.
  public var labels: [String]
  /// The weights' licence, if the source states one.
  public var license: License?
  /// The files the model was read from.
  public var sources: [SourceFile]
  /// What was done to the whole model, in order.
  public var recipe: [Step]
  /// Source tensors left behind.
  public var ignored: [Ignored]
  /// What wrote the artifact.
  public var tool: String
  /// What people say of the model, under names of their own.
  public var about: [Note]
  /// What was changed since the conversion, sorted by bytes.
  public var edited: [String]

  /// A text under a name.
  public struct Note: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The text.
    public var text: String

    /// Creates a note.
    public init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  /// Creates metadata.
  public init(
    system: String, preprocessing: Preprocessing, labels: [String], license: License? = nil,
    sources: [SourceFile] = [], recipe: [Step] = [], ignored: [Ignored] = [], tool: String, about: [Note] = [],
    edited: [String] = []
  ) {
    self.system = system
    self.preprocessing = preprocessing
    self.labels = labels
    self.license = license
    self.sources = sources
    self.recipe = recipe
    self.ignored = ignored
    self.tool = tool
    self.about = about
    self.edited = edited
  }
}
