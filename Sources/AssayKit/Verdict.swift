import Bytes
import Executor
import Formats
import Frontends
import IR
import Kernels
import Passes
import Tensors
import Verification

/// What verifying a model found: is the file whole, does it compute what its cases say, are its weights the source's?
public struct Verdict: Sendable {
  /// The model, as the user named it.
  public let model: String
  /// The artifact's root digest; nil for a model that is no artifact.
  public let root: Digest?
  /// The licence, where one is stated.
  public let license: Metadata.License?
  /// Outcomes of the golden cases, embedded ones first.
  public let cases: [CaseResult]
  /// The comparison of weights with a source; nil where none was asked for.
  public let weights: WeightComparison?
  /// How many threads ran the cases.
  public let threads: Int
  /// How waveforms of cases were prepared.
  public let preprocessing: Metadata.Preprocessing

  /// True when nothing that was compared differs.
  public var holds: Bool { cases.allSatisfy(\.holds) && weights?.holds != false }

  /// Verifies the model at `path`: its integrity, then the cases it carries, then those at `goldens`, then its weights
  /// against `source`. Throws where it cannot be judged: damaged, unreadable, nothing to judge by.
  ///
  /// With `unfused`, an ONNX graph is judged as it was read.
  public init(
    _ path: String, goldens: [String] = [], against source: String? = nil, options: SourceOptions = SourceOptions(),
    threads: Int, unfused: Bool = false, normalizing: Bool = false
  )
    throws
  {
    // Of an artifact and its source, the source is what wants a head.
    let both = source.map { [path, $0] } ?? []
    let own = source == nil ? options : try options.forOne(at: path, of: both)
    func open(_ fed: NamedTensors = [:]) throws -> Model {
      try Model.open(path, own, fed: fed, unfused: unfused, normalizing: normalizing)
    }
    let onnx = try Verdict.onnxModel(at: path)
    let given = try goldens.flatMap { try GoldenFolder.cases($0, of: onnx) }
    // Integers that a case feeds may be axes and shapes, and then the graph is another one for each case.
    let integers = onnx == nil ? [] : given.map(\.integers)
    let model = try open(integers.first ?? [:])
    if case .artifact(let file) = model.origin {
      try inFile(path) { try file.checkIntegrity(threads: threads) }
      root = file.root
    } else {
      root = nil
      if goldens.isEmpty, source == nil {
        throw Failure("\(path): a model that is no artifact carries no proof; give --golden or --against")
      }
    }
    let cases = model.goldens + given
    if integers.contains(where: { !$0.names.isEmpty }) {
      self.cases = try given.flatMap { try Judge(open($0.integers), threads: threads).results([$0]) }
    } else {
      self.cases = cases.isEmpty ? [] : try Judge(model, threads: threads).results(cases)
    }
    weights = try source.map { try WeightComparison(model, against: $0, options.forOne(at: $0, of: both)) }
    self.model = path
    (license, preprocessing) = (model.license, model.preprocessing)
    self.threads = threads
  }

  /// What the ONNX file at `path` says, if it is one.
  private static func onnxModel(at path: String) throws -> ONNXModel? {
    guard fileKind(path) == .file else { return nil }
    return try inFile(path) {
      let region = try ByteRegion.mapping(path)
      return FileFormat.of(region) == .onnx ? try ONNXFile(region).model : nil
    }
  }

  /// The verdict as a document.
  public var json: JSON {
    [
      "model": JSON(model), "holds": JSON(holds), "root": root.map { JSON($0.description) } ?? .null,
      "license": license?.json ?? .null, "cases": JSON(cases.map(\.json)),
      "weights": weights?.json ?? .null, "preprocessing": preprocessing.json,
      "environment": [
        "tool": JSON(Conversion.tool), "threads": JSON(threads), "matrix_products": JSON(matrixProductDescription()),
      ],
    ]
  }
}

/// A model's constants beside those that its source gives when the same steps are done again.
public struct WeightComparison: Sendable {
  /// The source, as the user named it.
  public let source: String
  /// How many constants are bit for bit the same.
  public let equal: Int
  /// Constants whose bits differ.
  public let different: [String]
  /// Constants that only the model has.
  public let onlyInModel: [String]
  /// Constants that only the source gives.
  public let onlyInSource: [String]

  /// True when both have the same constants.
  public var holds: Bool { different.isEmpty && onlyInModel.isEmpty && onlyInSource.isEmpty }

  init(_ model: Model, against path: String, _ options: SourceOptions) throws {
    source = path
    var other = try Model.open(path, options)
    if case .artifact(let file) = model.origin, case .source = other.origin {
      try inFile(path) { try WeightComparison.replay(file.artifact.metadata.recipe, on: &other.graph) }
    }
    func constants(_ graph: Graph) -> [Name: Constant] {
      Dictionary(graph.constants.map { (Name(graph[$0].name), $1) }) { first, _ in first }
    }
    let (mine, theirs) = (constants(model.graph), constants(other.graph))
    var (equal, different) = (0, [String]())
    for (name, constant) in mine {
      guard let twin = theirs[name] else { continue }
      if constant.dataType == twin.dataType, constant.shape == twin.shape, constant.digest == twin.digest {
        equal += 1
      } else {
        different.append(name.text)
      }
    }
    self.equal = equal
    self.different = different.sorted()
    onlyInModel = mine.keys.filter { theirs[$0] == nil }.sorted().map(\.text)
    onlyInSource = theirs.keys.filter { mine[$0] == nil }.sorted().map(\.text)
  }

  /// Does to the source's graph what was done for the artifact. A source that was pruned before has no such layers left.
  private static func replay(_ recipe: [Metadata.Step], on graph: inout Graph) throws {
    for step in recipe {
      switch step {
      case .cast(let type): _ = try CastWeights(to: type).run(on: &graph)
      case .prune(let layers, let keep):
        guard let selection = LayerSelection(of: layers, keeping: keep), let blocks = try LayerBlocks.find(in: graph),
          blocks.count == layers
        else { continue }
        _ = try PruneLayers(selection).prune(&graph, blocks)
      }
    }
  }

  var json: JSON {
    [
      "source": JSON(source), "holds": JSON(holds), "equal": JSON(equal), "different": JSON(different),
      "only_in_model": JSON(onlyInModel), "only_in_source": JSON(onlyInSource),
    ]
  }
}

extension GoldenCase {
  /// The graph inputs that are not floats.
  fileprivate var integers: NamedTensors { if case .graph(let tensors) = input { tensors.integers } else { [:] } }
}
